"""Notes and receipts: each once, and nothing that goes wrong with them touches the posting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.runs import Run
from pex_procore.domain.transactions import Transaction
from pex_procore.services.stage_receipts import MEGABYTE
from tests.fakes.stores import Killed
from tests.services.world import JPEG, P1, P2, PDF, World, coding


def posted(world: World, transaction: Transaction) -> Run:
    """The run that posted it, about to look at its receipts."""
    run = world.opened()
    world.post(run, world.list_all(run).transaction_ids)
    assert world.ledger[transaction.transaction_id].state == "posted"
    return run


def test_two_receipts_are_attached_once_each_in_one_upload(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.receipt(one, PDF)
    run = world.sync()
    ((first, second),) = [cost.files for cost in world.costs(one)]
    assert {first.content_type: first.content, second.content_type: second.content} == {
        "image/jpeg": JPEG,
        "application/pdf": PDF,
    }
    assert (first.filename.rpartition(".")[2], second.filename.rpartition(".")[2]) == ("jpg", "pdf")
    assert world.procore.calls["attach_receipts"] == 1
    assert run.counts == {"posted": 1, "receipts_attached": 2}
    world.sync()
    assert world.procore.calls["attach_receipts"] == 1
    assert world.bucket.objects == {}


def test_an_expense_without_receipts_costs_one_write(world: World) -> None:
    one = world.purchase()
    world.sync()
    assert world.procore.calls["attach_receipts"] == 0
    assert world.ledger[one.transaction_id].state == "complete"


def test_both_halves_of_a_split_get_the_receipt(world: World) -> None:
    one = world.split("20.00", [("10.00", coding(P1)), ("10.00", coding(P2, "03-300"))])
    world.receipt(one)
    world.sync()
    assert world.contents(one) == [[JPEG], [JPEG]]


def test_with_the_toggle_off_nothing_is_asked_and_nothing_attached(world: World) -> None:
    world.choose(attach_receipts=False)
    one = world.purchase()
    world.receipt(one)
    world.sync()
    assert (world.pex.calls["list_receipts"], world.procore.calls["attach_receipts"]) == (0, 0)
    assert world.ledger[one.transaction_id].state == "complete"


def test_with_the_toggle_switched_off_later_nothing_staged_is_attached(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.close(run, stopped_by="paused")
    world.choose(attach_receipts=False)
    world.sync()
    assert world.procore.calls["attach_receipts"] == 0


def test_a_receipt_uploaded_after_the_posting_is_attached_later_without_posting_again(world: World) -> None:
    one = world.purchase()
    world.sync()
    world.clock.forward(days=2)
    world.receipt(one)
    world.sweep_for(days=2)
    assert world.contents(one) == [[JPEG]]
    assert world.procore.calls["create_direct_cost"] == 1


def test_a_second_receipt_uploaded_later_is_attached_next_to_the_first(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.sync()
    world.clock.forward(days=1)
    world.receipt(one, PDF)
    world.sweep_for(days=2)
    assert world.contents(one) == [[JPEG, PDF]]


def test_a_run_by_hand_finds_a_late_receipt_at_once(world: World) -> None:
    one = world.purchase()
    world.sync()
    world.clock.forward(60)
    world.receipt(one)
    run = world.sync("manual")
    assert world.contents(one) == [[JPEG]]
    assert run.counts == {"already_posted": 1, "receipts_attached": 1}


def test_a_receipt_still_being_scanned_is_attached_once_ready_though_another_went_ahead(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    slow = world.receipt(one, PDF, ready=False)
    world.sync()
    assert world.contents(one) == [[JPEG]]
    world.pex.receipts[one.transaction_id][slow].ready = True
    world.sweep_for(days=2)
    assert world.contents(one) == [[JPEG, PDF]]


def test_a_receipt_that_never_becomes_ready_is_not_asked_about_for_ever(world: World) -> None:
    one = world.purchase()
    world.receipt(one, ready=False)
    world.sync()
    world.sweep_for(days=70)
    assert world.ledger[one.transaction_id].state == "complete"
    calls = world.pex.calls["list_receipts"]
    world.sweep_for(days=2)
    assert world.pex.calls["list_receipts"] == calls


def test_the_administrator_says_how_large_a_receipt_may_be(world: World) -> None:
    world.choose(receipt_limit_mb=1)
    one = world.purchase()
    world.receipt(one, JPEG + b"x" * MEGABYTE)
    small = world.receipt(one, PDF)
    world.sync()
    states = {mark.receipt_id: mark.state for mark in world.ledger[one.transaction_id].receipts}
    assert states == {"r1": "refused", small: "attached"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (JPEG + b"x" * 20 * MEGABYTE, "receipt_too_large"),
        (b"\x00\x00\x00\x18ftypmp42", "receipt_type_unsupported"),
        (b"", "receipt_type_unsupported"),
        (b"MZ program", "receipt_type_unsupported"),
    ],
)
def test_a_receipt_that_cannot_be_taken_is_reported_and_not_tried_for_ever(
    world: World, content: bytes, reason: str
) -> None:
    one = world.purchase()
    world.receipt(one, content)
    good = world.receipt(one, PDF)
    run = world.sync()
    assert world.contents(one) == [[PDF]]
    row = world.ledger[one.transaction_id]
    assert {mark.receipt_id: mark.state for mark in row.receipts} == {"r1": "refused", good: "attached"}
    assert row.receipts[0].reason == reason
    assert (run.verdict, run.reasons) == ("partial", {reason: 1})
    fetched = world.pex.calls["fetch_receipt"]
    world.sweep_for(days=1)
    assert world.pex.calls["fetch_receipt"] == fetched
    assert row.state == "complete"


def test_a_receipt_pex_could_not_load_is_given_up_and_said_so(world: World) -> None:
    one = world.purchase()
    receipt_id = world.receipt(one)
    world.pex.receipts[one.transaction_id][receipt_id].broken = True
    run = world.sync()
    assert (run.verdict, run.reasons) == ("partial", {"receipt_unreadable": 1})
    assert world.ledger[one.transaction_id].state == "complete"
    assert world.pex.calls["fetch_receipt"] == 0


def test_an_upload_at_a_closed_door_is_tried_again_when_it_opens(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    world.procore.behave_next()
    world.procore.refuse_next(403, "You do not have access to the Direct Costs tool.")
    world.sync()
    world.sweep_for(days=1)
    assert world.contents(one) == [[JPEG]]


def test_the_same_file_twice_is_attached_once(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.receipt(one, JPEG)
    world.sync()
    assert world.contents(one) == [[JPEG]]
    assert world.ledger[one.transaction_id].state == "complete"


def test_a_lost_answer_to_the_upload_attaches_nothing_twice(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    world.procore.behave_next()
    world.procore.lose_next_answer = True
    world.sync()
    world.sync()
    assert world.contents(one) == [[JPEG]]
    assert world.ledger[one.transaction_id].state == "complete"


def test_a_dropped_upload_is_sent_again(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    world.procore.behave_next()
    world.procore.drop_next_request = True
    world.sync()
    world.sync()
    assert world.contents(one) == [[JPEG]]


@pytest.mark.parametrize("saves", range(4))
def test_a_worker_killed_at_any_save_attaches_each_receipt_once(world: World, saves: int) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.receipt(one, PDF)
    run = posted(world, one)
    world.ledger.die_after = saves
    try:
        world.stage(run, [one.transaction_id])
        world.attach(run, [one.transaction_id])
    except Killed:
        pass
    else:
        pytest.fail("it was never killed")
    world.ledger.die_after = None
    world.clock.forward(3600)
    world.sync()
    assert world.contents(one) == [[JPEG, PDF]]
    assert len(world.pex.notes) == 1
    assert world.ledger[one.transaction_id].state == "complete"


def test_after_a_crash_behind_the_upload_procore_is_asked_which_files_it_has(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.ledger.die_after = 1  # the mark "sending" is saved, the result is not
    with pytest.raises(Killed):
        world.attach(run, [one.transaction_id])
    world.ledger.die_after = None
    assert world.contents(one) == [[JPEG]]
    world.clock.forward(3600)
    world.sync()
    assert world.contents(one) == [[JPEG]]
    assert world.procore.calls["attach_receipts"] == 1


def test_a_staged_file_that_expired_is_staged_again(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.bucket.objects.clear()
    world.close(run, stopped_by="paused")
    world.sweep_for(days=1)
    assert world.contents(one) == [[JPEG]]


def test_files_that_expired_behind_a_lost_answer_are_not_attached_twice(world: World) -> None:
    one = world.split("20.00", [("10.00", coding(P1)), ("10.00", coding(P2, "03-300"))])
    world.receipt(one)
    run = posted(world, one)
    world.stage(run, [one.transaction_id])
    world.ledger.die_after = 1
    with pytest.raises(Killed):
        world.attach(run, [one.transaction_id])
    world.ledger.die_after = None
    world.costs(one)[1].files.clear()  # killed between the two halves
    world.bucket.objects.clear()
    world.clock.forward(3600)
    world.sweep_for(days=1)
    assert world.contents(one) == [[JPEG], [JPEG]]


def test_one_receipt_procore_refuses_does_not_take_the_others_down(world: World) -> None:
    one = world.purchase()
    world.receipt(one, JPEG)
    world.receipt(one, b"GIF89a moving")
    world.sync()
    assert world.contents(one) == [[JPEG]]
    states = [mark.state for mark in world.ledger[one.transaction_id].receipts]
    assert states == ["attached", "refused"]


def test_an_expense_deleted_in_procore_is_reported_and_gets_no_receipts(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.costs(one)[0].deleted = True
    world.stage(run, [one.transaction_id])
    world.attach(run, [one.transaction_id])
    world.close(run)
    world.sync()
    row = world.ledger[one.transaction_id]
    assert row.reason == "deleted_in_procore"
    assert all(mark.state != "attached" for mark in row.receipts)
    assert world.costs(one) == []


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("post_note", NeedsAttention("vendor_answer_unreadable", "odd")),
        ("list_receipts", NeedsAttention("vendor_answer_unreadable", "odd")),
        ("list_receipts", TryLater("PEX answered 500")),
        ("fetch_receipt", TryLater("PEX answered 500")),
        ("fetch_receipt", NeedsAttention("vendor_answer_unreadable", "odd")),
    ],
)
def test_one_transaction_that_pex_chokes_on_does_not_keep_the_others_receipts(
    world: World, method: str, error: Exception
) -> None:
    bad, well = world.purchase("10.00"), world.purchase("20.00")
    world.receipt(bad)
    world.receipt(well)
    world.pex.fail_always(method, bad.transaction_id, error)
    for _ in range(3):
        world.sync()
        world.clock.forward(hours=4)
    assert world.contents(well) == [[JPEG]]


def test_a_late_receipt_is_not_counted_as_another_posting(world: World) -> None:
    one = world.purchase()
    world.receipt(one)
    run = posted(world, one)
    world.close(run, stopped_by="paused")
    world.clock.forward(timedelta(minutes=15).total_seconds())
    later = world.sync()
    assert world.contents(one) == [[JPEG]]
    assert later.counts == {"already_posted": 1, "receipts_attached": 1}


def test_large_receipts_go_in_parcels_that_fit_a_functions_memory(world: World) -> None:
    one = world.purchase()
    for number in range(4):
        world.receipt(one, JPEG + bytes([number]) * (15 * 1024 * 1024))
    run = world.sync()
    assert world.procore.calls["attach_receipts"] == 2
    assert [len(files) for files in world.filenames(one)] == [4]
    assert run.counts["receipts_attached"] == 4


def test_thirty_receipts_are_attached_once_each(world: World) -> None:
    one = world.purchase()
    for number in range(30):
        world.receipt(one, JPEG + bytes([number]))
    world.sync()
    (files,) = world.contents(one)
    assert sorted(files) == sorted(JPEG + bytes([number]) for number in range(30))
