"""The ledger: what became of each transaction, and every move it may make.

A row belongs to one transaction and holds one posting per Procore project. Moves are pure: they take a row and answer
the next one with its timeline grown by an entry; the store saves it on condition that nobody saved in between.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pex_procore.domain.expense import DirectCostDraft, Scheme
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.transactions import Transaction
from pex_procore.domain.values import Kept

State = Literal["announced", "waiting", "refused", "posting", "unknown", "posted", "complete", "exception", "ignored"]
TIMELINE_LENGTH = 100
FIRST_LOOK = "not found, first look"
AGAIN = "again"  # stands for a fingerprint: whatever PEX says now is to be tried
RECEIPTS_AWAITED = timedelta(days=60)
SECOND_LOOK: dict[Scheme, timedelta] = {  # a create that timed out may still commit (docs/behaviour.md#late-commit)
    "origin_id": timedelta(seconds=35),  # and Procore refuses a second one under the same reference
    "description": timedelta(seconds=65),  # and nothing else would stop a second one
}


class Entry(Kept):
    at: datetime
    to: str
    cause: str = ""
    run_id: str | None = None


class Posting(Kept):
    """The direct cost of one project: intended, perhaps sent, posted; later perhaps amended.

    Amount and coding are those it shall have; while it is amended Procore may show others.
    """

    project_id: int
    scheme: Scheme
    reference: str
    body_hash: str
    amount: Decimal
    coding: str = ""  # hash of its lines' budget codes and amounts
    lines: int = 1
    attempt: int
    sent_at: datetime
    state: Literal["posting", "unknown", "posted", "amending", "unsent"] = "posting"  # unsent: intended, and not tried
    first_look_at: datetime | None = None  # when we looked and did not find it
    direct_cost_id: int | None = None
    taken: bool = False  # Procore said that the reference is in use
    stepwise: bool = False  # posted together with others: its header first, as a draft, then its lines and status

    def second_look_at(self) -> datetime:
        """Not before this moment may a missing direct cost be posted again."""
        unguarded = self.stepwise and self.direct_cost_id is None  # a header that comes late changes what it meets
        return (self.first_look_at or self.sent_at) + SECOND_LOOK["description" if unguarded else self.scheme]


class ReceiptMark(Kept):
    """One receipt of the transaction. `key` is its place in our bucket while it is staged."""

    receipt_id: str
    state: Literal["staged", "sending", "attached", "refused", "duplicate"]
    sha256: str = ""
    content_type: str = ""
    filename: str = ""
    key: str = ""
    sent_at: datetime | None = None  # a try whose answer was lost may still be carried out for a while
    reason: str | None = None

    @property
    def is_lost(self) -> bool:
        """Perhaps sent, and the staged file is gone: it is fetched again to look and send."""
        return self.state == "sending" and not self.key


class Row(Kept):
    transaction_id: int
    account_id: int
    state: State
    reason: str | None = None
    detail: str = ""
    transaction: Transaction | None = None  # None: announced, not seen in a list yet
    listed: Transaction | None = None  # as PEX lists it by now: while it is in doubt what was posted, or to be amended
    tried: str = ""  # fingerprint of a later version that could not be brought into Procore, all of it; or AGAIN
    revision: int = 1  # grows when a person wants it posted again
    postings: tuple[Posting, ...] = ()
    former: tuple[Posting, ...] = ()  # of earlier revisions
    receipts: tuple[ReceiptMark, ...] = ()
    receipts_done: bool = False  # every receipt PEX lists has a mark
    receipts_checked_at: datetime | None = None
    files_replace: bool = False  # seen: Procore keeps the files of the last upload only
    noted: bool = False
    note_sent: bool = False  # perhaps
    announced_at: datetime
    updated_at: datetime
    timeline: tuple[Entry, ...] = ()
    version: int = 0

    def posting(self, project_id: int) -> Posting | None:
        return next((one for one in self.postings if one.project_id == project_id), None)

    @property
    def said(self) -> Transaction | None:
        """PEX's last word."""
        return self.listed or self.transaction

    @property
    def is_behind(self) -> bool:
        """Posted, and changed in PEX since."""
        return self.listed is not None and self.state in ("posted", "complete")

    def outcome_in(self, run_id: str) -> Literal["posted", "updated", "already_posted"]:
        causes = [entry.cause for entry in self.timeline if entry.run_id == run_id]
        if any(cause.startswith(("posted ", "adopted ")) for cause in causes):
            return "posted"
        return "updated" if any(cause.startswith("changed ") for cause in causes) else "already_posted"

    def moved_in(self, run_id: str) -> bool:
        return any(entry.run_id == run_id for entry in self.timeline)

    def owes(self, now: datetime, *, noted: bool) -> bool:
        """Whether a posted row's note or receipts can be brought on now; receipts PEX still scans are not asked for
        every time. `noted`: no note is wanted."""
        if self.unsent_receipts or self.receipts_checked_at is None or not (self.noted or noted):
            return True
        return now - self.receipts_checked_at > max(timedelta(minutes=10), (now - self.announced_at) / 4)

    def receipts_due(self, now: datetime, *, asked: bool) -> bool:
        """Whether PEX is asked again for a complete row's receipts: they often come days after the purchase.

        The pause grows with the row's age and ends after two months. `asked`: a person wants to know now, which is
        worth a call for fresh rows and for those that have no receipt yet.
        """
        checked_at = self.receipts_checked_at or self.announced_at
        age = now - self.announced_at
        if age > RECEIPTS_AWAITED:
            return False
        if asked and (age < timedelta(days=7) or not self.receipts):
            return now - checked_at > timedelta(seconds=10)
        return now - checked_at > max(timedelta(hours=3), age / 4)

    @property
    def unsent_receipts(self) -> list[ReceiptMark]:
        """Staged, or perhaps sent."""
        return [mark for mark in self.receipts if mark.state in ("staged", "sending")]

    def doubted_in(self, run_id: str) -> int:
        """How often this run sent it and got no answer that proves anything."""
        doubts = [entry for entry in self.timeline if entry.to == "unknown" and entry.cause != FIRST_LOOK]
        return sum(entry.run_id == run_id for entry in doubts)

    @property
    def unsettled_postings(self) -> list[Posting]:
        """Sent, or about to be, with no answer on record: look before anything else."""
        return [one for one in self.postings if one.state not in ("posted", "unsent")]


def sent_again(receipts: Iterable[ReceiptMark]) -> tuple[ReceiptMark, ...]:
    """For an expense that joins others, or that perhaps is there no more: every receipt goes where it is not yet."""
    lost = {"state": "sending", "key": ""}
    return tuple(mark.model_copy(update=lost) if mark.state == "attached" else mark for mark in receipts)


def announce(
    transaction_id: int, account_id: int, now: datetime, cause: str, transaction: Transaction | None = None
) -> Row:
    return Row(
        transaction_id=transaction_id,
        account_id=account_id,
        state="announced",
        reason=None if transaction else "pending",
        transaction=transaction,
        announced_at=now,
        updated_at=now,
        timeline=(Entry(at=now, to="announced", cause=cause),),
    )


def move(row: Row, to: State, now: datetime, cause: str = "", run_id: str | None = None, **changes: object) -> Row:
    """The row in its next state. `reason` and `detail` are cleared unless given."""
    entry = Entry(at=now, to=to, cause=cause, run_id=run_id)
    timeline = (*row.timeline, entry)[-TIMELINE_LENGTH:]
    update = {"reason": None, "detail": "", **changes, "state": to, "updated_at": now, "timeline": timeline}
    return row.model_copy(update=update)


def hold(row: Row, verdict: Waiting | Refused, now: datetime, run_id: str | None) -> Row:
    """Waiting or refused, with the reason. The same row comes back when nothing changed."""
    to: State = "waiting" if isinstance(verdict, Waiting) else "refused"
    if (row.state, row.reason, row.detail) == (to, verdict.reason, verdict.detail):
        return row
    return move(row, to, now, verdict.reason, run_id, reason=verdict.reason, detail=verdict.detail)


def intend(row: Row, drafts: Iterable[DirectCostDraft], now: datetime, run_id: str, *, stepwise: bool = False) -> Row:
    """Write-ahead: every direct cost about to be posted, before the first request leaves.

    Only for rows whose unsettled postings were looked for and not found: they are replaced.
    """
    postings = [one for one in row.postings if one.state == "posted"]
    for draft in drafts:
        old = row.posting(draft.project_id)
        postings.append(
            Posting(
                project_id=draft.project_id,
                scheme=draft.scheme,
                reference=draft.reference,
                **_content(draft),
                attempt=old.attempt + 1 if old else 1,
                sent_at=now,
                stepwise=stepwise or (old is not None and old.stepwise),
            )
        )
    return move(row, "posting", now, "intent", run_id, postings=tuple(postings))


def intend_amendment(row: Row, draft: DirectCostDraft, direct_cost_id: int, now: datetime, run_id: str) -> Row:
    """Write-ahead: an expense that exists is about to become what `draft` says."""
    changes = {"state": "amending", "direct_cost_id": direct_cost_id, "sent_at": now, "first_look_at": None}
    postings = _with(row, draft.project_id, **changes, **_content(draft))
    return move(row, "posting", now, f"intent to change {direct_cost_id}", run_id, postings=postings)


def _content(draft: DirectCostDraft) -> dict[str, Any]:
    return {
        "body_hash": draft.body_hash(),
        "amount": draft.amount,
        "coding": draft.coding_hash(),
        "lines": len(draft.lines),
    }


def record_posted(row: Row, project_id: int, direct_cost_id: int, now: datetime, cause: str, run_id: str) -> Row:
    postings = _with(row, project_id, state="posted", direct_cost_id=direct_cost_id, stepwise=False)
    to: State = "posted" if all(one.state == "posted" for one in postings) else "posting"
    return move(row, to, now, f"{cause} {direct_cost_id}", run_id, postings=postings)


def record_begun(
    row: Row, project_id: int, direct_cost_id: int, now: datetime, cause: str, run_id: str, *, bare: bool = False
) -> Row:
    """There with some of its lines, or with none (`bare`); the others are still to follow. Where there are some, they
    are looked at first, which an intended body that is known no more makes sure of."""
    changes: dict[str, Any] = {"stepwise": True} if bare else {"body_hash": ""}
    postings = _with(row, project_id, state="amending", direct_cost_id=direct_cost_id, taken=False, **changes)
    return move(row, "posting", now, f"{cause} {direct_cost_id}, incomplete", run_id, postings=postings)


def record_unknown(row: Row, project_id: int, now: datetime, cause: str, run_id: str, *, taken: bool = False) -> Row:
    """`taken`: Procore refused the reference as a duplicate, so something with it exists somewhere."""
    posting = row.posting(project_id)
    amending = posting is not None and posting.direct_cost_id is not None
    postings = _with(row, project_id, state="amending" if amending else "unknown", taken=taken)
    return move(row, "unknown", now, cause, run_id, postings=postings)


def record_not_found(row: Row, project_id: int, now: datetime, run_id: str) -> Row:
    """The first look found nothing; the second may follow `SECOND_LOOK` later."""
    postings = _with(row, project_id, state="unknown", first_look_at=now)
    return move(row, "unknown", now, FIRST_LOOK, run_id, postings=postings)


def keep_as_posted(row: Row, reason: str, detail: str, now: datetime, run_id: str) -> Row:
    """The expense stays as it is, and the reason tells why it is not what PEX says now. Not tried again by itself until
    PEX says something else."""
    tried = row.said.fingerprint() if row.said else ""
    to: State = "complete" if row.state == "complete" else "posted"
    return move(row, to, now, reason, run_id, reason=reason, detail=detail, listed=None, tried=tried)


def retreat(row: Row, to: State, now: datetime, run_id: str, verdict: Waiting | None = None) -> Row:
    """Nothing was sent, or Procore said no: what was only intended never happened, what was posted stays on record."""
    kept = tuple(one for one in row.postings if one.state == "posted")
    reason, detail = (verdict.reason, verdict.detail) if verdict else (None, "")
    return move(row, to, now, reason or "not sent", run_id, postings=kept, reason=reason, detail=detail)


def take_back(row: Row, project_ids: Container[int], now: datetime, run_id: str) -> Row:
    """Certainly nothing was sent of these; where nothing else is in doubt, they were never intended."""
    if all(one.state == "posted" or one.project_id in project_ids for one in row.postings):
        return retreat(row, "announced", now, run_id)
    postings = tuple(
        one.model_copy(update={"state": "unsent"}) if one.project_id in project_ids else one for one in row.postings
    )
    return move(row, row.state, now, "not sent", run_id, reason=row.reason, detail=row.detail, postings=postings)


def bring_on(row: Row, now: datetime, cause: str, run_id: str, **changes: object) -> Row:
    """A posted row's note or receipts; what a person was told of the row stays told."""
    return move(row, "posted", now, cause, run_id, reason=row.reason, detail=row.detail, **changes)


def finish(row: Row, now: datetime, run_id: str) -> Row:
    return move(row, "complete", now, "", run_id, reason=row.reason, detail=row.detail)


def _with(row: Row, project_id: int, **changes: object) -> tuple[Posting, ...]:
    return tuple(one.model_copy(update=changes) if one.project_id == project_id else one for one in row.postings)
