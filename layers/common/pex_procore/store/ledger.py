"""The ledger in the History table: one item per transaction, rows of one business and one generation.

A row is compressed, so that most saves cost one write unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pex_procore.domain.ledger import Row, State
from pex_procore.domain.search import Wanted, day_of, facets_of
from pex_procore.store import keys
from pex_procore.store.dynamo import READ_AT_ONCE, Item, Table, in_chunks
from pex_procore.store.marks import read_mark, write_mark
from pex_procore.store.pressing import press, unpress

DAY, FIND = "day_key", "find"
LOOK_AT_ONCE = 2500  # entries of an index, some 200 bytes each
LOOKS = 2  # for one page
MOST_BETWEEN = 4  # rows read for each that is wanted
MOST_ALTERNATIVES = 50  # that DynamoDB is asked to tell apart


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

    def glance(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        """Rows of one time are neighbours: what lies between the first and the last is billed by its size, where a row
        read by its key costs as much as four kilobytes. Where others lie between, the rest is read by key."""
        wanted = sorted(set(transaction_ids))
        if not wanted:
            return {}
        between = ("sk", keys.transaction(wanted[0]), keys.transaction(wanted[-1]))
        most = MOST_BETWEEN * len(wanted)
        items = self._table.query({"pk": self._partition}, between=between, at_once=most, consistent=False)
        found, last = {}, wanted[0] - 1
        for item in islice(items, most):
            last = keys.transaction_of(item["sk"])
            found[last] = item
        if len(found) == most:
            left = [self._key(one) for one in wanted if one > last]
            found |= {keys.transaction_of(one["sk"]): one for one in self._table.get_many(left, consistent=False)}
        return {one: _row(found[one]) for one in wanted if one in found}

    def save(self, row: Row) -> Row:
        saved = row.model_copy(update={"version": row.version + 1})
        item = {
            **self._key(row.transaction_id),
            "state_key": self._state_key(row.state),
            DAY: keys.ledger_day(day_of(row), row.transaction_id),
            FIND: facets_of(row),
            "row": press(saved.model_dump_json()),
        }
        self._table.put_version(item, row.version)
        return saved

    def list_by_state(self, state: State) -> list[Row]:
        """Oldest first. Rows that moved on while the index lags are left out."""
        entries = self._table.query({"state_key": self._state_key(state)}, index=keys.BY_STATE)
        return [row for _, row in self._rows_of(list(entries), READ_AT_ONCE) if row is not None and row.state == state]

    def search(self, wanted: Wanted, limit: int, after: str | None) -> tuple[list[Row], str | None]:
        """Newest first, by day and transaction id. Raises ValueError when `after` is not a mark of this listing.

        It looks at no more than a few thousand rows: the page may be short, or even empty, and yet not be the last.
        """
        index, partition = self._index_for(wanted)
        ((_, bound),) = partition.items()
        between = (DAY, *keys.days(wanted.first_day, wanted.last_day))
        start = self._read_start(after, bound, between, partition) if after is not None else None
        containing = (FIND, [one for one in wanted.facets() if len(one) <= MOST_ALTERNATIVES])
        at_once = limit + 1 if wanted.is_everything else LOOK_AT_ONCE
        rows: list[Row] = []
        for _ in range(LOOKS):
            entries, start = self._table.look(
                partition, index=index, between=between, containing=containing, start=start, at_once=at_once
            )
            for entry, row in self._rows_of(entries, limit):
                if row is None or not wanted.fits(row):
                    continue
                rows.append(row)
                if len(rows) == limit:
                    more = start is not None or entry is not entries[-1]
                    return rows, write_mark(bound, entry[DAY]) if more else None
            if start is None:
                return rows, None
        assert start is not None
        return rows, write_mark(bound, start[DAY])

    def _index_for(self, wanted: Wanted) -> tuple[str, dict[str, str]]:
        if wanted.state is None:
            return keys.BY_DAY, {"pk": self._partition}
        return keys.BY_STATE, {"state_key": self._state_key(wanted.state)}

    def _read_start(
        self, after: str, bound: str, between: tuple[str, str, str], partition: dict[str, str]
    ) -> dict[str, str]:
        day_key = read_mark(after, bound)
        if not between[1] <= day_key <= between[2]:
            raise ValueError("this is not the mark of a page of these days")
        return {"pk": self._partition, "sk": keys.transaction_key_of(day_key), DAY: day_key, **partition}

    def _rows_of(self, entries: list[Item], at_once: int) -> Iterator[tuple[Item, Row | None]]:
        """The index only says where to look: rows are read from the table."""
        for chunk in in_chunks(entries, min(at_once, READ_AT_ONCE)):
            rows = self.load_many(keys.transaction_of(entry["sk"]) for entry in chunk)
            for entry in chunk:
                yield entry, rows.get(keys.transaction_of(entry["sk"]))

    def _key(self, transaction_id: int) -> keys.Key:
        return {"pk": self._partition, "sk": keys.transaction(transaction_id)}

    def _state_key(self, state: State) -> str:
        return keys.ledger_state(self._business_id, self._generation, state)


def _row(item: Item) -> Row:
    return Row.model_validate_json(unpress(item["row"]))
