"""Splits over several projects, as parts of several batches. The verdict is read from Procore's books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pex_procore.domain.transactions import Transaction
from pex_procore.services.decisions import retry
from tests.fakes.stores import Killed
from tests.services.batches import ONE_BY_ONE, TOGETHER, calls, reference
from tests.services.world import P1, P2, World, coding

HALVES = {P1: [("3.00", coding()), ("1.50", coding(cost_code="03-300"))], P2: [("7.25", coding(P2, "03-300"))]}


@pytest.fixture
def world(world: World) -> World:
    """Procore is known to add lines to what has an origin id."""
    world.cache.save("steps", True)
    return world


def buy(world: World, count: int = 4) -> list[Transaction]:
    return [world.split("11.75", [share for shares in HALVES.values() for share in shares]) for _ in range(count)]


def settle(world: World) -> None:
    """Time passes, and runs with it."""
    for _ in range(3):
        world.clock.forward(900)
        world.sync()


def check(world: World, bought: Sequence[Transaction], status: str = "draft") -> None:
    """Each is one whole expense in each project."""
    for one in bought:
        row = world.ledger[one.transaction_id]
        assert (row.state, row.reason, row.detail) == ("complete", None, "")
        found = {cost.draft.project_id: cost for cost in world.costs(one)}
        assert found.keys() == HALVES.keys()
        assert {posting.direct_cost_id for posting in row.postings} == {cost.direct_cost_id for cost in found.values()}
        for project_id, shares in HALVES.items():
            cost = found[project_id]
            assert sorted(f"{line.amount:.2f}" for line in cost.lines) == sorted(amount for amount, _ in shares)
            assert (cost.draft.reference, cost.status) == (reference(one, project_id), status)
    assert len(world.procore.live()) == len(bought) * len(HALVES)


def doubted(world: World, bought: Sequence[Transaction]) -> list[int]:
    rows = [world.ledger[one.transaction_id] for one in bought]
    return [row.transaction_id for row in rows if any(entry.to == "unknown" for entry in row.timeline)]


@pytest.mark.parametrize(("status", "statuses"), [("draft", 0), ("pending", 2)])
def test_they_take_two_calls_a_project_and_one_more_for_their_status(world: World, status: str, statuses: int) -> None:
    world.choose(expense_status=status)
    bought = buy(world, 20)
    run = world.sync()
    assert calls(world, *TOGETHER, *ONE_BY_ONE) == [2, 2, statuses, 0, 0, 0, 0]
    assert (run.verdict, run.counts) == ("success", {"posted": 20})
    check(world, bought, status)


def test_what_is_in_one_project_goes_first_and_never_waits_for_them(world: World) -> None:
    bought = buy(world, 3)
    plain = [world.purchase("2.00") for _ in range(3)]
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    progress = world.post(run, ids, may_go_on=lambda: world.procore.calls["sync_lines"] == 0)
    assert [world.ledger[one.transaction_id].state for one in (*plain, *bought)] == ["posted"] * 3 + ["announced"] * 3
    assert set(progress.remaining) >= {one.transaction_id for one in bought}


def test_a_part_that_is_like_no_other_is_posted_by_itself(world: World) -> None:
    shares = {P1: ("1.00", coding()), P2: ("2.00", coding(P2, "03-300"))}
    world.procore.projects[103] = world.procore.projects[103].model_copy(update={"active": True})
    world.procore.cost_codes[103] = world.procore.cost_codes[P2]
    world.procore.budget_codes[103] = world.procore.budget_codes[P2]
    with_p2 = [world.split("3.00", list(shares.values())) for _ in range(2)]
    other = world.split("5.00", [shares[P1], ("4.00", coding(103, "03-300"))])
    world.sync()
    assert calls(world, "sync_headers", "sync_lines", "create_direct_cost") == [1, 1, 3]
    settle(world)
    amounts = [sorted(f"{cost.amount:.2f}" for cost in world.costs(one)) for one in (*with_p2, other)]
    assert amounts == [["1.00", "2.00"]] * 2 + [["1.00", "4.00"]]
    assert {world.ledger[one.transaction_id].state for one in (*with_p2, other)} == {"complete"}


@pytest.mark.parametrize("good", range(6))
@pytest.mark.parametrize("trouble", ["lost", "dropped", "late", "torn"])
def test_a_lost_answer_to_any_of_the_calls_doubles_nothing_and_loses_nothing(
    world: World, good: int, trouble: Any
) -> None:
    world.choose(expense_status="pending")
    bought = buy(world)
    world.procore.behave_next(good)
    if trouble == "torn":
        world.procore.die_in_sync(good + 1, rows=2)
    else:
        world.procore.misbehave_next(trouble)
    world.sync()
    settle(world)
    check(world, bought, "pending")


@pytest.mark.parametrize("saves", range(12))
def test_a_worker_killed_at_any_save_leaves_nothing_doubled_and_nothing_lost(world: World, saves: int) -> None:
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
    assert killed == (saves < 9), "an intent each, and a record of each part"
    settle(world)
    check(world, bought)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("good", range(6))
def test_being_turned_away_at_any_of_the_calls_loses_nothing_and_is_in_no_doubt(
    world: World, good: int, known: bool
) -> None:
    world.choose(expense_status="pending")
    bought = buy(world, 10)
    world.procore.behave_next(good)
    world.procore.turn_away_next(world.clock() + timedelta(minutes=20) if known else None)
    world.sync()
    assert not doubted(world, bought)
    settle(world)
    check(world, bought, "pending")


@pytest.mark.parametrize("calls_made", range(1, 4))
def test_time_that_runs_out_in_between_leaves_the_rest_to_the_next_step(world: World, calls_made: int) -> None:
    bought = buy(world, 5)
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    world.post(run, ids, may_go_on=lambda: sum(calls(world, *TOGETHER)) < calls_made)
    settle(world)
    assert not doubted(world, bought)
    check(world, bought)


@pytest.mark.parametrize(("project_id", "there"), [(P1, []), (P2, [P1])])
def test_a_part_that_is_refused_stops_its_own_purchase_alone(world: World, project_id: int, there: list[int]) -> None:
    bad, *good = buy(world, 5)
    world.procore.refused_rows[reference(bad, project_id)] = "vendor is inactive"
    world.sync()
    settle(world)
    row = world.ledger[bad.transaction_id]
    assert (row.state, row.reason) == ("exception", "refused_by_procore")
    assert [cost.draft.project_id for cost in world.costs(bad)] == there
    assert {world.ledger[one.transaction_id].state for one in good} == {"complete"}
    world.procore.refused_rows.clear()
    world.ledger.save(retry(row, world.clock()))
    settle(world)
    check(world, [bad, *good])


def test_where_procore_has_no_such_call_they_go_one_by_one(world: World) -> None:
    world.procore.no_sync["sync_headers"] = 404
    bought = buy(world, 4)
    world.sync()
    assert calls(world, "create_direct_cost", "find_direct_costs") == [8, 0]
    settle(world)
    check(world, bought)
