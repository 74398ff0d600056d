"""Where an upload takes the place of the earlier files: late receipts cost the first ones nothing."""

from __future__ import annotations

import pytest

from tests.services.world import JPEG, P1, P2, PDF, World, coding

PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.mark.parametrize("shares", [[("20.00", P1)], [("10.00", P1), ("10.00", P2)]], ids=len)
def test_where_uploads_replace_one_another_all_receipts_end_up_there(
    world: World, shares: list[tuple[str, int]]
) -> None:
    world.procore.files_replace = True
    one = world.split("20.00", [(amount, coding(project, "03-300")) for amount, project in shares])
    world.receipt(one, JPEG)
    world.sync()
    for late in (PDF, PNG):
        world.clock.forward(days=1)
        world.receipt(one, late)
        world.sweep_for(days=2)
    assert world.contents(one) == [[JPEG, PDF, PNG]] * len(shares)
    assert world.procore.calls["attach_receipts"] == 4 * len(shares), "the second late one is no surprise any more"
    assert world.ledger[one.transaction_id].state == "complete"


def test_what_is_too_large_for_the_one_upload_that_counts_is_said(world: World) -> None:
    world.procore.files_replace = True
    one = world.purchase()
    for number in range(3):
        world.receipt(one, JPEG + bytes([number]) * (15 * 1024 * 1024))
    world.sync()
    run = world.sync()
    marks = world.ledger[one.transaction_id].receipts
    assert sorted(mark.state for mark in marks) == ["attached", "refused", "refused"]
    assert run.counts["receipts_failed"] == 2
    calls = world.procore.calls["attach_receipts"]
    world.sync()
    assert world.procore.calls["attach_receipts"] == calls


def test_a_file_that_somebody_deleted_in_procore_is_not_put_back(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.receipt(one, PDF)
    world.sync()
    (cost,) = world.costs(one)
    del cost.files[0]
    world.clock.forward(days=1)
    world.receipt(one, PNG)
    world.sweep_for(days=2)
    assert world.contents(one) == [[PDF, PNG]]
