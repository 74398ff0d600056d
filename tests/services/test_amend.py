"""A purchase that changes after it was posted; the verdict is read from Procore's books."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.transactions import Transaction
from pex_procore.services.decisions import NotNow, allowed, post_again, retry
from tests.fakes.faults import Trouble
from tests.fakes.stores import Killed
from tests.services.changes import coded, retag
from tests.services.world import P1, P2, World, coding


def test_another_cost_code_changes_the_line_and_makes_no_second_expense(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    run = world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason, row.postings[0].amount) == ("complete", None, Decimal("100.00"))
    assert (run.verdict, run.counts) == ("success", {"updated": 1})
    assert world.procore.calls["write_lines"] == 1
    assert world.sync().counts == {"already_posted": 1}


def test_a_split_made_later_adds_its_lines_and_one_taken_back_removes_them(world: World, posted: Transaction) -> None:
    retag(world, posted, ("60.00", coding()), ("40.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(11, "60.00"), (12, "40.00")]]
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_another_amount_changes_the_expense(world: World, posted: Transaction) -> None:
    retag(world, posted, ("90.00", coding()), amount=Decimal("90.00"))
    world.sync()
    assert (coded(world, posted), world.posted_amounts(posted)) == ([[(11, "90.00")]], [Decimal("90.00")])


def test_a_project_that_joins_gets_an_expense_after_the_other_one_shrank(world: World, posted: Transaction) -> None:
    retag(world, posted, ("60.00", coding()), ("40.00", coding(P2, "03-300")))
    world.procore.tool_off = {P2}
    world.sync()
    assert world.posted_amounts(posted) == [Decimal("60.00")], "what shrinks comes first"
    world.procore.tool_off = set()
    world.clock.forward(900)
    world.sync()
    assert coded(world, posted) == [[(11, "60.00")], [(21, "40.00")]]
    assert world.ledger[posted.transaction_id].state == "complete"


def test_the_expense_of_a_project_that_joins_gets_the_receipts_too_and_no_other_gets_them_twice(world: World) -> None:
    one = world.purchase("100.00")
    for _ in range(2):  # the same file twice
        world.receipt(one)
    world.sync()
    retag(world, one, ("60.00", coding()), ("40.00", coding(P2, "03-300")))
    world.sync()
    assert [len(cost.files) for cost in world.costs(one)] == [1, 1]
    assert world.ledger[one.transaction_id].state == "complete"


def test_a_project_that_leaves_is_told_and_nothing_is_deleted_or_posted(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", coding(P2, "03-300")))
    run = world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("complete", "changed_after_sync")
    assert f"in project {P1}" in row.detail
    assert (coded(world, posted), run.reasons) == ([[(11, "100.00")]], {"changed_after_sync": 1})
    before = world.procore.calls.copy()
    world.sync()
    assert world.procore.calls["show_direct_cost"] == before["show_direct_cost"], "not tried again by itself"


def test_a_receipt_that_comes_afterwards_takes_no_warning_away(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", coding(P2, "03-300")))
    world.sync()
    world.receipt(posted)
    world.clock.forward(4 * 3600)
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert ([mark.state for mark in row.receipts], row.state) == (["attached"], "complete")
    assert (row.reason, row.detail != "") == ("changed_after_sync", True)


def test_with_updates_off_the_expense_stays_and_the_change_is_told(world: World, posted: Transaction) -> None:
    world.choose(update_expenses=False)
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(11, "100.00")]]
    assert world.ledger[posted.transaction_id].reason == "changed_after_sync"
    world.choose(update_expenses=True)
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_what_a_person_changed_in_procore_is_never_overwritten(world: World, posted: Transaction) -> None:
    (cost,) = world.costs(posted)
    cost.lines = [cost.lines[0].model_copy(update={"wbs_code_id": 12})]
    retag(world, posted, ("60.00", coding()), ("40.00", coding()))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]
    assert world.ledger[posted.transaction_id].reason == "edited_in_procore"


def test_a_person_who_made_the_same_change_in_procore_is_agreed_with(world: World, posted: Transaction) -> None:
    (cost,) = world.costs(posted)
    cost.lines = [cost.lines[0].model_copy(update={"wbs_code_id": 12})]
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.reason, world.procore.calls["write_lines"]) == (None, 0)
    assert row.postings[0].coding == world.procore.books[0].shown().coding_hash()


@pytest.mark.parametrize(("status", "kept"), [("pending", False), ("approved", True)])
def test_an_expense_that_somebody_approved_is_left_alone(
    world: World, posted: Transaction, status: str, kept: bool
) -> None:
    world.costs(posted)[0].status = status
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(11 if kept else 12, "100.00")]]
    assert (world.ledger[posted.transaction_id].reason == "changed_after_sync") == kept


def test_an_expense_deleted_in_procore_is_not_brought_back(world: World, posted: Transaction) -> None:
    world.costs(posted)[0].deleted = True
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    world.sync()
    assert world.costs(posted) == []
    assert world.ledger[posted.transaction_id].reason == "deleted_in_procore"


def test_what_procore_refuses_is_told_in_its_words_and_tried_again_when_asked(
    world: World, posted: Transaction
) -> None:
    world.procore.locked = True
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason, row.detail) == (
        "complete",
        "changed_after_sync",
        "the record is locked by an ERP integration",
    )
    world.procore.locked = False
    world.sync()
    assert coded(world, posted) == [[(11, "100.00")]]
    world.ledger.save(retry(world.ledger[posted.transaction_id], world.clock()))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]
    assert world.ledger[posted.transaction_id].reason is None


@pytest.mark.parametrize("tags", [coding(cost_code=""), coding(cost_code="99-999"), coding(P2, "01-500")], ids=str)
def test_a_change_that_cannot_be_coded_leaves_the_expense_and_says_why(
    world: World, posted: Transaction, tags: dict[str, str]
) -> None:
    retag(world, posted, ("100.00", tags))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason, coded(world, posted)) == ("complete", "changed_after_sync", [[(11, "100.00")]])
    assert row.detail.split(":")[0] in ("missing_cost_code", "cost_code_not_in_project")
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]


def test_a_change_that_is_taken_back_takes_its_warning_back(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", coding(cost_code="")))
    world.sync()
    retag(world, posted, ("100.00", coding()))
    world.sync()
    assert world.ledger[posted.transaction_id].reason is None


@pytest.mark.parametrize("trouble", ["lost", "dropped", "late"])
@pytest.mark.parametrize("parts", [1, 3])
def test_an_update_whose_answer_is_lost_is_looked_at_and_ends_right(
    world: World, posted: Transaction, trouble: Trouble, parts: int
) -> None:
    world.procore.misbehave_next(trouble, 30)
    third = [("20.00", coding()), ("30.00", coding(cost_code="03-300")), ("50.00", coding(cost_code="03-300"))]
    retag(world, posted, *([("100.00", coding(cost_code="03-300"))] if parts == 1 else third))
    world.sync()
    world.clock.forward(900)
    world.sync()
    assert sum(world.posted_amounts(posted)) == Decimal("100.00")
    assert coded(world, posted) == [[(12, "100.00")] if parts == 1 else [(11, "20.00"), (12, "30.00"), (12, "50.00")]]
    assert world.ledger[posted.transaction_id].state == "complete"


@pytest.mark.parametrize("saves", range(3))
def test_a_worker_killed_during_an_update_leaves_it_to_the_next(world: World, posted: Transaction, saves: int) -> None:
    retag(world, posted, ("60.00", coding()), ("40.00", coding(cost_code="03-300")))
    run = world.opened()
    listing = world.list_all(run)
    world.ledger.die_after = saves
    with pytest.raises(Killed):
        world.post(run, listing.transaction_ids)
    world.ledger.die_after = None
    world.clock.forward(3600)
    world.sync()
    assert coded(world, posted) == [[(11, "60.00"), (12, "40.00")]]
    assert world.ledger[posted.transaction_id].state == "complete"


# More lines than one call carries


def many(lines: int) -> list[tuple[str, dict[str, str]]]:
    return [("1.00", coding(cost_code="03-300" if number % 2 else "01-500")) for number in range(lines)]


@pytest.mark.parametrize("lines", [100, 101, 250])
def test_a_split_of_many_lines_is_one_expense_with_all_of_them(world: World, lines: int) -> None:
    one = world.split(f"{lines}.00", many(lines))
    run = world.sync()
    (cost,) = world.costs(one)
    assert (len(cost.lines), cost.amount) == (lines, Decimal(lines))
    assert world.procore.calls["write_lines"] == (lines - 1) // 100
    assert (run.verdict, run.counts) == ("success", {"posted": 1})


@pytest.mark.parametrize("good", range(3))
@pytest.mark.parametrize("trouble", ["lost", "dropped", "late"])
def test_a_call_lost_among_those_of_a_large_split_costs_no_line_and_doubles_none(
    world: World, good: int, trouble: Trouble
) -> None:
    one = world.split("250.00", many(250))
    world.procore.behave_next(good)
    world.procore.misbehave_next(trouble, 25)
    world.sync()
    for _ in range(2):
        world.clock.forward(900)
        world.sync()
    (cost,) = world.costs(one)
    assert (len(cost.lines), cost.amount) == (250, Decimal(250))
    assert world.ledger[one.transaction_id].state == "complete"


@pytest.mark.parametrize("saves", range(4))
def test_a_worker_killed_amid_a_large_split_leaves_it_to_the_next(world: World, saves: int) -> None:
    one = world.split("150.00", many(150))
    run = world.opened()
    listing = world.list_all(run)
    world.ledger.die_after = saves
    with pytest.raises(Killed):
        world.post(run, listing.transaction_ids)
    world.ledger.die_after = None
    for _ in range(2):
        world.clock.forward(3600)
        world.sync()
    (cost,) = world.costs(one)
    assert (len(cost.lines), cost.amount) == (150, Decimal(150))


# Post again


@pytest.mark.parametrize("reference", ["origin_id", "description"])
def test_an_expense_deleted_by_mistake_is_posted_again_under_a_new_reference(world: World, reference: str) -> None:
    world.choose(reference=reference)
    one = world.purchase("100.00")
    world.receipt(one)
    world.sync()
    world.costs(one)[0].deleted = True
    retag(world, one, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert allowed(world.ledger[one.transaction_id], world.clock()) == ["retry", "ignore", "post_again"]
    world.ledger.save(post_again(world.ledger[one.transaction_id], world.clock()))
    world.sync()
    (cost,) = world.costs(one)
    assert (coded(world, one), len(cost.files)) == ([[(12, "100.00")]], 1)
    assert "r2" in cost.draft.reference
    row = world.ledger[one.transaction_id]
    assert (row.state, row.revision, len(row.former)) == ("complete", 2, 1)


def test_an_expense_that_is_alive_is_taken_as_it_is_and_not_doubled(world: World, posted: Transaction) -> None:
    retag(world, posted, ("100.00", coding(P2, "03-300")))
    world.sync()
    world.ledger.save(post_again(world.ledger[posted.transaction_id], world.clock()))
    world.sync()
    row = world.ledger[posted.transaction_id]
    assert (row.state, row.reason) == ("exception", "changed_after_sync")
    assert world.posted_amounts(posted) == [Decimal("100.00")]
    world.costs(posted)[0].deleted = True
    world.ledger.save(post_again(row, world.clock()))
    world.sync()
    assert coded(world, posted) == [[(21, "100.00")]]


@pytest.mark.parametrize("deleted", [True, False])
def test_what_became_nothing_is_only_refused_once_the_former_expense_is_gone(
    world: World, posted: Transaction, deleted: bool
) -> None:
    """Twice: the second order meets a row that has been listed as nothing already."""
    world.pex.change(posted.transaction_id, amount=Decimal(), allocations=())
    world.sync()
    world.costs(posted)[0].deleted = deleted
    for _ in range(2):
        with suppress(NotNow):
            world.ledger.save(post_again(world.ledger[posted.transaction_id], world.clock()))
        world.sync()
        row = world.ledger[posted.transaction_id]
        told = ("refused", "zero_amount") if deleted else ("exception", "changed_after_sync")
        assert (row.state, row.reason) == told


def test_only_what_is_gone_or_changed_can_be_posted_again(world: World, posted: Transaction) -> None:
    with pytest.raises(NotNow):
        post_again(world.ledger[posted.transaction_id], world.clock())
    assert allowed(world.ledger[posted.transaction_id], world.clock()) == []
    waiting = world.purchase("5.00", tags={})
    world.sync()
    assert allowed(world.ledger[waiting.transaction_id], world.clock()) == ["retry", "ignore"]


def test_a_change_of_a_month_ago_is_still_found(world: World, posted: Transaction) -> None:
    world.clock.forward(timedelta(days=30).total_seconds())
    retag(world, posted, ("100.00", coding(cost_code="03-300")))
    world.sync()
    assert coded(world, posted) == [[(12, "100.00")]]
