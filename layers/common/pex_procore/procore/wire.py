"""Procore's requests and answers. Pure: no clock, no network. The coding lists are in `coding`."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pex_procore.domain.amendment import DirectCost, PostedLine
from pex_procore.domain.catalog import Company, Project, Vendor
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.money import parse_amount
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.net.messages import Answer, Request
from pex_procore.services.vendor_ports import ReceiptFile

PER_PAGE = 100
PROJECTS_PER_PAGE = 300  # documented
NOT_CONNECTED = ("not connected", "not installed")
TAKEN = ("taken", "unique", "already", "in use", "exists", "duplicate")
WEB_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?")
NO_COMPANY = "missing procore-company-id"


def me(company_id: int) -> Request:
    return get("/rest/v1.0/me", "say who the service account is", company_id=company_id)


def currency(company_id: int) -> Request:
    return get(f"/rest/v1.0/companies/{company_id}/currency_configuration", "tell the company's currency")


def web_address() -> Request:
    return get("/rest/v1.0/company_base_url", "tell where people see the company's records")


def companies() -> Request:
    return get("/rest/v1.0/companies", "list the companies")


def projects(company_id: int, *, templates: bool = False) -> Request:
    wanted = "true" if templates else "false"
    query = {"company_id": company_id, "filters[by_status]": "All", "filters[template]": wanted, "view": "normal"}
    return get("/rest/v1.1/projects", "list the projects", **query, per_page=PROJECTS_PER_PAGE)


def project(company_id: int, project_id: int) -> Request:
    return get(f"/rest/v1.0/projects/{project_id}", f"show project {project_id}", company_id=company_id)


def vendors(company_id: int, search: str = "") -> Request:
    query: dict[str, object] = {"company_id": company_id}
    if search:
        query["filters[search]"] = search
    return get("/rest/v1.0/vendors", "list the company's vendors", **query)


def vendor(company_id: int, vendor_id: int) -> Request:
    query = {"company_id": company_id, "filters[id][]": vendor_id}
    return get("/rest/v1.0/vendors", f"find vendor {vendor_id}", **query)


def create_direct_cost(draft: DirectCostDraft) -> Request:
    body: dict[str, Any] = {
        "direct_cost_type": "expense",
        "status": draft.status,
        "direct_cost_date": draft.date.isoformat(),
        "received_date": draft.date.isoformat(),  # decides the billing period (docs/behaviour.md#received-date)
        "description": draft.description,
        "vendor_id": draft.vendor_id,
    }
    if draft.scheme == "origin_id":
        body["origin_id"] = draft.reference
    body["line_items"] = [_line(line) for line in draft.lines]
    return Request(
        "POST",
        direct_costs_path(draft.project_id),
        f"create an expense in project {draft.project_id}",
        body=encode({"direct_cost": body}),
        seconds=60,
    )


def write_lines(
    project_id: int,
    direct_cost_id: int,
    changed: Iterable[tuple[int, LineDraft]],
    added: Iterable[LineDraft],
    kept: Iterable[int],
    status: ExpenseStatus | None,
) -> Request:
    rows = [
        *({"id": line_id} for line_id in kept),
        *({"id": line_id, **_line(line)} for line_id, line in changed),
        *map(_line, added),
    ]
    body = {**({"status": status} if status else {}), **({"line_items": rows} if rows else {})}
    return Request(
        "PATCH",
        f"{direct_costs_path(project_id)}/{direct_cost_id}",
        f"change expense {direct_cost_id} of project {project_id}",
        body=encode({"direct_cost": body}),
        seconds=60,
    )


def delete_line(project_id: int, direct_cost_id: int, line_id: int) -> Request:
    path = f"/rest/v1.0/projects/{project_id}/direct_costs/{direct_cost_id}/line_items/{line_id}"
    return Request("DELETE", path, f"remove a line of expense {direct_cost_id} of project {project_id}")


def _line(line: LineDraft) -> dict[str, Any]:
    body = {
        "wbs_code_id": line.wbs_code_id,
        "manual_amount": line.amount,
        "description": line.description,
        "ref": line.ref,
    }
    return {**body, "origin_id": line.origin_id} if line.origin_id else body


def add_vendor(project_id: int, vendor_id: int) -> Request:
    """From the company's directory into the project's."""
    path = f"/rest/v1.0/projects/{project_id}/vendors/{vendor_id}/actions/add"
    return Request("POST", path, f"add vendor {vendor_id} to project {project_id}", repeatable=True)


def direct_costs_by_origin(project_id: int, origin_id: str) -> Request:
    return _find(project_id, "filters[origin_id]", origin_id)


def direct_costs_created(project_id: int, start: datetime, end: datetime, *, quoted: bool) -> Request:
    return _find(project_id, "filters[created_at]", span(start, end, quoted=quoted))


def span(start: datetime, end: datetime, *, quoted: bool) -> str:
    """Procore's guides put a range in double quotes, others do without (docs/behaviour.md#date-ranges)."""
    text = "...".join(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end))
    return f'"{text}"' if quoted else text


def direct_costs_page(project_id: int) -> Request:
    """One row is enough to know whether the list can be read at all."""
    return get(direct_costs_path(project_id), f"list the expenses of project {project_id}", per_page=1)


def direct_cost(project_id: int, direct_cost_id: int) -> Request:
    doing = f"show expense {direct_cost_id} of project {project_id}"
    return get(f"{direct_costs_path(project_id)}/{direct_cost_id}", doing)


def attach(project_id: int, direct_cost_id: int, files: Sequence[ReceiptFile]) -> Request:
    """Nothing but the files: other parts of a multipart body are not documented to work."""
    content_type, body = multipart("attachments[]", files)
    return Request(
        "PATCH",
        f"{direct_costs_path(project_id)}/{direct_cost_id}",
        f"attach receipts to expense {direct_cost_id} of project {project_id}",
        body=body,
        content_type=content_type,
        seconds=120,
    )


def direct_costs_path(project_id: int) -> str:
    return f"/rest/v1.1/projects/{project_id}/direct_costs"


def get(path: str, doing: str, **query: object) -> Request:
    return Request("GET", path, doing, tuple((name, str(value)) for name, value in query.items()), repeatable=True)


def encode(value: object) -> bytes:
    """JSON in which a `Decimal` is a number with exactly its digits: 120.50 stays 120.50."""
    return _encode(value).encode()


def multipart(field: str, files: Sequence[ReceiptFile]) -> tuple[str, bytes]:
    """The content type and the body."""
    boundary = secrets.token_hex(16)
    blocks: list[bytes] = []
    for file in files:
        filename = file.filename.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
            f"Content-Type: {file.content_type}\r\n\r\n"
        )
        blocks += [head.encode(), file.content, b"\r\n"]
    blocks.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(blocks)


def read_error(answer: Answer) -> str:
    """Every sentence of an error body, whichever of Procore's many shapes it has (docs/behaviour.md#error-bodies)."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text()
    return join_sentences(said) or answer.text()


def join_sentences(said: Any) -> str:
    return "; ".join(dict.fromkeys(_sentences(said)))


def is_not_connected(message: str) -> bool:
    return any(sign in message.casefold() for sign in NOT_CONNECTED)


def is_duplicate(message: str) -> bool:
    """A refusal because our reference is in use. Others may name it too, e.g. where an ERP connector manages it."""
    lowered = message.casefold()
    return "already been taken" in lowered or ("origin" in lowered and any(sign in lowered for sign in TAKEN))


def read_rows(answer: Answer) -> list[dict[str, Any]]:
    rows = answer.json()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a list of objects")
    return rows


def read_rows_by_id(answer: Answer) -> dict[int, dict[str, Any]]:
    return {int(row["id"]): row for row in read_rows(answer)}


def read_end(answer: Answer, total: int | None) -> tuple[int | None, bool]:
    """How many rows there are in all, as far as Procore told on this page or before, and whether it says that this was
    the last page. Where a total is known it alone decides."""
    told = answer.headers.get("total", "")
    if told.isdecimal():
        total = int(told)
    last = "link" in answer.headers and 'rel="next"' not in answer.headers["link"].replace("'", '"')
    return total, last and total is None


def read_companies(rows: Iterable[Mapping[str, Any]]) -> list[Company]:
    return [
        Company(company_id=int(row["id"]), name=text(row.get("name")), active=row.get("is_active") is not False)
        for row in rows
    ]


def read_currency(answer: Answer) -> str | None:
    return text(answer.json()["currency_iso_code"]) or None


def read_web_address(answer: Answer) -> str | None:
    """It becomes a link in the page, so nothing but a plain https address will do."""
    told = text(answer.json()["web_base_url"]).rstrip("/")
    return told if WEB_ADDRESS.fullmatch(told) else None


def read_projects(rows: Iterable[Mapping[str, Any]]) -> list[Project]:
    return [_project(row) for row in rows if row.get("template") is not True and row.get("is_template") is not True]


def read_templates(rows: Iterable[Mapping[str, Any]]) -> list[Project]:
    return [_project(row).model_copy(update={"template": True}) for row in rows]


def read_project(answer: Answer) -> Project:
    return _project(answer.json())


def read_vendors(rows: Iterable[Mapping[str, Any]]) -> list[Vendor]:
    return [
        Vendor(vendor_id=int(row["id"]), name=text(row.get("name")), active=row.get("is_active") is not False)
        for row in rows
    ]


def read_direct_cost(row: Mapping[str, Any], project_id: int) -> DirectCost:
    """A row of a list or the whole record. Files and lines only come with the latter."""
    amount = row.get("grand_total")
    return DirectCost(
        direct_cost_id=int(row["id"]),
        project_id=project_id,
        amount=parse_amount(row["amount"] if amount is None else amount),
        date=_date(row.get("direct_cost_date")),
        description=text(row.get("description")),
        origin_id=text(row.get("origin_id")) or None,
        filenames=tuple(text(one.get("filename")) for one in row.get("attachments") or ()),
        deleted=row.get("deleted_at") is not None,
        status=text(row.get("status")),
        lines=tuple(map(_posted_line, row.get("line_items") or ())),
    )


def _posted_line(row: Mapping[str, Any]) -> PostedLine:
    wbs_code = row.get("wbs_code") or {}
    return PostedLine(
        line_id=int(row["id"]),
        wbs_code_id=int(wbs_code.get("id") or 0),
        amount=parse_amount(row["amount"]),
        origin_id=text(row.get("origin_id")) or None,
    )


def text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _find(project_id: int, name: str, value: str) -> Request:
    return get(direct_costs_path(project_id), f"find an expense in project {project_id}", **{name: value})


def _project(row: Mapping[str, Any]) -> Project:
    return Project(
        project_id=int(row["id"]),
        number=text(row.get("project_number")),
        name=text(row.get("name") or row.get("display_name")),
        active=row.get("active") is not False,
        demo=row.get("is_demo") is True,
        updated_at=_moment(row.get("updated_at")),
        erp_integrated=row.get("is_erp_integrated") is True,
    )


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(text(value)[:10])
    except ValueError:
        return None


def _encode(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_encode(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_encode, value)) + "]"
    return json.dumps(value, allow_nan=False)


def _sentences(said: Any, field: str = "", depth: int = 0) -> Iterable[str]:
    """`errors: {"origin_id": ["is taken"]}` reads "origin_id is taken"; wrapper names are left out."""
    if depth > 6:
        return
    if isinstance(said, str):
        if said.strip():
            yield f"{field} {said.strip()}".strip()
    elif isinstance(said, list):
        for one in said:
            yield from _sentences(one, field, depth + 1)
    elif isinstance(said, dict):
        for name, one in said.items():
            wrapper = name in ("errors", "error", "message", "reason", "details", "error_description", "base")
            if wrapper or field or depth > 0 or isinstance(one, list | dict):
                yield from _sentences(one, field if wrapper else str(name), depth + 1)
