"""Many expenses of one project at once: as exact as one by one. The verdict is read from Procore's books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pex_procore.domain.transactions import Allocation
from pex_procore.services.decisions import retry
from pex_procore.services.post_batch import CROWD
from tests.fakes.stores import Killed
from tests.services.batches import ONE_BY_ONE, TOGETHER, buy, calls, check, reference
from tests.services.world import P1, P2, World, coding


@pytest.fixture
def world(world: World) -> World:
    """Procore is known to add lines to what has an origin id."""
    world.cache.save("steps", True)
    return world


def settle(world: World) -> None:
    """Time passes, and runs with it."""
    for _ in range(3):
        world.clock.forward(900)
        world.sync()


@pytest.mark.parametrize(("status", "statuses"), [("draft", 0), ("pending", 1), ("approved", 1)])
def test_expenses_of_one_project_take_two_calls_and_one_more_for_their_status(
    world: World, status: str, statuses: int
) -> None:
    world.choose(expense_status=status)
    bought = buy(world, 20)
    run = world.sync()
    assert calls(world, *TOGETHER) == [1, 1, statuses]
    assert calls(world, *ONE_BY_ONE) == [0, 0, 0, 0]
    assert (run.verdict, run.counts) == ("success", {"posted": 20})
    check(world, bought, status)


def test_300_expenses_take_less_than_a_tenth_of_a_call_each(world: World) -> None:
    bought = [world.purchase(f"{number}.25") for number in range(1, 301)]
    run = world.sync("manual")
    assert calls(world, *TOGETHER) == [3, 3, 0]
    assert sum(world.procore.calls.values()) <= 30
    assert run.counts == {"posted": 300}
    check(world, bought)


def test_what_is_posted_together_reads_like_what_is_posted_alone(world: World) -> None:
    world.purchase("5.00", merchant="Home Depot")
    world.sync()
    for _ in range(3):
        world.purchase("5.00", merchant="Home Depot")
    world.sync()
    alone, *others = (cost.draft for cost in world.procore.live())
    assert calls(world, "create_direct_cost", "sync_headers") == [1, 1]
    for one in others:
        assert (one.date, one.vendor_id, one.scheme) == (alone.date, alone.vendor_id, "origin_id")
        assert one.description.split("[")[0] == alone.description.split("[")[0]


def test_a_refund_stays_negative(world: World) -> None:
    bought = [world.purchase("-5.00") for _ in range(3)]
    world.sync()
    assert [world.posted_amounts(one) for one in bought] == [[Decimal("-5.00")]] * 3
    assert calls(world, "sync_headers") == [1]


def test_two_of_a_project_one_split_over_two_and_what_lacks_a_tag_go_one_by_one(world: World) -> None:
    two = [world.purchase("1.00"), world.purchase("2.00")]
    halves = world.split("10.00", [("5.00", coding(P1)), ("5.00", coding(P2, "03-300"))])
    lost = world.purchase("3.00", tags={})
    many = [("1.00", coding())] * 101
    large = world.split("101.00", many)
    world.sync()
    assert calls(world, *TOGETHER) == [0, 0, 0]
    amounts = [sum(world.posted_amounts(one)) for one in (*two, halves, lost, large)]
    assert amounts == [Decimal(1), Decimal(2), Decimal(10), Decimal(0), Decimal(101)]


def test_projects_are_batches_of_their_own(world: World) -> None:
    here = [world.purchase("1.00") for _ in range(3)]
    there = [world.purchase("2.00", tags=coding(P2, "03-300")) for _ in range(3)]
    world.sync()
    assert calls(world, *TOGETHER, *ONE_BY_ONE) == [2, 2, 0, 0, 0, 0, 0]
    projects = [cost.draft.project_id for one in (*here, *there) for cost in world.costs(one)]
    assert projects == [P1] * 3 + [P2] * 3


def test_a_description_as_reference_would_create_blindly(world: World) -> None:
    world.choose(reference="description")
    for _ in range(4):
        world.purchase()
    world.sync()
    assert calls(world, *TOGETHER, "create_direct_cost") == [0, 0, 0, 4]


def test_a_callback_run_posts_one_by_one(world: World) -> None:
    bought = [world.purchase() for _ in range(4)]
    world.sync("callback", [7], world.clock() - timedelta(days=3))
    assert calls(world, *TOGETHER, "create_direct_cost") == [0, 0, 0, 4]
    assert all(world.posted_amounts(one) for one in bought)


def test_a_crowd_of_callbacks_is_posted_together(world: World) -> None:
    bought = [world.purchase() for _ in range(CROWD)]
    world.sync("callback", [7], world.clock() - timedelta(days=3))
    assert calls(world, *TOGETHER) == [1, 1, 0]
    check(world, bought)


def test_no_call_carries_more_than_a_thousand_lines(world: World) -> None:
    """The fake refuses more."""
    bought = [world.split("60.00", [("1.00", coding())] * 60) for _ in range(40)]
    world.sync()
    assert calls(world, *TOGETHER) == [3, 3, 0]
    check(world, bought)


@pytest.mark.parametrize("status", [403, 404, 405])
@pytest.mark.parametrize("call", TOGETHER)
def test_where_procore_has_no_such_call_the_rest_goes_one_by_one(world: World, call: str, status: int) -> None:
    world.choose(expense_status="pending")
    world.procore.no_sync[call] = status
    bought = buy(world, 6)
    run = world.sync()
    assert run.counts == {"posted": 6}
    assert world.procore.calls[call] <= 2, "once a step"
    check(world, bought, "pending")


@pytest.mark.parametrize(
    ("good", "status"), [(0, "draft"), (1, "draft"), (0, "pending"), (1, "pending"), (2, "pending")]
)
@pytest.mark.parametrize("trouble", ["lost", "dropped", "late", "torn"])
def test_a_lost_answer_to_any_of_the_calls_doubles_nothing_and_loses_nothing(
    world: World, good: int, trouble: Any, status: str
) -> None:
    world.choose(expense_status=status)
    bought = buy(world)
    world.procore.behave_next(good)
    if trouble == "torn":
        world.procore.die_in_sync(good + 1, rows=2)
    else:
        world.procore.misbehave_next(trouble)
    world.sync()
    settle(world)
    check(world, bought, status)


@pytest.mark.parametrize("seconds", [40, 66, 90, 600])
@pytest.mark.parametrize("good", range(2))
def test_a_call_that_comes_through_very_late_adds_nothing(world: World, good: int, seconds: float) -> None:
    """Long after both looks, when everything was posted anew: it meets what has its ids."""
    bought = buy(world)
    world.procore.behave_next(good)
    world.procore.commit_late(seconds)
    world.sync()
    settle(world)
    check(world, bought)


@pytest.mark.parametrize("saves", range(14))
def test_a_worker_killed_at_any_save_leaves_nothing_doubled_and_nothing_lost(world: World, saves: int) -> None:
    world.choose(expense_status="pending")
    bought = buy(world, 3)
    run = world.opened()
    listing = world.list_all(run)
    world.ledger.die_after = saves
    killed = False
    try:
        world.post(run, listing.transaction_ids)
    except Killed:
        killed = True
    world.ledger.die_after = None
    assert killed == (saves < 6), "an intent and a record each"
    settle(world)
    check(world, bought, "pending")


@pytest.mark.parametrize("good", range(3))
def test_being_turned_away_at_any_of_the_calls_is_waited_out_and_goes_on_together(world: World, good: int) -> None:
    world.choose(expense_status="pending")
    bought = buy(world, 10)
    world.procore.behave_next(good)
    world.procore.turn_away_next(world.clock() + timedelta(minutes=20))
    run = world.sync()
    assert run.counts == {"posted": 10}
    assert calls(world, *ONE_BY_ONE) == [0, 0, 0, 0]
    assert sum(calls(world, *TOGETHER)) == 3 + (1 if good < 2 else 2)
    check(world, bought, "pending")


@pytest.mark.parametrize("good", range(3))
def test_being_turned_away_without_a_time_keeps_one_row_for_later(world: World, good: int) -> None:
    world.choose(expense_status="pending")
    bought = buy(world, 10)
    world.procore.behave_next(good)
    world.procore.turn_away_next()
    assert world.sync().counts == {"posted": 9, "waiting": 1}
    settle(world)
    check(world, bought, "pending")


def test_time_that_runs_out_between_the_calls_leaves_the_lines_to_the_next_step(world: World) -> None:
    bought = buy(world, 5)
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    progress = world.post(run, ids, may_go_on=lambda: world.procore.calls["sync_headers"] == 0)
    assert calls(world, "sync_headers", "sync_lines") == [1, 0]
    assert {cost.status for cost in world.procore.live()} == {"draft"}
    assert len(progress.remaining) == 5
    world.post(run, progress.remaining)
    assert calls(world, *TOGETHER, *ONE_BY_ONE) == [1, 1, 0, 0, 0, 0, 0]
    settle(world)
    check(world, bought)


def test_a_refused_row_is_told_as_alone_and_stops_no_other(world: World) -> None:
    bad, *good = buy(world, 5)
    world.procore.refused_rows[reference(bad)] = "description is too long"
    run = world.sync()
    row = world.ledger[bad.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "refused_by_procore", "description is too long")
    assert (run.verdict, run.counts) == ("partial", {"posted": 4, "failed": 1})
    assert world.costs(bad) == []
    check(world, good)


def test_a_reference_that_is_taken_stops_its_row_alone(world: World) -> None:
    gone, *others = buy(world, 4)
    world.sync()
    world.costs(gone)[0].deleted = True
    world.ledger = type(world.ledger)()
    world.sync()
    settle(world)
    assert world.ledger[gone.transaction_id].reason == "deleted_in_procore"
    check(world, others)


def test_expenses_older_than_our_ledger_are_adopted_and_not_doubled(world: World) -> None:
    world.choose(expense_status="pending")
    bought = buy(world, 5)
    for one in world.procore.live():
        one.status = "pending"
    world.sync()
    world.ledger = type(world.ledger)()  # our books burn
    world.sync()
    settle(world)
    check(world, bought, "pending")


@pytest.mark.parametrize("steps", [1, 2])
def test_expenses_posted_alone_that_our_ledger_has_forgotten_keep_their_lines(world: World, steps: int) -> None:
    """Their lines have no ids of ours, so adding them once more would double each amount."""
    world.choose(expense_status="pending")
    bought = [world.purchase(f"{number}.25") for number in range(1, 6)]
    for one in bought:
        world.sync("callback", [7], one.transacted_at)
    assert calls(world, *TOGETHER, "create_direct_cost") == [0, 0, 0, 5]
    world.ledger = type(world.ledger)()
    if steps == 2:
        run = world.opened()
        ids = world.list_all(run).transaction_ids
        world.post(run, ids, may_go_on=lambda: world.procore.calls["sync_headers"] == 0)
    settle(world)
    check(world, bought, "pending")


def test_a_refused_line_leaves_a_draft_that_is_completed_when_procore_takes_it(world: World) -> None:
    world.choose(expense_status="pending")
    bad, *good = buy(world, 5)
    line = f"{reference(bad)}:2"
    world.procore.refused_rows[line] = "wbs_code is inactive"
    run = world.sync()
    row = world.ledger[bad.transaction_id]
    assert (row.state, row.reason) == ("exception", "refused_by_procore")
    assert run.counts == {"posted": 4, "failed": 1}
    assert {cost.status for cost in world.costs(bad)} == {"draft"}
    world.procore.refused_rows.clear()
    world.ledger.save(retry(row, world.clock()))
    world.sync()
    check(world, [bad, *good], "pending")


def test_a_line_whose_budget_code_went_out_of_use_is_coded_anew(world: World) -> None:
    world.purchase("1.00")
    world.sync()
    codes = world.procore.budget_codes[P1]
    codes[0] = codes[0].model_copy(update={"active": False})
    codes.append(codes[0].model_copy(update={"active": True, "wbs_code_id": 19}))
    bought = [world.purchase("2.00") for _ in range(3)]
    run = world.sync()
    assert run.counts["posted"] == 3
    found = [[line.wbs_code_id for line in cost.lines] for one in bought for cost in world.costs(one)]
    assert found == [[19]] * 3


@pytest.mark.parametrize("which", ["header", "line"])
def test_a_row_the_answer_does_not_tell_of_is_looked_for(world: World, which: str) -> None:
    silent, *others = buy(world, 5)
    world.procore.silent_rows.add(reference(silent) if which == "header" else f"{reference(silent)}:2")
    world.sync()
    settle(world)
    check(world, [silent, *others])


def test_another_amount_in_the_answer_is_not_called_posted(world: World) -> None:
    one, *others = buy(world, 4)
    world.procore.other_amounts[f"{reference(one)}:1"] = Decimal("9.99")
    run = world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "found_with_other_amount", "29.99 instead of 30.00")
    assert run.counts == {"posted": 3, "failed": 1}
    assert all(world.ledger[other.transaction_id].state == "complete" for other in others)


def test_a_purchase_recoded_while_its_header_stood_alone_gets_the_lines_of_pexs_last_word(world: World) -> None:
    bought = buy(world, 4)
    world.procore.behave_next()
    world.procore.drop_next_request = True
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    one = bought[0]
    world.pex.change(one.transaction_id, allocations=(Allocation(amount=Decimal("30.00"), tags=coding()),))
    world.close(run)
    settle(world)
    (cost,) = world.costs(one)
    assert [(line.wbs_code_id, line.amount) for line in cost.lines] == [(11, Decimal("30.00"))]
    assert all(world.posted_amounts(other) == [other.amount] for other in bought)


def test_a_row_an_administrator_moves_meanwhile_is_left_alone(world: World) -> None:
    one, *others = buy(world, 5)
    run = world.opened()
    listing = world.list_all(run)
    rows = world.ledger.load_many(listing.transaction_ids)
    loaded = world.ledger.load_many
    world.ledger.load_many = lambda _: rows  # type: ignore[method-assign,assignment]  # read just before the other wrote
    world.ledger.save(rows[one.transaction_id])
    world.post(run, listing.transaction_ids)
    world.ledger.load_many = loaded  # type: ignore[method-assign]
    assert world.posted_amounts(one) == []
    assert [world.posted_amounts(other) for other in others] == [[other.amount] for other in others]


def test_a_closed_tool_costs_one_attempt_a_step_and_no_writes_to_our_tables(world: World) -> None:
    for _ in range(5):
        world.purchase()
    world.procore.tool_off = {P1}
    world.sync()
    saves, before = len(world.ledger.saves), calls(world, *TOGETHER)
    run = world.sync()
    assert run.reasons == {"direct_costs_tool_off": 5}
    assert calls(world, *TOGETHER) == before
    assert len(world.ledger.saves) - saves <= 3
