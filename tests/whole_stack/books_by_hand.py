"""A pair of books small enough to check by eye: four eligible transactions, five expenses, twelve that must not be."""

from __future__ import annotations

from datetime import date
from typing import Any

from local.demo.books import Terms
from local.demo.catalog import Line, SeededCatalog

BUSINESS, COMPANY, VENDOR = 98703, 4267118, 3411801
HARBOR, BRIDGE, CLOSED = 101, 102, 103
MATERIALS, LABOR = 11, 12
TERMS = Terms(BUSINESS, COMPANY, VENDOR, date(2026, 11, 10))
CATALOG = SeededCatalog(
    company_id=COMPANY,
    projects={HARBOR: "25-101 Harbor", BRIDGE: "25-102 Bridge"},
    cost_codes={HARBOR: {"01-500": "Temporary", "03-300": "Concrete"}, BRIDGE: {"01-500": "Temporary"}},
    cost_types={MATERIALS: "M", LABOR: "L"},
    inactive=frozenset({Line(BRIDGE, "01-500", LABOR)}),
    budgeted=frozenset({Line(HARBOR, "01-500", MATERIALS), Line(HARBOR, "03-300", LABOR)}),
)
SHA_A, SHA_B = "a" * 64, "b" * 64


def tags(project: int, code: str = "01-500", kind: int = MATERIALS) -> dict[str, str]:
    return {"project": str(project), "cost_code": code, "cost_type": str(kind)}


def receipt(sha256: str, status: str = "Loaded") -> dict[str, Any]:
    return {"attachment_id": "1", "sha256": sha256, "upload_status": status}


def note(text: str, by_program: bool = True) -> dict[str, Any]:
    return {"note_id": 1, "text": text, "system_generated": by_program}


def transaction(id: int, amount: str, **changes: Any) -> dict[str, Any]:
    return {
        "transaction_id": id,
        "business_id": BUSINESS,
        "feed": "card",
        "state": "settled",
        "type": "Network",
        "category": "Spend",
        "amount": amount,
        "settlement_time": "2026-11-12T10:00:00-05:00",
        "approval": "Approved",
        "tags": tags(HARBOR),
        "splits": [],
        "notes": [],
        "receipts": [],
    } | changes


def part(amount: str, project: int, code: str = "01-500", kind: int = MATERIALS) -> dict[str, Any]:
    return {"amount": amount, "tags": tags(project, code, kind)}


def line(amount: str, code: str = "01-500", kind: str = "M") -> dict[str, Any]:
    return {"id": 1, "amount": amount, "cost_code": code, "cost_type": kind}


def direct_cost(id: int, transaction_id: int, project: int, total: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id,
        "company_id": COMPANY,
        "project_id": project,
        "vendor_id": VENDOR,
        "direct_cost_type": "expense",
        "direct_cost_date": "2026-11-12",
        "status": "draft",
        "origin_id": f"pex:{BUSINESS}:{transaction_id}:{project}",
        "description": "WHITE CAP",
        "grand_total": total,
        "line_items": [line(total)],
        "attachments": [],
    } | changes


def pex_books() -> dict[str, Any]:
    return {
        "transactions": [
            transaction(
                1,
                "-445.01",
                notes=[note("paid cash", by_program=False), note("Posted to Procore as expense 9001 (project 101)")],
                receipts=[receipt(SHA_A), receipt(SHA_A), receipt(SHA_B), receipt("c" * 64, "HasMalware")],
            ),
            transaction(
                2,
                "-100.00",
                splits=[part("60.10", HARBOR), part("9.90", HARBOR, "03-300", LABOR), part("30.00", BRIDGE)],
                notes=[note("Posted to Procore as expense 9002 (project 101), 9003 (project 102)")],
                receipts=[receipt(SHA_B)],
            ),
            transaction(3, "40.00", settlement_time="2026-11-10T23:59:00-05:00", notes=[note("expense 9004")]),
            transaction(4, "12.34", type="Transfer", category="Dispute", notes=[note("expense 9005")]),
            transaction(50, "-1.00", state="pending", settlement_time=None),
            transaction(51, "-1.00", approval="NotReviewed"),
            transaction(52, "-1.00", settlement_time="2026-11-09T23:59:59-05:00"),
            transaction(53, "-3.00", type="Transfer", category="CardAccountFee"),
            transaction(54, "0.00"),
            transaction(55, "-1.00", tags={"cost_code": "01-500", "cost_type": str(MATERIALS)}),
            transaction(56, "-1.00", tags=tags(CLOSED)),
            transaction(57, "-1.00", tags=tags(BRIDGE, "01-500", LABOR)),
            transaction(58, "-10.00", splits=[part("5.00", HARBOR), part("4.99", BRIDGE)]),
            transaction(59, "-1.00", tags=tags(BRIDGE, "03-300")),
            transaction(60, "-1.00", business_id=BUSINESS + 1),
            transaction(61, "-1.00", feed="business"),
        ],
        "refused": {"Too Many Requests": 0},
    }


def procore_books() -> dict[str, Any]:
    return {
        "direct_costs": [
            direct_cost(9001, 1, HARBOR, "445.01", attachments=[{"sha256": SHA_A}, {"sha256": SHA_B}]),
            direct_cost(
                9002,
                2,
                HARBOR,
                "70.00",
                line_items=[line("9.90", "03-300", "L"), line("60.10")],
                attachments=[{"sha256": SHA_B}],
            ),
            direct_cost(9003, 2, BRIDGE, "30.00", attachments=[{"sha256": SHA_B}]),
            direct_cost(9004, 3, HARBOR, "-40.00", direct_cost_date="2026-11-10"),
            direct_cost(9005, 4, HARBOR, "-12.34", origin_id=None, description=f"WHITE CAP [pex:{BUSINESS}-4]"),
        ],
        "deleted": [],
        "refused_429": 0,
    }
