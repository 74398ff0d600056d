"""Procore as one service account sees it, in one company."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.catalog import BudgetCode, Company, CostType, Project, Vendor
from pex_procore.domain.connection import Webhook
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.net.caller import Caller
from pex_procore.net.limiter import Limiter
from pex_procore.net.messages import Answer, Request
from pex_procore.net.session import Session
from pex_procore.net.verdicts import Next
from pex_procore.procore import coding, hooks, sync, wire
from pex_procore.procore.auth import ServiceAccount
from pex_procore.services.sync_port import Begun, SyncAnswer
from pex_procore.services.vendor_ports import PostRefused, ReceiptFile, Reference

T = TypeVar("T")
MOST_PAGES = 1000
CLOCKS_DIFFER_BY = timedelta(minutes=15)  # ours and Procore's, at most, when looking by time of creation


class ProcoreClient:
    """The `Procore` port. `company_id` is None while the company is being chosen: only `list_companies` works then.

    `quoted_ranges`: put date ranges in double quotes.
    """

    def __init__(
        self,
        session: Session,
        account: ServiceAccount,
        limiter: Limiter,
        *,
        company_id: int | None,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        quoted_ranges: bool = False,
    ) -> None:
        self._caller = Caller("Procore", session, limiter, clock=clock, sleep=sleep, secrets=account.secrets)
        self._account = account
        self._company_id = company_id
        self._clock = clock
        self._quoted_ranges = quoted_ranges
        self._segments: dict[int, list[tuple[str, int, dict[str, int]]]] = {}

    def list_companies(self) -> list[Company]:
        try:
            return self._list(wire.companies(), wire.read_companies)
        except NeedsAttention as error:
            if self._company_id is not None or error.upstream_status not in (400, 403):
                raise
            message = (
                "Procore lists no companies without a company id. Enter the number in the address of the company's "
                f"home page, https://app.procore.com/<number>/company/home. ({error.message})"
            )
            raise NeedsAttention("procore_permission_missing", message, error.upstream_status) from error

    def sign_out(self) -> None:
        self._account.revoke()

    def check(self) -> None:
        if self._company_id is None:
            self._account.renew()
        else:
            self._ask(wire.me(self._company_id), lambda answer: int(answer.json()["id"]))

    def list_projects(self, *, templates: bool = False) -> list[Project]:
        found = self._list(wire.projects(self._company()), wire.read_projects)
        if not templates:
            return found
        known = {project.project_id for project in found}
        listed = self._list(wire.projects(self._company(), templates=True), wire.read_templates)
        return [*found, *(project for project in listed if project.project_id not in known)]

    def show_project(self, project_id: int) -> Project:
        return self._ask(wire.project(self._company(), project_id), wire.read_project)

    def find_currency(self) -> str | None:
        try:
            return self._ask(wire.currency(self._company()), wire.read_currency)
        except NeedsAttention as error:
            if error.upstream_status not in (403, 404):
                raise
            return None

    def find_web_address(self) -> str | None:
        try:
            return self._ask(wire.web_address(), wire.read_web_address)
        except NeedsAttention as error:
            if error.upstream_status not in (400, 403, 404):
                raise
            return None

    def list_cost_types(self) -> list[CostType]:
        return self._list(coding.cost_types(self._company()), coding.read_cost_types)

    def list_cost_codes(self, project_id: int) -> dict[str, str]:
        return self._list(coding.cost_codes(project_id), coding.read_cost_codes)

    def list_budget_codes(self, project_id: int) -> list[BudgetCode]:
        return self._list(coding.budget_codes(project_id), coding.read_budget_codes)

    def create_budget_code(self, project_id: int, cost_code: str, cost_type: str) -> BudgetCode:
        wanted = {coding.COST_CODE: cost_code, coding.COST_TYPE: cost_type}
        chosen = []
        for kind, segment_id, items in self._segments_of(project_id):
            item_id = items.get(wanted[kind].casefold())
            if item_id is None:
                raise PostRefused(404, f"Project {project_id} has no {kind} {wanted[kind]!r} to make a budget code of.")
            chosen.append((segment_id, item_id))
        return self._write(coding.create_budget_code(project_id, chosen), coding.read_budget_code)

    def list_vendors(self, search: str = "") -> list[Vendor]:
        return self._list(wire.vendors(self._company(), search), wire.read_vendors)

    def find_vendor(self, vendor_id: int) -> Vendor | None:
        found = self._list(wire.vendor(self._company(), vendor_id), wire.read_vendors)
        return next((vendor for vendor in found if vendor.vendor_id == vendor_id), None)

    def create_direct_cost(self, draft: DirectCostDraft) -> DirectCost:
        """A vendor that the project's directory lacks is put there first: a refused create has stored nothing."""
        request = wire.create_direct_cost(draft)
        try:
            return self._write(request, lambda answer: _show(answer, draft.project_id))
        except PostRefused as refusal:
            if refusal.status != 422 or not self._adds_vendor(draft, [refusal.message]):
                raise
        return self._write(request, lambda answer: _show(answer, draft.project_id))

    def sync_headers(self, drafts: Sequence[DirectCostDraft]) -> SyncAnswer:
        request = sync.headers(drafts)
        answer = self._write(request, sync.read_headers)
        if self._adds_vendor(drafts[0], answer.refused.values()):
            return self._write(request, sync.read_headers)
        return answer

    def sync_lines(self, begun: Sequence[Begun]) -> SyncAnswer:
        return self._write(sync.lines(begun), sync.read_lines)

    def sync_statuses(self, begun: Sequence[Begun], status: ExpenseStatus) -> SyncAnswer:
        return self._write(sync.statuses(begun, status), sync.read_headers)

    def takes_lines(self, project_id: int, direct_cost_id: int) -> bool | None:
        shown = self.show_direct_cost(project_id, direct_cost_id)
        if shown is None or not shown.lines:
            return None
        line = shown.lines[0]
        return self._write(sync.same_line(project_id, line), lambda answer: sync.read_same_line(answer, line))

    def _adds_vendor(self, draft: DirectCostDraft, refusals: Iterable[str]) -> bool:
        """Into the project's directory, when that was why an expense was refused."""
        if not any("vendor" in said.casefold() for said in refusals):
            return False
        try:
            self._write(wire.add_vendor(draft.project_id, draft.vendor_id), Answer.text)
        except PostRefused:
            return False
        return True

    def find_direct_costs(self, draft_or_posting: Reference) -> list[DirectCost]:
        wanted = draft_or_posting
        if wanted.scheme == "origin_id":
            request = wire.direct_costs_by_origin(wanted.project_id, wanted.reference)
        else:
            start, end = wanted.sent_at - CLOCKS_DIFFER_BY, self._clock() + CLOCKS_DIFFER_BY
            request = wire.direct_costs_created(wanted.project_id, start, end, quoted=self._quoted_ranges)
        found = self._list(request, lambda rows: [wire.read_direct_cost(row, wanted.project_id) for row in rows])
        return [one for one in found if not one.deleted and _carries(one, wanted)]

    def list_direct_costs(self, project_id: int, since: datetime) -> list[DirectCost]:
        end = self._clock() + CLOCKS_DIFFER_BY
        request = wire.direct_costs_created(project_id, since - CLOCKS_DIFFER_BY, end, quoted=self._quoted_ranges)
        found = self._list(request, lambda rows: [wire.read_direct_cost(row, project_id) for row in rows])
        return [one for one in found if not one.deleted]

    def show_direct_cost(self, project_id: int, direct_cost_id: int) -> DirectCost | None:
        """A 404 may also mean that the tool was turned off, so it only counts once the list can be read."""
        request = wire.direct_cost(project_id, direct_cost_id)
        verdict, answer = self._send(request)
        if verdict is Next.ABSENT:
            self._ask(wire.direct_costs_page(project_id), wire.read_rows)
            return None
        found = self._use(request, verdict, answer, lambda answer: _show(answer, project_id))
        return None if found.deleted else found

    def write_lines(
        self,
        project_id: int,
        direct_cost_id: int,
        changed: Sequence[tuple[int, LineDraft]],
        added: Sequence[LineDraft],
        kept: Sequence[int] = (),
        status: ExpenseStatus | None = None,
    ) -> DirectCost:
        request = wire.write_lines(project_id, direct_cost_id, changed, added, kept, status)
        return self._write(request, lambda answer: _show(answer, project_id))

    def delete_line(self, project_id: int, direct_cost_id: int, line_id: int) -> None:
        try:
            self._write(wire.delete_line(project_id, direct_cost_id, line_id), Answer.text)
        except PostRefused as refusal:
            if refusal.status != 404:
                raise

    def attach_receipts(self, project_id: int, direct_cost_id: int, files: Sequence[ReceiptFile]) -> DirectCost:
        return self._write(wire.attach(project_id, direct_cost_id, files), lambda answer: _show(answer, project_id))

    def glance(self, request: Request) -> Answer | None:
        """A read's answer as it came; None where Procore forbids it or hides what it is about."""
        verdict, answer = self._send(request)
        if verdict in (Next.FORBIDDEN, Next.ABSENT) and not wire.is_not_connected(wire.read_error(answer)):
            return None
        return self._use(request, verdict, answer, lambda answer: answer)

    def list_hooks(self) -> list[Webhook]:
        """Ours in this company, those of other deployments included."""
        return hooks.read_hooks(self._data_rows(hooks.list_hooks(self._company())))

    def create_hook(self, url: str, authorization: str, resources: Sequence[str]) -> str:
        """A webhook and its triggers: create, update and delete of those resources that the company offers. Its id.

        `authorization` comes back as the header of that name with every event. Raises Unsure when a webhook may be
        left behind.
        """
        company_id = self._company()
        version, triggers = self._offered(company_id, resources)
        self._account.secrets += [secret for secret in (authorization, url) if secret not in self._account.secrets]
        hook_id = self._ask(hooks.create_hook(company_id, url, authorization, version), hooks.read_hook_id)
        try:
            self._add_triggers(company_id, hook_id, triggers)
        except (TryLater, Unsure, NeedsAttention) as error:
            try:
                self.delete_hook(hook_id)  # without its triggers it would be taken for a working one
            except (TryLater, Unsure, NeedsAttention):
                raise Unsure(f"A webhook without triggers may be left behind in Procore: {error}") from error
            raise
        return hook_id

    def delete_hook(self, hook_id: str) -> None:
        """Succeeds also when the webhook is already gone."""
        request = hooks.delete_hook(self._company(), hook_id)
        verdict, answer = self._send(request)
        if verdict is not Next.ABSENT:
            self._use(request, verdict, answer, Answer.text)

    def _offered(self, company_id: int, wanted: Sequence[str]) -> tuple[str, list[hooks.Trigger]]:
        """The payload version that offers most of the resources, and the triggers there are."""
        best: tuple[str, list[hooks.Trigger]] = ("", [])
        for version in hooks.VERSIONS:
            try:
                rows = self._data_rows(hooks.list_resources(company_id, version))
            except NeedsAttention as error:
                if error.upstream_status != 400:  # which an unknown version may get
                    raise
                continue
            triggers = hooks.choose(rows, wanted)
            if len(dict(triggers)) > len(dict(best[1])):
                best = (version, triggers)
            if len(dict(triggers)) == len(set(wanted)):
                break
        if not best[1]:
            message = f"Procore's webhooks tell of none of {', '.join(wanted)} in this company."
            raise NeedsAttention("procore_permission_missing", message)
        return best

    def _add_triggers(self, company_id: int, hook_id: str, triggers: Sequence[hooks.Trigger]) -> None:
        """One that is refused costs no more than freshness; all of them make the webhook useless."""
        request = hooks.create_triggers(company_id, hook_id, triggers)
        if self._ask(request, lambda answer: answer.status) == 207:
            rows = self._data_rows(hooks.list_triggers(company_id, hook_id))
            if not set(hooks.read_triggers(rows)) & set(triggers):
                message = "Procore took none of the triggers of a webhook."
                raise NeedsAttention("procore_permission_missing", message, 207)

    def _data_rows(self, request: Request) -> list[dict[str, Any]]:
        """All rows of a list of v2."""
        return self._pages(request, hooks.read_page, hooks.SMALLEST_PAGE)

    def _company(self) -> int:
        if self._company_id is None:
            raise NeedsAttention("procore_permission_missing", "No Procore company is chosen yet.")
        return self._company_id

    def _segments_of(self, project_id: int) -> list[tuple[str, int, dict[str, int]]]:
        """Kind, segment id and items by code of the project's two segments; kept as long as this client."""
        if project_id not in self._segments:
            ids = self._ask(coding.segments(project_id), coding.read_segments)
            found = []
            for kind in (coding.COST_CODE, coding.COST_TYPE):
                if kind not in ids:
                    raise PostRefused(404, f"Project {project_id} has no segment of type {kind}.")
                items = self._list(coding.segment_items(project_id, ids[kind]), coding.index_items)
                found.append((kind, ids[kind], items))
            self._segments[project_id] = found
        return self._segments[project_id]

    def _list(self, request: Request, reader: Callable[[list[dict[str, Any]]], T]) -> T:
        rows = self._pages(request)
        return self._caller.read(request, Answer(200), lambda _: reader(rows))

    def _pages(
        self,
        request: Request,
        reader: Callable[[Answer], Mapping[Any, dict[str, Any]]] = wire.read_rows_by_id,
        smallest_page: int = 1,
    ) -> list[dict[str, Any]]:
        """All rows, each once. Procore may give fewer rows per page than asked for, so only its own total, the lack of
        a next page, a page without news or one of less than `smallest_page` rows end the reading. Raises TryLater when
        the rows do not come to the total."""
        found: dict[Any, dict[str, Any]] = {}
        total: int | None = None
        for page in range(1, MOST_PAGES + 1):
            paged = (*request.query, ("page", str(page)))
            if "per_page" not in dict(request.query):
                paged = (*paged, ("per_page", str(wire.PER_PAGE)))
            verdict, answer = self._send(replace(request, query=paged))
            known = len(found)
            rows = self._use(request, verdict, answer, reader)
            found.update(rows)
            total, last = wire.read_end(answer, total)
            if len(found) == known or last or len(rows) < smallest_page or (total is not None and len(found) >= total):
                break
        else:
            raise NeedsAttention(
                "vendor_answer_unreadable", f"There is no end when Procore is asked to {request.doing}."
            )
        if total is not None and len(found) < total:
            raise TryLater(f"Procore's rows changed while it was asked to {request.doing}.")
        return list(found.values())

    def _ask(self, request: Request, reader: Callable[[Answer], T]) -> T:
        verdict, answer = self._send(request)
        return self._use(request, verdict, answer, reader)

    def _write(self, request: Request, reader: Callable[[Answer], T]) -> T:
        verdict, answer = self._send(request)
        if verdict is Next.USE:
            return self._caller.read(request, answer, reader)
        said = wire.read_error(answer)
        not_about_this_write = verdict in (Next.LOG_IN, Next.BROKEN) or wire.NO_COMPANY in said.casefold()
        if not_about_this_write or wire.is_not_connected(said):
            self._fail(request, verdict, answer)
        raise PostRefused(answer.status, self._caller.shorten(said), answer.status == 422 and wire.is_duplicate(said))

    def _use(self, request: Request, verdict: Next, answer: Answer, reader: Callable[[Answer], T]) -> T:
        if verdict is Next.USE:
            return self._caller.read(request, answer, reader)
        self._fail(request, verdict, answer)

    def _fail(self, request: Request, verdict: Next, answer: Answer) -> NoReturn:
        said = wire.read_error(answer)
        if wire.is_not_connected(said):
            reason = "procore_app_not_connected"
        elif verdict is Next.LOG_IN:
            reason = "procore_secret_rejected"
        elif verdict in (Next.FORBIDDEN, Next.ABSENT) or wire.NO_COMPANY in said.casefold():
            reason = "procore_permission_missing"
        else:
            reason = "vendor_answer_unreadable"
        raise NeedsAttention(reason, self._caller.describe(request, answer, said), answer.status)

    def _send(self, request: Request) -> tuple[Next, Answer]:
        """A 401 proves that nothing was done: the token is renewed once and the same call made again."""
        verdict, answer = self._caller.ask(request, self._headers())
        if verdict is Next.LOG_IN and not wire.is_not_connected(wire.read_error(answer)):
            self._account.renew()
            verdict, answer = self._caller.ask(request, self._headers())
        return verdict, answer

    def _headers(self) -> dict[str, str]:
        headers = {"Authorization": self._account.authorization()}
        if self._company_id is not None:
            headers["Procore-Company-Id"] = str(self._company_id)
        return headers


def _show(answer: Answer, project_id: int) -> DirectCost:
    return wire.read_direct_cost(answer.json(), project_id)


def _carries(found: DirectCost, wanted: Reference) -> bool:
    if wanted.scheme == "origin_id":
        return found.origin_id == wanted.reference
    return wanted.reference in found.description  # at its end, unless a person wrote something behind it
