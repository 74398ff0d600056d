"""What the page's reads cost with 100,000 rows in the ledger: the shipped handlers, called as API Gateway would.

moto stands in for DynamoDB and is no measure of it, so three things are told apart: the calls to DynamoDB and the rows
they bring, which must not depend on how many rows there are; the handler's own processor time; and moto's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from benchmarks.books import percentile
from benchmarks.costs import connected
from pex_procore.domain.ledger import Row
from pex_procore.runtime.wiring import wiring
from pex_procore.store.ledger import DynamoLedger
from tests.flow.process import ACCOUNT, REGION
from tests.flow.story import Story
from tests.flow.swift import client

ROUTES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("a page of transactions", "/v1/transactions", {}),
    ("a page of what waits", "/v1/transactions", {"state": "waiting"}),
    ("one transaction", "/v1/transactions/{id}", {}),
    ("runs", "/v1/runs", {}),
    ("connection", "/v1/connection", {}),
    ("settings", "/v1/settings", {}),
)
STATES = ("complete",) * 17 + ("waiting", "refused", "exception")


class _Catcher:
    """Takes what would be stored."""

    item: dict[str, Any]

    def put_item(self, **request: Any) -> None:
        self.item = request["Item"]


class _Watch:
    """Processor time inside of calls to AWS, and how many there were."""

    def __init__(self) -> None:
        self.calls, self.seconds, self._began = 0, 0.0, 0.0
        events = client("dynamodb").meta.events
        events.register_first("before-call", self._asked)
        events.register_first("after-call", self._answered)

    def _asked(self, **_: Any) -> None:
        self._began = time.thread_time()

    def _answered(self, **_: Any) -> None:
        self.calls += 1
        self.seconds += time.thread_time() - self._began


def fill(story: Story, count: int) -> list[int]:
    """`count` rows more, like the one there is; over a year of days."""
    business = wiring().business(story.names.business_id)
    row: Row = business.ledger.load(story.rows()[0]["transaction_id"])  # type: ignore[assignment]
    catcher = _Catcher()
    writer = DynamoLedger(catcher, story.cloud.stage.history, story.names.business_id, business.connection.generation)
    table = dynamodb_backends[ACCOUNT][REGION].get_table(story.cloud.stage.history)
    made = []
    for number in range(count):
        transaction_id = 500_000_000 + number
        assert row.transaction is not None
        moment = row.transaction.transacted_at - timedelta(minutes=5 * number)
        transaction = row.transaction.model_copy(
            update={"transaction_id": transaction_id, "transacted_at": moment, "settled_at": moment}
        )
        update = {
            "transaction_id": transaction_id,
            "transaction": transaction,
            "state": STATES[number % len(STATES)],
            "version": 0,
        }
        writer.save(row.model_copy(update=update))
        table.put_item(catcher.item)
        made.append(transaction_id)
    return made


def measure(counts: tuple[int, ...] = (1_000, 100_000), repeats: int = 8) -> list[dict[str, Any]]:
    found = []
    for count in counts:
        with connected() as (story, again):
            again()
            story.set(sync_expenses=True)
            ids = fill(story, count)
            watch = _Watch()
            for name, path, query in ROUTES:
                where = path.format(id=ids[count // 2])
                found.append({"rows": count, "route": name, **_time(story, watch, where, query, repeats)})
    return found


def _time(story: Story, watch: _Watch, path: str, query: dict[str, str], repeats: int) -> dict[str, Any]:
    ask: Callable[[], Any] = lambda: story.api("GET", path, **query)  # noqa: E731
    ask()  # warm
    own, emulator, calls = [], [], 0
    for _ in range(repeats):
        calls, spent, began = watch.calls, watch.seconds, time.thread_time()
        answer = ask()
        assert answer.status == 200, answer.text
        whole = time.thread_time() - began
        emulator.append(watch.seconds - spent)
        own.append(whole - emulator[-1])
        calls = watch.calls - calls
    return {
        "calls": calls,
        "own_p50_ms": round(percentile(own, 0.5) * 1000, 1),
        "own_p99_ms": round(percentile(own, 0.99) * 1000, 1),
        "moto_p50_ms": round(percentile(emulator, 0.5) * 1000, 1),
    }
