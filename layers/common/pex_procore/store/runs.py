"""Runs and what they did, in the History table. Both vanish after `KEPT`."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pex_procore.domain.runs import Run, RunItem
from pex_procore.services.ports import Clock, Conflict
from pex_procore.store import keys
from pex_procore.store.dynamo import ABSENT, Item, Table, Unmet
from pex_procore.store.marks import read_mark, write_mark
from pex_procore.store.pressing import unpress

KEPT = timedelta(days=400)


class DynamoRuns:
    def __init__(self, client: Any, table: str, business_id: int, clock: Clock) -> None:
        self._table = Table(client, table)
        self._business_id = business_id
        self._clock = clock
        self._partition = keys.runs(business_id)

    def create(self, run: Run) -> None:
        """The same run may be created twice; another one under its id raises Conflict."""
        item = self._item(run)
        try:
            self._table.put(item, ABSENT)
        except Unmet as unmet:
            if unmet.item.get("run") != item["run"]:
                raise Conflict(f"run {run.run_id} exists already") from None

    def load(self, run_id: str) -> Run | None:
        if not keys.is_run_id(run_id):
            return None
        item = self._table.get({"pk": self._partition, "sk": run_id})
        return _run(item) if item else None

    def note(self, run: Run) -> None:
        self._table.put(self._item(run))

    def finish(self, run: Run) -> None:
        self._table.put(self._item(run))

    def page(self, limit: int, after: str | None) -> tuple[list[Run], str | None]:
        """Newest first. Raises ValueError when `after` is not a mark of this listing."""
        start = {"pk": self._partition, "sk": read_mark(after, self._partition)} if after is not None else None
        found = self._table.query({"pk": self._partition}, start=start, newest_first=True, at_once=limit + 1)
        runs = [_run(item) for item in islice(found, limit + 1)]
        if len(runs) <= limit:
            return runs, None
        return runs[:limit], write_mark(self._partition, runs[limit - 1].run_id)

    def record_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """One per transaction: a later item of the same transaction replaces the earlier."""
        partition = keys.run_items(self._business_id, run_id)
        expires_at = _expiry(self._clock())
        last = {one.transaction_id: one for one in items}
        self._table.put_many(
            {
                "pk": partition,
                "sk": keys.transaction(one.transaction_id),
                "item": one.model_dump_json(),
                keys.TTL: expires_at,
            }
            for one in last.values()
        )

    def items(self, run_id: str) -> list[RunItem]:
        """By transaction id."""
        stored = self._table.query({"pk": keys.run_items(self._business_id, run_id)})
        return [RunItem.model_validate_json(item["item"]) for item in stored]

    def page_of_items(self, run_id: str, limit: int, after: str | None) -> tuple[list[RunItem], str | None]:
        """By transaction id. Raises ValueError when `after` is not a mark of this run."""
        partition = keys.run_items(self._business_id, run_id)
        start = {"pk": partition, "sk": read_mark(after, partition)} if after is not None else None
        stored = list(islice(self._table.query({"pk": partition}, start=start, at_once=limit + 1), limit + 1))
        items = [RunItem.model_validate_json(item["item"]) for item in stored[:limit]]
        return items, write_mark(partition, stored[limit - 1]["sk"]) if len(stored) > limit else None

    def _item(self, run: Run) -> Item:
        return {
            "pk": self._partition,
            "sk": run.run_id,
            "run": zlib.compress(run.model_dump_json().encode()),
            keys.TTL: _expiry(run.started_at),
        }


def _run(item: Item) -> Run:
    return Run.model_validate_json(unpress(item["run"]))


def _expiry(moment: datetime) -> int:
    return int((moment + KEPT).timestamp())
