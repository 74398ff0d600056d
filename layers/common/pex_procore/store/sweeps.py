"""Which businesses are due for a sweep of which kind, and who takes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pex_procore.domain.runs import Kind
from pex_procore.store import keys
from pex_procore.store.dynamo import Table, Unmet, new_write_id


@dataclass(frozen=True, slots=True)
class Due:
    business_id: int
    due_at: datetime
    kind: Kind


class SweepSchedule:
    def __init__(self, client: Any, table: str) -> None:
        self._table = Table(client, table)

    def due(self, now: datetime, limit: int, shard: str) -> list[Due]:
        """Of one shard, the longest due first. The index lags by moments: `take` decides."""
        until = ("sweep_due_at", keys.instant(now))
        entries = self._table.query({"sweep_shard": shard}, index=keys.SWEEPS, until=until, at_once=limit)
        return [
            Due(
                keys.business_of(entry["pk"]),
                datetime.fromisoformat(entry["sweep_due_at"]),
                keys.kind_of(entry["sk"]),
            )
            for entry in islice(entries, limit)
        ]

    def due_at(self, business_id: int, kind: Kind) -> datetime | None:
        item = self._table.get(keys.sweep(business_id, kind))
        return datetime.fromisoformat(item["sweep_due_at"]) if item else None

    def take(
        self, business_id: int, expected_due_at: datetime, next_due_at: datetime, kind: Kind = "transactions"
    ) -> bool:
        """Moves the business to its next time for this kind. Of several callers one gets True."""
        write_id = new_write_id()
        changes = {"sweep_due_at": keys.instant(next_due_at), "write_id": write_id}
        try:
            self._table.update(
                keys.sweep(business_id, kind),
                changes,
                "sweep_due_at = :expected",
                {":expected": keys.instant(expected_due_at)},
            )
        except Unmet as unmet:
            return bool(unmet.item.get("write_id") == write_id)
        return True
