"""After posting: the note back to PEX, and receipts from PEX into our bucket, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from pex_procore.domain.eligibility import REACH
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.files import sniff
from pex_procore.domain.ledger import RECEIPTS_AWAITED, ReceiptMark, Row, bring_on, finish, sent_again
from pex_procore.domain.notes import is_our_note, note_text
from pex_procore.domain.runs import Run, RunItem
from pex_procore.domain.transactions import Receipt
from pex_procore.services.list_transactions import MARGIN
from pex_procore.services.ports import Clock, Ledger, ReceiptBucket, Runs
from pex_procore.services.progress import Progress, work_through
from pex_procore.services.vendor_ports import Pex

MEGABYTE = 1024 * 1024


def stage_receipts(
    transaction_ids: Sequence[int],
    *,
    run: Run,
    pex: Pex,
    ledger: Ledger,
    bucket: ReceiptBucket,
    runs: Runs,
    clock: Clock,
    address: Callable[[], str | None],
    may_go_on: Callable[[], bool],
) -> Progress:
    """Rows with nothing left to attach are complete afterwards; failure here never un-posts anything. `address`: where
    people see the company's records, for the note."""
    rows = ledger.load_many(transaction_ids)
    items: list[RunItem] = []

    def act(transaction_id: int) -> datetime | None:
        row = rows.get(transaction_id)
        if row is None or row.state not in ("posted", "complete"):
            return None
        noted = saved = _intend_note(row, run, ledger)
        try:
            noted = _note(saved, run, pex, clock, address, perhaps_sent=row.note_sent)
            row = _stage(noted, run, pex, ledger, bucket, clock) if run.settings.attach_receipts else noted
        except (TryLater, NeedsAttention) as error:
            if noted is not saved:
                ledger.save(noted)
            if isinstance(error, TryLater) or error.reason != "vendor_answer_unreadable":
                raise
            items.append(receipt_item(row, run, 1, error.reason, error.message))
            return None
        given_up = [mark for mark in row.receipts if mark.state == "refused"]
        if given_up and row.state == "posted":
            items.append(receipt_item(row, run, len(given_up), given_up[0].reason))
        if row.state == "posted" and is_settled(row, run):
            ledger.save(finish(row, clock(), run.run_id))
        return None

    def poisoned(transaction_id: int, error: Exception) -> None:
        items.append(receipt_item(rows[transaction_id], run, 1, "internal_error", type(error).__name__))

    try:
        progress = work_through(transaction_ids, act, may_go_on=may_go_on, clock=clock, poisoned=poisoned)
        items += [receipt_item(rows[one], run, 1, "busy") for one in progress.skipped]
        return progress
    finally:
        runs.record_items(run.run_id, items)


def receipt_item(row: Row, run: Run, receipts_failed: int, reason: str | None, detail: str = "") -> RunItem:
    return RunItem(
        transaction_id=row.transaction_id,
        outcome=row.outcome_in(run.run_id),
        reason=reason,
        detail=detail,
        receipts_failed=receipts_failed,
    )


def is_settled(row: Row, run: Run) -> bool:
    """Nothing is owed any more."""
    noted = row.noted or not run.settings.write_notes
    attached = (row.receipts_done and not row.unsent_receipts) or not run.settings.attach_receipts
    return noted and attached


def _owes_note(row: Row, run: Run) -> bool:
    return run.settings.write_notes and row.state != "complete" and not row.noted


def _intend_note(row: Row, run: Run, ledger: Ledger) -> Row:
    """Write-ahead: from here on the note may be there."""
    if row.note_sent or not _owes_note(row, run):
        return row
    return ledger.save(row.model_copy(update={"note_sent": True}))


def _note(row: Row, run: Run, pex: Pex, clock: Clock, address: Callable[[], str | None], *, perhaps_sent: bool) -> Row:
    """A note is a courtesy: whatever happens to it, nothing is posted again. One that was perhaps written is looked for
    before another try. What came of it is saved together with what is staged."""
    if not _owes_note(row, run):
        return row
    if _has_our_note(row, pex, clock(), look=perhaps_sent):
        return row.model_copy(update={"noted": True})
    try:
        pex.post_note(row.transaction_id, note_text(row.postings, clock(), address()))
        cause = "note written"
    except NeedsAttention as refusal:
        if refusal.reason != "pex_permission_missing":
            raise
        cause = "PEX does not let us write notes"
    except Unsure:
        return row
    return bring_on(row, clock(), cause, run.run_id, noted=True)


def _has_our_note(row: Row, pex: Pex, now: datetime, *, look: bool) -> bool:
    transaction = row.transaction
    assert transaction is not None, "only rows that were listed are posted"
    seen = [transaction]
    start = max(transaction.transacted_at - MARGIN, now - REACH + timedelta(hours=1))
    end = min((transaction.settled_at or transaction.transacted_at) + MARGIN, now)
    if look:
        seen += pex.list_account_transactions(row.account_id, start, end)
    notes = [note for one in seen if one.transaction_id == row.transaction_id for note in one.system_notes]
    return any(map(is_our_note, notes))


def _stage(row: Row, run: Run, pex: Pex, ledger: Ledger, bucket: ReceiptBucket, clock: Clock) -> Row:
    """A complete row with a new receipt is posted again: something is owed."""
    cards = pex.list_receipts(row.transaction_id)
    listed = {card.receipt_id for card in cards}
    known = row.receipts
    if row.files_replace and any(
        card.ready and card.receipt_id not in {mark.receipt_id for mark in known} for card in cards
    ):
        known = sent_again(known)  # together with the new one, or they would be gone
    marks = {mark.receipt_id: mark for mark in known if mark.receipt_id in listed or not mark.is_lost}
    for card in cards:
        mark = marks.get(card.receipt_id)
        if card.ready and (mark is None or mark.is_lost):
            others = [one for one in marks.values() if one is not mark and one.state != "duplicate"]
            limit = run.settings.receipt_limit_mb * MEGABYTE
            marks[card.receipt_id] = _fetch(row, card, others, pex, bucket, limit, perhaps_sent=mark is not None)
    awaited = clock() - row.announced_at <= RECEIPTS_AWAITED
    staged = row.model_copy(
        update={
            "receipts": tuple(marks.values()),
            "receipts_done": all(card.ready for card in cards) or not awaited,
            "receipts_checked_at": clock(),
        }
    )
    if staged.receipts != row.receipts:
        cause = f"receipts staged: {len(staged.unsent_receipts)}"
        return ledger.save(bring_on(staged, clock(), cause, run.run_id))
    return staged if row.state == "posted" and is_settled(staged, run) else ledger.save(staged)


def _fetch(
    row: Row,
    card: Receipt,
    known: Iterable[ReceiptMark],
    pex: Pex,
    bucket: ReceiptBucket,
    max_bytes: int,
    *,
    perhaps_sent: bool,
) -> ReceiptMark:
    """Raises TryLater."""
    if card.broken:
        return ReceiptMark(receipt_id=card.receipt_id, state="refused", reason="receipt_unreadable")
    try:
        content = pex.fetch_receipt(row.transaction_id, card.receipt_id, max_bytes)
    except NeedsAttention as error:
        if error.reason not in ("receipt_too_large", "receipt_unreadable"):
            raise
        return ReceiptMark(receipt_id=card.receipt_id, state="refused", reason=error.reason)
    except Unsure as error:
        raise TryLater(str(error)) from error
    kind = sniff(content)
    if kind is None:
        return ReceiptMark(receipt_id=card.receipt_id, state="refused", reason="receipt_type_unsupported")
    digest = hashlib.sha256(content).hexdigest()
    if any(mark.sha256 == digest for mark in known):
        return ReceiptMark(receipt_id=card.receipt_id, state="duplicate", sha256=digest)
    filename = f"receipt-{row.transaction_id}-{digest[:8]}.{kind.extension}"
    return ReceiptMark(
        receipt_id=card.receipt_id,
        state="sending" if perhaps_sent else "staged",
        sha256=digest,
        content_type=kind.content_type,
        filename=filename,
        key=bucket.put(content, kind.content_type),
    )
