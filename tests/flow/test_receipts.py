"""Receipts reach their expense once each, notes reach PEX, and neither ever un-posts or re-posts an expense."""

from __future__ import annotations

import base64

import pytest

from tests.flow.story import COST, COSTS, Story

MEGABYTE = 1024 * 1024


def digests(story: Story, transaction_id: int) -> list[str]:
    return sorted(one["sha256"] for one in story.pex_row(transaction_id)["receipts"])


def attached(story: Story) -> list[str]:
    return sorted(one["sha256"] for one in story.cost()["attachments"])


def test_two_receipts_are_attached_once_each_in_one_call(connected: Story) -> None:
    transaction_id = connected.purchase(receipts=("jpg", "pdf"))
    run = connected.sync()
    connected.sync()
    files = connected.cost()["attachments"]
    assert sorted(one["content_type"] for one in files) == ["application/pdf", "image/jpeg"]
    assert attached(connected) == digests(connected, transaction_id)
    assert connected.procore.requests.count("PATCH") == 1
    assert run["counts"] == {"posted": 1, "receipts_attached": 2}


def test_every_expense_of_a_split_gets_the_receipt(connected: Story) -> None:
    transaction_id = connected.purchase(
        "100.00", split=[("60.00", "Library", "01-500"), ("40.00", "Bridge", "01-500")], receipts=("png",)
    )
    connected.sync()
    assert [len(cost["attachments"]) for cost in connected.costs_of(transaction_id)] == [1, 1]


def test_a_huge_receipt_is_reported_and_not_fetched_again_and_again(connected: Story) -> None:
    transaction_id = connected.purchase(receipts=("jpg",))
    connected.pex.act_receipt(transaction_id, "pdf", padding=21 * MEGABYTE)
    connected.sync()
    mark = next(one for one in connected.row(transaction_id)["receipts"] if one["state"] == "refused")
    assert mark["reason"] == "receipt_too_large"
    assert len(connected.cost()["attachments"]) == 1
    connected.pex.requests.clear()
    connected.sync()
    assert connected.pex.requests.count("GET", "/Attachment/") == 0


def test_what_is_no_picture_is_refused_whatever_it_calls_itself(connected: Story) -> None:
    transaction_id = connected.purchase()
    script = base64.b64encode(b"<html><script>alert(1)</script></html>").decode()
    connected.pex.act_receipt(transaction_id, "jpg", content=script)
    connected.sync()
    assert connected.row(transaction_id)["receipts"][0]["reason"] == "receipt_type_unsupported"
    assert connected.cost()["attachments"] == []


def test_the_same_file_uploaded_twice_is_attached_once(connected: Story) -> None:
    transaction_id = connected.purchase(receipts=("jpg",))
    file = connected.pex.world.transactions[transaction_id].receipts[0].content
    connected.pex.act_receipt(transaction_id, "jpg", content=base64.b64encode(file).decode())
    connected.sync()
    assert len(connected.cost()["attachments"]) == 1


def test_a_receipt_uploaded_after_posting_is_attached_later(connected: Story) -> None:
    transaction_id = connected.purchase()
    connected.sync()
    connected.clock.forward(days=2)
    connected.pex.act_receipt(transaction_id, "jpg")
    connected.sync()
    assert attached(connected) == digests(connected, transaction_id)
    assert connected.creates() == 1


def test_where_an_upload_replaces_the_earlier_files_all_are_sent_together(connected: Story) -> None:
    connected.procore.switches.change(attachments_replace=True)
    transaction_id = connected.purchase(receipts=("jpg",))
    connected.sync()
    for _ in range(2):
        connected.clock.forward(days=1)
        connected.pex.act_receipt(transaction_id, "pdf")
        for _ in range(3):
            connected.sync()
        assert attached(connected) == digests(connected, transaction_id)
        assert connected.row(transaction_id)["state"] == "complete"
    uploads = connected.procore.requests.count("PATCH")
    connected.sync()
    assert (connected.procore.requests.count("PATCH"), uploads) == (uploads, 4)


def test_a_receipt_still_being_scanned_is_attached_once_it_is_ready(connected: Story) -> None:
    transaction_id = connected.purchase()
    waiting = connected.pex.act_receipt(transaction_id, "jpg", status="NotLoaded")
    connected.sync()
    assert connected.cost()["attachments"] == []
    connected.pex.act_receipt_status(waiting["attachment_id"], "Loaded")
    connected.sweep()
    assert attached(connected) == digests(connected, transaction_id)


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "status", "status": 503, "times": 20},
        {"kind": "drop_after", "times": 1},
        {"kind": "html_502", "commit": True, "times": 1},
    ],
    ids=lambda trouble: trouble["kind"],
)
def test_a_failed_upload_is_repeated_without_doubling_anything(connected: Story, trouble: dict[str, object]) -> None:
    connected.procore.faults.add({"method": "PATCH", "path": COST, **trouble})
    transaction_id = connected.purchase(receipts=("jpg", "pdf"))
    connected.sync()
    connected.procore.faults.clear()
    connected.sweep()
    assert attached(connected) == digests(connected, transaction_id)
    assert connected.creates() == 1


def test_a_run_that_could_not_upload_is_partial_and_the_expense_stays(connected: Story) -> None:
    connected.procore.faults.add({"method": "PATCH", "path": COST, "kind": "status", "status": 503})
    connected.purchase(receipts=("jpg",))
    run = connected.sync()
    assert run["verdict"] == "partial"
    assert connected.cost()["attachments"] == []


def test_an_upload_procore_refuses_is_listed_and_left(connected: Story) -> None:
    connected.procore.faults.add(
        {"method": "PATCH", "path": COST, "kind": "status", "status": 422, "answer": {"errors": "Attachment is empty"}}
    )
    transaction_id = connected.purchase(receipts=("jpg",))
    connected.sync()
    mark = connected.row(transaction_id)["receipts"][0]
    assert (mark["state"], mark["reason"]) == ("refused", "receipt_refused")
    assert connected.cost()["grand_total"] == "120.50"


def test_without_the_receipts_toggle_no_attachment_is_asked_for(connected: Story) -> None:
    connected.set(attach_receipts=False)
    connected.purchase(receipts=("jpg",))
    connected.sync()
    assert connected.cost()["attachments"] == []
    assert connected.pex.requests.count(path_part="Attachment") == 0
    assert connected.procore.requests.count("PATCH") == 0


def test_the_note_names_the_expense_and_leads_there(connected: Story) -> None:
    transaction_id = connected.purchase()
    connected.sync()
    connected.sync()
    notes = connected.notes(transaction_id)
    assert len(notes) == 1
    cost = connected.cost()
    assert f"expense {cost['id']} (project " in notes[0]
    assert notes[0].endswith(f"/project/direct_costs/{cost['id']}")
    assert connected.row(transaction_id)["direct_costs"][0]["url"] == notes[0].split()[-1]


def test_without_the_notes_toggle_nothing_is_written_to_pex(connected: Story) -> None:
    connected.set(write_notes=False)
    transaction_id = connected.purchase()
    connected.sync()
    assert connected.notes(transaction_id) == []
    assert connected.row(transaction_id)["state"] == "complete"


def test_a_note_that_failed_is_written_later_and_counts_nothing_twice(connected: Story) -> None:
    connected.pex.faults.add({"method": "POST", "path": "/Note", "kind": "status", "status": 500, "times": 1})
    transaction_id = connected.purchase()
    first = connected.sync()
    connected.sweep()
    connected.sweep()
    assert first["counts"]["posted"] == 1
    assert len(connected.notes(transaction_id)) == 1
    assert connected.creates() == 1
    assert connected.row(transaction_id)["state"] == "complete"


def test_a_note_whose_answer_was_lost_is_not_written_twice(connected: Story) -> None:
    connected.pex.faults.add({"method": "POST", "path": "/Note", "kind": "drop_after", "times": 1})
    transaction_id = connected.purchase()
    connected.sync()
    connected.sweep()
    connected.sweep()
    assert len(connected.notes(transaction_id)) == 1
    assert connected.row(transaction_id)["state"] == "complete"


def test_a_note_pex_forbids_is_given_up_and_nothing_else(connected: Story) -> None:
    connected.pex.switches.change(note_needs_permission=True)
    transaction_id = connected.purchase(receipts=("jpg",))
    run = connected.sync()
    assert run["verdict"] == "success"
    assert connected.notes(transaction_id) == []
    assert connected.row(transaction_id)["state"] == "complete"
    assert len(connected.cost()["attachments"]) == 1


@pytest.mark.parametrize("path", ["/Attachments$", "/Attachment/"])
def test_receipts_pex_cannot_show_now_come_with_a_later_run(connected: Story, path: str) -> None:
    connected.pex.faults.add({"method": "GET", "path": path, "kind": "status", "status": 500})
    transaction_id = connected.purchase(receipts=("jpg",))
    run = connected.sync()
    assert run["verdict"] == "partial"
    connected.pex.faults.clear()
    connected.sweep()
    assert attached(connected) == digests(connected, transaction_id)
    assert connected.procore.requests.count("POST", COSTS.strip("$/")) == 1
