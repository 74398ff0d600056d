"""The ledger in the History table: one item per transaction, rows of one business and one generation.

A row is compressed, so that most saves cost one write unit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pex_procore.domain.ledger import Row, State
from pex_procore.store import keys
from pex_procore.store.dynamo import READ_AT_ONCE, Item, Table, in_chunks
from pex_procore.store.marks import read_mark, write_mark


class DynamoLedger:
    def __init__(self, client: Any, table: str, business_id: int, generation: int) -> None:
        self._table = Table(client, table)
        self._business_id = business_id
        self._generation = generation
        self._partition = keys.ledger(business_id, generation)

    def load(self, transaction_id: int) -> Row | None:
        item = self._table.get(self._key(transaction_id))
        return _row(item) if item else None

    def load_many(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        wanted = [self._key(transaction_id) for transaction_id in dict.fromkeys(transaction_ids)]
        return {row.transaction_id: row for row in map(_row, self._table.get_many(wanted))}

    def save(self, row: Row) -> Row:
        saved = row.model_copy(update={"version": row.version + 1})
        item = {
            **self._key(row.transaction_id),
            "state_key": self._state_key(row.state),
            "row": zlib.compress(saved.model_dump_json().encode()),
        }
        self._table.put_version(item, row.version)
        return saved

    def list_by_state(self, state: State) -> list[Row]:
        """Oldest first, by transaction id."""
        return list(self._in_state(state))

    def page(self, state: State | None, limit: int, after: str | None) -> tuple[list[Row], str | None]:
        """Newest first, by transaction id. Raises ValueError when `after` is not a mark of this listing."""
        partition = self._partition if state is None else self._state_key(state)
        start = read_mark(after, partition) if after is not None else None
        if state is None:
            found = self._newest(start, limit + 1)
        else:
            found = self._in_state(state, start, newest_first=True, at_once=limit + 1)
        rows = list(islice(found, limit + 1))
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], write_mark(partition, keys.transaction(rows[limit - 1].transaction_id))

    def _newest(self, start: str | None, at_once: int) -> Iterator[Row]:
        begin = {"pk": self._partition, "sk": start} if start else None
        yield from map(
            _row, self._table.query({"pk": self._partition}, start=begin, newest_first=True, at_once=at_once)
        )

    def _in_state(
        self, state: State, start: str | None = None, newest_first: bool = False, at_once: int = READ_AT_ONCE
    ) -> Iterator[Row]:
        """The index only says where to look: rows are read from the table, and those that moved on are left out."""
        state_key = self._state_key(state)
        begin = {"pk": self._partition, "sk": start, "state_key": state_key} if start else None
        entries = self._table.query(
            {"state_key": state_key}, index=keys.BY_STATE, start=begin, newest_first=newest_first, at_once=at_once
        )
        for chunk in in_chunks(entries, at_once):
            transaction_ids = [keys.transaction_of(entry["sk"]) for entry in chunk]
            rows = self.load_many(transaction_ids)
            for transaction_id in transaction_ids:
                row = rows.get(transaction_id)
                if row is not None and row.state == state:
                    yield row

    def _key(self, transaction_id: int) -> keys.Key:
        return {"pk": self._partition, "sk": keys.transaction(transaction_id)}

    def _state_key(self, state: State) -> str:
        return keys.ledger_state(self._business_id, self._generation, state)


def _row(item: Item) -> Row:
    return Row.model_validate_json(zlib.decompress(item["row"]))
