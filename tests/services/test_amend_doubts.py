"""What goes wrong while an expense is brought in step with its purchase; the verdict is read from Procore's books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.ledger import move
from pex_procore.domain.transactions import Transaction
from pex_procore.services.decisions import post_again, retry
from tests.fakes.faults import Trouble
from tests.services.changes import coded, retag
from tests.services.world import P1, P2, World, coding

CONCRETE = coding(cost_code="03-300")


def test_fewer_lines_need_no_more_than_a_removal(world: World) -> None:
    one = world.split("100.00", [("60.00", coding()), ("40.00", CONCRETE)])
    world.sync()
    retag(world, one, ("60.00", coding()), amount=Decimal("60.00"))
    world.sync()
    assert (coded(world, one), world.posted_amounts(one)) == ([[(11, "60.00")]], [Decimal("60.00")])
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, world.procore.calls["write_lines"]) == ("complete", None, 0)


@pytest.mark.parametrize("go", [False, True])
def test_lines_that_are_right_stay_whatever_procore_does_with_those_left_out(world: World, go: bool) -> None:
    world.procore.lines_left_out_go = go
    one = world.split("100.00", [("60.00", coding()), ("30.00", CONCRETE), ("10.00", coding())])
    world.sync()
    retag(world, one, ("60.00", coding()), ("35.00", CONCRETE), ("5.00", CONCRETE))
    world.sync()
    assert coded(world, one) == [[(11, "60.00"), (12, "35.00"), (12, "5.00")]]
    assert world.ledger[one.transaction_id].state == "complete"


def test_where_lines_left_out_go_a_large_split_stops_for_a_person(world: World) -> None:
    world.procore.lines_left_out_go = True
    one = world.split("150.00", [("1.00", coding())] * 150)
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "found_with_other_amount", "50.00 instead of 150.00")


@pytest.mark.parametrize("trouble", ["lost", "dropped", "late"])
def test_a_removal_whose_answer_is_lost_is_looked_at(world: World, trouble: Trouble) -> None:
    one = world.split("100.00", [("60.00", coding()), ("40.00", CONCRETE)])
    world.sync()
    world.procore.misbehave_next(trouble, 20)
    retag(world, one, ("60.00", coding()), amount=Decimal("60.00"))
    world.sync()
    world.clock.forward(900)
    world.sync()
    assert coded(world, one) == [[(11, "60.00")]]
    assert world.ledger[one.transaction_id].state == "complete"


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refused_change_is_told_and_not_tried_by_every_sweep(world: World, posted: Transaction, status: int) -> None:
    world.procore.refuse_next(status, "not like this")
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason, row.detail) == ("complete", "changed_after_sync", "not like this")
    for _ in range(3):
        world.clock.forward(900)
        world.sync()
    assert world.procore.calls["write_lines"] == 1
    assert world.ledger[posted.transaction_id].timeline == row.timeline
    world.pex.change(posted.transaction_id, notes=("for the roof",))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_budget_codes_that_went_stale_are_read_anew_for_a_change_too(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", CONCRETE))
    (concrete,) = [code for code in world.procore.budget_codes[P1] if code.wbs_code_id == 12]
    world.procore.budget_codes[P1].remove(concrete)
    world.procore.budget_codes[P1].append(concrete.model_copy(update={"wbs_code_id": 13}))
    world.procore.refuse_next(422, "wbs_code: is inactive")
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (coded(world, posted), row.state, row.reason, row.tried) == ([[(13, "100.00")]], "complete", None, "")


def test_a_404_to_a_change_is_looked_at_before_anything_is_said(world: World, posted: Transaction) -> None:
    world.procore.refuse_next(404, "not found")
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    world.clock.forward(900)
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]
    assert world.ledger[posted.transaction_id].state == "complete"


def test_a_change_that_was_turned_away_by_a_limit_is_made_later(world: World, posted: Transaction) -> None:
    world.procore.turn_away_next(world.clock() + timedelta(seconds=20))
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_a_project_that_closes_amid_a_change_is_waited_for(world: World, posted: Transaction) -> None:
    world.procore.drop_next_request = True
    retag(world, posted, ("100.00", CONCRETE))
    run = world.opened()
    listing = world.list_all(run)
    world.post(run, listing.transaction_ids)
    world.close(run, listing)
    world.procore.tool_off = {P1}
    world.clock.forward(900)
    closed = world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.postings[0].state, closed.reasons) == ("unknown", "amending", {"outcome_unknown": 1})
    world.procore.tool_off = set()
    world.clock.forward(900)
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_a_closed_project_is_told_and_keeps_its_expense(world: World, posted: Transaction) -> None:
    world.procore.tool_off = {P1}
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("complete", "changed_after_sync")
    assert "the Direct Costs tool is off" in row.detail


def test_what_shrinks_comes_first_so_that_procore_never_holds_more_than_was_spent(world: World) -> None:
    one = world.split("100.00", [("60.00", coding()), ("40.00", coding(P2, "03-300"))])
    world.sync()
    world.procore.behave_next()
    world.procore.refuse_next(422, "locked")
    retag(world, one, ("70.00", coding()), ("30.00", coding(P2, "03-300")))
    world.sync()
    assert world.posted_amounts(one) == [Decimal("60.00"), Decimal("30.00")]
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("complete", "changed_after_sync", "locked")


def test_half_a_change_is_never_taken_for_the_whole(world: World) -> None:
    """The first project shrank, the other one is locked; whichever way PEX goes then, Procore follows."""
    one = world.split("100.00", [("60.00", coding()), ("40.00", coding(P2, "03-300"))])
    world.sync()
    world.procore.behave_next()
    world.procore.refuse_next(422, "locked")
    retag(world, one, ("50.00", coding()), ("50.00", coding(P2, "03-300")))
    world.sync()
    assert (world.posted_amounts(one), world.ledger[one.transaction_id].reason) == (
        [Decimal("50.00"), Decimal("40.00")],
        "changed_after_sync",
    )
    retag(world, one, ("60.00", coding()), ("40.00", coding(P2, "03-300")))
    world.sync()
    row = world.ledger[one.transaction_id]
    assert world.posted_amounts(one) == [Decimal("60.00"), Decimal("40.00")]
    assert (row.state, row.reason, row.tried) == ("complete", None, "")


def test_a_purchase_that_goes_back_amid_a_change_is_compared_with_procore(world: World, posted: Transaction) -> None:
    """The second project's expense came late; PEX, by then, says again what was posted first."""
    world.procore.lose_next_answer = True
    world.procore.commit_late(1)
    retag(world, posted, ("60.00", coding()), ("40.00", coding(P2, "03-300")))
    world.sync()
    retag(world, posted, ("100.00", coding()))
    for _ in range(2):
        world.clock.forward(900)
        world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("complete", "changed_after_sync")
    assert coded(world, posted) == [[(11, "60.00")], [(21, "40.00")]]


def test_a_deleted_expense_is_not_asked_for_by_every_sweep(world: World, posted: Transaction) -> None:
    world.costs(posted)[0].deleted = True
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    row, calls = world.ledger[posted.transaction_id], world.procore.calls["show_direct_cost"]
    for _ in range(3):
        world.clock.forward(900)
        world.sync()
    assert world.procore.calls["show_direct_cost"] == calls
    assert world.ledger[posted.transaction_id].timeline == row.timeline


def test_after_a_deletion_the_last_word_of_pex_is_posted_again(world: World, posted: Transaction) -> None:
    world.costs(posted)[0].deleted = True
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    retag(world, posted, ("90.00", CONCRETE), amount=Decimal("90.00"))
    world.sync()
    world.ledger.save(post_again(world.ledger[posted.transaction_id], world.clock()))
    world.sync()
    assert coded(world, posted) == [[(12, "90.00")]]


def test_an_expense_that_is_alive_gets_no_receipt_twice(world: World) -> None:
    one = world.purchase("100.00")
    world.receipt(one)
    world.sync()
    world.procore.locked = True
    retag(world, one, ("100.00", CONCRETE))
    world.sync()
    world.procore.locked = False
    world.ledger.save(post_again(world.ledger[one.transaction_id], world.clock()))
    world.sync()
    assert (coded(world, one), len(world.filenames(one)[0])) == ([[(12, "100.00")]], 1)
    assert world.ledger[one.transaction_id].state == "complete"


def test_a_receipt_that_left_pex_holds_nothing_up_when_its_purchase_is_posted_again(world: World) -> None:
    one = world.purchase("100.00")
    world.receipt(one)
    world.sync()
    world.costs(one)[0].deleted = True
    retag(world, one, ("100.00", CONCRETE))
    world.sync()
    world.pex.receipts[one.transaction_id].clear()
    world.ledger.save(post_again(world.ledger[one.transaction_id], world.clock()))
    world.sync()
    assert (coded(world, one), world.ledger[one.transaction_id].state) == ([[(12, "100.00")]], "complete")


def test_a_project_closed_to_us_keeps_only_its_own_purchases_from_being_posted_again(
    world: World, posted: Transaction
) -> None:
    world.costs(posted)[0].deleted = True
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    world.ledger.save(post_again(world.ledger[posted.transaction_id], world.clock()))
    world.procore.tool_off = {P1}
    other = world.purchase("7.00", coding(P2, "03-300"))
    run = world.sync()
    assert (run.counts["posted"], run.reasons) == (1, {"direct_costs_tool_off": 1})
    assert world.posted_amounts(other) == [Decimal("7.00")]
    world.procore.tool_off = set()
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_the_rest_of_a_large_split_that_procore_refuses_needs_a_person(world: World) -> None:
    one = world.split("150.00", [("1.00", coding())] * 150)
    world.procore.behave_next()
    world.procore.refuse_next(422, "no more lines")
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "refused_by_procore", "no more lines")
    assert world.posted_amounts(one) == [Decimal("100.00")]
    world.ledger.save(retry(row, world.clock()))
    world.clock.forward(900)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("150.00")]
    assert world.ledger[one.transaction_id].state == "complete"


def test_budget_codes_that_went_stale_double_nothing_where_only_the_description_tells(world: World) -> None:
    """The first project's catalog proves wrong; drafting anew posts both, and the second is not posted once more."""
    world.choose(reference="description")
    world.purchase("1.00")
    world.sync()
    (concrete,) = [code for code in world.procore.budget_codes[P1] if code.wbs_code_id == 12]
    world.procore.budget_codes[P1].remove(concrete)
    world.procore.budget_codes[P1].append(concrete.model_copy(update={"wbs_code_id": 13}))
    one = world.split("100.00", [("60.00", CONCRETE), ("40.00", coding(P2, "03-300"))])
    world.procore.refuse_next(422, "wbs_code: does not belong to this project")
    world.sync()
    assert coded(world, one) == [[(13, "60.00")], [(21, "40.00")]]


@pytest.mark.parametrize("how", ["a word in PEX", "retried by an administrator"])
def test_a_row_whose_expense_was_deleted_is_not_taken_for_posted_once_something_else_changes(
    world: World, posted: Transaction, how: str
) -> None:
    world.costs(posted)[0].deleted = True
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    retag(world, posted, ("100.00", coding()))  # as it was posted
    if how == "a word in PEX":
        world.pex.change(posted.transaction_id, notes=("for the roof",))
    else:
        world.ledger.save(retry(world.ledger[posted.transaction_id], world.clock()))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("exception", "deleted_in_procore")
    assert world.costs(posted) == []


def test_a_door_that_is_closed_when_we_look_whether_the_expense_is_there_is_waited_for(
    world: World, posted: Transaction
) -> None:
    world.ledger.save(move(world.ledger[posted.transaction_id], "announced", world.clock(), "set back"))
    world.procore.tool_off = {P1}
    assert world.sync().reasons == {"direct_costs_tool_off": 1}
    world.procore.tool_off = set()
    world.sync()
    assert (world.ledger[posted.transaction_id].state, len(world.costs(posted))) == ("complete", 1)


def test_codes_that_procore_does_not_take_over_are_told(world: World, posted: Transaction) -> None:
    world.procore.keeps_codes = True
    retag(world, posted, ("100.00", CONCRETE))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("exception", "edited_in_procore")
    assert "other budget codes" in row.detail


def test_an_expense_of_a_purchase_that_became_nothing_is_told_and_not_called_refused(world: World) -> None:
    one = world.split("100.00", [("60.00", coding()), ("40.00", coding(P2, "03-300"))])
    world.procore.tool_off = {P2}
    world.sync()
    assert world.ledger[one.transaction_id].state == "waiting"
    world.pex.change(one.transaction_id, amount=Decimal(), allocations=())
    for _ in range(2):
        world.sync()
        row = world.ledger[one.transaction_id]
        assert (row.state, row.reason, row.detail) == ("exception", "changed_after_sync", "zero_amount")
    assert world.posted_amounts(one) == [Decimal("60.00")]
    retag(world, one, ("100.00", coding()), amount=Decimal("100.00"))
    world.sync()
    assert (coded(world, one), world.ledger[one.transaction_id].state) == ([[(11, "100.00")]], "complete")


def test_an_exception_whose_approval_is_taken_back_stays_one_while_its_expense_is_there(world: World) -> None:
    world.choose(transactions="approved")
    one = world.purchase("100.00")
    world.sync()
    world.ledger.save(move(world.ledger[one.transaction_id], "exception", world.clock(), "a person must look"))
    world.pex.change(one.transaction_id, approved=False)
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "changed_after_sync", "not_approved")
