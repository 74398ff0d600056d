"""What a sweep reads of the ledger: at a glance, which may be a moment old, and again where that matters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pex_procore.domain.ledger import Row, announce, move
from pex_procore.domain.settings import Defaults
from pex_procore.domain.transactions import Transaction
from tests.services.world import CLOSED, LEASE_SECONDS, P1, World, coding


def code(world: World, transaction: Transaction) -> None:
    (share,) = transaction.allocations
    world.pex.change(transaction.transaction_id, allocations=(share.model_copy(update={"tags": coding()}),))


def test_a_row_that_a_sweep_saw_as_it_was_before_is_read_again_and_brought_on(world: World) -> None:
    known = world.purchase("10.00", tags={})
    world.sync()
    world.ledger.fall_behind()
    code(world, known)
    told = world.purchase("30.00")
    world.ledger.save(announce(told.transaction_id, told.account_id, world.clock(), "callback"))
    row = world.ledger[known.transaction_id]
    world.ledger.save(row.model_copy(update={"detail": "seen by somebody"}))
    world.ledger.calls.clear()
    listing = world.list_all(world.opened("sweep"))
    assert set(listing.transaction_ids) == {known.transaction_id, told.transaction_id}
    assert world.ledger.calls["load"] == 2, "each was read once more, and no other"


def test_a_sweep_leaves_to_the_next_what_is_moved_again_and_again(world: World) -> None:
    one = world.purchase()
    world.ledger.fall_behind()
    load = world.ledger.load

    def be_faster(transaction_id: int) -> Row | None:
        before = load(transaction_id)
        fresh = before or announce(transaction_id, one.account_id, world.clock(), "callback")
        world.ledger.save(fresh)
        return before

    be_faster(one.transaction_id)
    world.ledger.load = be_faster  # type: ignore[method-assign]
    assert world.list_all(world.opened("sweep")).transaction_ids == ()
    world.ledger.load = load  # type: ignore[method-assign]
    world.ledger.catch_up()
    world.clock.forward(LEASE_SECONDS + 1)
    assert world.list_all(world.opened("sweep")).transaction_ids == (one.transaction_id,)


def test_callbacks_and_steps_that_write_to_procore_see_every_row_as_it_is(world: World) -> None:
    world.purchase()
    world.ledger.calls.clear()
    world.sync("callback", account_ids=(7,))
    assert world.ledger.calls["glance"] == 0


@pytest.mark.parametrize("days", [1, 40])
def test_a_purchase_that_nobody_has_coded_since_is_counted_and_not_tried_again(world: World, days: int) -> None:
    one = world.purchase(tags={}, transacted_at=world.clock() - timedelta(days=days))
    world.sync()
    run = world.opened("sweep")
    listing = world.list_all(run)
    assert (listing.transaction_ids, listing.tally.counts, listing.tally.reasons) == (
        (),
        {"waiting": 1},
        {"missing_project": 1},
    )
    world.close(run, listing)
    assert world.list_all(world.opened("manual")).transaction_ids == (one.transaction_id,), "a person wants it tried"


@pytest.mark.parametrize("mend", ["in PEX", "by a default", "by an administrator"])
def test_what_may_help_an_uncoded_purchase_has_it_tried_again(world: World, mend: str) -> None:
    one = world.purchase(tags={})
    world.sync()
    if mend == "in PEX":
        code(world, one)
    elif mend == "by a default":
        world.choose(defaults=Defaults(project=str(P1)))
    else:
        world.ledger.save(move(world.ledger[one.transaction_id], "announced", world.clock(), "retried", None))
    assert one.transaction_id in world.list_all(world.opened("sweep")).transaction_ids


def test_what_waits_for_procore_is_tried_by_every_sweep(world: World) -> None:
    one = world.purchase(tags=coding(CLOSED))
    world.sync()
    assert world.ledger[one.transaction_id].reason == "project_closed"
    assert world.list_all(world.opened("sweep")).transaction_ids == (one.transaction_id,)
