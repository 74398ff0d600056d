"""The note back to PEX: once, and never a reason to post again."""

from __future__ import annotations

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from tests.services.world import World


def test_the_note_is_written_once(world: World) -> None:
    one = world.purchase()
    world.sync()
    world.sync()
    assert [transaction_id for transaction_id, _ in world.pex.notes] == [one.transaction_id]
    assert str(world.costs(one)[0].direct_cost_id) in world.pex.notes[0][1]


def test_with_notes_switched_off_none_is_written(world: World) -> None:
    world.choose(write_notes=False)
    one = world.purchase()
    world.sync()
    assert world.pex.notes == []
    assert world.ledger[one.transaction_id].state == "complete"


@pytest.mark.parametrize(
    "error",
    [TryLater("503"), NeedsAttention("pex_permission_missing", "403"), None],
)
def test_a_note_that_fails_never_posts_again_and_the_purchase_counts_once(
    world: World, error: Exception | None
) -> None:
    one = world.purchase()
    if error is None:
        world.pex.drop_next_request = True
    else:
        world.pex.fail("post_note", error)
    run = world.sync()
    assert run.counts["posted"] == 1
    later = world.sync()
    assert "posted" not in later.counts
    assert len(world.costs(one)) == 1
    assert world.procore.calls["create_direct_cost"] == 1
    assert world.ledger[one.transaction_id].state == "complete"


def test_a_dropped_note_is_written_by_a_later_run(world: World) -> None:
    one = world.purchase()
    world.pex.drop_next_request = True
    world.sync()
    world.sync()
    assert len(world.pex.notes) == 1
    assert world.ledger[one.transaction_id].noted


def test_a_note_whose_answer_was_lost_is_not_written_twice(world: World) -> None:
    one = world.purchase()
    world.pex.lose_next_answer = True
    world.sync()
    world.sync()
    assert len(world.pex.notes) == 1
    assert world.ledger[one.transaction_id].state == "complete"
