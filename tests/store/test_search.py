"""Finding ledger rows: by day, state, reason, project, cardholder and words, in bounded looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pex_procore.domain.ledger import Posting, Row, announce, move
from pex_procore.domain.search import Wanted, read_words
from pex_procore.domain.transactions import Allocation, Transaction
from pex_procore.store import ledger as ledger_room
from pex_procore.store.ledger import DynamoLedger
from pex_procore.store.marks import write_mark
from tests.store.tables import Stage

NOON = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)


def purchase(transaction_id: int, *, days_ago: int = 0, account_id: int = 7, **said: Any) -> Row:
    at = NOON - timedelta(days=days_ago)
    facts = {"amount": Decimal("120.50"), "merchant": "HOME DEPOT #4512", **said}
    transaction = Transaction(
        transaction_id=transaction_id,
        account_id=account_id,
        kind="purchase",
        transacted_at=at - timedelta(days=2),
        settled_at=at,
        **facts,
    )
    return announce(transaction_id, account_id, at, "listed", transaction)


@pytest.fixture
def ledger(stage: Stage) -> DynamoLedger:
    return DynamoLedger(stage.dynamodb, stage.history, 1, 1)


def found(ledger: DynamoLedger, **conditions: Any) -> list[int]:
    """Over all pages of three."""
    seen: list[int] = []
    after = None
    while True:
        rows, after = ledger.search(Wanted(**conditions), 3, after)
        seen += [row.transaction_id for row in rows]
        if after is None:
            return seen


def test_rows_come_by_the_day_they_settled_and_not_by_their_number(ledger: DynamoLedger) -> None:
    for transaction_id, days_ago in ((1, 0), (2, 9), (3, 4), (4, 4)):
        ledger.save(purchase(transaction_id, days_ago=days_ago))
    assert found(ledger) == [1, 4, 3, 2]


def test_days_are_eastern_and_both_ends_belong_to_them(ledger: DynamoLedger) -> None:
    late = datetime(2026, 5, 2, 3, 30, tzinfo=UTC)  # still the first of May in New York
    for transaction_id, days_ago in ((1, 0), (2, 1), (3, 2), (4, 5)):
        ledger.save(purchase(transaction_id, days_ago=days_ago))
    ledger.save(
        purchase(9).model_copy(update={"transaction": purchase(9).transaction.model_copy(update={"settled_at": late})})
    )  # type: ignore[union-attr]
    assert found(ledger, first_day=date(2026, 5, 2), last_day=date(2026, 5, 3)) == [2, 3]
    assert found(ledger, last_day=date(2026, 5, 1)) == [9, 4]
    assert found(ledger, first_day=date(2026, 5, 4)) == [1]


def test_conditions_hold_together(ledger: DynamoLedger) -> None:
    for transaction_id in range(1, 13):
        row = ledger.save(purchase(transaction_id, days_ago=transaction_id, account_id=transaction_id % 2))
        if transaction_id % 3 == 0:
            ledger.save(move(row, "waiting", NOON, reason="missing_project" if transaction_id > 4 else "not_approved"))
    assert found(ledger, state="waiting") == [3, 6, 9, 12]
    assert found(ledger, state="waiting", reason="missing_project") == [6, 9, 12]
    assert found(ledger, reason="missing_project", account_ids=frozenset({1})) == [9]
    assert found(ledger, state="waiting", first_day=date(2026, 4, 25), words=("home",)) == [3, 6, 9]
    assert found(ledger, account_ids=frozenset()) == []


def test_words_are_looked_for_in_merchant_amount_and_number(ledger: DynamoLedger) -> None:
    ledger.save(purchase(419_082_232, merchant="SHERWIN-WILLIAMS, 708412", amount=Decimal("1219.30")))
    ledger.save(purchase(419_082_233, amount=Decimal("-12.30")))
    for text in ("sherwin", "Williams 708412", "$1,219.30", "082232", "SHERWIN-WILLIAMS, 708412"):
        assert found(ledger, words=read_words(text)) == [419_082_232], text
    assert found(ledger, words=read_words("12.30")) == [419_082_233]
    assert found(ledger, words=read_words("sherwin depot")) == []
    assert found(ledger, words=read_words("a7")) == [], "what rows are found by otherwise is no text"


def test_a_project_is_found_by_what_was_posted_and_before_that_by_what_was_chosen(ledger: DynamoLedger) -> None:
    chosen = (Allocation(amount=Decimal("120.50"), tags={"t1": "5001", "t2": "01-500"}),)
    waiting = ledger.save(purchase(1, allocations=chosen))
    posting = Posting(
        project_id=6002, scheme="origin_id", reference="r", body_hash="", amount=Decimal(1), attempt=1, sent_at=NOON
    )
    ledger.save(move(purchase(2, allocations=chosen), "posted", NOON, postings=(posting,)))
    assert found(ledger, project_id=5001) == [waiting.transaction_id]
    assert found(ledger, project_id=6002) == [2]
    assert found(ledger, project_id=500) == []


def test_a_purchase_that_settles_later_than_it_was_announced_moves_to_its_day(ledger: DynamoLedger) -> None:
    announced = ledger.save(announce(1, 7, NOON, "callback"))
    assert found(ledger, first_day=date(2026, 5, 4)) == [1]
    ledger.save(announced.model_copy(update={"transaction": purchase(1, days_ago=3).transaction}))
    assert found(ledger, first_day=date(2026, 5, 4)) == []
    assert found(ledger, last_day=date(2026, 5, 1)) == [1]


def test_a_search_that_finds_nothing_looks_at_so_many_rows_and_says_where_to_go_on(
    ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_room, "LOOK_AT_ONCE", 4)
    for transaction_id in range(1, 20):
        ledger.save(purchase(transaction_id))
    ledger.save(purchase(20, merchant="NEEDLE", days_ago=9))
    pages, after = 0, None
    while True:
        rows, after = ledger.search(Wanted(words=("needle",)), 5, after)
        pages += 1
        if after is None:
            break
        assert rows == []
    assert [row.transaction_id for row in rows] == [20]
    assert pages == 3, "eight rows a page"


class Counting:
    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self.calls.append(name) or getattr(self._client, name)(**request)


def test_a_page_costs_two_calls_and_no_scan_however_many_rows_there_are(stage: Stage) -> None:
    ledger = DynamoLedger(stage.dynamodb, stage.history, 1, 1)
    for transaction_id in range(1, 301):
        ledger.save(purchase(transaction_id, days_ago=transaction_id))
    counting = Counting(stage.dynamodb)
    rows, after = DynamoLedger(counting, replace(stage).history, 1, 1).search(Wanted(), 50, None)
    assert (len(rows), after is not None) == (50, True)
    assert counting.calls == ["query", "batch_get_item"]


@pytest.mark.parametrize("day_key", ["2026-05-03#T#1", "x", "2026-05-03#T#0000000000000000001#", "2027-01-01"])
def test_a_mark_that_leads_outside_of_what_is_asked_for_is_refused(ledger: DynamoLedger, day_key: str) -> None:
    for wanted in (Wanted(), Wanted(first_day=date(2026, 5, 4), last_day=date(2026, 5, 5))):
        with pytest.raises(ValueError, match="mark"):
            ledger.search(wanted, 3, write_mark("B#1#L1", day_key))
