"""What one run costs, counted on moto with the shipped handlers and state machines: the inputs of benchmarks/scale.py.

Per function: invocations, calls to AWS, DynamoDB's units, calls to the vendors, decryptions. Of the machines:
executions and transitions. Every function's process is new each time, as it mostly is for one business among ten
thousand: what a warm one remembers is somebody else's.

    python -m benchmarks.scale_measure       writes benchmarks/scale_inputs.json (PYTHONPATH=layers/common)
"""

from __future__ import annotations

import io
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from benchmarks.scale_costs import FEW, INPUTS, MACHINE, MANY, Counts
from pex_procore.net.messages import Answer, Request
from pex_procore.net.session import Session
from pex_procore.runtime.wiring import wiring
from tests.flow.clock import NOON, FlowClock
from tests.flow.cloud import MOTO, Cloud
from tests.flow.process import ACCOUNT, REGION, here
from tests.flow.story import Saved, Story
from tests.flow.swift import client
from tests.flow.worlds import Vendors
from tests.store.tables import SCHEMA
from tests.template.cfn import resources

SERVICES = ("dynamodb", "s3", "sqs", "kms", "stepfunctions")
WRITING = ("PutItem", "UpdateItem", "DeleteItem")
Item = Mapping[str, Any]


class Meter:
    """Counts while it is entered."""

    def __init__(self, story: Story) -> None:
        self._story, self._cloud = story, story.cloud
        self._invoke = story.cloud.invoke
        self._patch = pytest.MonkeyPatch()
        self._before: dict[int, tuple[str, Item, Item | None]] = {}  # by thread: table, key, item
        self._lag: dict[int, bool] = {}  # by thread: its read need not be consistent, which costs half
        self._told = io.StringIO()
        self.counts: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Meter:
        self._known = set(map(id, self._cloud.executions()))
        for name in SERVICES:
            client(name).meta.events.register_first("before-call", self._asked)
            client(name).meta.events.register_first("after-call", self._answered)
        self._cloud.invoke = self._count  # type: ignore[method-assign]
        real = Session.send

        def send(session: Session, request: Request, headers: Any = None) -> Answer:
            host = "pex" if session.base_url.startswith(self._story.pex.api_url) else "procore"
            self._add("login" if "/oauth/" in request.path else host)
            return real(session, request, headers)

        self._patch.setattr(Session, "send", send)
        self._redirected = redirect_stdout(self._told)
        self._redirected.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._redirected.__exit__(None, None, None)
        self._patch.undo()
        self._cloud.invoke = self._invoke  # type: ignore[method-assign]
        for name in SERVICES:
            client(name).meta.events.unregister("before-call", self._asked)
            client(name).meta.events.unregister("after-call", self._answered)
        for execution in self._cloud.executions():
            if id(execution) not in self._known:
                name = execution.state_machine_arn.rsplit(":", 1)[-1]
                kind = resources("AWS::Serverless::StateMachine")[name]["Type"].lower()
                pages = self._cloud.states.get_paginator("get_execution_history").paginate(
                    executionArn=execution.exec_arn
                )
                entered = sum(one["type"].endswith("StateEntered") for page in pages for one in page["events"])
                self.counts[MACHINE, f"executions_{kind}"] += 1
                self.counts[MACHINE, f"transitions_{kind}"] += entered
        self.counts[MACHINE, "log_bytes"] = len(self._told.getvalue())

    def table(self) -> Counts:
        found: Counts = {}
        for (function, what), number in sorted(self.counts.items()):
            found.setdefault(function, {})[what] = number
        return found

    def _add(self, what: str, number: float = 1) -> None:
        """Of the function that this thread runs, if any."""
        invocation = getattr(here, "invocation", None)
        if invocation is not None:
            self.counts[invocation.name, what] += number

    def _count(self, name: str, event: Any) -> Any:
        self._cloud.forget_warm_state()
        self.counts[name, "invocations"] += 1
        return self._invoke(name, event)

    def _asked(self, model: Any, params: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self._add("aws_calls")
        for operation in ("s3.PutObject", "s3.GetObject", "kms.Decrypt", "sqs.SendMessage"):
            if f"{service}.{model.name}" == operation:
                self._add(operation)
        if service != "dynamodb":
            return
        request = json.loads(params["body"])
        asked = next(iter(request["RequestItems"].values())) if model.name == "BatchGetItem" else request
        self._lag[threading.get_ident()] = not asked.get("ConsistentRead") if "Write" not in model.name else False
        if model.name == "BatchWriteItem":
            puts = [one["PutRequest"]["Item"] for rows in request["RequestItems"].values() for one in rows]
            self._add("writes", sum(_units(item, 1024) for item in puts))
        elif model.name in WRITING:
            given = request.get("Key") or request["Item"]
            key = {name: given[name] for name in ("pk", "sk")}
            self._before[threading.get_ident()] = request["TableName"], key, _item(request["TableName"], key)

    def _answered(self, model: Any, parsed: Any, http_response: Any, **_: Any) -> None:
        if model.service_model.service_name != "dynamodb":
            return
        if model.name in WRITING and threading.get_ident() in self._before:
            table, key, before = self._before.pop(threading.get_ident())
            after = before if http_response.status_code >= 300 else _item(table, key)
            self._add("writes", _written(table, before, after))
        elif model.name == "BatchGetItem":
            every = [one for rows in (parsed.get("Responses") or {}).values() for one in rows]
            self._add("reads", self._read(sum(_units(one, 4096) for one in every) or 1))
        elif model.name in ("GetItem", "Query"):
            items = [parsed["Item"]] if "Item" in parsed else parsed.get("Items") or []
            self._add("reads", self._read(max(1, math.ceil(sum(map(_size, items)) / 4096))))

    def _read(self, units: int) -> float:
        return units / 2 if self._lag[threading.get_ident()] else units


def _item(table: str, key: Item) -> Item | None:
    found = (
        dynamodb_backends[ACCOUNT][REGION].get_table(table).get_item(*(DynamoType(key[one]) for one in ("pk", "sk")))
    )
    return {name: value.to_regular_json() for name, value in found.attrs.items()} if found else None


def _written(table: str, before: Item | None, after: Item | None) -> int:
    """Of the item, and of every index in which it appears, goes or moves."""
    units = max(_units(before or {}, 1024), _units(after or {}, 1024))
    for index in SCHEMA[table]["GlobalSecondaryIndexes"]:
        was, now = _entry(before, index), _entry(after, index)
        moved = was is not None and now is not None and was[0] != now[0]
        units += 0 if was == now else 2 if moved else 1
    return units


def _entry(item: Item | None, index: Mapping[str, Any]) -> tuple[list[Any], list[Any]] | None:
    """What an index has of an item: its keys there, and what it shows beside them."""
    keys = [one["AttributeName"] for one in index["KeySchema"]]
    if item is None or any(key not in item for key in keys):
        return None
    shown = index["Projection"].get("NonKeyAttributes", [])
    return [item[key] for key in keys], [item.get(one) for one in shown]


def _units(item: Item, unit: int) -> int:
    return max(1, math.ceil(_size(item) / unit))


def _size(item: Item) -> int:
    """Bytes, as DynamoDB counts them: names and values."""
    return sum(len(name) + _length(value) for name, value in item.items())


def _length(value: Any) -> int:
    ((kind, text),) = value.items()
    return len(text) * 3 // 4 if kind == "B" else len(str(text).encode())


@contextmanager
def connected(**settings: Any) -> Iterator[Callable[[], Story]]:
    """Gives stories, each at the moment when the business was connected and the processes are warm."""
    vendors = Vendors(FlowClock())
    try:
        with mock_aws(config=MOTO), Cloud(vendors.clock, vendors.urls) as cloud, redirect_stdout(io.StringIO()):
            story = Story(vendors, cloud)
            story.restore(Saved(NOON, vendors.founded))
            story.connect(**settings)
            story.purchase()
            story.deliver()
            story.clock.forward(120)
            begun = story.save()

            def again() -> Story:
                story.restore(begun)
                return story

            yield again
    finally:
        vendors.stop()


def measured(story: Story, act: Callable[[], object]) -> Counts:
    meter = Meter(story)
    with meter:
        act()
    return meter.table()


def callback(story: Story, count: int, receipts: tuple[str, ...]) -> Counts:
    """So many purchases of one moment, each told of by a callback."""

    def act() -> None:
        for number in range(count):
            story.purchase(f"{number + 1}.25", card=number % 2, receipts=receipts)
        story.deliver()

    return measured(story, act)


def sweep(story: Story, complete: int, waiting: int) -> Counts:
    """A sweep that finds nothing new, with so many rows of the last 10 days; those that wait lack a tag."""
    for number in range(complete + waiting):
        story.purchase(f"{number + 1}.25", project="Library" if number < complete else None)
    story.sync()
    story.sweep()
    story.sweep()
    no_tags(story)

    def act() -> None:
        story.clock.forward(16 * 60)
        story.cloud.beat()
        story.cloud.finish()

    return measured(story, act)


def no_tags(story: Story) -> None:
    """Their refresh is a run of its own, and counted by itself."""
    wiring().business(story.names.business_id).connections.schedule_sweep(None, "tags")


def tags(story: Story) -> Counts:
    """A refresh with nothing changed."""
    for _ in range(4):
        story.clock.forward(301)
        story.cloud.beat()
        story.cloud.finish()
    story.clock.forward(301)

    def act() -> None:
        story.cloud.beat()
        story.cloud.finish()

    return measured(story, act)


def measure() -> dict[str, Counts]:
    with connected() as again:
        found = {
            "callback_few": callback(again(), FEW, ()),
            "callback_many": callback(again(), MANY, ()),
            "receipts_many": callback(again(), MANY, ("jpg",)),
            "sweep_few": sweep(again(), FEW, 0),
            "sweep_many": sweep(again(), MANY, 0),
            "waiting_many": sweep(again(), FEW, MANY),
            "busy": measured(story := again(), lambda: _open_while_busy(story)),
            "beat": quiet(again(), Cloud.beat),
            "care": quiet(again(), Cloud.care, hours=25),
        }
    with connected(sync_projects=True, sync_cost_codes=True, sync_cost_types=True) as again:
        found["tags"] = tags(again())
    return found


def quiet(story: Story, act: Callable[[Cloud], object], **later: float) -> Counts:
    """A schedule's event when nothing is due, or nothing but that."""
    story.sweep()
    story.clock.forward(**later)
    for kind in ("transactions", "tags"):
        wiring().business(story.names.business_id).connections.schedule_sweep(None, kind)  # type: ignore[arg-type]
    return measured(story, lambda: act(story.cloud))


def _open_while_busy(story: Story) -> None:
    """A second run of a business finds the first at work, and ends."""

    def second() -> None:
        story.purchase("2.00")
        story.receive()
        story.cloud.pump()

    story.purchase("1.00")
    story.cloud.before("CloseRun", second)
    story.deliver()


if __name__ == "__main__":
    INPUTS.write_text(json.dumps(measure(), indent=1) + "\n")
    print(f"Written: {INPUTS.name}")
