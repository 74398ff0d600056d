"""What the limiters learned of a vendor's quota, shared by all who call with the same vendor account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pex_procore.services.ports import Clock
from pex_procore.store import keys
from pex_procore.store.dynamo import Table

KEPT_SECONDS = 24 * 3600


class LimitStore:
    """Loses nothing that matters when two save at once: the last one wins."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._table = Table(client, table)
        self._clock = clock

    def load(self, bucket: str) -> dict[str, Any] | None:
        item = self._table.get(keys.limit(bucket))
        if item is None or item[keys.TTL] <= self._clock().timestamp():
            return None
        window: dict[str, Any] = json.loads(item["window"])
        return window

    def save(self, bucket: str, window: Mapping[str, Any]) -> None:
        expires_at = int(self._clock().timestamp()) + KEPT_SECONDS
        self._table.put({**keys.limit(bucket), "window": json.dumps(dict(window)), keys.TTL: expires_at})
