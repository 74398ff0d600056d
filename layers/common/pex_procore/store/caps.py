"""How often somebody may do what costs much: a counter for each span of time, forgotten when the span is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pex_procore.services.ports import Clock
from pex_procore.store import keys
from pex_procore.store.dynamo import Table


@dataclass(frozen=True, slots=True)
class Cap:
    name: str
    times: int
    seconds: int


class Caps:
    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._table = Table(client, table)
        self._clock = clock

    def count(self, cap: Cap, who: str) -> int | None:
        """Counts once. The seconds until the next span when it was too often, else None."""
        now = int(self._clock().timestamp())
        ends_at = now - now % cap.seconds + cap.seconds
        item = self._table.update(keys.cap(cap.name, who, ends_at), {keys.TTL: ends_at}, add={"times": 1})
        return ends_at - now if item["times"] > cap.times else None
