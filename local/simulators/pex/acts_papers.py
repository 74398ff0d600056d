"""What people add to a transaction: tags, splits, approval, receipts, notes."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from local.simulators.pex.base import Base, act, money
from local.simulators.pex.receipt_files import KINDS, receipt_file
from local.simulators.pex.world import TAG_NAMES, Business, Note, Receipt, Split, Transaction

Moment = datetime | str | None
APPROVALS = ("NotReviewed", "Ignored", "Approved", "Rejected", "NoReceipt")
UPLOAD_STATUSES = ("NotLoaded", "Loaded", "Deleted", "HasMalware", "LoadFailed")


class PaperActs(Base):
    @act
    def act_tag(
        self,
        transaction_id: int,
        project: str | None = None,
        cost_code: str | None = None,
        cost_type: str | None = None,
        tags: dict[str, Any] | None = None,
        *,
        at: Moment = None,
    ) -> dict[str, Any]:
        """Set option values (any text: PEX keeps values whose option is long gone). What is not named stays; a split
        becomes one row again. `tags`: tag id or tag name to value."""
        row = self._row_with_papers(transaction_id)
        business = self.world.business(row.business_id)
        values = self._values(business, project, cost_code, cost_type, tags)
        row.splits = []
        row.tags |= values
        self._tagged(row, at)
        return {"transaction_id": transaction_id, "tags": row.tags}

    @act
    def act_untag(self, transaction_id: int, tags: list[str] | None = None) -> dict[str, Any]:
        """Take the named tags (project, cost_code, cost_type, a tag's name or id), or all of them and any split."""
        row = self._row_with_papers(transaction_id)
        business = self.world.business(row.business_id)
        if tags is None:
            row.tags, row.splits = {}, []
        for name in tags or []:
            row.tags.pop(self.tag(business, TAG_NAMES.get(name, name)).tag_id, None)
        self._tagged(row, None)
        return {"transaction_id": transaction_id, "tags": row.tags}

    @act
    def act_split(self, transaction_id: int, parts: list[dict[str, Any]], *, force: bool = False) -> dict[str, Any]:
        """`parts`: [{"amount", "project", "cost_code", "cost_type", "tags"}], positive and adding up to the
        amount. `force` splits whatever the rules say, as broken data would."""
        row = self._row_with_papers(transaction_id)
        business = self.world.business(row.business_id)
        if not any(tag.type == "Allocation" and tag.deleted_at is None for tag in business.tags.values()):
            raise ValueError(f"{business.name} has no Allocation tag, so nothing can be split.")
        splits = []
        for part in parts:
            names = {name: part.get(name) for name in ("project", "cost_code", "cost_type", "tags")}
            splits.append(Split(money(part["amount"]), self._values(business, **names)))
        total = sum((split.amount for split in splits), Decimal(0))
        if not force:
            if row.is_pending:
                raise ValueError(f"Transaction {transaction_id} is pending: only settled ones can be split.")
            if len(splits) < 2 or any(split.amount <= 0 for split in splits):
                raise ValueError("A split has at least two parts, each above zero.")
            if total != abs(row.amount):
                raise ValueError(f"The parts add up to {total}, the transaction is {abs(row.amount)}.")
        row.tags, row.splits = {}, splits
        self._tagged(row, None)
        return {"transaction_id": transaction_id, "parts": len(splits), "total": str(total)}

    @act
    def act_approve(self, transaction_id: int) -> dict[str, Any]:
        return self._approval(transaction_id, "Approved")

    @act
    def act_reject(self, transaction_id: int) -> dict[str, Any]:
        return self._approval(transaction_id, "Rejected")

    @act
    def act_reset_approval(self, transaction_id: int) -> dict[str, Any]:
        return self._approval(transaction_id, "NotReviewed")

    @act
    def act_set_approval(self, transaction_id: int, status: str) -> dict[str, Any]:
        """Any of NotReviewed, Ignored, Approved, Rejected, NoReceipt."""
        return self._approval(transaction_id, status)

    @act
    def act_receipt(
        self,
        transaction_id: int,
        kind: str = "jpg",
        content: str | None = None,
        status: str = "Loaded",
        *,
        padding: int = 0,
        at: Moment = None,
    ) -> dict[str, Any]:
        """`content`: base64 of any file; without it one is drawn. `kind` only says what PEX takes it for.
        `padding`: that many zero bytes follow, for huge files."""
        row = self._row_with_papers(transaction_id)
        if kind not in KINDS:
            raise ValueError(f"A receipt is jpg, png or pdf, not '{kind}'.")
        if status not in UPLOAD_STATUSES:
            raise ValueError(f"An upload status is one of {', '.join(UPLOAD_STATUSES)}.")
        moment = self.moment(at)
        attachment_id = self.world.hex_id()
        if content is None:
            name = str(row.merchant.get("MerchantName", "Receipt"))
            file = receipt_file(kind, name, row.amount, f"{row.time:%Y-%m-%d}", attachment_id)
        else:
            file = base64.b64decode(content, validate=True)
        owner = self.world.business(row.business_id).cardholders.get(row.account_id)
        receipt = Receipt(
            attachment_id, KINDS[kind], file, moment, owner.user_id if owner else None, None, status, padding
        )
        row.receipts.append(receipt)
        return receipt_record(receipt) | {"transaction_id": transaction_id}

    @act
    def act_receipt_status(self, attachment_id: str, status: str) -> dict[str, Any]:
        """NotLoaded, Loaded, Deleted, HasMalware or LoadFailed."""
        if status not in UPLOAD_STATUSES:
            raise ValueError(f"An upload status is one of {', '.join(UPLOAD_STATUSES)}.")
        receipt = self._receipt(attachment_id)[1]
        receipt.upload_status = status
        return receipt_record(receipt)

    @act
    def act_remove_receipt(self, attachment_id: str) -> dict[str, Any]:
        row, receipt = self._receipt(attachment_id)
        row.receipts.remove(receipt)
        return receipt_record(receipt)

    @act
    def act_note(self, transaction_id: int, text: str, user_name: str = "", *, at: Moment = None) -> dict[str, Any]:
        """A note written in PEX's own app, where our limit on its length does not count."""
        row = self._row_with_papers(transaction_id)
        owner = self.world.business(row.business_id).cardholders.get(row.account_id)
        author = user_name or (owner.email if owner else "pex")
        note = Note(self.world.next_id("note"), text, author, self.moment(at))
        row.notes.append(note)
        return {"note_id": note.note_id, "transaction_id": transaction_id}

    @act
    def act_delete_note(self, note_id: int) -> dict[str, Any]:
        for row in self.world.transactions.values():
            for note in row.notes:
                if note.note_id == note_id:
                    row.notes.remove(note)
                    return {"note_id": note_id, "transaction_id": row.transaction_id}
        raise ValueError(f"PEX has no note {note_id}.")

    def _row_with_papers(self, transaction_id: int) -> Transaction:
        row = self.transaction(transaction_id)
        if row.is_gone:
            raise ValueError(f"Transaction {transaction_id} is no longer shown: use the row it settled into.")
        return row

    def _values(
        self,
        business: Business,
        project: str | None,
        cost_code: str | None,
        cost_type: str | None,
        tags: dict[str, Any] | None,
    ) -> dict[str, Any]:
        named = {"project": project, "cost_code": cost_code, "cost_type": cost_type}
        values = {
            self.tag(business, TAG_NAMES[kind]).tag_id: str(value) for kind, value in named.items() if value is not None
        }
        return values | {self.tag(business, name).tag_id: value for name, value in (tags or {}).items()}

    def _tagged(self, row: Transaction, at: Moment) -> None:
        row.tags_concurrency_key = self.world.hex_id()
        row.tagged_at = self.moment(at)

    def _approval(self, transaction_id: int, status: str) -> dict[str, Any]:
        if status not in APPROVALS:
            raise ValueError(f"An approval is one of {', '.join(APPROVALS)}.")
        row = self._row_with_papers(transaction_id)
        row.approval = status
        return {"transaction_id": transaction_id, "approval": status}

    def _receipt(self, attachment_id: str) -> tuple[Transaction, Receipt]:
        for row in self.world.transactions.values():
            for receipt in row.receipts:
                if receipt.attachment_id == attachment_id:
                    return row, receipt
        raise ValueError(f"PEX has no attachment {attachment_id}.")


def receipt_record(receipt: Receipt) -> dict[str, Any]:
    return {
        "attachment_id": receipt.attachment_id,
        "type": receipt.type,
        "size": receipt.size,
        "sha256": hashlib.sha256(receipt.file()).hexdigest(),
        "upload_status": receipt.upload_status,
        "created_at": receipt.created_at.isoformat(),
    }
