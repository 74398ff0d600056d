"""An answer that proves nothing: looked for before it is sent again. The verdict is read from Procore's books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.transactions import Allocation
from tests.fakes.stores import Killed
from tests.services.changes import coded, retag
from tests.services.world import P1, P2, World, coding

THIRTY_SECONDS = timedelta(seconds=30)


def test_a_lost_answer_leads_to_adoption_and_no_second_post(world: World) -> None:
    one = world.purchase()
    world.procore.lose_next_answer = True
    run = world.sync()
    (cost,) = world.costs(one)
    assert world.ledger[one.transaction_id].postings[0].direct_cost_id == cost.direct_cost_id
    assert world.procore.calls["create_direct_cost"] == 1
    assert run.counts["posted"] == 1


def test_a_dropped_request_is_posted_again_after_two_looks_30_seconds_apart(world: World) -> None:
    one = world.purchase()
    world.procore.drop_next_request = True
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    first, second = world.procore.find_times
    assert second - first >= THIRTY_SECONDS
    assert world.procore.create_times[1] >= second
    references = {cost.draft.reference for cost in world.costs(one)}
    assert references == {f"pex:42:{one.transaction_id}:{P1}"}


@pytest.mark.parametrize("scheme", ["origin_id", "description"])
@pytest.mark.parametrize("seconds", [1, 15, 29, 30])
def test_a_late_commit_is_adopted_and_not_doubled(world: World, scheme: str, seconds: float) -> None:
    world.choose(reference=scheme)
    one = world.purchase()
    world.procore.commit_late(seconds)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    assert world.procore.calls["create_direct_cost"] == 1


@pytest.mark.parametrize("scheme", ["origin_id", "description"])
def test_a_look_up_that_lags_30_seconds_doubles_nothing(world: World, scheme: str) -> None:
    world.choose(reference=scheme)
    one = world.purchase()
    world.procore.hide_fresh_for(30)
    world.procore.lose_next_answer = True
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_the_rest_of_the_run_does_not_wait_for_a_second_look(world: World) -> None:
    doubtful, well = world.purchase("10.00"), world.purchase("20.00")
    world.procore.drop_next_request = True
    run = world.opened()
    listing = world.list_all(run)
    progress = world.post(run, listing.transaction_ids)
    assert world.posted_amounts(well) == [Decimal("20.00")]
    assert progress.remaining == (doubtful.transaction_id,)
    assert progress.resume_at is not None
    assert THIRTY_SECONDS <= progress.resume_at - world.clock() <= timedelta(minutes=2)


def test_a_second_look_that_comes_too_early_sends_nothing(world: World) -> None:
    one = world.purchase()
    world.procore.drop_next_request = True
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.clock.forward(29)
    progress = world.post(run, [one.transaction_id])
    assert world.procore.calls["create_direct_cost"] == 1
    assert progress.remaining == (one.transaction_id,)


def test_after_a_crash_behind_the_intent_procore_is_asked_before_anything_is_sent(world: World) -> None:
    one = world.purchase()
    run = world.opened()
    listing = world.list_all(run)
    world.ledger.die_after = 1
    with pytest.raises(Killed):
        world.post(run, listing.transaction_ids)
    world.ledger.die_after = None
    assert world.ledger[one.transaction_id].state == "posting"
    world.clock.forward(3600)
    world.sync()
    assert world.procore.calls["create_direct_cost"] == 1
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_reference_that_is_taken_leads_to_adoption(world: World) -> None:
    one = world.purchase()
    world.sync()
    world.ledger = type(world.ledger)()  # our books burn
    world.sync()
    (cost,) = world.costs(one)
    assert world.ledger[one.transaction_id].postings[0].direct_cost_id == cost.direct_cost_id


def test_an_expense_of_an_older_try_is_recoded_when_it_is_adopted(world: World) -> None:
    one = world.purchase("100.00")
    world.sync()
    world.ledger = type(world.ledger)()  # our books burn
    retag(world, one, ("100.00", coding(cost_code="03-300")))
    run = world.sync()
    assert coded(world, one) == [[(12, "100.00")]]
    assert run.counts["posted"] == 1


@pytest.mark.parametrize("scheme", ["origin_id", "description"])
def test_a_try_that_commits_late_brings_no_coding_of_yesterday(world: World, scheme: str) -> None:
    world.choose(reference=scheme)
    one = world.purchase("100.00")
    world.procore.commit_late(150)
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    world.post(run, ids)
    retag(world, one, ("100.00", coding(cost_code="03-300")))
    world.list_all(run)
    world.clock.forward(70)
    world.procore.drop_next_request = True
    world.post(run, ids)  # looked for twice in vain, sent again, lost again
    world.clock.forward(90)
    world.close(run)
    world.sync()
    assert world.procore.calls["create_direct_cost"] == 2
    assert coded(world, one) == [[(12, "100.00")]]
    assert world.ledger[one.transaction_id].state == "complete"


def test_two_expenses_with_our_reference_stop_the_row(world: World) -> None:
    world.choose(reference="description")
    one = world.purchase()
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(3600)
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.procore.books.append(world.procore.books[0])
    world.procore.hide_fresh_for(0)
    world.clock.forward(120)
    world.post(run, [one.transaction_id])
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("exception", "reference_found_twice")
    assert str(world.procore.books[0].direct_cost_id) in row.detail
    assert world.procore.calls["create_direct_cost"] == 1


def test_our_reference_with_another_amount_stops_the_row(world: World) -> None:
    one = world.purchase()
    world.procore.change_next_amount(Decimal("120.49"))
    world.procore.lose_next_answer = True
    run = world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("exception", "found_with_other_amount")
    assert "120.49" in row.detail
    assert (run.verdict, run.counts["failed"]) == ("partial", 1)


def test_a_purchase_retagged_while_its_fate_is_unknown_goes_to_one_project_only(world: World) -> None:
    one = world.purchase()
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(20)
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.pex.change(one.transaction_id, allocations=(Allocation(amount=Decimal("120.50"), tags=coding(P2, "03-300")),))
    world.close(run, stopped_by="paused")
    world.clock.forward(900)
    world.sync()
    assert [cost.draft.project_id for cost in world.costs(one)] == [P1]


def test_a_purchase_retagged_while_its_fate_is_unknown_shows_that_it_was_changed(world: World) -> None:
    one = world.purchase()
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(20)
    world.choose(start_date=(world.clock() - timedelta(days=5)).date())
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.pex.change(one.transaction_id, allocations=(Allocation(amount=Decimal("120.50"), tags=coding(P2, "03-300")),))
    world.close(run, stopped_by="paused")
    for _ in range(2):
        world.clock.forward(900)
        world.sync()
    assert [cost.draft.project_id for cost in world.costs(one)] == [P1]
    assert world.ledger[one.transaction_id].reason == "changed_after_sync"


def test_a_doubtful_row_that_cannot_be_looked_up_keeps_no_later_page_waiting(world: World) -> None:
    """Rows in doubt come first; a project that answers nothing but 500 must not end the run there."""
    bad = world.split("10.00", [("10.00", coding(P2, "03-300"))])
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(10)
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.close(run, stopped_by="paused")
    world.procore.unreadable = {P2}
    well = world.purchase("20.00")
    for _ in range(3):
        world.clock.forward(900)
        world.sync()
    assert world.posted_amounts(well) == [Decimal("20.00")]
    world.procore.unreadable = set()
    world.clock.forward(900)
    world.sync()
    assert world.posted_amounts(bad) == [Decimal("10.00")]
    assert world.ledger[bad.transaction_id].state == "complete"


def test_what_was_found_after_all_is_posted_whatever_became_of_its_coding(world: World) -> None:
    """Adoption is the end of it: a tag taken away afterwards cannot make a posted purchase wait."""
    one = world.purchase()
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(20)
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.procore.cost_codes[P1] = {}
    world.procore.budget_codes[P1] = []
    world.cache.forget()
    world.clock.forward(60)
    world.close(run, stopped_by="paused")
    world.sync()
    assert world.ledger[one.transaction_id].state in ("posted", "complete")


def test_a_split_that_no_longer_adds_up_is_not_posted_from_doubt(world: World) -> None:
    world.choose(start_date=(world.clock() - timedelta(days=5)).date())
    one = world.purchase("100.00")
    world.procore.drop_next_request = True
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.pex.change(one.transaction_id, allocations=(Allocation(amount=Decimal("60.00"), tags=coding()),))
    world.close(run, stopped_by="paused")
    world.clock.forward(900)
    world.sync()
    assert world.posted_amounts(one) == []
    assert world.ledger[one.transaction_id].reason == "allocations_do_not_add_up"


def test_an_approval_taken_back_while_in_doubt_is_respected(world: World) -> None:
    world.choose(transactions="approved", start_date=(world.clock() - timedelta(days=5)).date())
    one = world.purchase()
    world.procore.drop_next_request = True
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    world.pex.change(one.transaction_id, approved=False)
    world.close(run, stopped_by="paused")
    world.clock.forward(900)
    world.sync()
    assert world.posted_amounts(one) == []
    assert world.ledger[one.transaction_id].reason == "not_approved"


def test_a_reference_that_is_taken_but_nowhere_to_be_found_does_not_go_round_for_ever(world: World) -> None:
    """Its expense was deleted in Procore, or stands in another project: nothing is to be brought back to life."""
    one, other = world.purchase("10.00"), world.purchase("20.00")
    world.sync()
    world.costs(one)[0].deleted = True
    world.ledger = type(world.ledger)()
    for _ in range(3):
        world.clock.forward(900)
        world.sync()
    assert world.posted_amounts(one) == []
    assert world.posted_amounts(other) == [Decimal("20.00")]
    assert world.ledger[one.transaction_id].state == "exception"
    assert world.procore.calls["create_direct_cost"] < 10


def test_a_create_that_always_ends_in_doubt_does_not_hold_up_the_run(world: World) -> None:
    bad = world.purchase("10.00")
    for _ in range(40):
        world.procore.drop_next_request = True
    started_at = world.clock()
    run = world.opened()
    listing = world.list_all(run)
    ids = listing.transaction_ids
    for _ in range(10):
        progress = world.post(run, ids)
        if progress.resume_at is None:
            break
        world.clock.wait_until(progress.resume_at)
        ids = progress.remaining
    assert progress.resume_at is None
    assert world.clock() - started_at < timedelta(minutes=5)
    assert world.ledger[bad.transaction_id].state == "unknown"


def test_a_look_that_procore_does_not_allow_leaves_the_row_in_doubt_and_sends_nothing(world: World) -> None:
    one, other = world.purchase("10.00"), world.split("20.00", [("20.00", coding(P2, "03-300"))])
    world.procore.lose_next_answer = True
    run = world.opened()
    world.procore.hide_fresh_for(10)
    world.post(run, world.list_all(run).transaction_ids)
    world.procore.tool_off = {P1}
    world.close(run, stopped_by="paused")
    world.clock.forward(900)
    second = world.sync()
    assert world.ledger[one.transaction_id].state == "unknown"
    assert world.posted_amounts(one) == [Decimal("10.00")]
    assert world.posted_amounts(other) == [Decimal("20.00")]
    assert second.reasons == {"outcome_unknown": 1}
    world.procore.tool_off = set()
    world.clock.forward(900)
    world.sync()
    assert world.ledger[one.transaction_id].state == "complete"
    assert world.posted_amounts(one) == [Decimal("10.00")]


def test_a_half_that_was_found_stays_while_the_project_of_the_other_is_closed(world: World) -> None:
    """Nothing changed in PEX: it waits for the door to open and stops for nobody."""
    first = world.purchase("5.00", tags=coding(P2, "03-300"))
    one = world.split("100.00", [("50.00", coding(P1)), ("50.00", coding(P2, "03-300"))])
    world.procore.drop_next_request = True
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(30)
    run = world.opened()
    listing = world.list_all(run)
    world.post(run, listing.transaction_ids)
    world.clock.forward(40)
    world.procore.hide_fresh_for(0)
    world.post(run, [one.transaction_id])
    world.clock.forward(40)
    world.procore.refuse_next(403, "tool is off")
    world.post(run, [first.transaction_id, one.transaction_id])
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("waiting", "direct_costs_tool_off")
    world.close(run)
    world.clock.forward(900)
    world.sync()
    assert [sum(world.posted_amounts(each)) for each in (first, one)] == [Decimal("5.00"), Decimal("100.00")]
