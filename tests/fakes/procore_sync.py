from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pex_procore.domain.errors import Unsure
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.services.sync_port import Begun, SyncAnswer, Synced
from pex_procore.services.vendor_ports import PostRefused
from tests.fakes.faults import Misbehaving

if TYPE_CHECKING:
    from tests.fakes.procore import BookedCost


class SyncsExpenses(Misbehaving):
    """The sync calls of the fake Procore: row by row, by origin id, answered in another order than asked."""

    locked: bool
    books: list[BookedCost]
    live: Callable[[], list[BookedCost]]
    clock: Callable[[], datetime]
    _late_changes: list[tuple[datetime, Callable[[], object]]]
    _called: Callable[[str], None]
    _commit_what_is_due: Callable[[], None]
    _find: Callable[[int, int], BookedCost | None]
    _book: Callable[[DirectCostDraft], BookedCost]
    _line: Callable[..., Any]
    _is_taken: Callable[[DirectCostDraft], bool]
    _check_header: Callable[[DirectCostDraft], None]
    _check_lines: Callable[[int, Sequence[LineDraft]], None]
    _is_closed: Callable[[int], bool]

    def __init__(self) -> None:
        super().__init__()
        self.no_sync: dict[str, int] = {}  # calls that are refused as a whole, and the status
        self.refused_rows: dict[str, str] = {}  # origin ids, and why; in whatever call
        self.silent_rows: set[str] = set()  # origin ids that no answer tells of
        self.tells_of_lines = True
        self.other_amounts: dict[str, Decimal] = {}  # origin ids of lines, and what is stored instead
        self._deaths: dict[int, int] = {}
        self._sync_calls = 0

    def die_in_sync(self, call: int, rows: int) -> None:
        """The sync call of that number (from 1) stores so many rows, and nothing is heard of it."""
        self._deaths[call] = rows

    def sync_headers(self, drafts: Sequence[DirectCostDraft]) -> SyncAnswer:
        rows = {draft.reference: lambda draft=draft: self._put_header(draft) for draft in drafts}
        return self._sync("sync_headers", drafts[0].project_id, rows)

    def sync_lines(self, begun: Sequence[Begun]) -> SyncAnswer:
        rows = {
            line.origin_id or "": lambda id=id, draft=draft, line=line: self._put_line(id, draft, line)
            for id, draft in begun
            for line in draft.lines
        }
        return self._sync("sync_lines", begun[0][1].project_id, rows)

    def sync_statuses(self, begun: Sequence[Begun], status: ExpenseStatus) -> SyncAnswer:
        rows = {draft.reference: lambda id=id, draft=draft: self._put_status(id, draft, status) for id, draft in begun}
        return self._sync("sync_statuses", begun[0][1].project_id, rows)

    def takes_lines(self, project_id: int, direct_cost_id: int) -> bool | None:
        self._called("takes_lines")
        if self._next_fault().kind != "none":
            raise Unsure("no answer")
        if "takes_lines" in self.no_sync:
            raise PostRefused(self.no_sync["takes_lines"], "no such call")
        return not self.locked if self.tells_of_lines else None

    def _sync(self, call: str, project_id: int, rows: Mapping[str, Callable[[], Synced]]) -> SyncAnswer:
        assert len(rows) <= 1000, "Procore takes no more rows"
        assert "" not in rows, "a row without an origin id would create blindly"
        self._called(call)
        self._commit_what_is_due()
        fault = self._next_fault()
        if self._is_closed(project_id):
            raise PostRefused(403, "You do not have access to the Direct Costs tool.")
        if call in self.no_sync:
            raise PostRefused(self.no_sync[call], "no such call")
        stored: dict[str, Synced] = {}
        refused: dict[str, str] = {}
        self._sync_calls += 1
        dies_after = self._deaths.get(self._sync_calls)

        def apply() -> None:
            for number, (origin_id, put) in enumerate(rows.items()):
                if number == dies_after:
                    raise Unsure("it died on the way")
                try:
                    stored[origin_id] = put()
                except PostRefused as refusal:
                    refused[origin_id] = refusal.message

        if fault.kind == "late":
            self._commit_late(self.clock() + fault.delay, apply)
        if fault.kind in ("late", "dropped"):
            raise Unsure("no answer")
        apply()
        if fault.kind == "lost":
            raise Unsure("the answer was lost")
        told = {name: one for name, one in reversed(stored.items()) if name not in self.silent_rows}
        return SyncAnswer(stored=told, refused=refused)

    def _commit_late(self, moment: datetime, apply: Callable[[], None]) -> None:
        def commit() -> None:
            known = len(self.books)
            apply()
            for made in self.books[known:]:
                made.created_at = moment

        self._late_changes.append((moment, commit))

    def _put_header(self, draft: DirectCostDraft) -> Synced:
        found = next((one for one in self.live() if self._is(one, draft)), None)
        if found is None:
            self._check_header(draft)
            found = self._book(draft.model_copy(update={"lines": ()}))
        found.draft = draft
        found.status = "draft"
        return Synced(record_id=found.direct_cost_id, amount=found.amount)

    def _put_line(self, direct_cost_id: int, draft: DirectCostDraft, line: LineDraft) -> Synced:
        cost = self._find(draft.project_id, direct_cost_id)
        if cost is None:
            raise PostRefused(422, "direct_cost_id: not found")
        if self.locked:
            raise PostRefused(422, "the record is locked by an ERP integration")
        self._check_lines(draft.project_id, [line])
        old = next((one for one in cost.lines if one.origin_id == line.origin_id), None)
        made = self._line(line, old.line_id if old else 0)
        made = made.model_copy(update={"amount": self.other_amounts.get(line.origin_id or "", made.amount)})
        cost.lines = [*(one for one in cost.lines if one is not old), made]
        cost.amount = sum((one.amount for one in cost.lines), Decimal())
        return Synced(record_id=made.line_id, amount=made.amount)

    def _put_status(self, direct_cost_id: int, draft: DirectCostDraft, status: ExpenseStatus) -> Synced:
        cost = self._find(draft.project_id, direct_cost_id)
        if cost is None:
            raise PostRefused(422, "id: Entity with this ID not found")
        cost.status = status
        return Synced(record_id=direct_cost_id, amount=cost.amount)

    @staticmethod
    def _is(cost: BookedCost, draft: DirectCostDraft) -> bool:
        same = cost.draft.project_id == draft.project_id and cost.draft.reference == draft.reference
        return same and cost.draft.scheme == "origin_id"
