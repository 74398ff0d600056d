"""The posting protocol: once, never twice, never lost. The verdict is read from Procore's books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.transactions import Allocation, Transaction
from tests.fakes.stores import Killed
from tests.services.world import P1, P2, World, coding


def halves(world: World, amount: str = "100.00") -> Transaction:
    half = str(Decimal(amount) / 2)
    return world.split(amount, [(half, coding(P1)), (half, coding(P2, "03-300"))])


def test_a_settled_coded_purchase_becomes_one_expense(world: World) -> None:
    one = world.purchase("120.50")
    run = world.sync()
    (cost,) = world.costs(one)
    assert (cost.amount, cost.draft.vendor_id, cost.draft.project_id) == (Decimal("120.50"), 900, P1)
    assert [line.wbs_code_id for line in cost.draft.lines] == [11]
    assert "Home Depot - Rosa Diaz" in cost.draft.description
    row = world.ledger[one.transaction_id]
    assert (row.state, row.postings[0].direct_cost_id) == ("complete", cost.direct_cost_id)
    assert (run.verdict, run.counts) == ("success", {"posted": 1})


def test_a_repeated_run_posts_nothing(world: World) -> None:
    one = world.purchase()
    world.sync()
    writes = world.procore.calls["create_direct_cost"]
    run = world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    assert (world.procore.calls["create_direct_cost"], run.counts) == (writes, {"already_posted": 1})


@pytest.mark.parametrize("saves", range(3))
def test_a_worker_killed_at_any_save_leaves_nothing_doubled_and_nothing_lost(world: World, saves: int) -> None:
    one = halves(world)
    run = world.opened()
    listing = world.list_all(run)
    world.ledger.die_after = saves
    try:
        world.post(run, listing.transaction_ids)
    except Killed:
        pass
    else:
        pytest.fail("it was never killed")
    finally:
        world.ledger.die_after = None
    world.clock.forward(3600)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("50.00"), Decimal("50.00")]


def test_an_expense_that_procore_answers_with_another_amount_is_not_called_posted(world: World) -> None:
    one = world.purchase()
    world.procore.change_next_amount(Decimal("0.00"))
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("exception", "found_with_other_amount")
    world.sync()
    assert len(world.costs(one)) == 1


def test_one_refusal_does_not_stop_the_others(world: World) -> None:
    refused, well = world.purchase("10.00"), world.purchase("20.00")
    world.procore.refuse_next(422, "line_items: is invalid")
    run = world.sync()
    assert (world.posted_amounts(refused), world.posted_amounts(well)) == ([], [Decimal("20.00")])
    row = world.ledger[refused.transaction_id]
    assert (row.state, row.reason, row.detail) == ("exception", "refused_by_procore", "line_items: is invalid")
    assert (run.verdict, run.counts, run.reasons) == (
        "partial",
        {"posted": 1, "failed": 1},
        {"refused_by_procore": 1},
    )


def test_a_429_keeps_the_order_fails_nothing_and_resumes_when_told(world: World) -> None:
    world.choose(reference="description")
    purchases = [world.purchase(f"{number}.00") for number in (10, 20, 30)]
    world.procore.behave_next()
    reset_at = world.clock() + timedelta(minutes=40)
    world.procore.turn_away_next(reset_at)
    run = world.sync()
    assert [cost.amount for cost in world.procore.live()] == [Decimal("10.00"), Decimal("20.00"), Decimal("30.00")]
    assert world.procore.create_times[2] >= reset_at
    assert run.counts == {"posted": 3}
    assert all(world.ledger[one.transaction_id].state == "complete" for one in purchases)


def test_a_row_that_is_turned_away_again_and_again_is_still_posted_in_this_run(world: World) -> None:
    """Waiting for quota is no doubt: nothing was sent, however often it was meant to be."""
    one = world.purchase()
    for minutes in (1, 2, 3, 4):
        world.procore.turn_away_next(world.clock() + timedelta(minutes=minutes))
    run = world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    assert run.counts == {"posted": 1}


def test_a_429_in_a_step_leaves_the_rest_in_order(world: World) -> None:
    purchases = [world.purchase(f"{number}.00").transaction_id for number in (10, 20, 30)]
    reset_at = world.clock() + timedelta(seconds=8)
    world.procore.turn_away_next(reset_at)
    run = world.opened()
    progress = world.post(run, world.list_all(run).transaction_ids)
    assert (progress.remaining, progress.resume_at) == (tuple(purchases), reset_at)
    assert world.ledger[purchases[0]].postings == ()


def test_a_split_over_two_projects_is_two_expenses_that_sum_to_the_amount(world: World) -> None:
    one = world.split(
        "100.00",
        [("33.33", coding(P1)), ("33.33", coding(P1, "03-300")), ("33.34", coding(P2, "03-300"))],
    )
    world.sync()
    assert {cost.draft.project_id: cost.amount for cost in world.costs(one)} == {
        P1: Decimal("66.66"),
        P2: Decimal("33.34"),
    }
    assert [line.wbs_code_id for cost in world.costs(one) for line in cost.draft.lines] == [11, 12, 21]


def test_a_refund_is_negative_on_every_line(world: World) -> None:
    one = world.split("-40.00", [("15.00", coding(P1)), ("25.00", coding(P2, "03-300"))])
    world.sync()
    assert sorted(line.amount for cost in world.costs(one) for line in cost.draft.lines) == [
        Decimal("-25.00"),
        Decimal("-15.00"),
    ]


def test_the_second_half_of_a_split_is_posted_once_its_project_opens(world: World) -> None:
    one = halves(world)
    world.procore.tool_off = {P2}
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("waiting", "direct_costs_tool_off")
    assert [cost.draft.project_id for cost in world.costs(one)] == [P1]
    world.procore.tool_off = set()
    world.clock.forward(900)
    world.sync()
    assert sorted(cost.draft.project_id for cost in world.costs(one)) == [P1, P2]
    assert sum(world.posted_amounts(one)) == Decimal("100.00")
    assert world.ledger[one.transaction_id].state == "complete"


@pytest.mark.parametrize("fault", ["lose", "drop", "late", "429", "refuse"])
def test_a_split_whose_second_half_fails_is_healed_to_the_cent(world: World, fault: str) -> None:
    one = halves(world)
    world.procore.behave_next()
    match fault:
        case "lose":
            world.procore.lose_next_answer = True
        case "drop":
            world.procore.drop_next_request = True
        case "late":
            world.procore.commit_late(20)
        case "429":
            world.procore.turn_away_next(world.clock() + timedelta(minutes=3))
        case "refuse":
            world.procore.refuse_next(403, "tool is off")
    world.sync()
    world.clock.forward(900)
    world.sync()
    assert sorted((cost.draft.project_id, cost.amount) for cost in world.costs(one)) == [
        (P1, Decimal("50.00")),
        (P2, Decimal("50.00")),
    ]


def test_a_split_that_is_retagged_between_its_halves_stops_with_a_word(world: World) -> None:
    one = halves(world)
    world.procore.tool_off = {P2}
    world.sync()
    world.procore.tool_off = set()
    world.pex.change(one.transaction_id, allocations=(Allocation(amount=Decimal("100.00"), tags=coding(P2, "03-300")),))
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("exception", "changed_after_sync")
    assert world.posted_amounts(one) == [Decimal("50.00")]


def test_a_project_that_turns_us_away_is_asked_once_a_step(world: World) -> None:
    for _ in range(5):
        world.purchase()
    world.procore.tool_off = {P1}
    run = world.sync()
    assert world.procore.calls["create_direct_cost"] == 1
    assert run.reasons == {"direct_costs_tool_off": 5}


@pytest.mark.parametrize("reason", ["procore_secret_rejected", "procore_app_not_connected"])
def test_a_broken_login_stops_the_run_and_loses_nothing(world: World, reason: str) -> None:
    purchases = [world.purchase("10.00"), world.purchase("20.00")]
    world.procore.behave_next()
    world.procore.fail_next(NeedsAttention(reason, "no", 401))
    run = world.sync()
    assert (run.verdict, run.reasons) == ("partial", {reason: 1})
    connection = world.connections.load()
    assert connection is not None
    assert connection.procore_problem == reason
    world.sync()
    assert [world.posted_amounts(one) for one in purchases] == [[Decimal("10.00")], [Decimal("20.00")]]


def test_a_row_that_somebody_else_moved_is_left_alone(world: World) -> None:
    one, other = world.purchase("10.00"), world.purchase("20.00")
    run = world.opened()
    listing = world.list_all(run)
    rows = world.ledger.load_many(listing.transaction_ids)
    loaded = world.ledger.load_many
    world.ledger.load_many = lambda _: rows  # type: ignore[method-assign,assignment]  # read just before the other wrote
    world.ledger.save(rows[one.transaction_id])
    world.post(run, listing.transaction_ids)
    world.ledger.load_many = loaded  # type: ignore[method-assign]
    assert (world.posted_amounts(one), world.posted_amounts(other)) == ([], [Decimal("20.00")])


def test_a_run_keeps_the_settings_it_began_with(world: World) -> None:
    world.purchase("10.00")
    run = world.opened()
    listing = world.list_all(run)
    world.choose(expense_status="approved", vendor_id=901)
    world.post(run, listing.transaction_ids)
    assert [(cost.draft.status, cost.draft.vendor_id) for cost in world.procore.live()] == [("draft", 900)]
    settings, _ = world.connections.load_settings()
    assert (settings.expense_status, settings.vendor_id) == ("approved", 901)


def test_time_running_out_leaves_the_rest_for_the_next_call(world: World) -> None:
    world.choose(reference="description")
    ids = [world.purchase().transaction_id for _ in range(3)]
    run = world.opened()
    listing = world.list_all(run)
    turns = iter([True, False])
    progress = world.post(run, listing.transaction_ids, may_go_on=lambda: next(turns))
    assert (progress.remaining, progress.resume_at) == (tuple(ids[1:]), world.clock())
    assert len(world.procore.live()) == 1
