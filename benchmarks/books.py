"""What came of it, from both vendors' books and request logs alone; it shares no code with any rival.

Due is what the demo's auditor works out from PEX's books: one expense per eligible purchase and project. A direct cost
belongs to the purchase whose transaction id stands in its origin id or its description.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from benchmarks.market import Market
from local.demo.books import Terms, expected_expenses
from local.demo.catalog import Line, SeededCatalog
from tests.flow.worlds import COMPANY_ID

LOGIN = "/oauth/token"
LONG_AGO = date(2020, 1, 1)


@dataclass(frozen=True)
class Verdict:
    due: int
    duplicates: int
    lost: int
    wrong: int  # another amount or coding, or for nothing that was bought
    receipts_due: int
    receipts_missing: int
    receipts_doubled: int
    procore_calls: int
    posting_calls: int  # those of them that concern direct costs
    creates: int  # of these, as were
    uploads: int
    looks: int
    pex_calls: int
    refused: int  # with 429, by either vendor
    last_committed_seconds: float | None  # after the beginning
    last_attached_seconds: float | None
    ready_to_committed: tuple[float, ...]  # seconds, of each expense that is there
    with_receipts: int  # of those that are due

    @property
    def floor(self) -> float:
        """Calls to Procore that an expense needs at least: one, and one more for its receipts."""
        return 1 + self.with_receipts / self.due


def judge(market: Market, began: datetime) -> Verdict:
    pex, procore = market.pex.books(), market.procore.books()
    names = market.names
    terms = Terms(names.business_id, COMPANY_ID, names.vendor_id, LONG_AGO, approved_only=False)
    due = {(one.transaction_id, one.project_id): one for one in expected_expenses(pex, terms, _catalog(market))}
    held: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
    wrong = missing = doubled = 0
    for cost in procore["direct_costs"]:
        key = transaction_of(cost, market.settled_at), cost["project_id"]
        if key in due:
            held[key].append(cost)  # type: ignore[index]
        else:
            wrong += 1
    for key, costs in held.items():
        expense, first = due[key], costs[0]
        lines = sorted((Decimal(one["amount"]), one["cost_code"], one["cost_type"]) for one in first["line_items"])
        wrong += lines != list(expense.lines)
        files = Counter(one["sha256"] for cost in costs for one in cost["attachments"])
        missing += len(set(expense.receipts) - set(files))
        doubled += sum(number - 1 for number in files.values())
    calls = [one for one in market.procore.requests.all() if LOGIN not in one.path]
    pex_calls = market.pex.requests.all()
    posting = [one.method for one in calls if "/direct_costs" in one.path]
    attached = [utc(one["created_at"]) for costs in held.values() for one in costs[0]["attachments"]]
    firsts = {key: costs[0]["id"] for key, costs in held.items()}
    committed = {key: market.committed_at[one] for key, one in firsts.items() if one in market.committed_at}
    return Verdict(
        due=len(due),
        duplicates=sum(len(costs) - 1 for costs in held.values()),
        lost=len(due.keys() - held.keys()),
        wrong=wrong,
        receipts_due=sum(len(one.receipts) for one in due.values()),
        receipts_missing=missing + sum(len(due[key].receipts) for key in due.keys() - held.keys()),
        receipts_doubled=doubled,
        procore_calls=len(calls),
        posting_calls=len(posting),
        creates=posting.count("POST"),
        uploads=posting.count("PATCH"),
        looks=posting.count("GET"),
        pex_calls=len(pex_calls),
        refused=sum(one.status == 429 for one in (*calls, *pex_calls)),
        last_committed_seconds=(max(committed.values()) - began).total_seconds() if committed else None,
        last_attached_seconds=(max(attached) - began).total_seconds() if attached else None,
        ready_to_committed=tuple(
            round((at - market.ready_at[key[0]]).total_seconds(), 2)
            for key, at in committed.items()
            if market.ready_at[key[0]] >= began
        ),
        with_receipts=sum(bool(one.receipts) for one in due.values()),
    )


def transaction_of(cost: Mapping[str, Any], known: Mapping[int, object]) -> int | None:
    for word in re.findall(r"\d+", f"{cost['origin_id'] or ''} {cost['description'] or ''}"):
        if int(word) in known:
            return int(word)
    return None


def _catalog(market: Market) -> SeededCatalog:
    names = market.names
    places = {name: id for name, id in names.projects.items() if name != "Old Mill"}
    codes = {id: {code: code for (project, code) in names.codes if project == name} for name, id in places.items()}
    lines = {Line(names.projects[project], code, names.types[kind]) for project, code, kind in names.budget_codes}
    return SeededCatalog(
        company_id=COMPANY_ID,
        projects={id: name for name, id in places.items()},
        cost_codes=codes,
        cost_types={id: code for code, id in names.types.items()},
        inactive=frozenset(),
        budgeted=frozenset(lines),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
