"""The lease of one business for one kind of run: who may write now, since which fence, and how many announcements came.

Every claim is conditional on the `write_id` that was read, so of two that saw the same lease one wins; a renewal and a
release are conditional on the run that holds it. Announcements leave the `write_id` alone and are never lost to a rival
write. The moment is `held_until`, not the table's TTL attribute: the item outlives the lease, for it keeps the fence
and the counter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Kind
from pex_procore.services.ports import Clock, Held, Lease
from pex_procore.store import keys
from pex_procore.store.dynamo import Item, Table, Unmet, new_write_id

ATTEMPTS = 5
FREE: Mapping[str, None] = {"run_id": None, "execution": None, "held_until": None}


class DynamoLeases:
    def __init__(self, client: Any, table: str, business_id: int, clock: Clock, kind: Kind = "transactions") -> None:
        self._table = Table(client, table)
        self._key = keys.lease(business_id, kind)
        self._clock = clock

    def claim(self, run_id: str, seconds: int, execution: str | None = None) -> Lease:
        """Once an execution is bound, only a claim that names the same one is the same claim; it keeps the fence."""

        def decide(seen: Item) -> dict[str, Any]:
            holder = seen.get("run_id")
            mine = holder == run_id and seen.get("execution") in (None, execution)
            if holder and not mine and self._holds(seen):
                raise Held(holder)
            return {
                "run_id": run_id,
                "execution": execution,
                "held_until": self._until(seconds),
                "fence": seen.get("fence", 0) + (0 if mine else 1),
                "interrupted_run_id": seen.get("interrupted_run_id") if holder == run_id else holder,
            }

        return self._change(decide)

    def renew(self, run_id: str, seconds: int) -> Lease:
        """An expired lease that nobody took is not lost. Held names no run when nobody holds the lease now."""

        changes = {"held_until": self._until(seconds), "write_id": new_write_id()}
        try:
            return _lease(self._table.update(self._key, changes, "run_id = :run_id_now", {":run_id_now": run_id}))
        except Unmet as unmet:
            raise Held(unmet.item.get("run_id", "")) from None

    def keep(self, run_id: str, needed: int, seconds: int) -> Lease:
        seen = self._table.get(self._key) or {}
        if seen.get("run_id") != run_id:
            raise Held(seen.get("run_id", ""))
        return _lease(seen) if seen["held_until"] >= self._until(needed) else self.renew(run_id, seconds)

    def release(self, run_id: str, announced: int | None = None) -> bool:
        """True also when the lease was no longer this run's: nothing is changed then."""
        condition = "run_id = :run_id_now"
        values: dict[str, Any] = {":run_id_now": run_id}
        if announced is not None:
            never = "attribute_not_exists(announced) OR " if announced == 0 else ""
            condition += f" AND ({never}announced = :announced_now)"
            values |= {":announced_now": announced}
        try:
            self._table.update(self._key, {**FREE, "write_id": new_write_id()}, condition, values)
        except Unmet as unmet:
            return unmet.item.get("run_id") != run_id
        return True

    def holder(self) -> str | None:
        item = self._table.get(self._key)
        return item.get("run_id") if item and self._holds(item) else None

    def count_announcement(self) -> None:
        """May count double when an answer was lost: the holder then looks once more than it needed."""
        self._table.update(self._key, {}, add={"announced": 1})

    def announced(self) -> int:
        return int((self._table.get(self._key) or {}).get("announced", 0))

    def _change(self, decide: Callable[[Item], dict[str, Any]]) -> Lease:
        for _ in range(ATTEMPTS):
            seen = self._table.get(self._key) or {}
            changes = {**decide(seen), "write_id": new_write_id()}
            condition, values = "attribute_not_exists(write_id)", {}
            if "write_id" in seen:
                condition, values = "write_id = :seen", {":seen": seen["write_id"]}
            with suppress(Unmet):  # a rival, or our own write whose answer was lost: the next look tells
                return _lease(self._table.update(self._key, changes, condition, values))
        raise TryLater("the business's lease changed hands again and again while it was asked for")

    def _until(self, seconds: int) -> int:
        return math.ceil(self._clock().timestamp() + seconds)

    def _holds(self, item: Item) -> bool:
        return bool(item.get("run_id")) and item["held_until"] > self._clock().timestamp()


def _lease(item: Item) -> Lease:
    return Lease(
        run_id=item["run_id"],
        fence=item["fence"],
        announced=item.get("announced", 0),
        expires_at=datetime.fromtimestamp(item["held_until"], UTC),
        interrupted_run_id=item.get("interrupted_run_id"),
    )
