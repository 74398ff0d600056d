"""Many expenses of one project in two calls: headers, then lines (docs/decisions/0023-two-calls-for-many.md).

It keeps the rules of `post_transactions`: intents are on record before the first call leaves, and what is in doubt is
looked for. A header whose lines are missing is a draft, so that it counts nowhere, and is completed, never made anew.
Whatever is not plain goes on one by one, and so does everything until an expense of the company has shown that Procore
lets us write lines of what has an origin id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import LINES_AT_ONCE, DirectCostDraft
from pex_procore.domain.ledger import Row, intend, move, record_begun, record_posted, record_unknown, retreat
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.runs import Run
from pex_procore.services.catalog import Catalog
from pex_procore.services.ports import Clock, Conflict, Ledger, PostRefused
from pex_procore.services.sync_port import Begun, ProcoreSync, SyncAnswer

FEWEST, MOST = 3, 100  # expenses; fewer are as cheap one by one, more would not be done in a step's time
CROWD = 10  # from so many on, callbacks too are quicker together
MOST_LINES = 1000  # of one call


class _Kind(NamedTuple):
    project_id: int
    begun: bool  # the header exists, and the lines are to follow


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
        self._drafts: dict[int, DirectCostDraft | None] = {}
        self._off = run.trigger == "callback" and len(self._ahead) < CROWD  # a few need no company to be quick
        self._asked = False
        self._proven: bool | None = None  # that Procore adds lines to what has an origin id

    def advance(self, transaction_id: int) -> None:
        """Posts the row together with others like it, if there are; `rows` then has what became of them."""
        self._ahead.pop(transaction_id, None)
        if self._off or transaction_id not in self._rows:
            return
        kind = self._kind(transaction_id)
        if kind is None:
            return
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

    def _choose(self, kind: _Kind, first: int) -> list[int]:
        """As many as one call takes."""
        chosen: list[int] = []
        lines = 0
        for one in chain((first,), self._alike(kind)):
            lines += len(self._known(one).lines)
            if len(chosen) == MOST or lines > MOST_LINES:
                break
            chosen.append(one)
        return chosen

    def _alike(self, kind: _Kind) -> Iterator[int]:
        """Of the rows ahead. Drafting each may take calls, so they end with the step's time."""
        for one in self._ahead:
            if not self._may_go_on():
                return
            if self._kind(one) == kind:
                yield one

    def _kind(self, transaction_id: int) -> _Kind | None:
        """None: not for a batch."""
        row = self._rows[transaction_id]
        if row.transaction is None or row.listed is not None:
            return None
        fresh = row.state in ("announced", "waiting") and row.reason != "direct_costs_tool_off"
        if fresh and not row.postings and not row.former:
            draft = self._drafted(row)
            return _Kind(draft.project_id, False) if draft else None
        if row.state == "posting" and len(row.postings) == 1:
            posting = row.postings[0]
            if posting.stepwise and posting.direct_cost_id is not None:
                draft = self._drafted(row)
                same = draft is not None and draft.project_id == posting.project_id
                if same and self._known(transaction_id).body_hash() == posting.body_hash:
                    return _Kind(posting.project_id, True)
        return None

    def _drafted(self, row: Row) -> DirectCostDraft | None:
        """Its only draft, with the lines known by ids of their own; once a step."""
        if row.transaction_id not in self._drafts:
            self._drafts[row.transaction_id] = None
            try:
                drafts = self._draft(row)
            except Exception:  # told when its own turn comes, one by one
                return None
            if isinstance(drafts, list) and len(drafts) == 1:
                (draft,) = drafts
                if draft.scheme == "origin_id" and len(draft.lines) <= LINES_AT_ONCE:
                    self._drafts[row.transaction_id] = draft.with_line_ids()
        return self._drafts[row.transaction_id]

    def _known(self, transaction_id: int) -> DirectCostDraft:
        draft = self._drafts[transaction_id]
        assert draft is not None, "only drafted rows are chosen"
        return draft

    def _begin(self, chosen: Sequence[int]) -> None:
        intended = []
        for one in chosen:
            row, draft = self._rows[one], self._known(one)
            try:
                self._save(intend(row, [draft], self._clock(), self._run.run_id, stepwise=True))
            except Conflict:  # somebody else moved it: the next listing sees where to
                self._drafts[one] = None
                continue
            intended.append(one)
        answer = self._ask(intended, lambda: self._procore.sync_headers([self._known(one) for one in intended]))
        if answer is None:
            return
        bare = []
        for one in intended:
            draft, row = self._known(one), self._rows[one]
            known = answer.stored.get(draft.reference)
            if known is not None:
                now = self._clock()
                self._rows[one] = record_begun(row, draft.project_id, known.record_id, now, "begun", self._run.run_id)
                if known.amount == 0:
                    bare.append(one)
                else:  # older than our ledger knows: its lines are compared one by one
                    self._save(self._rows[one])
            elif draft.reference in answer.refused:
                self._drafts[one] = None
                self._save(retreat(row, "announced", self._clock(), self._run.run_id))
            else:
                self._doubt(one, "not in the answer")
        self._add_lines(bare)

    def _add_lines(self, begun: Sequence[int]) -> None:
        """To headers that have none, or some of exactly these."""
        if not begun:
            return
        if not self._may_go_on():
            self._keep(begun)
            return
        parts = [self._part(one) for one in begun]
        answer = self._ask(begun, lambda: self._procore.sync_lines(parts))
        if answer is None:
            return
        if not self._proven and (answer.stored or answer.refused):
            self._proven = bool(answer.stored)
            self._catalog.record_steps(self._proven)
        full = [one for one in begun if self._has_lines(one, answer)]
        status = self._run.settings.expense_status
        if full and status != "draft":
            parts = [self._part(one) for one in full]
            answer = self._ask(full, lambda: self._procore.sync_statuses(parts, status))
            if answer is None:
                return
            full = [one for one in full if self._has_status(one, answer)]
        for one in full:
            direct_cost_id, draft = self._part(one)
            now = self._clock()
            row = record_posted(self._rows[one], draft.project_id, direct_cost_id, now, "posted", self._run.run_id)
            self._save(row)
            self._report(self._rows[one])

    def _has_lines(self, one: int, answer: SyncAnswer) -> bool:
        draft = self._known(one)
        ids = [line.origin_id or "" for line in draft.lines]
        found = [answer.stored[line_id].amount for line_id in ids if line_id in answer.stored]
        if found == [line.amount for line in draft.lines]:
            return True
        if any(line_id in answer.refused for line_id in ids):
            self._leave(one)
        elif len(found) < len(ids):
            self._doubt(one, "not in the answer")
        else:
            detail = f"{sum(found)} instead of {draft.amount}"
            reason = "found_with_other_amount"
            run_id = self._run.run_id
            self._save(move(self._rows[one], "exception", self._clock(), reason, run_id, reason=reason, detail=detail))
            self._report(self._rows[one])
        return False

    def _has_status(self, one: int, answer: SyncAnswer) -> bool:
        reference = self._known(one).reference
        if reference in answer.stored:
            return True
        if reference in answer.refused:
            self._leave(one)
        else:
            self._doubt(one, "not in the answer")
        return False

    def _ask(self, rows: Sequence[int], call: Callable[[], SyncAnswer]) -> SyncAnswer | None:
        """None when the rest of this step goes on one by one: after a doubt, or because Procore refuses such calls."""
        try:
            return call() if rows else SyncAnswer()
        except Unsure as doubt:
            self._off = True
            for one in rows:
                self._doubt(one, str(doubt))
        except PostRefused:
            self._off = True
            self._keep(rows)
        except (TryLater, NeedsAttention):
            self._keep(rows)
            raise
        return None

    def _keep(self, rows: Sequence[int]) -> None:
        """Nothing was written: what has no header yet was never sent, the others wait for their lines."""
        for one in rows:
            row = self._rows[one]
            begun = row.postings[0].direct_cost_id is not None
            self._save(row if begun else retreat(row, "announced", self._clock(), self._run.run_id))

    def _leave(self, one: int) -> None:
        """For its own turn, which tells what Procore has against it."""
        self._drafts[one] = None
        self._save(self._rows[one])

    def _doubt(self, one: int, cause: str) -> None:
        row, project_id = self._rows[one], self._known(one).project_id
        self._save(record_unknown(row, project_id, self._clock(), cause, self._run.run_id))

    def _part(self, one: int) -> Begun:
        direct_cost_id = self._rows[one].postings[0].direct_cost_id
        assert direct_cost_id is not None, "lines are added to what exists"
        return direct_cost_id, self._known(one)

    def _save(self, row: Row) -> None:
        self._rows[row.transaction_id] = self._ledger.save(row)
