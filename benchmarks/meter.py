"""Counts what AWS would bill of a story on moto: invocations, transitions, requests, DynamoDB's units.

with Meter(cloud) as meter:
    story.deliver()
meter.bill()              # {"transitions express": 18, "dynamodb write units": 21, …}

A write's units are those of the item (1 KB each) and of every index in which it changes; a read's are 4 KB each, half
when it may be stale.
"""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.flow.cloud import Cloud
from tests.flow.process import ACCOUNT, REGION
from tests.flow.swift import client
from tests.store.tables import SCHEMA
from tests.template.cfn import resources

Item = Mapping[str, Any]
SERVICES = ("dynamodb", "s3", "sqs", "kms")
WRITING = ("PutItem", "UpdateItem", "DeleteItem")


class Meter:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._invoke = cloud.invoke
        self._before: dict[int, tuple[str, Item, Item | None]] = {}  # by thread: table, key, item
        self.invocations: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self._known = set(map(id, cloud.executions()))

    def __enter__(self) -> Meter:
        for name in SERVICES:
            client(name).meta.events.register_first("before-call", self._asked)
            client(name).meta.events.register_first("after-call", self._answered)
        self._cloud.invoke = self._count  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        for name in SERVICES:
            client(name).meta.events.unregister("before-call", self._asked)
            client(name).meta.events.unregister("after-call", self._answered)
        self._cloud.invoke = self._invoke  # type: ignore[method-assign]

    def bill(self) -> dict[str, float]:
        found: Counter[str] = Counter()
        for execution in self._cloud.executions():
            if id(execution) not in self._known:
                kind = _kind(execution.state_machine_arn)
                found[f"executions {kind}"] += 1
                found[f"transitions {kind}"] += self._transitions(execution.exec_arn)
        found["invocations"] = self.invocations.total()
        found["dynamodb write units"] = self.units["write"]
        found["dynamodb read units"] = self.units["read"]
        for operation, name in (
            ("sqs.SendMessage", "queue messages"),
            ("s3.PutObject", "s3 puts"),
            ("s3.GetObject", "s3 gets"),
            ("kms.Decrypt", "decryptions"),
            ("dynamodb.PutItem", "items put"),
        ):
            found[name] = self.calls[operation]
        return dict(found)

    def _transitions(self, arn: str) -> int:
        pages = self._cloud.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return sum(one["type"].endswith("StateEntered") for page in pages for one in page["events"])

    def _count(self, name: str, event: Any) -> Any:
        self.invocations[name] += 1
        return self._invoke(name, event)

    def _asked(self, model: Any, params: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls[f"{service}.{model.name}"] += 1
        if service != "dynamodb":
            return
        request = json.loads(params["body"])
        if model.name == "BatchWriteItem":
            puts = [one["PutRequest"]["Item"] for rows in request["RequestItems"].values() for one in rows]
            self.units["write"] += sum(max(1, math.ceil(_size(item) / 1024)) for item in puts)
        elif model.name in WRITING:
            given = request.get("Key") or request["Item"]
            key = {name: given[name] for name in ("pk", "sk")}
            self._before[threading.get_ident()] = request["TableName"], key, _item(request["TableName"], key)

    def _answered(self, model: Any, parsed: Any, http_response: Any, **_: Any) -> None:
        if model.service_model.service_name != "dynamodb":
            return
        if model.name in WRITING:
            table, key, before = self._before.pop(threading.get_ident())
            after = before if http_response.status_code >= 300 else _item(table, key)
            self.units["write"] += _written(table, before, after)
        elif model.name in ("GetItem", "Query", "BatchGetItem"):
            items = [parsed["Item"]] if "Item" in parsed else parsed.get("Items") or []
            items += [one for rows in (parsed.get("Responses") or {}).values() for one in rows]
            self.units["read"] += max(1, math.ceil(sum(map(_size, items)) / 4096))  # as if all were consistent


@lru_cache
def _kind(machine_arn: str) -> str:
    """express or standard, from the template: moto runs both alike."""
    declared = resources("AWS::Serverless::StateMachine")[machine_arn.rsplit(":", 1)[-1]]
    return str(declared["Type"]).lower()


def _item(table: str, key: Item) -> Item | None:
    found = (
        dynamodb_backends[ACCOUNT][REGION].get_table(table).get_item(*(DynamoType(key[one]) for one in ("pk", "sk")))
    )
    return {name: value.to_regular_json() for name, value in found.attrs.items()} if found else None


def _written(table: str, before: Item | None, after: Item | None) -> int:
    units = max(1, math.ceil(max(_size(before or {}), _size(after or {})) / 1024))
    for index in SCHEMA[table]["GlobalSecondaryIndexes"]:
        keys = [one["AttributeName"] for one in index["KeySchema"]]
        names = [*keys, "pk", "sk", *index["Projection"].get("NonKeyAttributes", ())]
        was, now = (_seen(item, keys, names) for item in (before, after))
        if was != now:
            moved = was is not None and now is not None and any(was.get(key) != now.get(key) for key in keys)
            units += 2 if moved else 1
    return units


def _seen(item: Item | None, keys: Iterable[str], names: Iterable[str]) -> Item | None:
    """As an index holds it."""
    if item is None or any(key not in item for key in keys):
        return None
    return {name: item[name] for name in names if name in item}


def _size(item: Item) -> int:
    """Bytes, as DynamoDB counts them: names and values."""
    return sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
