"""Whatever goes wrong and in whatever order: once it stops, Procore's books are right to the cent."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pex_procore.domain.transactions import Transaction
from tests.fakes.stores import Killed
from tests.services.world import JPEG, P1, P2, World, coding

FAULTS = st.one_of(
    st.sampled_from(["well", "lost", "dropped", "closed", "refused"]),
    st.tuples(st.just("late"), st.sampled_from((1, 20, 30))),
    st.tuples(st.just("turned away"), st.sampled_from((1, 45, 2400))),
)
MOMENTS = st.one_of(
    st.just("sweep"),
    st.tuples(st.just("kill after saves"), st.integers(0, 12)),
    st.tuples(st.just("hide"), st.sampled_from((0, 30))),
)
PURCHASES = st.lists(
    st.tuples(st.sampled_from((1, -1)), st.lists(st.integers(1, 99_999), min_size=1, max_size=3), st.integers(0, 2)),
    min_size=1,
    max_size=4,
)


def buy(world: World, sign: int, cents: list[int], receipts: int) -> Transaction:
    places = [coding(P1), coding(P2, "03-300"), coding(P1, "03-300")]
    shares = [(str(Decimal(part) / 100), tags) for part, tags in zip(cents, places, strict=False)]
    one = world.split(str(sign * Decimal(sum(cents)) / 100), shares)
    for number in range(receipts):
        world.receipt(one, JPEG + bytes([number]))
    return one


def order(world: World, fault: Any) -> None:
    match fault:
        case "well":
            world.procore.behave_next()
        case "lost":
            world.procore.lose_next_answer = True
        case "dropped":
            world.procore.drop_next_request = True
        case "closed":
            world.procore.refuse_next(403, "tool is off")
        case "refused":
            world.procore.refuse_next(422, "no")
        case ("late", seconds):
            world.procore.commit_late(seconds)
        case ("turned away", seconds):
            world.procore.turn_away_next(world.clock() + timedelta(seconds=seconds))


def live_through(world: World, moment: Any) -> None:
    match moment:
        case "sweep":
            world.sync()
        case ("kill after saves", saves):
            world.ledger.die_after = saves
            with suppress(Killed):
                world.sync()
            world.ledger.die_after = None
        case ("hide", seconds):
            world.procore.hide_fresh_for(seconds)
    world.clock.forward(900)


def by_project(one: Transaction) -> dict[int, Decimal]:
    sign = -1 if one.amount < 0 else 1
    wanted: Counter[int] = Counter()
    cents = {P1: Decimal(), P2: Decimal()}
    for share in one.allocations:
        cents[int(share.tags["tag-p"])] += sign * share.amount
        wanted[int(share.tags["tag-p"])] += 1
    return {project_id: amount for project_id, amount in cents.items() if wanted[project_id]}


@settings(max_examples=60)
@given(
    purchases=PURCHASES,
    faults=st.lists(FAULTS, max_size=8),
    moments=st.lists(MOMENTS, min_size=1, max_size=5),
    scheme=st.sampled_from(("origin_id", "description")),
    status=st.sampled_from(("draft", "pending")),
)
def test_every_purchase_ends_as_one_expense_per_project_or_as_a_reason(
    purchases: list[tuple[int, list[int], int]], faults: list[Any], moments: list[Any], scheme: str, status: str
) -> None:
    world = World()
    world.choose(reference=scheme, expense_status=status)
    bought = [buy(world, *purchase) for purchase in purchases]
    for fault in faults:
        order(world, fault)
    for moment in moments:
        live_through(world, moment)
    world.procore.hide_fresh_for(0)
    world.procore.stop_misbehaving()
    for _ in range(2):
        world.clock.forward(4 * 3600)
        world.sync()

    for one in bought:
        row = world.ledger[one.transaction_id]
        costs = world.costs(one)
        found = {cost.draft.project_id: cost.amount for cost in costs}
        assert len(found) == len(costs), "an expense was posted twice"
        if row.state == "complete":
            assert found == by_project(one)
            assert {cost.status for cost in costs} == {status}
            assert {posting.project_id: posting.direct_cost_id for posting in row.postings} == {
                cost.draft.project_id: cost.direct_cost_id for cost in costs
            }
            wanted = sorted(receipt.content for receipt in world.pex.receipts[one.transaction_id].values())
            refused = any(mark.state == "refused" for mark in row.receipts)
            assert all(sorted(file.content for file in cost.files) == wanted for cost in costs) or refused
        else:
            assert (row.state, row.reason) == ("exception", "refused_by_procore")
            begun = any(posting.stepwise for posting in row.postings) or any(cost.amount == 0 for cost in costs)
            if begun:  # a draft that lacks its lines, or some of them
                assert all(abs(amount) <= abs(by_project(one)[place]) for place, amount in found.items())
                continue
            assert found.items() <= by_project(one).items()
            assert found.keys() < by_project(one).keys()
        for cost in costs:
            assert sum((line.amount for line in cost.draft.lines), Decimal()) == cost.amount
            assert (cost.draft.vendor_id, cost.draft.date) == (900, one.posting_date("settlement"))
    assert len(world.procore.live()) == sum(len(world.costs(one)) for one in bought)
    assert world.leases.holder() is None
    assert all(run.status == "finished" for run in world.runs.page(100, None)[0])
