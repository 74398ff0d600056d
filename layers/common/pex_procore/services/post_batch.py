"""Many expenses of one project in two calls: headers, then lines (docs/decisions/0023-two-calls-for-many.md).

It keeps the rules of `post_transactions`: intents are on record before the first call leaves, and what is in doubt is
looked for. A header whose lines are missing is a draft, so that it counts nowhere, and is completed, never made anew.
A split over several projects is a part of several batches: intended as a whole, and what of it was not sent when the
step ends is taken back. Whatever is not plain goes on one by one, and so does everything until an expense of the
company has shown that Procore lets us write lines of what has an origin id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import NamedTuple

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import LINES_AT_ONCE, DirectCostDraft
from pex_procore.domain.ledger import Posting, Row, intend, move, record_begun, record_posted, record_unknown, take_back
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.runs import Run
from pex_procore.services.catalog import Catalog
from pex_procore.services.ports import Clock, Conflict, Ledger
from pex_procore.services.sync_port import Begun, ProcoreSync, SyncAnswer
from pex_procore.services.vendor_ports import PostRefused

FEWEST, MOST = 3, 100  # expenses; fewer are as cheap one by one, more would not be done in a step's time
CROWD = 10  # from so many on, callbacks too are quicker together
MOST_LINES = 1000  # of one call


class _Kind(NamedTuple):
    project_id: int
    begun: bool  # the header exists, and the lines are to follow
    split: bool = False  # over several projects


class _Part(NamedTuple):
    """What a purchase has in one project."""

    transaction_id: int
    draft: DirectCostDraft


class Batches:
    """Of the rows of one step. `draft` is the poster's; `report` hears of every row that is settled here."""

    def __init__(
        self,
        transaction_ids: Sequence[int],
        rows: MutableMapping[int, Row],
        *,
        run: Run,
        draft: Callable[[Row], list[DirectCostDraft] | Waiting | Refused],
        catalog: Catalog,
        procore: ProcoreSync,
        ledger: Ledger,
        clock: Clock,
        may_go_on: Callable[[], bool],
        report: Callable[[Row], None],
    ) -> None:
        self._ahead = dict.fromkeys(one for one in transaction_ids if one in rows)
        self._rows = rows
        self._run = run
        self._draft = draft
        self._catalog = catalog
        self._procore = procore
        self._ledger = ledger
        self._clock = clock
        self._may_go_on = may_go_on
        self._report = report
        self._drafts: dict[int, tuple[DirectCostDraft, ...]] = {}
        self._unsent: dict[int, set[int]] = {}  # projects by row: intended in this step, and no call made yet
        self._off = run.trigger == "callback" and len(self._ahead) < CROWD  # a few need no company to be quick
        self._asked = False
        self._proven: bool | None = None  # that Procore adds lines to what has an origin id

    def advance(self, transaction_id: int) -> None:
        """Posts the row together with others like it, if there are; `rows` then has what became of them."""
        self._ahead.pop(transaction_id, None)
        if transaction_id not in self._rows:
            return
        tried: set[_Kind] = set()
        while not self._off and (left := [one for one in self._kinds(transaction_id) if one not in tried]):
            tried.add(left[0])
            self._advance(left[0], transaction_id)
        self._take_back(transaction_id)

    def end(self) -> None:
        """Of the step. What could not be sent was never intended."""
        for one in list(self._unsent):
            with suppress(Conflict):
                self._take_back(one)

    def _advance(self, kind: _Kind, transaction_id: int) -> None:
        if not self._asked:
            self._asked, self._proven = True, self._catalog.takes_steps()
        if self._proven is False:
            return
        if kind.begun:
            self._add_lines(self._choose(kind, transaction_id))
        elif self._proven and len(chosen := self._choose(kind, transaction_id)) >= FEWEST:
            self._begin(chosen)

    def learn(self, row: Row) -> None:
        """Tries on an expense that was posted by itself what nobody tells, once it would pay."""
        if self._off or not self._asked or self._proven is not None or row.state != "posted" or len(row.postings) != 1:
            return
        (posting,) = row.postings
        if posting.scheme != "origin_id" or posting.direct_cost_id is None:
            return
        if len(list(islice(self._alike(_Kind(posting.project_id, False)), FEWEST - 1))) < FEWEST - 1:
            return
        try:
            self._proven = self._procore.takes_lines(posting.project_id, posting.direct_cost_id)
        except (Unsure, TryLater, NeedsAttention, PostRefused):  # whatever it is, the next post meets it too
            self._proven = None
        self._off = self._proven is None
        if self._proven is not None:
            self._catalog.record_steps(self._proven)

    def _choose(self, kind: _Kind, first: int) -> list[_Part]:
        """As many as one call takes."""
        chosen: list[_Part] = []
        lines = 0
        for one in chain((first,), self._alike(kind)):
            (draft,) = (draft for draft in self._drafts[one] if draft.project_id == kind.project_id)
            lines += len(draft.lines)
            if len(chosen) == MOST or lines > MOST_LINES:
                break
            chosen.append(_Part(one, draft))
        return chosen

    def _alike(self, kind: _Kind) -> Iterator[int]:
        """Of the rows ahead. Drafting each may take calls, so they end with the step's time."""
        for one in self._ahead:
            if not self._may_go_on():
                return
            if kind in self._kinds(one):
                yield one

    def _kinds(self, transaction_id: int) -> list[_Kind]:
        """What of the row can be posted in batches; nothing of most."""
        row = self._rows[transaction_id]
        fresh = row.state in ("announced", "waiting") and row.reason != "direct_costs_tool_off"
        if row.transaction is None or row.listed is not None or not (fresh or row.state == "posting"):
            return []
        if row.former or (row.postings and (row.receipts or row.tried)):
            return []
        unsent = self._unsent.get(transaction_id, set())
        sent = [one for one in row.unsettled_postings if one.project_id not in unsent]
        if not all(one.stepwise and one.direct_cost_id is not None for one in sent):
            return []
        drafts = {draft.project_id: draft for draft in self._drafted(row)}
        if not all(_is_the_same(one, drafts.get(one.project_id)) for one in row.postings):
            return []
        split = len(drafts) > 1
        begun = [_Kind(one.project_id, True, split) for one in sent]
        if begun and not unsent:
            return begun
        there = {one.project_id for one in row.postings if one.state == "posted"} | {one.project_id for one in begun}
        return [*begun, *(_Kind(project_id, False, split) for project_id in drafts if project_id not in there)]

    def _drafted(self, row: Row) -> tuple[DirectCostDraft, ...]:
        """With the lines known by ids of their own; once a step. None where one of them is not for a batch."""
        if row.transaction_id not in self._drafts:
            self._drafts[row.transaction_id] = ()
            try:
                drafts = self._draft(row)
            except Exception:  # told when its own turn comes, one by one
                return ()
            if isinstance(drafts, list) and all(map(_is_plain, drafts)):
                self._drafts[row.transaction_id] = tuple(draft.with_line_ids() for draft in drafts)
        return self._drafts[row.transaction_id]

    def _begin(self, chosen: Sequence[_Part]) -> None:
        intended = []
        for part in chosen:
            one, project_id = part.transaction_id, part.draft.project_id
            if one not in self._unsent:
                row = self._rows[one]
                there = {posting.project_id for posting in row.postings if posting.state == "posted"}
                drafts = [draft for draft in self._drafts[one] if draft.project_id not in there]
                try:
                    self._save(intend(row, drafts, self._clock(), self._run.run_id, stepwise=True))
                except Conflict:  # somebody else moved it: the next listing sees where to
                    self._drafts[one] = ()
                    continue
                self._unsent[one] = {draft.project_id for draft in drafts}
            self._unsent[one].discard(project_id)
            intended.append(part)
        answer = self._ask(intended, lambda: self._procore.sync_headers([part.draft for part in intended]))
        if answer is None:
            return
        bare = []
        for part in intended:
            one, draft = part
            known = answer.stored.get(draft.reference)
            if known is not None:
                is_bare = known.amount == 0
                self._rows[one] = record_begun(
                    self._rows[one],
                    draft.project_id,
                    known.record_id,
                    self._clock(),
                    "begun",
                    self._run.run_id,
                    bare=is_bare,
                )
                if is_bare:
                    bare.append(part)
                else:  # older than our ledger knows: its lines are compared one by one
                    self._save(self._rows[one])
            elif draft.reference in answer.refused:
                self._drafts[one] = ()
                self._unsent[one].add(draft.project_id)
                self._take_back(one)
            else:
                self._doubt(part, "not in the answer")
        self._add_lines(bare)

    def _add_lines(self, begun: Sequence[_Part]) -> None:
        """To headers that have none, or some of exactly these."""
        if not begun:
            return
        if not self._may_go_on():
            self._keep(begun)
            return
        answer = self._ask(begun, lambda: self._procore.sync_lines([self._begun(part) for part in begun]))
        if answer is None:
            return
        if not self._proven and (answer.stored or answer.refused):
            self._proven = bool(answer.stored)
            self._catalog.record_steps(self._proven)
        full = [part for part in begun if self._has_lines(part, answer)]
        status = self._run.settings.expense_status
        if full and status != "draft":
            parts = [self._begun(part) for part in full]
            answer = self._ask(full, lambda: self._procore.sync_statuses(parts, status))
            if answer is None:
                return
            full = [part for part in full if self._has_status(part, answer)]
        for part in full:
            one, (direct_cost_id, draft) = part.transaction_id, self._begun(part)
            now, run_id = self._clock(), self._run.run_id
            self._save(record_posted(self._rows[one], draft.project_id, direct_cost_id, now, "posted", run_id))
            if self._rows[one].state == "posted":
                self._report(self._rows[one])

    def _has_lines(self, part: _Part, answer: SyncAnswer) -> bool:
        one, draft = part
        ids = [line.origin_id or "" for line in draft.lines]
        found = [answer.stored[line_id].amount for line_id in ids if line_id in answer.stored]
        if found == [line.amount for line in draft.lines]:
            return True
        if any(line_id in answer.refused for line_id in ids):
            self._leave(one)
        elif len(found) < len(ids):
            self._doubt(part, "not in the answer")
        else:
            detail = f"{sum(found)} instead of {draft.amount}"
            reason = "found_with_other_amount"
            run_id = self._run.run_id
            self._save(move(self._rows[one], "exception", self._clock(), reason, run_id, reason=reason, detail=detail))
            self._report(self._rows[one])
        return False

    def _has_status(self, part: _Part, answer: SyncAnswer) -> bool:
        reference = part.draft.reference
        if reference in answer.stored:
            return True
        if reference in answer.refused:
            self._leave(part.transaction_id)
        else:
            self._doubt(part, "not in the answer")
        return False

    def _ask(self, parts: Sequence[_Part], call: Callable[[], SyncAnswer]) -> SyncAnswer | None:
        """None when the rest of this step goes on one by one: after a doubt, or because Procore refuses such calls."""
        try:
            return call() if parts else SyncAnswer()
        except Unsure as doubt:
            self._off = True
            for part in parts:
                self._doubt(part, str(doubt))
        except PostRefused:
            self._off = True
            self._keep(parts)
        except (TryLater, NeedsAttention):
            self._keep(parts)
            raise
        return None

    def _keep(self, parts: Sequence[_Part]) -> None:
        """Nothing was written: what has no header yet was never sent, the others wait for their lines."""
        for one, draft in parts:
            row = self._rows[one]
            posting = row.posting(draft.project_id)
            if posting is not None and posting.direct_cost_id is not None:
                self._save(row)
            else:
                self._unsent.setdefault(one, set()).add(draft.project_id)
                self._take_back(one)

    def _take_back(self, one: int) -> None:
        if unsent := self._unsent.pop(one, None):
            self._save(take_back(self._rows[one], unsent, self._clock(), self._run.run_id))

    def _leave(self, one: int) -> None:
        """For its own turn, which tells what Procore has against it."""
        self._drafts[one] = ()
        self._save(self._rows[one])

    def _doubt(self, part: _Part, cause: str) -> None:
        one, project_id = part.transaction_id, part.draft.project_id
        self._save(record_unknown(self._rows[one], project_id, self._clock(), cause, self._run.run_id))

    def _begun(self, part: _Part) -> Begun:
        posting = self._rows[part.transaction_id].posting(part.draft.project_id)
        assert posting is not None, "what is begun is on record"
        assert posting.direct_cost_id is not None, "lines are added to what exists"
        return posting.direct_cost_id, part.draft

    def _save(self, row: Row) -> None:
        self._rows[row.transaction_id] = self._ledger.save(row)


def _is_plain(draft: DirectCostDraft) -> bool:
    return draft.scheme == "origin_id" and len(draft.lines) <= LINES_AT_ONCE


def _is_the_same(posting: Posting, draft: DirectCostDraft | None) -> bool:
    """As what the purchase is now would be posted."""
    if draft is None:
        return False
    return (
        posting.coding == draft.coding_hash() if posting.state == "posted" else posting.body_hash == draft.body_hash()
    )
