from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import small_pex
from tests.simulators.pex_client import Now, Pex


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sim(now: Now) -> Iterator[PexSimulator]:
    running = PexSimulator(small_pex(clock=now), clock=now).start()
    yield running
    running.stop()


@pytest.fixture
def pex(sim: PexSimulator) -> Pex:
    return Pex(sim)


@pytest.fixture
def settled(sim: PexSimulator) -> int:
    return int(sim.act_purchase(amount="20.00", settle=True)["transaction_id"])


def note(transaction_id: int, text: str = "Synced", **more: Any) -> dict[str, Any]:
    return {"TransactionId": transaction_id, "NoteText": text, "Pending": False} | more


def test_a_note_is_written_read_changed_and_deleted_with_a_body(sim: PexSimulator, pex: Pex, settled: int) -> None:
    made = pex.call("POST", "/v4/Note", note(settled, VisibleToCardholder=True, SystemGenerated=True))
    assert (made.status, list(made.json)) == (200, ["Id"])
    note_id = made.json["Id"]
    (shown,) = pex.list()[0]["TransactionNotes"]
    assert (shown["NoteId"], shown["NoteText"], shown["SystemGenerated"]) == (note_id, "Synced", True)
    assert (shown["UserName"][:7], shown["NoteDate"]) == ("pat.lee", "2026-06-15T12:00:00")
    assert pex.call("PUT", f"/v4/Note/{note_id}", {"NoteText": "Again", "Pending": False}).json == {"Id": note_id}
    assert pex.call("DELETE", f"/v4/Note/{note_id}", {"Pending": True}).status == 400
    assert pex.call("DELETE", f"/v4/Note/{note_id}").status == 400
    assert pex.call("DELETE", f"/v4/Note/{note_id}", {"Pending": False}).json == {"Id": note_id}
    gone = pex.call("DELETE", f"/v4/Note/{note_id}", {"Pending": False})
    assert (gone.status, gone.message) == (403, "Note not found")


def test_pending_must_match_the_row(sim: PexSimulator, pex: Pex, settled: int) -> None:
    assert pex.call("POST", "/v4/Note", note(settled, Pending=True)).status == 400
    auth = sim.act_purchase()["transaction_id"]
    assert pex.call("POST", "/v4/Note", note(auth)).status == 400
    assert pex.call("POST", "/v4/Note", note(auth, Pending=True)).status == 200


def test_a_note_is_measured_in_utf_16_units(sim: PexSimulator, pex: Pex, settled: int) -> None:
    assert pex.call("POST", "/v4/Note", note(settled, "é" * 255)).status == 200
    assert pex.call("POST", "/v4/Note", note(settled, "x" * 256)).status == 400
    assert pex.call("POST", "/v4/Note", note(settled, "🏗" * 128)).status == 400
    sim.switches.change(note_limit=1000)
    assert pex.call("POST", "/v4/Note", note(settled, "🏗" * 128)).status == 200


@pytest.mark.parametrize("more", [{"Colour": 1}, {"NoteText": " "}, {"TransactionId": "1"}, {"Pending": "false"}])
def test_a_note_with_an_odd_field_is_refused(sim: PexSimulator, pex: Pex, settled: int, more: dict[str, Any]) -> None:
    answer = pex.call("POST", "/v4/Note", note(settled) | more)
    assert (answer.status, answer.message) == (400, "The request is invalid.")
    assert pex.list()[0]["TransactionNotes"] == []


def test_unknown_fields_pass_when_bodies_are_not_strict(sim: PexSimulator, pex: Pex, settled: int) -> None:
    sim.switches.change(strict_bodies=False)
    assert pex.call("POST", "/v4/Note", note(settled, Colour=1)).status == 200


def test_notes_can_need_a_permission_the_connector_does_not_ask_for(sim: PexSimulator, pex: Pex, settled: int) -> None:
    sim.switches.change(note_needs_permission=True)
    assert pex.call("POST", "/v4/Note", note(settled)).message == "Admin does not have permission"
    sim.act_set_permission("ModifyTransactionNotes", True)
    assert pex.call("POST", "/v4/Note", note(settled)).status == 200


def test_a_lost_answer_leaves_the_note_written(sim: PexSimulator, pex: Pex, settled: int) -> None:
    sim.faults.add({"kind": "drop_after", "method": "POST", "path": "/Note$", "times": 1})
    with pytest.raises(OSError, match=r"."):
        pex.call("POST", "/v4/Note", note(settled))
    assert len(pex.list()[0]["TransactionNotes"]) == 1


def test_no_attachment_is_a_404(pex: Pex, settled: int) -> None:
    assert pex.get(f"/v4/Transactions/{settled}/Attachments").status == 404


def test_attachments_are_listed_with_links_and_states(sim: PexSimulator, pex: Pex, settled: int) -> None:
    first = sim.act_receipt(settled, "jpg")
    sim.act_receipt(settled, "pdf", status="NotLoaded")
    answer = pex.get(f"/v4/Transactions/{settled}/Attachments").json
    listed = [(each["Type"], each["UploadStatus"]) for each in answer["Attachments"]]
    assert listed == [("Image", "Loaded"), ("Pdf", "NotLoaded")]
    where = answer["Attachments"][0]["Link"]["related"]
    assert where == f"{sim.api_url}/v4/Transactions/{settled}/Attachment/{first['attachment_id']}"
    assert answer["ApprovalStatus"] == "NotReviewed"


@pytest.mark.parametrize("kind", ["jpg", "png", "pdf"])
def test_full_content_is_base64_of_the_very_file(sim: PexSimulator, pex: Pex, settled: int, kind: str) -> None:
    made = sim.act_receipt(settled, kind)
    path = f"/v4/Transactions/{settled}/Attachment/{made['attachment_id']}"
    file = base64.b64decode(pex.get(path, AttachmentLinkType="Full").json["Content"], validate=True)
    assert (hashlib.sha256(file).hexdigest(), len(file)) == (made["sha256"], made["size"])
    sim.switches.change(attachment_content="data_uri")
    mime = {"jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}[kind]
    assert pex.get(path, AttachmentLinkType="Full").json["Content"].startswith(f"data:{mime};base64,")


def test_a_link_needs_no_login_and_does_not_live_long(sim: PexSimulator, pex: Pex, settled: int, now: Now) -> None:
    made = sim.act_receipt(settled, "pdf")
    path = f"/v4/Transactions/{settled}/Attachment/{made['attachment_id']}"
    for link in (pex.get(path).json["Content"], pex.get(path, AttachmentLinkType="LinkUrl").json["Content"]):
        where = link.removeprefix(sim.api_url)
        assert Pex(sim, token=None).get(where).text.startswith("%PDF-")
    sim.switches.change(attachment_content="link")
    assert pex.get(path, AttachmentLinkType="Full").json["Content"].startswith(sim.api_url)
    now.pass_time(seconds=301)
    assert Pex(sim, token=None).get(where).status == 403
    assert pex.get(path, AttachmentLinkType="Whole").status == 400


def test_what_is_not_loaded_has_no_content_and_can_be_loaded_later(sim: PexSimulator, pex: Pex, settled: int) -> None:
    made = sim.act_receipt(settled, "jpg", status="HasMalware")
    path = f"/v4/Transactions/{settled}/Attachment/{made['attachment_id']}"
    assert pex.get(path, AttachmentLinkType="Full").json["Content"] is None
    sim.act_receipt_status(made["attachment_id"], "Loaded")
    assert pex.get(path, AttachmentLinkType="Full").json["Content"]


def test_a_receipt_can_be_any_bytes_and_huge(sim: PexSimulator, pex: Pex, settled: int) -> None:
    made = sim.act_receipt(settled, "jpg", base64.b64encode(b"%PDF-1.4 not a picture").decode(), padding=2_000_000)
    path = f"/v4/Transactions/{settled}/Attachment/{made['attachment_id']}"
    body = pex.get(path, AttachmentLinkType="Full").json
    assert (body["Type"], body["Size"]) == ("Image", 2_000_022)
    assert len(base64.b64decode(body["Content"])) == 2_000_022


def test_an_uploaded_attachment_is_in_the_books_with_its_hash(sim: PexSimulator, pex: Pex, settled: int) -> None:
    content = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
    made = pex.call("POST", f"/v4/Transactions/{settled}/Attachment", {"Content": content, "Type": "Image"})
    assert made.json["Link"]["self"].endswith(made.json["AttachmentId"])
    assert pex.call("POST", f"/v4/Transactions/{settled}/Attachment", {"Content": "?", "Type": "Image"}).status == 400
    row = next(row for row in sim.books()["transactions"] if row["transaction_id"] == settled)
    assert [each["sha256"] for each in row["receipts"]] == [hashlib.sha256(b"\x89PNG\r\n\x1a\nrest").hexdigest()]
