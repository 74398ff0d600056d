"""A workbench in one project of a Procore company: makes marked draft expenses, and knows how to take them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.net.limiter import PROCORE_WINDOWS
from pex_procore.net.messages import Answer
from pex_procore.net.session import Session
from pex_procore.procore import coding, wire
from pex_procore.procore.auth import ServiceAccount
from tools.verify_sandbox.line import Line, ok
from tools.verify_sandbox.places import ProcorePlace
from tools.verify_sandbox.questions import CannotAsk
from tools.verify_sandbox.undo import Undo

MARK = "PEX-VERIFY"
LEFTOVERS_OF = timedelta(days=30)
AMOUNT = 1.23
MOST_PAGES = 50


class ProcoreBench:
    """`run_id` stands behind the mark in everything that is written."""

    def __init__(
        self,
        place: ProcorePlace,
        run_id: str,
        undo: Undo,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self.place, self.mark, self.undo = place, f"{MARK} {run_id}", undo
        self.clock, self.sleep = clock, sleep
        credentials = ProcoreCredentials(client_id=place.client_id, client_secret=place.client_secret)
        self.account = ServiceAccount(credentials, Session(place.login_url), clock=clock)
        self.line = Line(
            "Procore", place.url, self._headers, PROCORE_WINDOWS, wire.read_error,
            clock=clock, sleep=sleep, secrets=self.account.secrets,
        )  # fmt: skip
        self.said = self.line.said
        self.costs = wire.direct_costs_path(place.project_id)
        self._codes: list[int] | None = None
        self._vendor_id: int | None = None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self.account.authorization(), "Procore-Company-Id": str(self.place.company_id)}

    def company_name(self) -> str:
        answer = self.line.get("/rest/v1.0/companies", per_page=100)
        if not ok(answer):
            raise CannotAsk(f"the companies cannot be listed: {self.said(answer)}")
        names = {int(row["id"]): str(row.get("name")) for row in answer.json()}
        return names.get(self.place.company_id, "")

    def today(self) -> date:
        return self.clock().date()

    def reference(self, name: str) -> str:
        return f"{self.mark} {name}".replace(" ", "-").lower()

    def codes(self) -> list[int]:
        """Active budget codes of the project, at least one."""
        if self._codes is None:
            answer = self.line.send(coding.budget_codes(self.place.project_id))
            if not ok(answer):
                raise CannotAsk(f"the project's budget codes cannot be listed: {self.said(answer)}")
            found = coding.read_budget_codes(wire.read_rows(answer))
            self._codes = [code.wbs_code_id for code in found if code.active]
        if not self._codes:
            raise CannotAsk("the project has no active budget code")
        return self._codes

    def vendor_id(self) -> int:
        """One of the project's directory."""
        if self._vendor_id is None:
            path = f"/rest/v1.1/projects/{self.place.project_id}/vendors"
            answer = self.line.get(path, view="minimal", per_page=1)
            if not ok(answer) or not answer.json():
                raise CannotAsk(f"the project's directory names no vendor: {self.said(answer)}")
            self._vendor_id = int(answer.json()[0]["id"])
        return self._vendor_id

    def lines(self, *amounts: float, **more: Any) -> list[dict[str, Any]]:
        return [{"wbs_code_id": self.codes()[0], "manual_amount": amount, **more} for amount in amounts or (AMOUNT,)]

    def expense(self, **changes: Any) -> dict[str, Any]:
        """A draft that the connector could post. None takes a field away."""
        day = self.today().isoformat()
        body = {
            "direct_cost_type": "expense",
            "status": "draft",
            "direct_cost_date": day,
            "received_date": day,
            "description": f"{self.mark} made to ask a question, may be deleted",
            "vendor_id": self.vendor_id(),
            "line_items": self.lines(),
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def create(self, body: Mapping[str, Any], project_id: int | None = None, **how: Any) -> Answer:
        path = wire.direct_costs_path(project_id or self.place.project_id)
        answer = self.line.ask("POST", path, body={"direct_cost": body}, **how)
        if ok(answer):
            self.owe(int(answer.json()["id"]), project_id)
        return answer

    def made(self, **changes: Any) -> dict[str, Any]:
        answer = self.create(self.expense(**changes))
        if not ok(answer):
            raise CannotAsk(f"an expense could not be made: {self.said(answer)}")
        record: dict[str, Any] = answer.json()
        return record

    def change(self, cost_id: int, **changes: Any) -> Answer:
        return self.line.ask("PATCH", f"{self.costs}/{cost_id}", body={"direct_cost": changes})

    def shown(self, cost_id: int) -> dict[str, Any]:
        answer = self.line.get(f"{self.costs}/{cost_id}")
        if not ok(answer):
            raise CannotAsk(f"an expense could not be shown: {self.said(answer)}")
        record: dict[str, Any] = answer.json()
        return record

    def found(self, **query: object) -> Answer:
        return self.line.get(self.costs, **query)

    def delete(self, cost_id: int, project_id: int | None = None) -> Answer:
        return self.line.ask("DELETE", f"{wire.direct_costs_path(project_id or self.place.project_id)}/{cost_id}")

    def sync(self, what: str, rows: list[dict[str, Any]]) -> Answer:
        path = f"/rest/v1.0/projects/{self.place.project_id}/{what}/sync"
        answer = self.line.ask("PATCH", path, body={"updates": rows})
        if ok(answer) and what == "direct_costs":
            for row in answer.json().get("entities") or ():
                self.owe(int(row["id"]))
        return answer

    def owe(self, cost_id: int, project_id: int | None = None) -> None:
        where = project_id or self.place.project_id
        self.undo.owe(f"expense {cost_id} in project {where} of Procore", lambda: self._gone(cost_id, where))

    def _gone(self, cost_id: int, project_id: int) -> str:
        answer = self.delete(cost_id, project_id)
        if answer.status in (409, 429) or answer.status >= 500:
            self.sleep(2)
            answer = self.delete(cost_id, project_id)
        return "" if ok(answer) or answer.status == 404 else self.said(answer)

    def owe_leftovers(self) -> None:
        """Whatever carries our mark, also from earlier runs: an answer may have been lost, a process killed."""
        for project_id in (self.place.project_id, self.place.erp_project_id):
            if project_id is not None and not self._owe_leftovers_of(project_id, quoted=False):
                self._owe_leftovers_of(project_id, quoted=True)

    def _owe_leftovers_of(self, project_id: int, *, quoted: bool) -> bool:
        """Whether the list was read to its end."""
        start, end = self.clock() - LEFTOVERS_OF, self.clock() + timedelta(minutes=15)
        request = wire.direct_costs_created(project_id, start, end, quoted=quoted)
        for page in range(1, MOST_PAGES):
            query = [*request.query, ("page", page), ("per_page", 100)]
            answer = self.line.ask("GET", request.path, query=query)
            if not ok(answer):
                return False
            for row in answer.json():
                if str(row.get("description") or "").startswith(MARK):
                    self.owe(int(row["id"]), project_id)
            if not answer.json() or 'rel="next"' not in answer.headers.get("link", ""):
                return True
        return False
