"""A DynamoDB table as the stores use it: flat items of text, whole numbers, truth values, bytes, sets of text."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from pex_procore.domain.errors import TryLater
from pex_procore.services.ports import Conflict
from pex_procore.store.aws import ask, error_code, tell
from pex_procore.store.keys import Key

Item = dict[str, Any]
T = TypeVar("T")

READ_AT_ONCE = 100  # DynamoDB's own bounds of a batch
WRITE_AT_ONCE = 25
ABSENT = "attribute_not_exists(pk)"


class Unmet(Exception):
    """A condition did not hold; `item` is what is stored (empty: nothing is)."""

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


def encode(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """In DynamoDB's own notation; None is left out."""
    return {name: _encode(value) for name, value in values.items() if value is not None}


def _encode(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case frozenset():
            return {"SS": sorted(value)}
    raise TypeError(f"a {type(value).__name__} cannot be stored in an item")


def decode(stored: Mapping[str, Mapping[str, Any]]) -> Item:
    item: Item = {}
    for name, typed in stored.items():
        ((kind, value),) = typed.items()
        item[name] = _decode(kind, value)
    return item


def _decode(kind: str, value: Any) -> Any:
    match kind:
        case "N":
            return int(value)
        case "SS":
            return frozenset(value)
    return value


def in_chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def new_write_id() -> str:
    """Stored with a conditional write, it tells our own write from a rival's when the answer was lost."""
    return uuid.uuid4().hex


class Table:
    """Reads are consistent, but through an index and where a caller does without. Every method may raise TryLater."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Key) -> Item | None:
        answer = ask(self._client.get_item, TableName=self._name, Key=encode(key), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> Iterator[Item]:
        """In no order. The keys must differ from each other."""
        for chunk in in_chunks(keys, READ_AT_ONCE):
            wanted: Sequence[Any] = [encode(key) for key in chunk]
            while wanted:
                request = {self._name: {"Keys": wanted, "ConsistentRead": consistent}}
                answer = ask(self._client.batch_get_item, RequestItems=request)
                found = answer["Responses"].get(self._name, [])
                yield from map(decode, found)
                left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                if left and not found:
                    raise TryLater("DynamoDB put off a whole batch of reads")
                wanted = left

    def query(
        self,
        partition: Mapping[str, str],
        *,
        index: str | None = None,
        until: tuple[str, str] | None = None,
        between: tuple[str, str, str] | None = None,
        start: Key | None = None,
        newest_first: bool = False,
        at_once: int | None = None,
        consistent: bool = True,
    ) -> Iterator[Item]:
        """The items of one partition in key order, all pages. `partition`: its one attribute and value; `until`: the
        sort attribute and its greatest value; `between`: with its least one too; `start`: the key to begin after;
        `at_once`: items read in one call."""
        ((attribute, value),) = partition.items()
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": attribute},
            "ExpressionAttributeValues": encode({":partition": value}),
            "ScanIndexForward": not newest_first,
        }
        if index is None:
            request["ConsistentRead"] = consistent
        else:
            request["IndexName"] = index
        if until is not None:
            request["KeyConditionExpression"] += " AND #sort <= :until"
            request["ExpressionAttributeNames"]["#sort"] = until[0]
            request["ExpressionAttributeValues"] |= encode({":until": until[1]})
        if between is not None:
            request["KeyConditionExpression"] += " AND #sort BETWEEN :low AND :high"
            request["ExpressionAttributeNames"]["#sort"] = between[0]
            request["ExpressionAttributeValues"] |= encode({":low": between[1], ":high": between[2]})
        if start is not None:
            request["ExclusiveStartKey"] = encode(start)
        if at_once is not None:
            request["Limit"] = at_once
        while True:
            answer = ask(self._client.query, **request)
            yield from map(decode, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def look(
        self,
        partition: Mapping[str, str],
        *,
        index: str,
        between: tuple[str, str, str],
        containing: tuple[str, Sequence[Sequence[str]]],
        start: Key | None,
        at_once: int,
    ) -> tuple[list[Item], Key | None]:
        """One call: of `at_once` entries, newest first, those that fit, and where to go on (None: that was all).

        `between`: the sort attribute, its least and its greatest value; `containing`: a text attribute, and what it
        contains: one of each list.
        """
        ((attribute, value),) = partition.items()
        sort, low, high = between
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition AND #sort BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#partition": attribute, "#sort": sort},
            "ExpressionAttributeValues": encode({":partition": value, ":low": low, ":high": high}),
            "ScanIndexForward": False,
            "Limit": at_once,
        }
        if containing[1]:
            names = {f":c{i}_{j}": text for i, one in enumerate(containing[1]) for j, text in enumerate(one)}
            every = [
                " OR ".join(f"contains(#searched, :c{i}_{j})" for j in range(len(one)))
                for i, one in enumerate(containing[1])
            ]
            request["FilterExpression"] = " AND ".join(f"({one})" for one in every)
            request["ExpressionAttributeNames"]["#searched"] = containing[0]
            request["ExpressionAttributeValues"] |= encode(names)
        if start is not None:
            request["ExclusiveStartKey"] = encode(start)
        answer = ask(self._client.query, **request)
        last = answer.get("LastEvaluatedKey")
        return [decode(item) for item in answer["Items"]], decode(last) if last else None

    def put(self, item: Item, condition: str | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Raises Unmet."""
        request = {"TableName": self._name, "Item": encode(item)}
        self._write(self._client.put_item, request, condition, {}, values or {})

    def put_many(self, items: Iterable[Item]) -> None:
        """Unconditionally. The items must differ in their keys."""
        for chunk in in_chunks(items, WRITE_AT_ONCE):
            wanted: Sequence[Any] = [{"PutRequest": {"Item": encode(item)}} for item in chunk]
            while wanted:
                answer = tell(self._client.batch_write_item, RequestItems={self._name: wanted})
                left = answer.get("UnprocessedItems", {}).get(self._name, [])
                if len(left) == len(wanted):
                    raise TryLater("DynamoDB put off a whole batch of writes")
                wanted = left

    def put_version(self, item: Item, expected: int) -> int:
        """Replaces version `expected` (0: absent) and answers the next. Raises Conflict."""
        write_id = new_write_id()
        condition, values = ("version = :expected", {":expected": expected}) if expected else (ABSENT, {})
        try:
            self.put({**item, "version": expected + 1, "write_id": write_id}, condition, values)
        except Unmet as unmet:
            if unmet.item.get("write_id") != write_id:
                raise Conflict(f"version {expected} of {item['pk']} {item['sk']} is not the newest") from None
        return expected + 1

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        add: Mapping[str, int | frozenset[str]] | None = None,
        drop: Mapping[str, frozenset[str]] | None = None,
    ) -> Item:
        """Sets the named attributes, removes those that are None, and answers the whole item. Raises Unmet.

        `add`: to a number (twice, when an answer was lost) or a set; `drop`: from a set. No set may be empty.
        """
        add, drop = add or {}, drop or {}
        clauses = {
            "SET": [f"#{name} = :{name}" for name, value in changes.items() if value is not None],
            "REMOVE": [f"#{name}" for name, value in changes.items() if value is None],
            "ADD": [f"#{name} :add_{name}" for name in add],
            "DELETE": [f"#{name} :drop_{name}" for name in drop],
        }
        request = {
            "TableName": self._name,
            "Key": encode(key),
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts),
            "ReturnValues": "ALL_NEW",
        }
        names = {f"#{name}": name for name in (*changes, *add, *drop)}
        values = {
            **{f":{name}": value for name, value in changes.items()},
            **{f":add_{name}": value for name, value in add.items()},
            **{f":drop_{name}": value for name, value in drop.items()},
            **(values or {}),
        }
        answer = self._write(self._client.update_item, request, condition, names, values)
        return decode(answer["Attributes"])

    def delete(self, key: Key) -> None:
        tell(self._client.delete_item, TableName=self._name, Key=encode(key))

    def _write(
        self,
        operation: Any,
        request: dict[str, Any],
        condition: str | None,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> dict[str, Any]:
        if condition is not None:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        if encoded := encode(values):
            request["ExpressionAttributeValues"] = encoded
        try:
            return tell(operation, **request)
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            stored: Any = error.response.get("Item", {})
            raise Unmet(decode(stored)) from None
