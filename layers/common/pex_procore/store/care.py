"""Which businesses are due to be looked after, and who takes them."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from pex_procore.store import keys
from pex_procore.store.dynamo import Table, Unmet, new_write_id


class CareSchedule:
    def __init__(self, client: Any, table: str) -> None:
        self._table = Table(client, table)

    def due(self, now: datetime, limit: int) -> list[tuple[int, datetime]]:
        """Business and since when, the longest due first. The index lags by moments: `take` decides."""
        until = ("sweep_due_at", keys.instant(now))
        entries = self._table.query({"sweep_shard": keys.CARE_SHARD}, index=keys.SWEEPS, until=until, at_once=limit)
        return [
            (keys.business_of(entry["pk"]), datetime.fromisoformat(entry["sweep_due_at"]))
            for entry in islice(entries, limit)
        ]

    def take(self, business_id: int, expected_due_at: datetime, again_at: datetime) -> bool:
        """Of several callers one gets True. Whoever dies over it leaves it due at `again_at`."""
        write_id = new_write_id()
        changes = {"sweep_due_at": keys.instant(again_at), "write_id": write_id}
        expected = {":expected": keys.instant(expected_due_at)}
        try:
            self._table.update(keys.care(business_id), changes, "sweep_due_at = :expected", expected)
        except Unmet as unmet:
            return bool(unmet.item.get("write_id") == write_id)
        return True
