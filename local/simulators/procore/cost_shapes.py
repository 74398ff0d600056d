"""Direct costs and their lines as Procore shows them: the list row, v1.1 and v1.0 shows, nested and v1.0 lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.simulators.procore.core import day, decimal_text, moment
from local.simulators.procore.shapes import WbsShapes, type_row
from local.simulators.procore.world import Attachment, DirectCost, Line, World

CURRENCY = {"currency_iso_code": "USD", "currency_exchange_rate": None, "base_currency_iso_code": "USD"}
ONLY_V11 = ("company", "project", "line_items", "synced", "has_workflows")


def _common(world: World, cost: DirectCost) -> dict[str, Any]:
    vendor = world.vendors[cost.vendor_id] if cost.vendor_id is not None else None
    total = decimal_text(cost.grand_total)
    return {
        "id": cost.id,
        "created_at": moment(cost.created_at),
        "updated_at": moment(cost.updated_at),
        "deleted_at": moment(cost.deleted_at),
        "description": cost.description,
        "direct_cost_type": cost.direct_cost_type,
        "direct_cost_date": day(cost.direct_cost_date),
        "received_date": day(cost.received_date),
        "payment_date": day(cost.payment_date),
        "status": cost.status,
        "terms": cost.terms,
        "invoice_number": cost.invoice_number,
        "employee": None,
        "vendor_id": cost.vendor_id,
        "vendor_name": vendor.name if vendor else None,
        "grand_total": total,
        "origin_id": cost.origin_id,
        "origin_data": cost.origin_data,
        "currency_configuration": dict(CURRENCY),
        "tax_breakdown": {"subtotal": total, "tax_total": "0.0", "grand_total": total, "tax_details": []},
    }


def cost_row(world: World, cost: DirectCost) -> dict[str, Any]:
    """In a list the vendor is a name; lines and attachments are absent."""
    row = _common(world, cost)
    return row | {"amount": row["grand_total"], "vendor": row["vendor_name"]}


def shown_cost(world: World, cost: DirectCost, refs: Mapping[int, str] | None = None) -> dict[str, Any]:
    """v1.1. `refs`: line id → the ref of the request that is being answered; it is kept nowhere."""
    company, project = world.companies[cost.company_id], world.projects[cost.project_id]
    shown = _common(world, cost)
    return shown | {
        "attachments": [attachment_shape(attachment) for attachment in cost.attachments],
        "attachments_count": len(cost.attachments),
        "company": {"id": company.id, "name": company.name},
        "project": {"id": project.id, "name": project.name},
        "vendor": {"id": cost.vendor_id, "name": shown["vendor_name"]} if cost.vendor_id is not None else None,
        "line_items_count": len(cost.lines),
        "synced": cost.origin_id is not None or any(line.origin_id for line in cost.lines),
        "has_workflows": False,
        "line_items": [
            nested_line(world, cost, line, position) | {"ref": (refs or {}).get(line.id)}
            for position, line in enumerate(cost.lines, 1)
        ],
    }


def shown_cost_v10(world: World, cost: DirectCost) -> dict[str, Any]:
    return {name: value for name, value in shown_cost(world, cost).items() if name not in ONLY_V11}


def attachment_shape(attachment: Attachment) -> dict[str, Any]:
    url = f"https://storage.procore.com/api/v5/files/us-east-1/{attachment.id}?sig={attachment.sha256[:16]}"
    return {"id": attachment.id, "url": url, "filename": attachment.filename}


def nested_line(world: World, cost: DirectCost, line: Line, position: int) -> dict[str, Any]:
    company = world.companies[cost.company_id]
    shapes = WbsShapes(world, 0)
    wbs_code = world.wbs_codes[line.wbs_code_id]
    cost_code, kind = shapes.parts(wbs_code)
    amount = decimal_text(line.amount)
    return {
        "id": line.id,
        "amount": amount,
        "total_amount": amount,
        "extended_amount": amount,
        "company": {"id": company.id, "name": company.name},
        "cost_code": {"id": cost_code.id, "full_code": cost_code.full_code, "name": cost_code.name, "origin_id": None}
        if cost_code
        else {},
        "line_item_type": type_row(kind) if kind else None,
        "wbs_code": {
            "id": wbs_code.id,
            "flat_code": shapes.flat_code(wbs_code),
            "description": shapes.description(wbs_code),
        },
        "description": line.description,
        "extended_type": line.extended_type,
        "quantity": decimal_text(line.quantity),
        "unit_cost": decimal_text(line.unit_cost),
        "uom": line.uom,
        "position": position,
        "tax_code_id": None,
        "funding_rule_id": None,
        "origin_id": line.origin_id,
        "origin_data": line.origin_data,
        "currency_configuration": dict(CURRENCY),
        "created_at": moment(line.created_at),
        "updated_at": moment(line.updated_at),
    }


def line_row(world: World, cost: DirectCost, line: Line) -> dict[str, Any]:
    """The v1.0 line endpoints' shape."""
    project = world.projects[cost.project_id]
    return nested_line(world, cost, line, 1 + cost.lines.index(line)) | {
        "holder": {"id": cost.id, "holder_type": "DirectCost::Item"},
        "project": {"id": project.id, "name": project.name},
        "change_event_line_item": None,
    }


def cost_book(world: World, cost: DirectCost) -> dict[str, Any]:
    """For the books: what is committed, amounts in cents-exact text, each attachment with its digest."""
    shown = shown_cost(world, cost)
    kept = (
        "id", "description", "direct_cost_type", "direct_cost_date", "received_date", "status", "invoice_number",
        "vendor_id", "vendor_name", "origin_id", "origin_data", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip
    return {name: shown[name] for name in kept} | {
        "company_id": cost.company_id,
        "project_id": cost.project_id,
        "project_name": shown["project"]["name"],
        "client_id": cost.client_id,
        "grand_total": f"{cost.grand_total:.2f}",
        "complete_at": max((line.created_at.isoformat() for line in cost.lines), default=None),
        "line_items": [
            {
                "id": line.id,
                "amount": f"{line.amount:.2f}",
                "description": line.description,
                "origin_id": line.origin_id,
                "wbs_code_id": line.wbs_code_id,
                "cost_code": row["cost_code"].get("full_code"),
                "cost_type": (row["line_item_type"] or {}).get("code"),
            }
            for line, row in zip(cost.lines, shown["line_items"], strict=True)
        ],
        "attachments": [
            {
                "id": attachment.id,
                "filename": attachment.filename,
                "content_type": attachment.content_type,
                "size": attachment.size,
                "sha256": attachment.sha256,
                "created_at": moment(attachment.created_at),
            }
            for attachment in cost.attachments
        ],
    }
