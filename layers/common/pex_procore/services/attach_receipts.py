"""Staged receipts onto their expenses: one upload per expense with all its files, each file once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.ledger import SECOND_LOOK, Posting, ReceiptMark, Row, bring_on, finish, move, sent_again
from pex_procore.domain.runs import Run, RunItem
from pex_procore.services.ports import Clock, Ledger, ReceiptBucket, Runs
from pex_procore.services.progress import Progress, work_through
from pex_procore.services.stage_receipts import is_settled, receipt_item
from pex_procore.services.vendor_ports import PostRefused, Procore, ReceiptFile

PARCEL_BYTES = 40 * 1024 * 1024
ONE_UPLOAD = "Procore keeps the files of one upload only, and these are more"


class Deleted(Exception):
    """Somebody deleted our expense in Procore."""


class ClosedDoor(Exception):
    """Procore does not let us at the project's direct costs now."""


def attach_receipts(
    transaction_ids: Sequence[int],
    *,
    run: Run,
    procore: Procore,
    ledger: Ledger,
    bucket: ReceiptBucket,
    runs: Runs,
    clock: Clock,
    may_go_on: Callable[[], bool],
) -> Progress:
    rows = ledger.load_many(transaction_ids)
    items: list[RunItem] = []

    def act(transaction_id: int) -> datetime | None:
        row = rows.get(transaction_id)
        if row is None or row.state != "posted" or not (staged := row.unsent_receipts):
            return None
        before = row.receipts
        look_first = perhaps_sent = any(mark.state == "sending" for mark in staged)
        settled_at = max((mark.sent_at for mark in staged if mark.sent_at), default=None)
        if settled_at is not None and clock() < settled_at + SECOND_LOOK["origin_id"]:
            return settled_at + SECOND_LOOK["origin_id"]
        row = ledger.save(row.model_copy(update={"receipts": _marked(row, staged, state="sending", sent_at=clock())}))
        refused: dict[str, str] = {}
        gone: set[str] = set()
        wanted = {mark.filename for mark in row.receipts if mark.state in ("sending", "attached")}
        try:
            for posting in row.postings:
                uploaded = _Uploaded({})
                for parcel in _attach(
                    posting, staged, procore, bucket, look_first=look_first, together=row.files_replace
                ):
                    perhaps_sent = True
                    uploaded = uploaded.then(parcel)
                refused |= uploaded.refused
                gone |= uploaded.gone(wanted)
        except TryLater:  # every request was answered: nothing is to settle, and what never left is not looked for
            unsent = _marked(row, staged, sent_at=None) if perhaps_sent else before
            ledger.save(row.model_copy(update={"receipts": unsent}))
            raise
        except Unsure:  # still marked as being sent: looked for before anything is sent again
            if not look_first:
                return clock() + SECOND_LOOK["origin_id"]
            items.append(receipt_item(row, run, receipts_failed=len(staged), reason="outcome_unknown"))
            return None
        except ClosedDoor as closed:  # may open again by itself
            items.append(receipt_item(row, run, len(staged), "direct_costs_tool_off", str(closed)))
            return None
        except Deleted:
            ledger.save(move(row, "exception", clock(), "deleted", run.run_id, reason="deleted_in_procore"))
            items.append(receipt_item(row, run, len(staged), "deleted_in_procore"))
            return None
        except KeyError:  # a staged file expired meanwhile; whether it was sent is looked up then
            again = _marked(row, staged, state="sending", key="")
            ledger.save(bring_on(row, clock(), "receipts to be staged again", run.run_id, receipts=again))
            return None
        for mark in staged:
            bucket.delete(mark.key)
        if gone and not row.files_replace:
            marks = sent_again(_settle(mark, refused) if mark in row.unsent_receipts else mark for mark in row.receipts)
            cause = f"receipts gone from the expense, all to be sent together: {len(gone)}"
            row = row.model_copy(update={"files_replace": True})
            ledger.save(bring_on(row, clock(), cause, run.run_id, receipts=marks))
            return None
        refused |= dict.fromkeys(gone, ONE_UPLOAD)
        marks = tuple(
            _settle(mark, refused) if mark in row.unsent_receipts or mark.filename in gone else mark
            for mark in row.receipts
        )
        given_up = [mark for mark in marks if mark.state == "refused"]
        reason = given_up[0].reason if given_up else None
        item = receipt_item(row, run, len(given_up), reason, "; ".join(refused.values()))
        attached = len(staged) - len(refused)
        items.append(item.model_copy(update={"receipts": attached}))
        cause = f"receipts attached: {attached}" + (f", refused: {len(refused)}" if refused else "")
        row = bring_on(row, clock(), cause, run.run_id, receipts=marks)
        ledger.save(finish(row, clock(), run.run_id) if is_settled(row, run) else row)
        return None

    def poisoned(transaction_id: int, error: Exception) -> None:
        items.append(receipt_item(rows[transaction_id], run, 1, "internal_error", type(error).__name__))

    try:
        progress = work_through(transaction_ids, act, may_go_on=may_go_on, clock=clock, poisoned=poisoned)
        items += [receipt_item(rows[one], run, 1, "busy") for one in progress.skipped]
        return progress
    finally:
        runs.record_items(run.run_id, items)


class _Uploaded(NamedTuple):
    """What Procore refused, file name → why; the names of the last upload it took, and all it showed then."""

    refused: dict[str, str]
    last: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()

    def then(self, later: _Uploaded) -> _Uploaded:
        newer = later if later.last else self
        return _Uploaded(self.refused | later.refused, newer.last, newer.shown)

    def gone(self, wanted: set[str]) -> set[str]:
        """What was there before the last upload, if it took its place. One file that is missing was deleted by
        somebody, and an answer that does not even show what it took tells nothing."""
        earlier = wanted - self.refused.keys() - self.last
        replaced = self.last and self.last <= self.shown and earlier.isdisjoint(self.shown)
        return earlier if replaced else set()


def _attach(
    posting: Posting,
    marks: Sequence[ReceiptMark],
    procore: Procore,
    bucket: ReceiptBucket,
    *,
    look_first: bool,
    together: bool,
) -> Iterator[_Uploaded]:
    """Sends what is missing; `together`: all of it where anything is. Raises Unsure, Deleted, ClosedDoor, KeyError."""
    assert posting.direct_cost_id is not None, "only posted rows carry receipts"
    missing = marks
    if look_first:
        shown = _show(posting.project_id, posting.direct_cost_id, procore)
        missing = [mark for mark in marks if mark.filename not in shown.filenames]
        missing = marks if missing and together else missing
    for parcel in _parcels(missing, bucket):
        yield from _send(posting.project_id, posting.direct_cost_id, parcel, procore)


def _show(project_id: int, direct_cost_id: int, procore: Procore) -> DirectCost:
    try:
        shown = procore.show_direct_cost(project_id, direct_cost_id)
    except NeedsAttention as error:
        if error.reason != "procore_permission_missing":
            raise
        raise ClosedDoor(error.message) from error
    if shown is None:
        raise Deleted
    return shown


def _parcels(marks: Sequence[ReceiptMark], bucket: ReceiptBucket) -> Iterator[list[ReceiptFile]]:
    """Usually one; several where the files together would not fit a function's memory."""
    parcel: list[ReceiptFile] = []
    for mark in marks:
        file = ReceiptFile(mark.filename, mark.content_type, bucket.get(mark.key))
        if parcel and sum(len(one.content) for one in parcel) + len(file.content) > PARCEL_BYTES:
            yield parcel
            parcel = []
        parcel.append(file)
    if parcel:
        yield parcel


def _send(project_id: int, direct_cost_id: int, parcel: list[ReceiptFile], procore: Procore) -> Iterator[_Uploaded]:
    """One refused file must not keep the others out: then each goes alone."""
    try:
        answer = procore.attach_receipts(project_id, direct_cost_id, parcel)
        yield _Uploaded({}, frozenset(file.filename for file in parcel), frozenset(answer.filenames))
        return
    except PostRefused as refusal:
        if refusal.status == 404:  # which a tool that was turned off answers too
            _show(project_id, direct_cost_id, procore)
        if refusal.status in (403, 404):
            raise ClosedDoor(refusal.message) from refusal
        if len(parcel) == 1:
            yield _Uploaded({parcel[0].filename: refusal.message})
            return
    for file in parcel:
        yield from _send(project_id, direct_cost_id, [file], procore)


def _settle(mark: ReceiptMark, refused: dict[str, str]) -> ReceiptMark:
    if mark.filename in refused:
        return mark.model_copy(update={"state": "refused", "reason": "receipt_refused"})
    return mark.model_copy(update={"state": "attached"})


def _marked(row: Row, chosen: Sequence[ReceiptMark], **changes: object) -> tuple[ReceiptMark, ...]:
    ids = {mark.receipt_id for mark in chosen}
    return tuple(mark.model_copy(update=changes) if mark.receipt_id in ids else mark for mark in row.receipts)
