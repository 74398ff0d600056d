"""However often a purchase is recoded, split and corrected, and whatever fails: Procore follows, or a reason tells."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pex_procore.domain.transactions import Transaction
from pex_procore.services.decisions import NotNow, post_again, retry
from tests.fakes.stores import Killed
from tests.services.changes import coded, retag
from tests.services.world import P1, P2, World, coding

PLACES = {11: coding(P1), 12: coding(P1, "03-300"), 21: coding(P2, "03-300")}
SPLITS = st.lists(st.tuples(st.sampled_from(sorted(PLACES)), st.integers(1, 400)), min_size=1, max_size=4)
EVENTS = st.one_of(
    st.tuples(st.just("split"), SPLITS),
    st.just("sweep"),
    st.tuples(st.just("killed"), st.integers(0, 8)),
    st.sampled_from(["lost", "dropped", "refused", "closed", "absent"]),
    st.tuples(st.just("late"), st.sampled_from((1, 20, 30))),
)


def split(world: World, one: Transaction, parts: list[tuple[int, int]]) -> None:
    shares = [(f"{dollars}.00", PLACES[place]) for place, dollars in parts]
    retag(world, one, *shares, amount=Decimal(sum(dollars for _, dollars in parts)))


def happen(world: World, one: Transaction, event: Any) -> None:
    match event:
        case ("split", parts):
            split(world, one, parts)
        case "sweep":
            world.sync()
            world.clock.forward(900)
        case ("killed", saves):
            world.ledger.die_after = saves
            with suppress(Killed):
                world.sync()
            world.ledger.die_after = None
            world.clock.forward(900)
        case "lost":
            world.procore.lose_next_answer = True
        case "dropped":
            world.procore.drop_next_request = True
        case "refused":
            world.procore.refuse_next(422, "no")
        case "closed":
            world.procore.refuse_next(403, "tool is off")
        case "absent":
            world.procore.refuse_next(404, "not found")
        case ("late", seconds):
            world.procore.commit_late(seconds)


def wanted(world: World, one: Transaction) -> dict[int, list[tuple[int, str]]]:
    places = {str(tags): place for place, tags in PLACES.items()}
    found: dict[int, list[tuple[int, str]]] = {}
    for share in world.pex.transactions[one.transaction_id].allocations:
        place = places[str(dict(share.tags))]
        found.setdefault(int(share.tags["tag-p"]), []).append((place, str(share.amount)))
    return {project_id: sorted(lines) for project_id, lines in found.items()}


@settings(max_examples=60)
@given(
    first=SPLITS,
    events=st.lists(EVENTS, max_size=12),
    scheme=st.sampled_from(("origin_id", "description")),
    go=st.booleans(),
)
def test_procore_ends_with_what_pex_said_last_or_with_an_expense_that_a_person_must_delete(
    first: list[tuple[int, int]], events: list[Any], scheme: str, go: bool
) -> None:
    world = World()
    world.choose(reference=scheme)
    world.procore.lines_left_out_go = go
    one = world.purchase("1.00")
    split(world, one, first)
    world.sync()
    for event in events:
        happen(world, one, event)
    world.procore.stop_misbehaving()
    for _ in range(3):
        world.clock.forward(4 * 3600)
        world.sync()
        row = world.ledger[one.transaction_id]
        if row.reason:
            with suppress(NotNow):
                world.ledger.save(retry(row, world.clock()))
    world.clock.forward(4 * 3600)
    world.sync()

    row = world.ledger[one.transaction_id]
    costs = world.costs(one)
    found = {cost.draft.project_id: lines for cost, lines in zip(costs, coded(world, one), strict=True)}
    assert len(found) == len(costs), "an expense was posted twice"
    if row.reason is None:
        assert (row.state, found) == ("complete", wanted(world, one))
    else:
        assert row.reason == "changed_after_sync"
        assert found.keys() - wanted(world, one).keys(), "only what is no part of it any more needs a person"
    for cost in costs:
        assert sum(line.amount for line in cost.lines) == cost.amount


DEEDS = st.sampled_from(
    ["void", "unapprove", "approve", "remark", "delete", "edit", "retry", "post again", "close", "open", "receipt"]
)


def do(world: World, one: Transaction, deed: Any) -> None:
    match deed:
        case "void":
            world.pex.change(one.transaction_id, amount=Decimal(), allocations=())
        case "unapprove" | "approve":
            world.pex.change(one.transaction_id, approved=deed == "approve")
        case "remark":
            world.pex.change(one.transaction_id, notes=(str(world.clock()),))
        case "delete":
            for cost in world.costs(one)[:1]:
                cost.deleted = True
        case "edit":
            for cost in world.costs(one)[:1]:
                cost.lines = [line.model_copy(update={"wbs_code_id": 99}) for line in cost.lines]
        case "retry" | "post again":
            decide = retry if deed == "retry" else post_again
            with suppress(NotNow):
                world.ledger.save(decide(world.ledger[one.transaction_id], world.clock()))
        case "close" | "open":
            world.procore.tool_off = {P2} if deed == "close" else set()
        case "receipt":
            world.receipt(one, b"%PDF-1.7" + str(world.clock()).encode())
        case event:
            happen(world, one, event)


@settings(max_examples=60)
@given(
    first=SPLITS,
    deeds=st.lists(st.one_of(EVENTS, DEEDS), max_size=14),
    scheme=st.sampled_from(("origin_id", "description")),
    mode=st.sampled_from(("all", "approved")),
)
def test_whatever_people_do_on_both_sides_a_row_is_an_expense_or_a_reason_and_never_both(
    first: list[tuple[int, int]], deeds: list[Any], scheme: str, mode: str
) -> None:
    world = World()
    world.choose(reference=scheme, transactions=mode)
    one = world.purchase("1.00")
    split(world, one, first)
    world.sync()
    for deed in deeds:
        do(world, one, deed)
    world.procore.stop_misbehaving()
    world.procore.tool_off = set()
    for _ in range(4):
        world.clock.forward(4 * 3600)
        world.sync()
    row, costs = world.ledger[one.transaction_id], world.costs(one)
    found = {cost.draft.project_id: lines for cost, lines in zip(costs, coded(world, one), strict=True)}
    assert len(found) == len(costs), "an expense was posted twice"
    assert row.state in ("complete", "waiting", "refused", "exception")
    assert row.reason or row.state == "complete"
    if row.state in ("waiting", "refused"):
        assert costs == []
    if (row.state, row.reason) == ("complete", None) and not {"delete", "edit"} & {str(deed) for deed in deeds}:
        assert found == wanted(world, one)
    for cost in costs:
        assert len({file.content for file in cost.files}) == len(cost.files), "a receipt was attached twice"
