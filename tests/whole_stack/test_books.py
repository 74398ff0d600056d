"""The auditor of the demo: it says nothing about books that are right, and names whatever is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from local.demo.books import audit, expected_expenses
from local.demo.catalog import Line, seeded_catalog
from local.demo.figures import callback_seconds
from tests.whole_stack.books_by_hand import (
    BRIDGE,
    BUSINESS,
    CATALOG,
    HARBOR,
    TERMS,
    direct_cost,
    line,
    note,
    pex_books,
    procore_books,
)

Books = dict[str, Any]
PEX, PROCORE = pex_books(), procore_books()


def told(pex: Books, procore: Books) -> list[str]:
    return audit(pex, procore, TERMS, CATALOG)


def test_right_books_give_no_word() -> None:
    assert told(PEX, PROCORE) == []


def test_each_eligible_transaction_is_due_once_per_project_and_nothing_else_is() -> None:
    due = expected_expenses(PEX, TERMS, CATALOG)
    assert [(one.transaction_id, one.project_id, one.amount, one.date) for one in due] == [
        (1, HARBOR, Decimal("445.01"), date(2026, 11, 12)),
        (2, HARBOR, Decimal("70.00"), date(2026, 11, 12)),
        (2, BRIDGE, Decimal("30.00"), date(2026, 11, 12)),
        (3, HARBOR, Decimal("-40.00"), date(2026, 11, 10)),
        (4, HARBOR, Decimal("-12.34"), date(2026, 11, 12)),
    ]


DOCTORED: dict[str, tuple[Callable[[list[Books]], object], str]] = {
    "missing": (lambda costs: costs.pop(0), "No expense for transaction 1 "),
    "one project of a split missing": (lambda costs: costs.pop(2), "No expense for transaction 2 ($30.00)"),
    "twice": (lambda costs: costs.append(costs[0] | {"id": 9009}), "2 expenses for transaction 1 "),
    "twice, the copy without our reference": (
        lambda costs: costs.append(costs[0] | {"id": 9009, "origin_id": None}),
        "Expense 9009 ($445.01) stands for no eligible",
    ),
    "a cent off": (
        lambda costs: costs[0].update(grand_total="445.02", line_items=[line("445.02")]),
        "total is 445.02, not 445.01",
    ),
    "a cent off in the total alone": (lambda costs: costs[0].update(grand_total="445.00"), "total is 445.00"),
    "a cent moved between lines": (
        lambda costs: costs[1].update(line_items=[line("9.91", "03-300", "L"), line("60.09")]),
        "9002 ($70.00): lines is",
    ),
    "wrong sign": (
        lambda costs: costs[3].update(grand_total="40.00", line_items=[line("40.00")]),
        "total is 40.00, not -40.00",
    ),
    "wrong cost code": (lambda costs: costs[0].update(line_items=[line("445.01", "03-300")]), "9001 ($445.01): lines"),
    "wrong cost type": (
        lambda costs: costs[0].update(line_items=[line("445.01", kind="L")]),
        "Expense 9001 ($445.01): lines is",
    ),
    "lines of one project merged": (lambda costs: costs[1].update(line_items=[line("70.00")]), "9002 ($70.00): lines"),
    "wrong project": (lambda costs: costs[0].update(project_id=BRIDGE), "9001 ($445.01) stands for no eligible"),
    "day after": (lambda costs: costs[3].update(direct_cost_date="2026-11-11"), "date is 2026-11-11, not 2026-11-10"),
    "wrong vendor": (lambda costs: costs[0].update(vendor_id=7), "vendor is 7"),
    "wrong company": (lambda costs: costs[0].update(company_id=7), "company is 7"),
    "wrong status": (lambda costs: costs[0].update(status="approved"), "status is approved, not draft"),
    "an invoice": (lambda costs: costs[0].update(direct_cost_type="invoice"), "type is invoice"),
    "receipt missing": (lambda costs: costs[0]["attachments"].pop(), "receipts is"),
    "receipt twice": (lambda costs: costs[2]["attachments"].append({"sha256": "b" * 64}), "9003 ($30.00): receipts"),
    "receipt of another": (lambda costs: costs[3]["attachments"].append({"sha256": "a" * 64}), "9004 ($-40.00): rec"),
    "of an unapproved purchase": (
        lambda costs: costs.append(direct_cost(9009, 51, HARBOR, "1.00")),
        "9009 ($1.00) stands for no eligible",
    ),
    "from before the start date": (
        lambda costs: costs.append(direct_cost(9009, 52, HARBOR, "1.00")),
        "9009 ($1.00) stands for no eligible",
    ),
    "of another business": (
        lambda costs: costs[0].update(origin_id=f"pex:{BUSINESS + 1}:1:{HARBOR}"),
        "9001 ($445.01) stands for no eligible",
    ),
    "by hand": (
        lambda costs: costs.append(direct_cost(9009, 1, HARBOR, "5.00", origin_id=None)),
        "9009 ($5.00) stands for no eligible",
    ),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_a_wrong_expense_is_told(what: str) -> None:
    doctor, sentence = DOCTORED[what]
    procore = procore_books()
    doctor(procore["direct_costs"])
    assert any(sentence in problem for problem in told(pex_books(), procore)), told(pex_books(), procore)


@pytest.mark.parametrize("place", range(5))
def test_every_single_expense_is_missed(place: int) -> None:
    procore = procore_books()
    lost = procore["direct_costs"].pop(place)
    assert any("No expense for" in problem and str(lost["project_id"]) in problem for problem in told(PEX, procore))


def test_a_deleted_expense_is_told() -> None:
    procore = procore_books()
    procore["deleted"].append(direct_cost(9009, 1, HARBOR, "445.01"))
    assert told(PEX, procore) == ["Expense 9009 ($445.01) was deleted."]


@pytest.mark.parametrize(
    ("place", "notes", "sentence"),
    [
        (0, [], "Transaction 1 has 0 notes"),
        (0, [note("Posted as expense 9001"), note("Posted as expense 9001")], "Transaction 1 has 2 notes"),
        (0, [note("Posted as expense 9002")], "The note on transaction 1 does not name"),
        (1, [note("Posted as expense 9002")], "The note on transaction 2 does not name"),
        (5, [note("Posted as expense 9009")], "Transaction 51 was not posted but has the note"),
    ],
)
def test_a_wrong_note_is_told(place: int, notes: list[Books], sentence: str) -> None:
    pex = pex_books()
    pex["transactions"][place]["notes"] = notes
    assert [sentence in problem for problem in told(pex, PROCORE)] == [True]


def test_a_call_over_a_limit_is_told() -> None:
    assert told(PEX, PROCORE | {"refused_429": 2}) == ["2 calls went over a vendor's limit (429)."]
    assert told(PEX | {"refused": {"slow down": 1}}, PROCORE) == ["1 calls went over a vendor's limit (429)."]


def test_a_purchase_that_was_approved_since_is_missed() -> None:
    pex = pex_books()
    pex["transactions"][5]["approval"] = "Approved"
    assert any("No expense for transaction 51" in problem for problem in told(pex, PROCORE))


def test_a_budget_code_that_is_missing_can_be_made_and_an_inactive_one_cannot_be_used() -> None:
    assert CATALOG.takes(Line(HARBOR, "03-300", 11))
    assert not CATALOG.takes(Line(BRIDGE, "01-500", 12))
    assert Line(HARBOR, "03-300", 11) not in CATALOG.budgeted


def test_the_seeded_catalog_leaves_out_what_takes_no_expense() -> None:
    catalog = seeded_catalog()
    names = set(catalog.projects.values())
    assert len(names) == 40 - 3 - 1 - 1 - 2 - 1  # closed, demo, template, not permitted, tool off
    assert not any("Demo" in name or "Template" in name for name in names)
    assert all("-" in line.cost_code for line in catalog.budgeted)  # no divisions
    assert catalog.inactive
    assert not catalog.inactive & catalog.budgeted


def test_the_wait_is_from_the_first_callback_to_the_last_expense() -> None:
    pex = {
        "deliveries": [
            {"transaction_id": 2, "forged": False, "attempts": [{"at": "2026-11-12T15:00:00.5+00:00", "seconds": 0.5}]},
            {"transaction_id": 2, "forged": False, "attempts": [{"at": "2026-11-12T15:00:09+00:00", "seconds": 0.1}]},
            {"transaction_id": 1, "forged": True, "attempts": [{"at": "2026-11-12T15:00:00+00:00", "seconds": 0.0}]},
        ]
    }
    procore = {
        "direct_costs": [
            direct_cost(9001, 1, HARBOR, "1.00", complete_at=None),
            direct_cost(9002, 2, HARBOR, "1.00", complete_at="2026-11-12T15:00:02.25+00:00"),
            direct_cost(9003, 2, BRIDGE, "1.00", complete_at="2026-11-12T15:00:03.25+00:00"),
        ],
        "deleted": [],
    }
    assert callback_seconds(pex, procore, BUSINESS, [1, 2]) == {2: 3.25}
