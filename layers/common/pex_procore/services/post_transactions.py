"""The posting protocol: intend, post, record; and where an answer proves nothing, look before the next move.

Rules it keeps (docs/architecture.md#never-twice-never-lost): the intent is on record before the request leaves; a
direct cost that may exist is looked for twice, at least `SECOND_LOOK` apart, before it is posted again under the same
reference; more than one match stops the row.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from datetime import datetime

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.eligibility import judge
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import LINES_AT_ONCE, CodedShare, DirectCostDraft, draft_direct_costs
from pex_procore.domain.ledger import (
    AGAIN,
    Posting,
    Row,
    hold,
    intend,
    keep_as_posted,
    move,
    record_begun,
    record_not_found,
    record_posted,
    record_unknown,
    retreat,
    sent_again,
)
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.runs import Run, RunItem, Tally
from pex_procore.domain.tags import TagMap
from pex_procore.services.amend_expense import amend
from pex_procore.services.catalog import Catalog
from pex_procore.services.look import find_former, reference_of, show
from pex_procore.services.ports import Clock, Ledger, Runs
from pex_procore.services.post_batch import Batches
from pex_procore.services.progress import Progress, work_through
from pex_procore.services.vendor_ports import PostRefused, Procore

SENDS_PER_RUN = 2  # of one transaction; whatever makes both end in doubt outlasts the run


class Poster:
    """Posts transactions of one run, one at a time."""

    def __init__(
        self,
        *,
        run: Run,
        business_id: int,
        tags: TagMap,
        catalog: Catalog,
        procore: Procore,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._run = run
        self._business_id = business_id
        self._tags = tags
        self._catalog = catalog
        self._procore = procore
        self._ledger = ledger
        self._clock = clock
        self._forgotten: set[int] = set()  # projects whose remembered catalog proved wrong in this step
        self._closed: dict[int, Waiting] = {}  # projects that turned us away: asked once a step, not once a row

    def post(self, row: Row) -> Row:
        """The row after its next move: posted, amended, held with a reason, or unknown until its second look."""
        for posting in row.unsettled_postings:
            if posting.direct_cost_id is not None:
                continue  # it exists: it is looked at when it is amended
            if posting.first_look_at is None or self._clock() >= posting.second_look_at():
                looked = self._look(row, posting)
                if looked is None or looked.state == "exception":
                    return looked or row
                row = looked
        if row.state == "posted" and not row.is_behind:
            return row
        if any(self._clock() < one.second_look_at() for one in row.unsettled_postings):
            return row
        if taken := next((one for one in row.unsettled_postings if one.taken), None):
            return self._stop(row, "deleted_in_procore", f"{taken.reference} is taken, and not to be found")
        if row.doubted_in(self._run.run_id) >= SENDS_PER_RUN:
            return row
        alive = find_former(row, self._procore)
        if isinstance(alive, Waiting):
            return self._save(hold(row, alive, self._clock(), self._run.run_id), unless=row)
        row = row.model_copy(update={"postings": alive})
        said = row.said  # what was in doubt is not there: from here on PEX's last word counts
        drafts = self._draft(row.model_copy(update={"transaction": said}))
        existing = [one for one in row.postings if one.direct_cost_id is not None]
        if not existing:
            row = row.model_copy(update={"transaction": said, "listed": None})
        if isinstance(drafts, Waiting | Refused):
            unfinished = bool(row.unsettled_postings) and drafts.reason == "direct_costs_tool_off"
            if existing and not unfinished and not all(one.stepwise for one in existing):
                return self._keep(row, f"{drafts.reason}: {drafts.detail}" if drafts.detail else drafts.reason)
            return self._save(hold(row, drafts, self._clock(), self._run.run_id), unless=row)
        wanted = {draft.project_id: draft for draft in drafts}
        if surplus := [one for one in existing if one.project_id not in wanted]:
            told = ", ".join(f"{one.direct_cost_id} in project {one.project_id}" for one in surplus)
            return self._keep(row, f"no part of the purchase any more: expense {told}")
        return self._carry_out(row, wanted)

    def _carry_out(self, row: Row, wanted: dict[int, DirectCostDraft]) -> Row:
        """Amends what differs, what shrinks first, and posts what is missing: never more in Procore than in PEX."""
        existing = [one for one in row.postings if one.direct_cost_id is not None]
        if existing:  # from here to the end Procore has neither what was posted nor what is said now
            row = row.model_copy(update={"tried": AGAIN})
        for posting in sorted(existing, key=lambda one: abs(wanted[one.project_id].amount) - abs(one.amount)):
            draft = wanted[posting.project_id]
            if posting.state == "posted" and posting.coding == draft.coding_hash():
                continue
            row = self._amend(row, draft)
            if row.reason or _posting(row, draft.project_id).state != "posted":
                return row
        settled = {one.project_id for one in row.postings if one.state == "posted"}
        if todo := [draft for project_id, draft in wanted.items() if project_id not in settled]:
            if existing:
                row = row.model_copy(update={"receipts": sent_again(row.receipts)})
            row = self._save(intend(row, todo, self._clock(), self._run.run_id))
        for draft in todo:
            there = row.posting(draft.project_id)
            if there is not None and there.state == "posted":  # by a draft anew, after a refusal
                continue
            row = self._send(row, draft)
            sent = row.posting(draft.project_id)
            if row.state == "posting" and sent is not None and sent.state == "amending":
                row = self._amend(row, draft)
                sent = row.posting(draft.project_id)
            if row.state not in ("posting", "posted") or sent is None or sent.state != "posted":
                return row
        if row.state != "posted" and (verdict := self._check_alive(row)) is not None:
            return verdict
        if row.state != "posted" or row.listed is not None or row.tried:
            known = {"transaction": row.said, "listed": None, "tried": ""}
            return self._save(move(row, "posted", self._clock(), "nothing left to post", self._run.run_id, **known))
        return row

    def _check_alive(self, row: Row) -> Row | None:
        """A row that was set back is not taken for posted because it once was."""
        for one in row.postings:
            shown = show(one, self._procore)
            if isinstance(shown, Waiting):
                return self._save(hold(row, shown, self._clock(), self._run.run_id), unless=row)
            if shown is None:
                return self._stop(row, "deleted_in_procore", one.reference)
        return None

    def batches(
        self,
        transaction_ids: Sequence[int],
        rows: MutableMapping[int, Row],
        may_go_on: Callable[[], bool],
        report: Callable[[Row], None],
    ) -> Batches:
        return Batches(
            transaction_ids,
            rows,
            run=self._run,
            draft=self._draft,
            catalog=self._catalog,
            procore=self._procore,
            ledger=self._ledger,
            clock=self._clock,
            may_go_on=may_go_on,
            report=report,
        )

    def _amend(self, row: Row, draft: DirectCostDraft) -> Row:
        """Once more where the draft was refused because of a catalog that has changed meanwhile."""
        after, project_id = self._amend_once(row, draft), draft.project_id
        if not after.reason or "wbs_code" not in after.detail or project_id in self._forgotten:
            return after
        self._forget(project_id)
        drafts = self._draft(row.model_copy(update={"transaction": row.said}))
        anew = [one for one in drafts if one.project_id == project_id] if isinstance(drafts, list) else []
        if not anew:
            return after
        return self._amend_once(after.model_copy(update={"listed": row.listed, "tried": row.tried}), anew[0])

    def _amend_once(self, row: Row, draft: DirectCostDraft) -> Row:
        return amend(
            row,
            _posting(row, draft.project_id),
            draft,
            run=self._run,
            procore=self._procore,
            ledger=self._ledger,
            clock=self._clock,
        )

    def _keep(self, row: Row, detail: str) -> Row:
        """What is in Procore stays; a person decides. In the middle of an amendment nobody knows what is there."""
        if row.unsettled_postings or row.state not in ("posted", "complete"):
            return self._stop(row, "changed_after_sync", detail)
        return self._save(keep_as_posted(row, "changed_after_sync", detail, self._clock(), self._run.run_id))

    def _draft(self, row: Row) -> list[DirectCostDraft] | Waiting | Refused:
        assert row.transaction is not None, "only rows with a transaction reach the poster"
        verdict = judge(row.transaction, self._run.settings, self._clock())
        if verdict is not None:  # it may have changed while it was in doubt
            return verdict
        shares: list[CodedShare] = []
        for allocation in row.transaction.allocations:
            share = self._catalog.code(allocation, self._tags, self._run.settings)
            if isinstance(share, Waiting):
                return share
            if share.project_id in self._closed:
                return self._closed[share.project_id]
            shares.append(share)
        projects = {share.project_id for share in shares} | {one.project_id for one in row.postings}
        known = {one.project_id: one.scheme for one in row.postings}
        return draft_direct_costs(
            row.transaction,
            shares,
            business_id=self._business_id,
            vendor_id=self._catalog.require_vendor(self._run.settings.vendor_id),
            cardholder=self._catalog.cardholder(row.account_id),
            settings=self._run.settings,
            schemes={one: known.get(one) or self._catalog.scheme(one, self._run.settings) for one in projects},
            revision=row.revision,
        )

    def _send(self, row: Row, draft: DirectCostDraft) -> Row:
        run_id = self._run.run_id
        try:
            created = self._procore.create_direct_cost(draft.opening())
        except Unsure as doubt:
            return self._doubt(row, draft.project_id, str(doubt), taken=False)
        except PostRefused as refusal:
            if refusal.duplicate:
                return self._doubt(row, draft.project_id, str(refusal), taken=True)
            return self._refused(row, draft.project_id, refusal)
        except (TryLater, NeedsAttention):
            self._save(retreat(row, "announced", self._clock(), run_id))
            raise
        now = self._clock()
        if len(draft.lines) > LINES_AT_ONCE:
            return self._save(record_begun(row, draft.project_id, created.direct_cost_id, now, "posted", run_id))
        row = self._save(record_posted(row, draft.project_id, created.direct_cost_id, now, "posted", run_id))
        if created.amount != draft.amount:
            return self._stop(row, "found_with_other_amount", f"{created.amount} instead of {draft.amount}")
        return row

    def _doubt(self, row: Row, project_id: int, cause: str, *, taken: bool) -> Row:
        """The first look follows at once."""
        row = self._save(record_unknown(row, project_id, self._clock(), cause, self._run.run_id, taken=taken))
        return self._look(row, _posting(row, project_id)) or row

    def _refused(self, row: Row, project_id: int, refusal: PostRefused) -> Row:
        """A closed door (403, 404) may open again by itself; a refused payload needs a person, unless it was drafted
        from a catalog that has changed meanwhile."""
        closed = refusal.status in (403, 404)
        if refusal.status == 422 and "wbs_code" in refusal.message and project_id not in self._forgotten:
            self._forget(project_id)
            return self.post(self._save(retreat(row, "announced", self._clock(), self._run.run_id)))
        verdict = Waiting("direct_costs_tool_off" if closed else "refused_by_procore", refusal.message)
        if closed:
            self._closed[project_id] = verdict
        return self._save(retreat(row, "waiting" if closed else "exception", self._clock(), self._run.run_id, verdict))

    def _forget(self, project_id: int) -> None:
        self._forgotten.add(project_id)
        self._catalog.forget(project_id)

    def _look(self, row: Row, posting: Posting) -> Row | None:
        """Looks a direct cost up that may exist; None when Procore does not let us look."""
        run_id, now = self._run.run_id, self._clock()
        try:
            found = self._procore.find_direct_costs(reference_of(posting))
        except NeedsAttention as closed:
            if closed.reason != "procore_permission_missing":
                raise
            return None
        if len(found) > 1:
            ids = ", ".join(str(one.direct_cost_id) for one in found)
            return self._stop(row, "reference_found_twice", f"{posting.reference}: {ids}")
        if found and self._is_incomplete(found[0], posting):
            (one,) = found
            bare = one.amount == 0
            begun = record_begun(row, posting.project_id, one.direct_cost_id, now, "adopted", run_id, bare=bare)
            return self._save(begun)
        if found and found[0].amount != posting.amount:
            return self._stop(row, "found_with_other_amount", f"{found[0].amount} instead of {posting.amount}")
        if found:
            return self._save(record_posted(row, posting.project_id, found[0].direct_cost_id, now, "adopted", run_id))
        if posting.first_look_at is None:
            return self._save(record_not_found(row, posting.project_id, now, run_id))
        return row

    def _is_incomplete(self, found: DirectCost, posting: Posting) -> bool:
        """Its lines are to be looked at: not all of the calls that make it came through (a header alone can only be of
        such), or it was made by another try than the last."""
        if found.amount == posting.amount:
            unfinished = posting.stepwise and found.status == "draft" and self._run.settings.expense_status != "draft"
            return unfinished or posting.taken or posting.attempt > 1  # of an earlier try, perhaps coded otherwise
        bare = posting.scheme == "origin_id" and found.amount == 0
        return bare or posting.stepwise or posting.lines > LINES_AT_ONCE

    def _stop(self, row: Row, reason: str, detail: str) -> Row:
        return self._save(move(row, "exception", self._clock(), reason, self._run.run_id, reason=reason, detail=detail))

    def _save(self, row: Row, unless: Row | None = None) -> Row:
        return row if row is unless else self._ledger.save(row)


def _posting(row: Row, project_id: int) -> Posting:
    found = row.posting(project_id)
    assert found is not None
    return found


def post_transactions(
    transaction_ids: Sequence[int],
    *,
    run: Run,
    tally: Tally,
    poster: Poster,
    ledger: Ledger,
    runs: Runs,
    clock: Clock,
    may_go_on: Callable[[], bool],
) -> tuple[Progress, Tally]:
    """Posts as many as time and limits allow; a row whose second look is not due yet is owed another call. Splits come
    last: those over several projects take calls of their own, for which all others would wait.

    Rows that moved are recorded with the run; those that did not are only counted, in the tally.
    """
    rows = ledger.load_many(transaction_ids)
    items: list[RunItem] = []
    together = poster.batches(transaction_ids, rows, may_go_on, report=lambda row: items.append(_item(row, run.run_id)))

    def act(transaction_id: int) -> datetime | None:
        nonlocal tally
        together.advance(transaction_id)
        row = rows.get(transaction_id)
        if row is None or not (row.state in ("announced", "waiting", "posting", "unknown") or row.is_behind):
            return None
        after = poster.post(row)
        due = max((one.second_look_at() for one in after.unsettled_postings), default=None)
        if due is not None and due > clock() and after.state in ("posting", "unknown"):
            return due
        if after is not row or after.state != "waiting":
            items.append(_item(after, run.run_id))
        elif not after.moved_in(run.run_id):
            tally = tally.add("waiting", after.reason)
        together.learn(after)
        return None

    def poisoned(transaction_id: int, error: Exception) -> None:
        """A person must look; what was perhaps sent is looked for before it is tried again."""
        row = ledger.load(transaction_id)
        if row is not None:
            detail = type(error).__name__
            after = move(row, "exception", clock(), "failed", run.run_id, reason="internal_error", detail=detail)
            items.append(_item(ledger.save(after), run.run_id))

    try:
        splits_last = sorted(transaction_ids, key=lambda one: _is_split(rows.get(one)))
        progress = work_through(splits_last, act, may_go_on=may_go_on, clock=clock, poisoned=poisoned)
        items += [RunItem(transaction_id=one, outcome="waiting", reason="busy") for one in progress.skipped]
    finally:
        together.end()
        runs.record_items(run.run_id, items)
    return progress, tally


def _is_split(row: Row | None) -> bool:
    return row is not None and row.said is not None and len(row.said.allocations) > 1


def _item(row: Row, run_id: str) -> RunItem:
    item = RunItem(transaction_id=row.transaction_id, outcome="posted", reason=row.reason, detail=row.detail)
    match row.state:
        case "posted" | "complete":
            return item.model_copy(update={"outcome": row.outcome_in(run_id)})
        case "exception":
            return item.model_copy(update={"outcome": "failed"})
        case _:
            return item.model_copy(update={"outcome": "waiting", "reason": row.reason or "outcome_unknown"})
