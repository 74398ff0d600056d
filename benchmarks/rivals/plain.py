"""What every rival is given: PEX's rows as shares, Procore's bodies, both vendors over plain HTTP. They differ in what
they do about repeats, lost answers, limits and what a run costs, and in nothing else.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import requests

from benchmarks.market import Market
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN

EASTERN = ZoneInfo("America/New_York")
PATIENCE_SECONDS = 30
TOKEN_LIFE = timedelta(minutes=80)


class Failed(Exception):
    """An answer that is no success, or none at all. `status` None: no answer."""

    def __init__(self, status: int | None, reset_at: float | None = None, text: str = "") -> None:
        super().__init__(f"{status} {text[:120]}")
        self.status = status
        self.reset_at = reset_at


@dataclass(frozen=True)
class Row:
    """A settled purchase that is coded completely."""

    transaction_id: int
    account_id: int
    merchant: str
    date: str
    notes: tuple[str, ...]
    shares: tuple[tuple[Decimal, int, str, str], ...]  # signed dollars, project id, cost code, cost type id

    def projects(self) -> dict[int, list[tuple[Decimal, str, str]]]:
        found: dict[int, list[tuple[Decimal, str, str]]] = defaultdict(list)
        for amount, project_id, code, kind in self.shares:
            found[project_id].append((amount, code, kind))
        return found


class Vendors:
    def __init__(self, market: Market) -> None:
        self.time = market.time
        self.vendor_id = market.names.vendor_id
        self._tags = market.names.tags
        self._urls = market.pex.api_url, market.procore.api_url, market.procore.login_url
        self._http = requests.Session()
        self._token: tuple[str, datetime] | None = None
        self._kinds = {str(id): code for code, id in market.names.types.items()}
        self._budget_codes: dict[int, dict[str, int]] = {}

    # PEX

    def pex(self, method: str, path: str, **more: Any) -> Any:
        return self._ask(method, f"{self._urls[0]}/v4{path}", {"Authorization": f"token {PEX_TOKEN}"}, **more)

    def rows(self, start: datetime, end: datetime) -> list[Row]:
        """Those that are ready, oldest first."""
        span = {
            "StartDate": start.astimezone(EASTERN).strftime("%Y-%m-%dT%H:%M:%S"),
            "EndDate": end.astimezone(EASTERN).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        listed = self.pex("GET", "/Details/AllCardholderTransactions", params=span)["TransactionList"]
        rows = (self._row(one) for one in listed if one["SettlementTime"] and one["TransactionType"] == "Network")
        return [row for row in rows if row is not None]

    def _row(self, raw: Mapping[str, Any]) -> Row | None:
        amount = -Decimal(str(raw["TransactionAmount"]))
        sign = -1 if amount < 0 else 1
        tags = (raw["TransactionTags"] or {}).get("Tags") or []
        splits = [json.loads(one["Value"]) for one in tags if str(one["Value"]).startswith("{")]
        parts = [
            (Decimal(str(one["Amount"])), {two["TagId"]: two["Value"] for two in one["Allocation"]}) for one in splits
        ]
        parts = parts or [(abs(amount), {one["FieldId"]: one["Value"] for one in tags})]
        shares = []
        for share, values in parts:
            project, code, kind = (values.get(self._tags[name]) for name in ("project", "cost_code", "cost_type"))
            if not (project and code and kind):
                return None
            shares.append((sign * share, int(project), str(code), str(kind)))
        return Row(
            transaction_id=int(raw["TransactionId"]),
            account_id=int(raw["AcctId"]),
            merchant=raw["MerchantName"].strip(),
            date=raw["SettlementTime"][:10],
            notes=tuple(note["NoteText"] for note in raw["TransactionNotes"] or []),
            shares=tuple(shares),
        )

    def receipts(self, transaction_id: int) -> list[tuple[str, bytes]]:
        """Names, derived from PEX's ids, and contents."""
        try:
            listed = self.pex("GET", f"/Transactions/{transaction_id}/Attachments")["Attachments"]
        except Failed as failed:
            if failed.status == 404:
                return []
            raise
        found = []
        for one in listed:
            path = f"/Transactions/{transaction_id}/Attachment/{one['AttachmentId']}"
            content = self.pex("GET", path, params={"AttachmentLinkType": "Full"})["Content"]
            found.append((f"{one['AttachmentId']}.jpg", base64.b64decode(content)))
        return found

    # Procore

    def procore(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._bearer()}", "Procore-Company-Id": str(COMPANY_ID)}
        return self._ask(method, self._urls[1] + path, headers, **more)

    def budget_code(self, project_id: int, code: str, kind: str) -> int:
        """Read once for each project, as a script would keep them."""
        if project_id not in self._budget_codes:
            path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
            rows = self.procore("GET", path, params={"per_page": 100})
            self._budget_codes[project_id] = {row["flat_code"]: row["id"] for row in rows}
        return self._budget_codes[project_id][f"{code}.{self._kinds[kind]}"]

    def post(self, row: Row, project_id: int, origin_id: str | None = None) -> int:
        """The new direct cost's id."""
        lines = [
            {"wbs_code_id": self.budget_code(project_id, code, kind), "quantity": 1, "unit_cost": float(amount)}
            for amount, code, kind in row.projects()[project_id]
        ]
        body: dict[str, Any] = {
            "direct_cost_type": "expense",
            "status": "draft",
            "direct_cost_date": row.date,
            "vendor_id": self.vendor_id,
            "description": f"{row.merchant} - PEX {row.transaction_id}",
            "line_items": lines,
        }
        if origin_id:
            body["origin_id"] = origin_id
        made = self.procore("POST", costs(project_id), json={"direct_cost": body})
        return int(made["id"])

    def find(self, project_id: int, origin_id: str) -> int | None:
        found = self.procore("GET", costs(project_id), params={"filters[origin_id]": origin_id})
        return int(found[0]["id"]) if found else None

    def attached(self, project_id: int, direct_cost_id: int) -> set[str]:
        shown = self.procore("GET", f"{costs(project_id)}/{direct_cost_id}")
        return {one["filename"] for one in shown["attachments"]}

    def attach(self, project_id: int, direct_cost_id: int, files: list[tuple[str, bytes]]) -> None:
        parts = [("attachments[]", (name, content, "image/jpeg")) for name, content in files]
        self.procore("PATCH", f"{costs(project_id)}/{direct_cost_id}", files=parts)

    def _bearer(self) -> str:
        if self._token is None or self._token[1] <= self.time():
            body = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            made = self._ask("POST", f"{self._urls[2]}/oauth/token", {}, json=body)
            self._token = made["access_token"], self.time() + TOKEN_LIFE
        return self._token[0]

    def _ask(self, method: str, url: str, headers: dict[str, str], **more: Any) -> Any:
        try:
            answer = self._http.request(method, url, headers=headers, timeout=PATIENCE_SECONDS, **more)
        except requests.RequestException as error:
            raise Failed(None, text=str(error)) from error
        if not answer.ok:
            reset = answer.headers.get("X-Rate-Limit-Reset")
            raise Failed(answer.status_code, float(reset) if reset else None, answer.text)
        return answer.json()


def costs(project_id: int) -> str:
    return f"/rest/v1.1/projects/{project_id}/direct_costs"
