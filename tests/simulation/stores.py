"""A ledger for many rows: what it keeps are frozen values, and its index by state may lag, as DynamoDB's does."""

from __future__ import annotations

import random
from collections.abc import Iterable

from pex_procore.domain.ledger import Row, State
from pex_procore.services.ports import Conflict


class SimulatedLedger:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.rows: dict[int, Row] = {}
        self._before: dict[int, Row | None] = {}  # each row as it was before it was last saved
        self.lag = 0.0  # how often a row is missing from the index, and a glance sees it as it was before
        self.trail_errors: list[str] = []

    def load(self, transaction_id: int) -> Row | None:
        return self.rows.get(transaction_id)

    def load_many(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        return {one: self.rows[one] for one in transaction_ids if one in self.rows}

    def glance(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        seen = {one: self.rows[one] for one in transaction_ids if one in self.rows}
        late = {one: self._before[one] for one in seen if self._rng.random() < self.lag} if self.lag else {}
        return {one: row for one, row in {**seen, **late}.items() if row is not None}

    def save(self, row: Row) -> Row:
        stored = self.rows.get(row.transaction_id)
        if (stored.version if stored else 0) != row.version:
            raise Conflict(f"transaction {row.transaction_id}")
        saved = row.model_copy(update={"version": row.version + 1})
        self._check_trail(stored, saved)
        self.rows[row.transaction_id], self._before[row.transaction_id] = saved, stored
        return saved

    def list_by_state(self, state: State) -> list[Row]:
        found = [row for _, row in sorted(self.rows.items()) if row.state == state]
        return [row for row in found if self._rng.random() >= self.lag] if self.lag else found

    def _check_trail(self, before: Row | None, after: Row) -> None:
        told = bool(after.timeline) and after.timeline[-1].to == after.state
        if not told and (before is None or before.state != after.state):
            self.trail_errors.append(f"transaction {after.transaction_id} became {after.state} without an entry")
