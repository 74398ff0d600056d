"""What makes a direct cost acceptable. Every function changes the draft it is given and raises a Refusal when a rule
is broken; callers draft on a copy, so a refused request leaves no trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from local.simulators.procore.answers import Refusal, bad_request, invalid
from local.simulators.procore.bodies import Upload, checked
from local.simulators.procore.core import Core
from local.simulators.procore.wbs_routes import make_wbs_code
from local.simulators.procore.world import Attachment, DirectCost, Line, Project

MAX_NESTED_LINES = 100
MAX_SYNC_ROWS = 1000
STATUSES = ("draft", "pending", "revise_and_resubmit", "approved")
TYPES = ("invoice", "expense", "payroll")

HEADER: dict[str, Any] = {
    "description": str,
    "direct_cost_date": date,
    "employee_id": int,
    "origin_data": str,
    "origin_id": str,
    "payment_date": date,
    "received_date": date,
    "status": STATUSES,
    "terms": str,
    "vendor_id": int,
}
CREATE_V10 = HEADER | {"direct_cost_type": TYPES, "invoice_number": str}
UPDATE_V10 = HEADER | {"invoice_number": str}
CREATE_V11 = HEADER | {
    "direct_cost_type": (*TYPES, "subcontractor_invoice"),
    "invoice_number": str,
    "line_items": list,
    "currency_configuration": dict,
}
UPDATE_V11 = HEADER | {"line_items": list}
SYNC = CREATE_V10 | {"id": int, "currency_iso_code": str, "currency_exchange_rate": Decimal}
SIMPLE = (
    "description", "direct_cost_date", "employee_id", "origin_data", "payment_date", "received_date", "status", "terms",
    "vendor_id", "origin_id",
)  # fmt: skip

LINE_COMMON: dict[str, Any] = {
    "wbs_code_id": int,
    "description": str,
    "direct_cost_id": int,
    "origin_data": str,
    "origin_id": str,
    "quantity": Decimal,
    "unit_cost": Decimal,
    "uom": str,
    "tax_code_id": int,
    "funding_rule_id": int,
}
NESTED_NEW = LINE_COMMON | {"manual_amount": Decimal, "ref": str}
NESTED_CHANGED = NESTED_NEW | {"id": int}
LINE_V10 = LINE_COMMON | {
    "amount": Decimal,
    "cost_code_id": int,
    "line_item_type_id": int,
    "extended_type": ("manual", "calculated"),
}
LINE_SYNC = LINE_V10 | {"id": int}


def new_cost(core: Core, project: Project, client_id: str, given: Mapping[str, Any]) -> DirectCost:
    """A draft without an id yet; `commit` gives it one."""
    kind = given.get("direct_cost_type")
    if kind is None:
        raise Refusal(core.switches.missing_type_status, {"errors": {"direct_cost_type": ["can't be blank"]}})
    if kind == "subcontractor_invoice" and not core.switches.subcontractor_invoices:
        raise invalid(direct_cost_type="is not included in the list")
    now = core.now()
    cost = DirectCost(0, project.company_id, project.id, client_id, kind, core.switches.default_status, now, now)
    fill_header(core, project, cost, given)
    return cost


def commit(core: Core, cost: DirectCost) -> DirectCost:
    if not cost.id:
        cost.id = core.world.next_id("direct_cost")
    else:
        cost.updated_at = core.now()
    core.world.direct_costs[cost.id] = cost
    return cost


def not_locked(core: Core, cost: DirectCost) -> None:
    if core.switches.origin_id_locks_record and cost.origin_id is not None:
        raise invalid(base="This record is locked by the ERP integration and cannot be updated.")
    if core.switches.approved_locks_record and cost.status == "approved":
        raise invalid(base="This record is approved and cannot be updated.")


def fill_header(core: Core, project: Project, cost: DirectCost, given: Mapping[str, Any]) -> None:
    switches = core.switches
    old_vendor_id = cost.vendor_id
    for name in SIMPLE:
        if name in given:
            setattr(cost, name, given[name])
    is_invoice = cost.direct_cost_type in ("invoice", "subcontractor_invoice")
    if "invoice_number" in given and (is_invoice or switches.keep_invoice_number_on_expense):
        cost.invoice_number = given["invoice_number"]
    if is_invoice:
        missing = {
            field: ["can't be blank"]
            for field, value in (("vendor", cost.vendor_id), ("invoice_number", cost.invoice_number))
            if not value
        }
        if missing:
            raise Refusal(422, {"errors": missing})
        _unique_invoice_number(core, cost)
    if cost.vendor_id is not None and cost.vendor_id != old_vendor_id:
        _vendor(core, project, cost.vendor_id)
    if given.get("employee_id") is not None:
        raise invalid(employee="is not a contact of this project")
    if len(cost.description or "") > switches.description_max:
        raise invalid(description=f"is too long (maximum is {switches.description_max} characters)")
    if given.get("origin_id") is not None:
        if project.is_erp_integrated and switches.erp_project_refuses_origin_id:
            raise invalid(origin_id="is managed by the ERP integration")
        taken = (
            other.origin_id
            for other in core.world.direct_costs.values()
            if other.company_id == cost.company_id and other.id != cost.id and counts(core, other)
        )
        _origin_id(core, given["origin_id"], taken)


def counts(core: Core, cost: DirectCost) -> bool:
    """Whether its origin ids are still reserved."""
    return cost.deleted_at is None or not core.switches.origin_id_free_after_delete


def _origin_id(core: Core, origin_id: str, taken: Iterable[str | None]) -> None:
    if not origin_id or len(origin_id) > core.switches.origin_id_max:
        raise invalid(origin_id=f"must have 1 to {core.switches.origin_id_max} characters")
    if core.switches.refuse_duplicate_origin_id and origin_id in taken:
        raise invalid(origin_id="has already been taken")


def _unique_invoice_number(core: Core, cost: DirectCost) -> None:
    for other in core.world.living_direct_costs(cost.company_id):
        same = (other.project_id, other.vendor_id, other.invoice_number)
        if other.id != cost.id and same == (cost.project_id, cost.vendor_id, cost.invoice_number):
            raise invalid(invoice_number="has already been taken")


def _vendor(core: Core, project: Project, vendor_id: int) -> None:
    vendor = core.world.vendors.get(vendor_id)
    if vendor is None or vendor.company_id != project.company_id:
        raise invalid(vendor="is invalid")
    if not vendor.is_active:
        raise invalid(vendor="is inactive")
    if core.switches.vendor_must_be_on_project and project.id not in vendor.project_ids:
        raise invalid(vendor="is not in the project directory")


def fill_nested_lines(
    core: Core, project: Project, cost: DirectCost, rows: list[Any], *, updating: bool
) -> dict[int, str]:
    """Adds (or with an id changes) lines; what becomes of lines left out is a switch. Answers line id → ref."""
    if len(rows) > MAX_NESTED_LINES:
        text = f"is too long (maximum is {MAX_NESTED_LINES} line items)"
        raise Refusal(core.switches.too_many_lines_status, {"errors": {"line_items": [text]}})
    refs: dict[int, str] = {}
    named: set[int] = set()
    for position, row in enumerate(rows):
        where = f"line_items[{position}]"
        given = checked(core, row, NESTED_CHANGED if updating else NESTED_NEW, where)
        old = next((line for line in cost.lines if line.id == given.get("id")), None)
        if given.get("id") is not None and old is None:
            raise Refusal(422, {"errors": {f"{where}.id": ["Entity with this ID not found"]}})
        if "manual_amount" in given:
            given |= {"amount": given["manual_amount"], "extended_type": "manual"}
        line = fill_line(core, project, cost, old, given, allow_pair=False)
        named.add(line.id)
        if given.get("ref") is not None:
            refs[line.id] = given["ref"]
    if rows and core.switches.lines_left_out_go:
        cost.lines = [line for line in cost.lines if line.id in named]
    return refs


def fill_line(
    core: Core, project: Project, cost: DirectCost, old: Line | None, given: Mapping[str, Any], *, allow_pair: bool
) -> Line:
    """One line made or changed. `allow_pair`: cost code and cost type may stand in for the budget code (v1.0 only)."""
    now = core.now()
    line = old
    if line is None:
        line = Line(core.world.next_id("line"), 0, Decimal(), now, now)
    if {"wbs_code_id", "cost_code_id", "line_item_type_id"} & given.keys() or old is None:
        line.wbs_code_id = _budget_code(core, project, given, allow_pair)
    for name in ("description", "origin_data", "quantity", "unit_cost", "uom"):
        if name in given:
            setattr(line, name, given[name])
    if given.get("tax_code_id") is not None or given.get("funding_rule_id") is not None:
        raise invalid(tax_code="is invalid")
    _amount(core, line, given)
    if given.get("origin_id") is not None:
        taken = (
            other.origin_id
            for owner in [*core.world.direct_costs.values(), cost]
            if owner.company_id == cost.company_id and counts(core, owner)
            for other in owner.lines
            if other.id != line.id
        )
        _origin_id(core, given["origin_id"], taken)
        line.origin_id = given["origin_id"]
    line.updated_at = now
    if old is None:
        cost.lines.append(line)
    return line


def _amount(core: Core, line: Line, given: Mapping[str, Any]) -> None:
    kind = given.get("extended_type") or ("manual" if "amount" in given else line.extended_type)
    if kind == "manual" and "amount" in given:
        amount = given["amount"]
    elif "quantity" in given or "unit_cost" in given:
        kind, amount = "calculated", (line.quantity or Decimal()) * (line.unit_cost or Decimal())
    else:
        return
    if core.switches.refuse_fractional_cents and amount != core.cents(amount):
        raise invalid(amount="must have at most two decimals")
    if amount < 0 and not core.switches.allow_negative_amounts:
        raise invalid(amount="must be greater than or equal to 0")
    line.extended_type, line.amount = kind, core.cents(amount)


def _budget_code(core: Core, project: Project, given: Mapping[str, Any], allow_pair: bool) -> int:
    wbs_code_id = given.get("wbs_code_id")
    if wbs_code_id is None and allow_pair:
        return _budget_code_of_pair(core, project, given)
    if wbs_code_id is None:
        raise invalid(wbs_code_id="can't be blank")
    code = core.world.wbs_codes.get(wbs_code_id)
    if code is None or code.project_id != project.id or code.cost_code_id is None:
        raise invalid(wbs_code="does not belong to this project")
    if code.status != "active":
        raise invalid(wbs_code="is inactive")
    return code.id


def _budget_code_of_pair(core: Core, project: Project, given: Mapping[str, Any]) -> int:
    code = core.world.cost_codes.get(given.get("cost_code_id") or 0)
    kind = core.world.line_item_types.get(given.get("line_item_type_id") or 0)
    if code is None or code.project_id != project.id or code.deleted_at is not None:
        raise invalid(cost_code="does not belong to this project")
    if kind is None or kind.company_id != project.company_id:
        raise invalid(line_item_type="does not belong to this company")
    found = core.world.find_wbs_code(project.id, code.id, kind.id)
    if found is None and not core.switches.lines_create_wbs_codes:
        raise invalid(wbs_code="does not exist")
    if found is not None and found.status != "active":
        raise invalid(wbs_code="is inactive")
    return make_wbs_code(core, project, code.id, kind.id).id


def attach(core: Core, cost: DirectCost, uploads: list[Upload]) -> None:
    if uploads and core.switches.attachments_replace:
        cost.attachments.clear()
    for upload in uploads:
        made = Attachment(
            core.world.next_id("attachment"),
            upload.filename,
            upload.content_type,
            len(upload.content),
            upload.sha256,
            core.now(),
        )
        cost.attachments.append(made)


def sync_rows(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise bad_request("param is missing or the value is empty: updates")
    if len(given) > MAX_SYNC_ROWS:
        raise bad_request(f"updates holds more than {MAX_SYNC_ROWS} rows")
    return given
