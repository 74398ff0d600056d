"""The page without what is behind it: its own files, and answers of the API told beforehand."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from playwright.sync_api import Route

from pex_procore.domain.checks import (
    check_budget_codes,
    check_direct_costs,
    check_directory,
    check_permissions,
    check_projects,
    check_webhooks,
)
from pex_procore.domain.reasons import REASONS
from tests.flow.process import load_app
from tests.functions.events import load_event

URL = "http://127.0.0.1:9/"  # nobody listens there; every request is answered here
Answer = tuple[int, Any]
NOW = datetime.now(UTC).replace(microsecond=0)


def at(minutes: float) -> str:
    """So many minutes from now; negative: ago."""
    return (NOW + timedelta(minutes=minutes)).isoformat()


def help_for(reason: str | None) -> dict[str, str] | None:
    known = REASONS.get(reason or "")
    return {"text": known.text, "actor": known.actor, "what_to_do": known.todo} if known else None


def problem(status: int, code: str, detail: str = "", field: str | None = None, **more: Any) -> Answer:
    known = REASONS.get(code)
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "field": field}
    body |= {"detail": detail or (known.text if known else code), "what_to_do": known.todo if known else "Try again."}
    return status, body | more


SETTINGS: dict[str, Any] = {
    "sync_projects": True, "sync_cost_codes": True, "sync_cost_types": True, "sync_expenses": True,
    "attach_receipts": True, "receipt_limit_mb": 20, "transactions": "approved", "vendor_id": 3411801,
    "project_ids": [], "include_inactive_projects": False, "include_demo_projects": False,
    "include_template_projects": False, "rename_options": True,
    "tags": {"project": None, "cost_code": None, "cost_type": None}, "start_date": "2026-05-04",
    "expense_status": "draft", "post_date": "settlement", "reference": "auto",
    "defaults": {"project": None, "cost_code": None, "cost_type": None}, "automatic_sync": True, "write_notes": True,
    "update_expenses": True,
}  # fmt: skip

PERMISSIONS = [check.model_copy(update={"status": "ok"}).model_dump() for check in check_permissions(None)]
TOOLS = [
    check.model_copy(update={"status": "ok", "message": ""}).model_dump()
    for check in (
        check_projects([]), check_directory(True), check_direct_costs([]), check_budget_codes(True),
        check_webhooks(True, True),
    )
]  # fmt: skip


def run(
    run_id: str = "r-1", kind: str = "transactions", verdict: str | None = "success", **more: Any
) -> dict[str, Any]:
    counts = {"posted": 7, "waiting": 2, "receipts_attached": 5} if kind == "transactions" else {"project_added": 2}
    told = {"run_id": run_id, "kind": kind, "trigger": "sweep", "status": "finished", "verdict": verdict,
            "counts": counts, "reasons": {}, "message": "", "since": None,
            "started_at": at(-9), "finished_at": at(-8)}  # fmt: skip
    return told | more


def connection(**more: Any) -> dict[str, Any]:
    told = {
        "business_id": 98703, "business_name": "Bluestone Contracting LLC", "status": "active",
        "set_up": {"tags": True, "credentials": True, "company": True, "settings": True, "active": True},
        "session": {"username": "pat.lee@bluestone.example"},
        "pex": {
            "username": "pat.lee@bluestone.example", "token_expires_at": at(60 * 24 * 120), "problem": None,
            "warning": None, "help": None, "callbacks": "subscribed", "has_callback_secret": True, "checked_at": at(-3),
            "permissions": PERMISSIONS,
        },
        "procore": {
            "company_id": 4267118, "company_name": "Bluestone Contracting", "has_credentials": True, "problem": None,
            "help": None, "checked_at": at(-3),
            "tools": TOOLS,
        },
        "tags": {
            "checked_at": at(-3),
            "project": tag("11", "Procore Projects", required=False, options=37),
            "cost_code": tag("12", "Procore Cost Codes", options=412),
            "cost_type": tag("13", "Procore Cost Types", options=7),
        },
        "attention": [],
        "counts": {"exception": {"n": 1, "more": False}, "waiting": {"n": 5, "more": False},
                   "refused": {"n": 3, "more": False}, "posted": {"n": 2, "more": False},
                   "complete": {"n": 1000, "more": True}, "announced": {"n": 0, "more": False},
                   "ignored": {"n": 0, "more": False}},
        "quota": {"remaining": 412, "limit": 600, "resets_at": at(31)},
        "schedule": {"next_transactions_at": at(6), "next_tags_at": at(20)},
        "running": None,
        "last_runs": [
            run(), run("r-2", "tags", started_at=at(-24), finished_at=at(-23)),
            run("r-3", verdict="partial", started_at=at(-39), counts={"posted": 97, "failed": 3}),
            run("r-4", verdict="failed", started_at=at(-60 * 30), counts={}, 
                message="Procore rejected the client id or secret."),
        ],
    }  # fmt: skip
    return told | more


def tag(
    tag_id: str | None, name: str, status: str = "found", required: bool = True, options: int = 12
) -> dict[str, Any]:
    return {
        "id": tag_id,
        "name": name,
        "expected_name": name,
        "status": status,
        "required": required,
        "options": options,
    }


def attention(code: str, side: str) -> dict[str, Any]:
    return {"code": code, "side": side, **(help_for(code) or {})}


PURCHASES = [
    (419082231, "complete", None, 120.50, "HOME DEPOT PRO 6401 ALLENTOWN", "Luis Ortega"),
    (419082232, "posted", None, 219.30, "SHERWIN-WILLIAMS 708412", "Minh Tran"),
    (419082233, "waiting", "missing_project", 48.17, "WAWA 8121", "Dana Whitaker"),
    (419082234, "waiting", "not_approved", 1310.00, "SUNBELT RENTALS #0231", "Marcus Bell"),
    (419082235, "exception", "refused_by_procore", 76.02, "FASTENAL COMPANY01", "Priya Raman"),
    (419082236, "exception", "deleted_in_procore", 18.40, "LOWE'S PRO 1120", "Tom Kowalski"),
    (419082237, "refused", "not_a_purchase", -25.00, "", "Angela Ruiz"),
    (419082238, "ignored", None, 9.99, "STARBUCKS STORE 11042", "Derek Olson"),
    (419082239, "complete", None, -40.00, "GRAINGER INDUSTRIAL SUPPLY", "Shauna Begay"),
]  # fmt: skip
ACTIONS = {
    "waiting": ["retry", "ignore"],
    "exception": ["retry", "ignore"],
    "refused": ["ignore"],
    "ignored": ["retry"],
}


def transaction(
    id: int, state: str, reason: str | None, amount: float, merchant: str, cardholder: str
) -> dict[str, Any]:
    posted = state in ("posted", "complete") or reason == "deleted_in_procore"
    return {
        "transaction_id": id, "state": state, "reason": reason, "help": help_for(reason), "amount": amount,
        "detail": "Line 1: the budget code 01-500.M is not active." if reason == "refused_by_procore" else "",
        "merchant": merchant, "cardholder": cardholder, "account_id": 1234, "date": "2026-11-20",
        "transacted_at": "2026-11-19T15:02:11-05:00", "settled_at": "2026-11-20T03:11:00-05:00",
        "direct_costs": [
            {"project_id": 2310429, "direct_cost_id": 71600023, "reference": f"pex:98703:{id}:2310429",
             "amount": amount, "project_name": "25-014 · Route 9 Bridge Rehabilitation",
             "state": "posted", "url": "https://app.procore.com/2310429/project/direct_costs/71600023"}
        ] if posted else [],
        "receipts": [{"filename": "receipt-1.jpg", "state": "attached", "reason": None}] if posted else [],
        "updated_at": at(-8),
    }  # fmt: skip


def opened(row: dict[str, Any]) -> dict[str, Any]:
    tags = {
        "project": "25-014 - Route 9 Bridge Rehabilitation",
        "cost_code": "01-500 Temporary Facilities",
        "cost_type": "Materials (M)",
    }
    steps = [("announced", "callback"), ("posting", "intent"), ("posted", "posted 71600023"), ("complete", "")]
    held = [("announced", "callback"), (row["state"], row["reason"] or "")]
    timeline = [
        {"at": at(-30 + index * 6), "to": to, "cause": cause, "run_id": "r-1"}
        for index, (to, cause) in enumerate(steps if row["direct_costs"] else held)
    ]
    if row["reason"] == "deleted_in_procore":
        timeline.append({"at": at(-2), "to": "exception", "cause": "deleted_in_procore", "run_id": "r-1"})
    actions = ["post_again"] if row["reason"] == "deleted_in_procore" else []
    actions += ACTIONS.get(row["state"], [])
    parts = [{"amount": row["amount"], "tags": {} if row["reason"] == "missing_project" else tags}]
    return row | {"timeline": timeline, "former_direct_costs": [], "allocations": parts, "actions": actions}


def item(row: dict[str, Any], outcome: str) -> dict[str, Any]:
    names = ("transaction_id", "amount", "merchant", "reason", "help", "detail")
    return {**{name: row[name] for name in names}, "outcome": outcome, "receipts": 0, "receipts_failed": 0}


def run_detail(run_id: str, items: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    return run(run_id, **({"progress": None, "items": list(items), "next": None} | more))


DRY_RUN = {
    "dry_run": {
        "counts": {"would_post": 1, "waiting": 1}, "amount": 120.5, "more": False,
        "items": [
            {"transaction_id": 1, "date": "2026-11-20", "merchant": "HOME DEPOT", "cardholder": "Luis Ortega",
             "amount": 120.5, "outcome": "would_post", "reason": None, "detail": "", "help": None},
            {"transaction_id": 2, "date": "2026-11-21", "merchant": "WAWA 8121", "cardholder": "Dana Whitaker",
             "amount": 48.17, "outcome": "waiting", "reason": "missing_project", "detail": "",
             "help": help_for("missing_project")},
        ],
    },
}  # fmt: skip

PROJECT_WORDS = ("Bridge", "School", "Hospital", "Lofts", "Garage", "Library", "Plant", "Terminal", "Court", "Tower")


def projects(count: int) -> dict[str, Any]:
    rows = [
        {
            "id": 2310000 + n,
            "demo": False,
            "template": False,
            "number": f"25-{n:04}",
            "name": f"{PROJECT_WORDS[n % 10]} {n // 10 + 1}",
            "active": n % 97 != 0,
        }
        for n in range(1, count + 1)
    ]
    return {"items": rows}


@cache
def file(path: str) -> tuple[int, dict[str, str], str]:
    event = load_event("dashboard")
    event["requestContext"]["path"] = "/dev" + path
    if found := re.fullmatch(r"/static/(.*)", path):
        event["pathParameters"] = {"proxy": found[1]}
    answer = load_app("dashboard").handler(event, None)
    return answer["statusCode"], answer["headers"], answer["body"]


class Canned:
    """What the API answers. `answers[method, path]`: a status and a body, or a function of the request's body."""

    def __init__(self, **changes: Any) -> None:
        rows = [transaction(*one) for one in PURCHASES]
        run_items = [item(rows[0], "posted"), item(rows[2], "waiting"), item(rows[4], "failed")]
        self.settings = SETTINGS | changes.pop("settings", {})
        self.version = 7
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[tuple[str, str], Answer | Callable[[Any], Answer]] = {
            ("GET", "connection"): (200, connection(**changes)),
            ("GET", "sessions/options"): (200, {"pex_login": True}),
            ("POST", "sessions"): (201, {"business_id": 98703, "business_name": "Bluestone Contracting LLC"}),
            ("DELETE", "sessions/current"): (200, {}),
            ("GET", "settings"): lambda body: (200, self.settings),
            ("PATCH", "settings"): self._save,
            ("GET", "procore/vendors"): (200, {"items": [
                {"id": 3411801, "name": "PEX Card Purchases", "active": True},
                {"id": 3411802, "name": "Home Depot Pro", "active": True},
                {"id": 3411812, "name": "Old Colony Lumber", "active": False}]}),
            ("GET", "procore/projects"): (200, projects(40)),
            ("GET", "procore/cost-types"): (200, {"items": [{"id": 3, "code": "M", "name": "Materials"}]}),
            ("GET", "pex/tags"): (200, {"items": [
                {"id": "11", "name": "Procore Projects", "type": "Dropdown", "usable": True, "options": 37},
                {"id": "12", "name": "Procore Cost Codes", "type": "Dropdown", "usable": True, "options": 412},
                {"id": "13", "name": "Procore Cost Types", "type": "Dropdown", "usable": True, "options": 7}]}),
            ("GET", "reasons"): (200, {"items": [{"code": code, **(help_for(code) or {})} for code in REASONS]}),
            ("GET", "transactions"): (200, {"items": rows, "next": None}),
            ("GET", "runs"): (200, {"items": connection()["last_runs"], "next": None}),
            ("GET", "runs/r-3"): (200, run_detail(
                "r-3", run_items, verdict="partial", counts={"posted": 1, "waiting": 1, "failed": 1})),
            ("POST", "runs"): (202, {"run_id": "r-9"}),
            **{("GET", f"transactions/{row['transaction_id']}"): (200, opened(row)) for row in rows},
        }  # fmt: skip

    def _save(self, body: Any) -> Answer:
        self.settings = self.settings | body
        self.version += 1
        return 200, self.settings

    def answer(self, route: Route) -> None:
        """For a browser context's `route("**/*", …)`."""
        request, address = route.request, urlsplit(route.request.url)
        if not address.path.startswith("/v1/"):
            status, headers, text = file(address.path)
            return route.fulfill(status=status, headers=headers, body=text)
        path = unquote(address.path.removeprefix("/v1/"))
        body = json.loads(request.post_data) if request.post_data else dict(parse_qsl(address.query))
        self.asked.append((request.method, path, body))
        found = self.answers.get((request.method, path), problem(404, "not_found", "There is no such thing."))
        status, told = copy.deepcopy(found(body) if callable(found) else found)
        kind = "application/json" if status < 400 else "application/problem+json"
        route.fulfill(status=status, json=told, headers={"Content-Type": kind, "ETag": f'"{self.version}"'})
