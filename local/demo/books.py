"""The audit: what Procore must hold, worked out from PEX's books alone, against what Procore's books do hold.

It shares no code with the connector it judges.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.catalog import Line, SeededCatalog

EASTERN = ZoneInfo("America/New_York")
Books = Mapping[str, Any]
CodedAmount = tuple[Decimal, str, str]
_REFERENCE = re.compile(r"\bpex:(\d+)[:-](\d+)")


@dataclass(frozen=True)
class Terms:
    """The settings under which the books are judged. `start_date` is Eastern."""

    business_id: int
    company_id: int
    vendor_id: int
    start_date: date
    approved_only: bool = True
    status: str = "draft"


@dataclass(frozen=True)
class Expense:
    """One direct cost that must exist. Dollars: positive is money spent."""

    transaction_id: int
    project_id: int
    date: date
    lines: tuple[CodedAmount, ...]
    """(amount, cost code, cost type), sorted."""
    receipts: tuple[str, ...]
    """SHA-256 of each file, sorted; a file uploaded twice counts once."""

    @property
    def amount(self) -> Decimal:
        return sum((amount for amount, _, _ in self.lines), Decimal())


def expected_expenses(pex: Books, terms: Terms, catalog: SeededCatalog) -> list[Expense]:
    """Every eligible transaction gives one expense per project."""
    expenses = []
    for row in pex["transactions"]:
        if _is_eligible(row, terms):
            expenses += _expenses_of(row, catalog)
    return expenses


def _is_eligible(row: Books, terms: Terms) -> bool:
    return (
        row["business_id"] == terms.business_id
        and row["feed"] == "card"
        and row["state"] == "settled"
        and (row["type"] == "Network" or row["category"] == "Dispute")
        and Decimal(row["amount"]) != 0
        and _settled_on(row) >= terms.start_date
        and (row["approval"] == "Approved" or not terms.approved_only)
    )


def _settled_on(row: Books) -> date:
    return datetime.fromisoformat(row["settlement_time"]).astimezone(EASTERN).date()


def _expenses_of(row: Books, catalog: SeededCatalog) -> list[Expense]:
    """Empty when a part lacks a tag, does not fit Procore, or the parts do not add up."""
    amount = Decimal(row["amount"])
    parts = row["splits"] or [{"amount": str(abs(amount)), "tags": row["tags"]}]
    if sum(Decimal(part["amount"]) for part in parts) != abs(amount):
        return []
    shares: dict[int, list[CodedAmount]] = defaultdict(list)
    for part in parts:
        line = _line(part["tags"])
        if line is None or not catalog.takes(line):
            return []
        signed = Decimal(part["amount"]) * (1 if amount < 0 else -1)
        shares[line.project_id].append((signed, line.cost_code, catalog.cost_types[line.cost_type_id]))
    receipts = {each["sha256"] for each in row["receipts"] if each["upload_status"] == "Loaded"}
    return [
        Expense(row["transaction_id"], project_id, _settled_on(row), tuple(sorted(lines)), tuple(sorted(receipts)))
        for project_id, lines in shares.items()
    ]


def _line(tags: Mapping[str, Any]) -> Line | None:
    project, code, kind = (str(tags.get(name) or "") for name in ("project", "cost_code", "cost_type"))
    return Line(int(project), code, int(kind)) if project.isdecimal() and code and kind.isdecimal() else None


def audit(pex: Books, procore: Books, terms: Terms, catalog: SeededCatalog) -> list[str]:
    """What is wrong, in sentences; empty when the books are right to the cent."""
    due = {(one.transaction_id, one.project_id): one for one in expected_expenses(pex, terms, catalog)}
    held: dict[tuple[int, int], list[Books]] = defaultdict(list)
    problems = []
    for cost in procore["direct_costs"]:
        transaction_id = transaction_of(cost, terms.business_id)
        if transaction_id is not None and (transaction_id, cost["project_id"]) in due:
            held[(transaction_id, cost["project_id"])].append(cost)
        else:
            problems.append(f"{_name(cost)} stands for no eligible PEX transaction.")
    for key, expense in due.items():
        costs = held[key]
        where = f"transaction {expense.transaction_id} (${expense.amount}) in project {expense.project_id}"
        if not costs:
            problems.append(f"No expense for {where}.")
        elif len(costs) > 1:
            problems.append(f"{len(costs)} expenses for {where}: {', '.join(str(cost['id']) for cost in costs)}.")
        for cost in costs:
            problems += [f"{_name(cost)}: {text}." for text in _differences(cost, expense, terms)]
    problems += [f"{_name(cost)} was deleted." for cost in procore["deleted"]]
    problems += _note_problems(pex, due, held)
    refused = procore["refused_429"] + sum(pex["refused"].values())
    if refused:
        problems.append(f"{refused} calls went over a vendor's limit (429).")
    return problems


def transaction_of(cost: Books, business_id: int) -> int | None:
    """The PEX transaction a direct cost names in its origin id or its description."""
    for text in (cost["origin_id"], cost["description"]):
        found = _REFERENCE.search(text or "")
        if found and int(found[1]) == business_id:
            return int(found[2])
    return None


def _name(cost: Books) -> str:
    return f"Expense {cost['id']} (${cost['grand_total']})"


def _differences(cost: Books, expense: Expense, terms: Terms) -> list[str]:
    lines = sorted((Decimal(each["amount"]), each["cost_code"], each["cost_type"]) for each in cost["line_items"])
    files = sorted(each["sha256"] for each in cost["attachments"])
    pairs: dict[str, tuple[Any, Any]] = {
        "total": (Decimal(cost["grand_total"]), expense.amount),
        "lines": (lines, list(expense.lines)),
        "date": (cost["direct_cost_date"], expense.date.isoformat()),
        "vendor": (cost["vendor_id"], terms.vendor_id),
        "company": (cost["company_id"], terms.company_id),
        "status": (cost["status"], terms.status),
        "type": (cost["direct_cost_type"], "expense"),
        "receipts": (files, list(expense.receipts)),
    }
    return [f"{what} is {is_}, not {should}" for what, (is_, should) in pairs.items() if is_ != should]


def _note_problems(
    pex: Books, due: Mapping[tuple[int, int], Expense], held: Mapping[tuple[int, int], Sequence[Books]]
) -> list[str]:
    """Exactly one note of a program on each posted transaction, naming all its expenses; none anywhere else."""
    expense_ids: dict[int, set[str]] = defaultdict(set)
    for (transaction_id, _), costs in held.items():
        expense_ids[transaction_id] |= {str(cost["id"]) for cost in costs}
    transactions = {transaction_id for transaction_id, _ in due}
    problems = []
    for row in pex["transactions"]:
        texts = [note["text"] for note in row["notes"] if note["system_generated"]]
        transaction_id = row["transaction_id"]
        if transaction_id not in transactions:
            problems += [f"Transaction {transaction_id} was not posted but has the note '{text}'." for text in texts]
        elif len(texts) != 1:
            problems.append(f"Transaction {transaction_id} has {len(texts)} notes about its expense, not 1.")
        elif not expense_ids[transaction_id] <= set(re.findall(r"\d+", texts[0])):
            problems.append(f"The note on transaction {transaction_id} does not name its expense: '{texts[0]}'.")
    return problems


def described(expenses: Sequence[Expense]) -> str:
    """`27 expenses for 25 transactions`."""
    transactions = Counter(one.transaction_id for one in expenses)
    return f"{len(expenses)} expenses for {len(transactions)} transactions"
