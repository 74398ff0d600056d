"""What the last look at both sides of one business found."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.checks import Checks
from pex_procore.store import keys
from pex_procore.store.dynamo import Table


class DynamoChecks:
    def __init__(self, client: Any, table: str, business_id: int) -> None:
        self._table = Table(client, table)
        self._key = keys.checks(business_id)

    def load(self) -> Checks:
        item = self._table.get(self._key)
        return Checks.model_validate_json(item["checks"]) if item else Checks()

    def save(self, checks: Checks) -> None:
        self._table.put({**self._key, "checks": checks.model_dump_json()})
