"""Uploads that are turned away, fail, or find no expense: repeated without doubling anything."""

from __future__ import annotations

from datetime import timedelta

from tests.services.test_receipts import posted
from tests.services.world import JPEG, P1, P2, World, coding


def test_an_upload_turned_away_for_quota_is_made_as_soon_as_there_is_some(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.procore.turn_away_next(world.clock() + timedelta(seconds=8))
    assert world.attach(run, [one.transaction_id]).remaining
    world.clock.forward(8)
    assert not world.attach(run, [one.transaction_id]).remaining
    assert world.contents(one) == [[JPEG]]
    assert world.procore.calls["show_direct_cost"] == 0, "nothing had left, so there was nothing to look for"


def test_where_one_of_two_expenses_was_reached_before_the_quota_was_used_up_its_file_is_looked_for(
    world: World,
) -> None:
    one = world.split("2.00", [("1.00", coding(P1)), ("1.00", coding(P2, "03-300"))])
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.procore.behave_next(1)
    world.procore.turn_away_next(world.clock() + timedelta(seconds=8))
    assert world.attach(run, [one.transaction_id]).remaining
    world.clock.forward(8)
    assert not world.attach(run, [one.transaction_id]).remaining
    assert world.contents(one) == [[JPEG], [JPEG]]
    assert world.procore.calls["show_direct_cost"] == 2


def test_an_upload_that_keeps_failing_makes_the_run_partial_and_keeps_the_expense(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    world.procore.behave_next()
    for _ in range(4):
        world.procore.drop_next_request = True
    run = world.sync()
    assert run.verdict == "partial"
    assert len(world.costs(one)) == 1
    world.procore.drop_next_request = False
    world.sync()
    assert world.contents(one) == [[JPEG]]
    assert world.procore.calls["create_direct_cost"] == 1


def test_a_404_to_an_upload_is_no_deletion_while_the_expense_can_be_seen(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.procore.refuse_next(404, "not found")
    world.attach(run, [one.transaction_id])
    assert world.ledger[one.transaction_id].state == "posted"
    world.close(run)
    world.clock.forward(900)
    world.sync()
    assert world.contents(one) == [[JPEG]]
    assert world.ledger[one.transaction_id].state == "complete"
