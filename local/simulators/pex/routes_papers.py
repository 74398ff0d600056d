"""Tags of one transaction, notes and attachments."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any

from flask import Response

from local.simulators.pex import rows
from local.simulators.pex.bodies import Field, enum_name, read_fields
from local.simulators.pex.http_api import NO_PERMISSION, Api, Caller, Problem, Query
from local.simulators.pex.world import Note, Receipt, Transaction

_LINK_TYPES = {"LinkUrl": 0, "Full": 1, "Thumbnail": 2, "Preview": 3}
_FLAGS = {"VisibleToCardholder": Field("bool"), "SystemGenerated": Field("bool")}


def register(api: Api) -> None:
    _notes(api)
    _attachments(api)


def row_of(api: Api, caller: Caller, transaction_id: int) -> Transaction:
    row = api.sim.world.transactions.get(transaction_id)
    if row is None or row.is_gone or row.business_id != caller.business.business_id:
        raise Problem(404, "Transaction not found")
    if caller.cardholder is not None and row.account_id != caller.cardholder.account_id:
        raise Problem(404, "Transaction not found")
    if caller.admin is not None and not caller.allowed("ViewCardTransactions"):
        raise Problem(403, NO_PERMISSION)
    return row


def _notes(api: Api) -> None:
    sim = api.sim

    def note_text(body: dict[str, Any]) -> str:
        text: str = body["NoteText"]
        limit = int(sim.switches.note_limit)
        if len(text.encode("utf-16-le")) // 2 > limit:
            raise Problem.invalid("NoteText", f"The field NoteText must be a string with a maximum length of {limit}.")
        return text

    def may_write(caller: Caller) -> None:
        if sim.switches.note_needs_permission and not caller.allowed("ModifyTransactionNotes"):
            raise Problem(403, NO_PERMISSION)

    def note_of(caller: Caller, note_id: int) -> tuple[Transaction, Note]:
        for row in sim.world.transactions.values():
            if row.business_id == caller.business.business_id and not row.is_gone:
                for note in row.notes:
                    if note.note_id == note_id:
                        return row, note
        raise Problem(403, "Note not found")

    def same_pending(row: Transaction, pending: bool | None) -> None:
        if bool(pending) != row.is_pending:
            raise Problem.invalid("Pending", "Pending does not match the state of the transaction.")

    @api.route("GET", "/v4/Transactions/<int:transaction_id>/Tags")
    def tags(caller: Caller, transaction_id: int) -> Any:
        row = row_of(api, caller, transaction_id)
        if not row.tags and not row.splits:
            raise Problem(404, "Tags not found")
        return rows.tags_of_transaction(row, caller.business, sim.switches)

    @api.route("POST", "/v4/Note")
    def create(caller: Caller) -> Any:
        may_write(caller)
        fields = {"TransactionId": Field("int", True), "NoteText": Field("text", True), "Pending": Field("bool", True)}
        body = read_fields(fields | _FLAGS, strict=sim.switches.strict_bodies)
        row = row_of(api, caller, body["TransactionId"])
        same_pending(row, body["Pending"])
        note = Note(
            note_id=sim.world.next_id("note"),
            text=note_text(body),
            user_name=caller.username,
            at=sim.now(),
            system_generated=bool(body["SystemGenerated"]),
            visible_to_cardholder=bool(body["VisibleToCardholder"]),
        )
        row.notes.append(note)
        return {"Id": note.note_id}

    @api.route("PUT", "/v4/Note/<int:note_id>")
    def update(caller: Caller, note_id: int) -> Any:
        may_write(caller)
        fields = {"TransactionId": Field("int"), "NoteText": Field("text", True), "Pending": Field("bool", True)}
        body = read_fields(fields | _FLAGS, strict=sim.switches.strict_bodies)
        row, note = note_of(caller, note_id)
        same_pending(row, body["Pending"])
        note.text, note.updated_at, note.updated_by = note_text(body), sim.now(), caller.username
        return {"Id": note_id}

    @api.route("DELETE", "/v4/Note/<int:note_id>")
    def delete(caller: Caller, note_id: int) -> Any:
        may_write(caller)
        body = read_fields({"Pending": Field("bool", True)}, strict=sim.switches.strict_bodies)
        row, note = note_of(caller, note_id)
        same_pending(row, body["Pending"])
        row.notes.remove(note)
        return {"Id": note_id}


def _attachments(api: Api) -> None:
    sim = api.sim
    switches = sim.switches

    @api.route("GET", "/v4/Transactions/<int:transaction_id>/Attachments")
    def attachments(caller: Caller, transaction_id: int) -> Any:
        row = row_of(api, caller, transaction_id)
        if not row.receipts:
            raise Problem(404, "Attachments not found")
        shown = [rows.attachment(receipt, row, sim.api_url) for receipt in row.receipts]
        return {"Attachments": shown, "ApprovalStatus": row.approval}

    @api.route("GET", "/v4/Transactions/<int:transaction_id>/Attachment/<attachment_id>")
    def attachment(caller: Caller, transaction_id: int, attachment_id: str) -> Any:
        row = row_of(api, caller, transaction_id)
        receipt = next((each for each in row.receipts if each.attachment_id == attachment_id), None)
        if receipt is None:
            raise Problem(404, "Attachment not found")
        asked = enum_name(_number(Query().text("AttachmentLinkType") or "LinkUrl"), _LINK_TYPES, "AttachmentLinkType")
        body = rows.attachment(receipt, row, sim.api_url)
        return body | {"Content": content(row, receipt, asked), "ApprovalStatus": row.approval}

    def content(row: Transaction, receipt: Receipt, asked: str) -> str | None:
        if receipt.upload_status != "Loaded":
            return None
        if asked == "LinkUrl" or switches.attachment_content == "link":
            key = f"{sim.world.random.getrandbits(160):040x}"
            expires_at = sim.now() + timedelta(seconds=float(switches.link_seconds))
            sim.world.links[key] = (row.transaction_id, receipt.attachment_id, expires_at)
            return f"{sim.api_url}/files/{key}"
        text = base64.b64encode(receipt.file()).decode()
        return f"data:{_mime(receipt)};base64,{text}" if switches.attachment_content == "data_uri" else text

    @api.route("GET", "/files/<key>", who="open")
    def linked(key: str) -> Any:
        """Stands for the storage behind PEX: no PEX login, its own words when the link is too old."""
        found = sim.world.links.get(key)
        if found is None or found[2] <= sim.now():
            return Response("<Error><Code>AuthenticationFailed</Code></Error>", 403, mimetype="application/xml")
        row = sim.world.transactions[found[0]]
        receipt = next((each for each in row.receipts if each.attachment_id == found[1]), None)
        if receipt is None:
            return Response("<Error><Code>BlobNotFound</Code></Error>", 404, mimetype="application/xml")
        return Response(receipt.file(), mimetype=_mime(receipt))

    @api.route("POST", "/v4/Transactions/<int:transaction_id>/Attachment")
    def upload(caller: Caller, transaction_id: int) -> Any:
        row = row_of(api, caller, transaction_id)
        body = read_fields({"Content": Field("text", True), "Type": Field("any", True)}, strict=switches.strict_bodies)
        kind = enum_name(body["Type"], {"Image": 0, "Pdf": 1}, "Type")
        try:
            file = base64.b64decode(body["Content"], validate=True)
        except binascii.Error as error:
            raise Problem.invalid("Content", "Content is not base64.") from error
        owner = caller.cardholder.user_id if caller.cardholder else None
        admin_id = caller.admin.admin_id if caller.admin else None
        receipt = Receipt(sim.world.hex_id(), kind, file, sim.now(), owner, admin_id)
        row.receipts.append(receipt)
        shown = rows.attachment(receipt, row, sim.api_url)
        return shown | {"Link": {"self": shown["Link"]["related"]}}


def _mime(receipt: Receipt) -> str:
    if receipt.type == "Pdf":
        return "application/pdf"
    return "image/png" if receipt.content.startswith(b"\x89PNG") else "image/jpeg"


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text
