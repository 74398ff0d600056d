from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from pex_procore.domain.amendment import DirectCost, PostedLine
from pex_procore.domain.catalog import BudgetCode, Company, CostType, Project, Vendor
from pex_procore.domain.connection import Webhook
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.services.vendor_ports import PostRefused, ReceiptFile, Reference
from tests.fakes.clock import FakeClock
from tests.fakes.procore_sync import SyncsExpenses

CLOCKS_DIFFER_BY = timedelta(minutes=15)


@dataclass
class BookedCost:
    """A direct cost in Procore's books."""

    direct_cost_id: int
    draft: DirectCostDraft
    amount: Decimal
    created_at: datetime
    files: list[ReceiptFile] = field(default_factory=list)
    deleted: bool = False
    status: str = "draft"
    lines: list[PostedLine] = field(default_factory=list)

    def shown(self) -> DirectCost:
        return DirectCost(
            direct_cost_id=self.direct_cost_id,
            project_id=self.draft.project_id,
            amount=self.amount,
            date=self.draft.date,
            description=self.draft.description,
            origin_id=self.draft.reference if self.draft.scheme == "origin_id" else None,
            filenames=tuple(file.filename for file in self.files),
            deleted=self.deleted,
            status=self.status,
            lines=tuple(self.lines),
        )


class FakeProcore(SyncsExpenses):
    """`tool_off`: projects that answer 403 to their direct costs. `forbidden`: projects we may not look into at all."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.companies = [Company(company_id=5, name="Harbor Builders"), Company(company_id=6, name="Harbor Homes")]
        self.currency: str | None = "USD"
        self.projects: dict[int, Project] = {}
        self.cost_types: list[CostType] = []
        self.cost_codes: dict[int, dict[str, str]] = {}
        self.budget_codes: dict[int, list[BudgetCode]] = {}
        self.vendors: dict[int, Vendor] = {}
        self.hooks: dict[str, Webhook] = {}
        self.books: list[BookedCost] = []
        self.tool_off: set[int] = set()
        self.forbidden: set[int] = set()
        self.forbidden_budget_codes: set[int] = set()  # projects where we may not make any
        self.unreadable: set[int] = set()  # projects whose lists always fail with a 500
        self.calls: Counter[str] = Counter()
        self.create_times: list[datetime] = []
        self.find_times: list[datetime] = []
        self.seconds_per_call = 0.0
        self._hidden_for = timedelta()
        self._late: list[tuple[datetime, DirectCostDraft]] = []
        self._round_next: Decimal | None = None
        self._next_id = 70_000
        self._next_line_id = 90_000
        self._late_changes: list[tuple[datetime, Callable[[], object]]] = []
        self.locked = False  # no expense can be changed any more
        self.lines_left_out_go = False  # an update takes away the lines it does not name
        self.keeps_codes = False  # an update changes amounts only
        self.files_replace = False  # an upload takes the place of the earlier ones

    def hide_fresh_for(self, seconds: float) -> None:
        """Look-ups see a direct cost only after so long."""
        self._hidden_for = timedelta(seconds=seconds)

    def change_next_amount(self, amount: Decimal) -> None:
        """The next direct cost is stored with another amount than asked for."""
        self._round_next = amount

    def live(self) -> list[BookedCost]:
        self._commit_what_is_due()
        return [cost for cost in self.books if not cost.deleted]

    def list_hooks(self) -> list[Webhook]:
        self._called("list_hooks")
        return list(self.hooks.values())

    def create_hook(self, url: str, authorization: str, resources: Sequence[str]) -> str:
        self._called("create_hook")
        self._next_fault()
        hook_id = f"hook-{len(self.hooks) + 1}"
        self.hooks[hook_id] = Webhook(hook_id=hook_id, url=url)
        return hook_id

    def delete_hook(self, hook_id: str) -> None:
        self._called("delete_hook")
        self.hooks.pop(hook_id, None)

    def list_companies(self) -> list[Company]:
        self._called("list_companies")
        return list(self.companies)

    def sign_out(self) -> None:
        self._called("sign_out")

    def check(self) -> None:
        self._called("check")

    def list_projects(self, *, templates: bool = False) -> list[Project]:
        self._called("list_projects")
        return [one for one in self.projects.values() if templates or not one.template]

    def show_project(self, project_id: int) -> Project:
        self._called("show_project")
        self._open(project_id)
        return self.projects[project_id]

    def list_cost_types(self) -> list[CostType]:
        self._called("list_cost_types")
        return list(self.cost_types)

    def list_cost_codes(self, project_id: int) -> dict[str, str]:
        self._called("list_cost_codes")
        self._open(project_id)
        return dict(self.cost_codes.get(project_id, {}))

    def list_budget_codes(self, project_id: int) -> list[BudgetCode]:
        self._called("list_budget_codes")
        self._open(project_id)
        return list(self.budget_codes.get(project_id, []))

    def create_budget_code(self, project_id: int, cost_code: str, cost_type: str) -> BudgetCode:
        self._called("create_budget_code")
        self._open(project_id)
        if project_id in self.forbidden_budget_codes:
            raise NeedsAttention("procore_permission_missing", "you may not read the budget's segments", 403)
        if cost_code not in self.cost_codes.get(project_id, {}):
            raise PostRefused(404, f"no cost code {cost_code}")
        if cost_type not in {kind.code for kind in self.cost_types}:
            raise PostRefused(404, f"no cost type {cost_type}")
        self._next_id += 1
        created = BudgetCode(wbs_code_id=self._next_id, cost_code=cost_code, cost_type=cost_type)
        self.budget_codes.setdefault(project_id, []).append(created)
        return created

    def list_vendors(self, search: str = "") -> list[Vendor]:
        self._called("list_vendors")
        return [vendor for vendor in self.vendors.values() if search.casefold() in vendor.name.casefold()]

    def find_currency(self) -> str | None:
        self._called("find_currency")
        return self.currency

    def find_web_address(self) -> str | None:
        self._called("find_web_address")
        return "https://us02.procore.com"

    def find_vendor(self, vendor_id: int) -> Vendor | None:
        self._called("find_vendor")
        return self.vendors.get(vendor_id)

    def create_direct_cost(self, draft: DirectCostDraft) -> DirectCost:
        self._called("create_direct_cost")
        self.create_times.append(self.clock())
        self._commit_what_is_due()
        try:
            fault = self._next_fault()
        except PostRefused as refusal:  # every reason is told, this one too
            if refusal.status == 422 and self._is_taken(draft):
                raise PostRefused(422, f"{refusal.message}; origin_id has already been taken", duplicate=True) from None
            raise
        if draft.project_id in self.tool_off | self.forbidden:
            raise PostRefused(403, "You do not have access to the Direct Costs tool.")
        if fault.kind == "late":
            self._late.append((self.clock() + fault.delay, draft))
        if fault.kind in ("late", "dropped"):
            raise Unsure("no answer")
        self._validate(draft)
        booked = self._book(draft)
        if fault.kind == "lost":
            raise Unsure("the answer was lost")
        return booked.shown()

    def find_direct_costs(self, draft_or_posting: Reference) -> list[DirectCost]:
        self._called("find_direct_costs")
        self.find_times.append(self.clock())
        self._commit_what_is_due()
        wanted = draft_or_posting
        if wanted.project_id in self.unreadable:
            raise TryLater("Procore answered 500")
        if wanted.project_id in self.tool_off | self.forbidden:
            raise NeedsAttention("procore_permission_missing", "the Direct Costs tool is off", 403)
        return [
            cost.shown()
            for cost in self.live()
            if cost.draft.project_id == wanted.project_id
            and (cost.draft.scheme, cost.draft.reference) == (wanted.scheme, wanted.reference)
            and cost.created_at + self._hidden_for <= self.clock()
            and (wanted.scheme == "origin_id" or cost.created_at >= wanted.sent_at - CLOCKS_DIFFER_BY)
        ]

    def list_direct_costs(self, project_id: int, since: datetime) -> list[DirectCost]:
        self._called("list_direct_costs")
        if project_id in self.tool_off | self.forbidden:
            raise NeedsAttention("procore_permission_missing", "the Direct Costs tool is off", 403)
        live = [cost for cost in self.live() if cost.draft.project_id == project_id]
        return [cost.shown() for cost in live if cost.created_at >= since - CLOCKS_DIFFER_BY]

    def show_direct_cost(self, project_id: int, direct_cost_id: int) -> DirectCost | None:
        self._called("show_direct_cost")
        if project_id in self.tool_off | self.forbidden:
            raise NeedsAttention("procore_permission_missing", "the Direct Costs tool is off", 403)
        cost = self._find(project_id, direct_cost_id)
        return cost.shown() if cost else None

    def attach_receipts(self, project_id: int, direct_cost_id: int, files: Sequence[ReceiptFile]) -> DirectCost:
        self._called("attach_receipts")
        fault = self._next_fault()
        if fault.kind == "dropped":
            raise Unsure("no answer")
        cost = self._find(project_id, direct_cost_id)
        if cost is None:
            raise PostRefused(404, "not found")
        if any(file.content.startswith(b"GIF") for file in files):
            raise PostRefused(422, "this company takes no GIF")
        if self.files_replace:
            cost.files.clear()
        cost.files.extend(files)
        if fault.kind == "lost":
            raise Unsure("the answer was lost")
        return cost.shown()

    def write_lines(
        self,
        project_id: int,
        direct_cost_id: int,
        changed: Sequence[tuple[int, LineDraft]],
        added: Sequence[LineDraft],
        kept: Sequence[int] = (),
        status: ExpenseStatus | None = None,
    ) -> DirectCost:
        self._called("write_lines")
        cost = self._to_be_changed(project_id, direct_cost_id, len(changed) + len(added) + len(kept))
        becomes = dict(changed)
        if unknown := {*becomes, *kept} - {one.line_id for one in cost.lines}:
            raise PostRefused(422, f"line_items: no {unknown}")

        def apply() -> None:
            self._check_lines(project_id, [*becomes.values(), *added])
            taken = {one.origin_id for cost in self.books for one in cost.lines if one.origin_id}
            if any(line.origin_id in taken for line in added):
                raise PostRefused(422, "origin_id has already been taken", duplicate=True)
            named = {*becomes, *kept} if self.lines_left_out_go else {one.line_id for one in cost.lines}
            before = cost.lines
            cost.lines = [
                self._line(becomes[one.line_id], one.line_id) if one.line_id in becomes else one
                for one in before
                if one.line_id in named
            ]
            if self.keeps_codes:
                codes = {one.line_id: {"wbs_code_id": one.wbs_code_id} for one in before}
                cost.lines = [one.model_copy(update=codes[one.line_id]) for one in cost.lines]
            cost.lines += [self._line(line) for line in added]
            cost.status = status or cost.status

        return self._change(cost, apply)

    def delete_line(self, project_id: int, direct_cost_id: int, line_id: int) -> None:
        self._called("delete_line")
        cost = self._to_be_changed(project_id, direct_cost_id, 1)

        def apply() -> None:
            cost.lines = [one for one in cost.lines if one.line_id != line_id]

        self._change(cost, apply)

    def _to_be_changed(self, project_id: int, direct_cost_id: int, lines: int) -> BookedCost:
        self._commit_what_is_due()
        if project_id in self.tool_off | self.forbidden:
            raise PostRefused(403, "You do not have access to the Direct Costs tool.")
        cost = self._find(project_id, direct_cost_id)
        if cost is None:
            raise PostRefused(404, "not found")
        if self.locked:
            raise PostRefused(422, "the record is locked by an ERP integration")
        if lines > 100:
            raise PostRefused(422, "line_items: too many")
        return cost

    def _change(self, cost: BookedCost, apply: Callable[[], None]) -> DirectCost:
        def change() -> None:
            apply()
            cost.amount = sum((line.amount for line in cost.lines), Decimal())

        fault = self._next_fault()
        if fault.kind == "late":
            self._late_changes.append((self.clock() + fault.delay, change))
        if fault.kind in ("late", "dropped"):
            raise Unsure("no answer")
        change()
        if fault.kind == "lost":
            raise Unsure("the answer was lost")
        return cost.shown()

    def _line(self, draft: LineDraft, line_id: int = 0) -> PostedLine:
        self._next_line_id += not line_id
        line_id = line_id or self._next_line_id
        return PostedLine(
            line_id=line_id, wbs_code_id=draft.wbs_code_id, amount=draft.amount, origin_id=draft.origin_id
        )

    def _called(self, method: str) -> None:
        self.calls[method] += 1
        self.clock.forward(self.seconds_per_call)

    def _open(self, project_id: int) -> None:
        if project_id in self.unreadable:
            raise TryLater(f"Procore answered 500 for project {project_id}")
        if project_id in self.forbidden or project_id not in self.projects:
            raise NeedsAttention("procore_permission_missing", f"project {project_id} is closed to us", 403)

    def _find(self, project_id: int, direct_cost_id: int) -> BookedCost | None:
        return next(
            (
                cost
                for cost in self.live()
                if cost.direct_cost_id == direct_cost_id and cost.draft.project_id == project_id
            ),
            None,
        )

    def _is_closed(self, project_id: int) -> bool:
        return project_id in self.tool_off | self.forbidden

    def _validate(self, draft: DirectCostDraft) -> None:
        if not draft.lines or len(draft.lines) > 100:
            raise PostRefused(422, "line_items: invalid")
        self._check_lines(draft.project_id, draft.lines)
        self._check_header(draft)

    def _check_lines(self, project_id: int, lines: Sequence[LineDraft]) -> None:
        codes = {code.wbs_code_id for code in self.budget_codes.get(project_id, []) if code.active}
        if any(line.wbs_code_id not in codes for line in lines):
            raise PostRefused(422, "wbs_code is invalid")
        self._check_ids([line.origin_id or "" for line in lines])

    def _check_ids(self, origin_ids: Sequence[str]) -> None:
        for one in origin_ids:
            if one in self.refused_rows:
                raise PostRefused(422, self.refused_rows[one])

    def _check_header(self, draft: DirectCostDraft) -> None:
        self._check_ids([draft.reference])
        if not self.projects[draft.project_id].active:
            raise PostRefused(422, "the project is not active")
        if self._is_taken(draft):
            raise PostRefused(422, "origin_id: has already been taken", duplicate=True)

    def _is_taken(self, draft: DirectCostDraft) -> bool:
        """Procore remembers the origin ids of deleted records, and of all its projects."""
        return draft.scheme == "origin_id" and any(
            cost.draft.scheme == "origin_id" and cost.draft.reference == draft.reference for cost in self.books
        )

    def _book(self, draft: DirectCostDraft) -> BookedCost:
        self._next_id += 1
        amount = draft.amount if self._round_next is None else self._round_next
        self._round_next = None
        cost = BookedCost(self._next_id, draft, amount, self.clock(), status=draft.status)
        cost.lines = [self._line(line) for line in draft.lines]
        self.books.append(cost)
        return cost

    def _commit_what_is_due(self) -> None:
        due = [one for one in self._late if one[0] <= self.clock()]
        self._late = [one for one in self._late if one not in due]
        for moment, draft in due:
            if not self._is_taken(draft):
                self._book(draft).created_at = moment
        changes = [one for one in self._late_changes if one[0] <= self.clock()]
        self._late_changes = [one for one in self._late_changes if one not in changes]
        for _, change in changes:
            with suppress(PostRefused):
                change()
