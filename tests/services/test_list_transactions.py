"""What a run lists, what it decides, and what it asks PEX for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.ledger import announce
from pex_procore.services.list_transactions import PAGE
from pex_procore.services.windows import SLICE
from tests.services.world import BUSINESS_ID, World, again, coding, eastern_noon


@pytest.mark.parametrize(
    ("fields", "settings", "state", "reason"),
    [
        ({"kind": "other"}, {}, "refused", "not_a_purchase"),
        ({"amount": "0.00"}, {}, "refused", "zero_amount"),
        ({"approved": False}, {"transactions": "approved"}, "waiting", "not_approved"),
        ({"tags": {}}, {}, "waiting", "missing_project"),
    ],
)
def test_a_row_that_is_not_posted_is_listed_with_its_reason(
    world: World, fields: dict[str, Any], settings: dict[str, Any], state: str, reason: str
) -> None:
    world.choose(**settings)
    one = world.purchase(**fields)
    run = world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == (state, reason)
    assert (run.verdict, run.counts, run.reasons) == ("success", {state: 1}, {reason: 1})
    again_counted = world.sync()
    assert (again_counted.counts, again_counted.reasons) == ({state: 1}, {reason: 1})
    assert world.ledger[one.transaction_id].version == row.version


@pytest.mark.parametrize("fields", [{"pending": True}, {"declined": True}, {"settled_at": None}])
def test_what_has_not_settled_is_not_ours_yet(world: World, fields: dict[str, Any]) -> None:
    world.purchase(**fields)
    run = world.sync()
    assert (len(world.ledger), run.counts) == (0, {})


def test_an_authorisation_and_its_settlement_make_one_expense_of_the_settled_amount(world: World) -> None:
    held = world.purchase("50.00", pending=True)
    world.sync()
    del world.pex.transactions[held.transaction_id]
    settled = world.purchase("62.17")
    world.sync()
    assert world.posted_amounts(held) == []
    assert world.posted_amounts(settled) == [Decimal("62.17")]


def test_a_refund_and_a_dispute_credit_are_posted_as_credits(world: World) -> None:
    refund, dispute = world.purchase("-40.00"), world.purchase("-15.00", kind="dispute")
    world.sync()
    assert world.posted_amounts(refund) == [Decimal("-40.00")]
    assert world.posted_amounts(dispute) == [Decimal("-15.00")]


def test_a_split_that_does_not_add_up_waits_and_is_posted_once_corrected(world: World) -> None:
    one = world.split("100.00", [("33.33", coding()), ("33.33", coding()), ("33.33", coding())])
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("waiting", "allocations_do_not_add_up", "99.99 of 100.00")
    fixed = (*one.allocations[:2], one.allocations[2].model_copy(update={"amount": Decimal("33.34")}))
    world.pex.change(one.transaction_id, allocations=fixed)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("100.00")]


def test_rows_before_the_start_date_are_not_ours(world: World) -> None:
    world.choose(start_date=date(2026, 5, 1))
    before = world.purchase(
        transacted_at=eastern_noon(date(2026, 4, 29)), settled_at=datetime(2026, 5, 1, 3, 59, tzinfo=UTC)
    )
    on_the_day = world.purchase(
        transacted_at=eastern_noon(date(2026, 4, 29)), settled_at=datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
    )
    world.sync()
    assert world.posted_amounts(before) == []
    assert world.posted_amounts(on_the_day) == [Decimal("120.50")]
    assert len(world.ledger) == 1


def test_a_start_date_moved_forward_leaves_older_waiting_rows_behind(world: World) -> None:
    one = world.purchase(tags={}, transacted_at=eastern_noon(date(2026, 4, 27)))
    world.sync()
    world.choose(start_date=date(2026, 5, 1), defaults={"project": "101", "cost_code": "01-500", "cost_type": "31"})
    world.sync()
    assert world.posted_amounts(one) == []
    assert world.ledger[one.transaction_id].reason == "before_start_date"


def test_a_start_date_moved_back_brings_older_rows_in(world: World) -> None:
    world.choose(start_date=date(2026, 5, 1))
    one = world.purchase(transacted_at=eastern_noon(date(2026, 4, 20)))
    world.sync()
    assert world.posted_amounts(one) == []
    world.choose(start_date=date(2026, 4, 1))
    world.sync("manual")  # as the first sweep after such a change
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_purchase_on_a_day_that_changes_the_clocks_is_dated_right(world: World) -> None:
    world.clock.now = datetime(2026, 3, 10, 16, tzinfo=UTC)
    late = datetime(2026, 3, 9, 3, 30, tzinfo=UTC)  # 23:30 on the eighth in New York
    one = world.purchase(transacted_at=late, settled_at=late)
    world.sync()
    assert [cost.draft.date for cost in world.costs(one)] == [date(2026, 3, 8)]


@pytest.mark.parametrize("filters_by", ["transacted_at", "settled_at"])
@pytest.mark.parametrize("days", [50, 61, 90, 200])
@pytest.mark.parametrize("day", [date(2026, 4, 14), date(2026, 4, 19), date(2026, 4, 21)])
def test_a_row_that_waits_is_asked_about_again_however_long_it_takes(
    world: World, filters_by: Any, days: int, day: date
) -> None:
    """No cliff, whichever of its times PEX's windows go by: approved after so many days, it is posted."""
    world.pex.filters_by = filters_by
    world.choose(transactions="approved")
    one = world.purchase(
        approved=False, transacted_at=eastern_noon(day), settled_at=eastern_noon(day) + timedelta(days=6)
    )
    world.sync()
    world.clock.forward(days=days)
    world.pex.change(one.transaction_id, approved=True)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_row_that_waits_is_found_at_the_very_edge_of_what_is_read(world: World) -> None:
    """A purchase late in the evening: the day of New York and the day of Greenwich differ."""
    world.clock.now = datetime(2026, 5, 4, tzinfo=UTC)
    world.choose(start_date=date(2024, 1, 1), transactions="approved")
    one = world.purchase(approved=False, transacted_at=datetime(2026, 4, 9, 1, 30, tzinfo=UTC))
    world.sync()
    world.clock.forward(days=100)
    world.pex.change(one.transaction_id, approved=True)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_run_by_hand_reads_everything_since_the_start_date(world: World) -> None:
    world.choose(start_date=date(2025, 6, 1))
    one = world.purchase(transacted_at=eastern_noon(date(2025, 6, 2)))
    world.sync("manual")
    assert world.posted_amounts(one) == [Decimal("120.50")]
    assert all(end - start <= SLICE + timedelta(hours=1) for start, end in world.pex.windows)


def test_a_purchase_authorised_before_the_start_date_and_settled_after_it_is_found(world: World) -> None:
    world.choose(start_date=date(2026, 5, 1))
    one = world.purchase(transacted_at=eastern_noon(date(2026, 4, 23)), settled_at=eastern_noon(date(2026, 5, 1)))
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_row_that_waited_more_than_a_year_is_told_to_be_too_old(world: World) -> None:
    world.choose(start_date=date(2026, 1, 1))
    one = world.purchase(tags={})
    world.sync()
    world.clock.forward(days=370)
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("refused", "too_old")


def test_more_than_a_page_of_rows_is_listed_page_by_page_each_once(world: World) -> None:
    world.choose(transactions="approved", start_date=date(2026, 5, 1))
    ids = [world.purchase(approved=False).transaction_id for _ in range(2 * PAGE + 7)]
    run = world.opened()
    listing = world.list(run)
    pages = 1
    while listing.cursor is not None:
        assert len(world.ledger) == pages * PAGE
        listing = world.list(run, cursor=again(listing.cursor), tally=listing.tally, announced=listing.announced)
        pages += 1
    assert pages == 3
    assert sorted(row.transaction_id for row in world.ledger.list_by_state("waiting")) == ids
    assert sum(item.outcome == "waiting" for item in world.runs.items(run.run_id)) == len(ids)


def test_a_page_never_carries_more_than_its_share(world: World) -> None:
    world.choose(start_date=date(2026, 5, 1))
    for _ in range(PAGE + 10):
        world.purchase()
    run = world.opened()
    first = world.list(run)
    assert len(first.transaction_ids) == PAGE
    assert len(first.model_dump_json()) < 50_000
    second = world.list(run, cursor=again(first.cursor), tally=first.tally, announced=first.announced)
    assert not set(first.transaction_ids) & set(second.transaction_ids)


def hint(world: World, transaction_id: int, account_id: int = 7) -> None:
    world.ledger.save(announce(transaction_id, account_id, world.clock(), "callback"))
    world.leases.count_announcement()


def test_a_callback_run_reads_only_the_hinted_cards(world: World) -> None:
    one, other = world.purchase("10.00", account_id=7), world.purchase("20.00", account_id=8)
    hint(world, one.transaction_id, 7)
    world.sync("callback", account_ids=(7,), since=one.transacted_at)
    assert world.posted_amounts(one) == [Decimal("10.00")]
    assert world.posted_amounts(other) == []
    assert (world.pex.calls["list_account_transactions"], world.pex.calls["list_transactions"]) == (1, 0)
    world.sync()
    assert world.posted_amounts(other) == [Decimal("20.00")]


def test_a_callback_run_also_takes_hints_that_came_while_another_run_was_at_work(world: World) -> None:
    one, other = world.purchase("10.00", account_id=7), world.purchase("20.00", account_id=8)
    hint(world, one.transaction_id, 7)
    hint(world, other.transaction_id, 8)
    world.sync("callback", account_ids=(7,), since=one.transacted_at)
    assert world.posted_amounts(other) == [Decimal("20.00")]


def test_many_hinted_cards_are_read_in_one_call(world: World) -> None:
    purchases = [world.purchase(account_id=number) for number in range(10, 30)]
    for one in purchases:
        hint(world, one.transaction_id, one.account_id)
    world.sync("callback", account_ids=[one.account_id for one in purchases])
    assert len(world.procore.live()) == 20
    assert (world.pex.calls["list_account_transactions"], world.pex.calls["list_transactions"]) == (0, 1)


def test_a_hint_never_decides_money(world: World) -> None:
    hint(world, 424242)
    run = world.sync("callback", account_ids=(7,))
    assert (world.procore.calls["create_direct_cost"], run.verdict) == (0, "success")


def test_a_hint_that_pex_never_bears_out_comes_to_an_end(world: World) -> None:
    hint(world, 424242, account_id=666)
    world.sync("callback", account_ids=(666,))
    world.clock.forward(days=8)
    world.sync()
    assert world.ledger[424242].state == "refused"
    calls = world.pex.calls["list_account_transactions"]
    one = world.purchase()
    hint(world, one.transaction_id, 7)
    world.sync("callback", account_ids=(7,))
    assert world.pex.calls["list_account_transactions"] == calls + 1


def test_a_hint_48_hours_late_is_still_listed(world: World) -> None:
    one = world.purchase(transacted_at=world.clock() - timedelta(hours=60))
    hint(world, one.transaction_id)
    world.sync("callback", account_ids=(7,), since=one.settled_at)
    assert len(world.costs(one)) == 1


def test_a_hint_for_a_row_before_the_start_date_is_refused(world: World) -> None:
    world.choose(start_date=date(2026, 5, 4))
    one = world.purchase(transacted_at=world.clock() - timedelta(days=2))
    hint(world, one.transaction_id)
    world.sync("callback", account_ids=(7,), since=one.settled_at)
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("refused", "before_start_date")


def test_an_exception_is_tried_again_only_when_the_transaction_changed(world: World) -> None:
    one = world.purchase()
    world.procore.refuse_next(422, "no")
    world.sync()
    for _ in range(3):
        run = world.sync()
        assert run.counts == {"needs_attention": 1}
    assert world.procore.calls["create_direct_cost"] == 1
    world.pex.change(one.transaction_id, notes=("PO 77",))
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_an_ignored_row_is_never_posted(world: World) -> None:
    one = world.purchase()
    row = announce(one.transaction_id, 7, world.clock(), "test", one)
    world.ledger.save(row.model_copy(update={"state": "ignored"}))
    world.pex.change(one.transaction_id, notes=("changed",))
    run = world.sync()
    assert (world.posted_amounts(one), run.counts) == ([], {"ignored": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"allocations": ()},
        {"approved": False},
        {"amount": Decimal("130.50")},
    ],
)
def test_a_purchase_changed_after_it_was_posted_shows_a_warning_and_no_second_expense(
    world: World, change: dict[str, Any]
) -> None:
    world.choose(transactions="approved")
    one = world.purchase()
    world.sync()
    world.pex.change(one.transaction_id, **change)
    run = world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    row = world.ledger[one.transaction_id]
    assert row.reason == "changed_after_sync"
    assert run.reasons == {"changed_after_sync": 1}


def test_a_note_added_after_posting_is_no_warning(world: World) -> None:
    one = world.purchase()
    world.sync()
    world.pex.change(one.transaction_id, notes=("thanks",))
    run = world.sync()
    assert world.ledger[one.transaction_id].reason is None
    assert run.counts == {"already_posted": 1}


def test_a_night_without_changes_is_a_success_with_few_calls(world: World) -> None:
    for _ in range(30):
        world.purchase()
    world.sync()
    world.clock.forward(days=1)
    world.pex.calls.clear()
    world.procore.calls.clear()
    run = world.sync()
    assert run.verdict == "success"
    assert run.counts.keys() <= {"already_posted"}
    assert sum(world.procore.calls.values()) == 0
    assert sum(world.pex.calls.values()) <= 4 + 30  # late receipts are worth one call each, now and then


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (NeedsAttention("pex_token_rejected", "expired"), "failed", "pex_token_rejected"),
        (TryLater("429"), "failed", "busy"),
    ],
)
def test_a_listing_that_fails_stops_the_run_and_loses_nothing(
    world: World, error: Exception, verdict: str, reason: str
) -> None:
    one = world.purchase()
    world.pex.fail("list_transactions", error)
    run = world.sync()
    assert (run.verdict, run.reasons) == (verdict, {reason: 1})
    world.sync()
    assert len(world.costs(one)) == 1


def test_the_ledgers_reference_names_business_transaction_and_project(world: World) -> None:
    one = world.purchase()
    world.sync()
    (posting,) = world.ledger[one.transaction_id].postings
    assert posting.reference == f"pex:{BUSINESS_ID}:{one.transaction_id}:101"


def test_rows_that_pex_sends_broken_are_told_and_keep_no_other_out(world: World) -> None:
    one = world.purchase()
    world.pex.broken_rows = 2
    run = world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    assert (run.verdict, run.reasons) == ("partial", {"vendor_answer_unreadable": 2})
