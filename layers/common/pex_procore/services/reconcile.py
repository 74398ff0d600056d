"""PEX, our ledger and Procore side by side for some days. What Procore holds is asked of Procore alone."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.eastern import start_of_day
from pex_procore.domain.eligibility import in_scope
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.ledger import Row
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.search import Wanted
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import map_tags
from pex_procore.domain.transactions import Transaction
from pex_procore.domain.values import Value
from pex_procore.services.list_transactions import MARGIN
from pex_procore.services.ports import Clock, Ledger
from pex_procore.services.vendor_ports import Pex, Procore

RECONCILE_SHARE = 0.3  # of Procore's quota: everything else comes first
ROWS_AT_ONCE = 500
Kind = Literal["missing_in_procore", "surplus_in_procore", "different_amount", "deleted_in_procore", "waiting"]


class Sum(Value):
    n: int = 0
    amount: Decimal = Decimal()


class Difference(Value):
    """`known`: our ledger shows it to a person already, or has yet to hear of it: Procore did not drift from it."""

    kind: Kind
    transaction_id: int | None = None
    direct_cost_id: int | None = None
    amount_pex: Decimal | None = None
    amount_procore: Decimal | None = None
    detail: str = ""
    known: bool = False


class Comparison(Value):
    """`more`: something could not be looked at; no difference is told of what was not."""

    pex: Sum
    ledger: Sum
    procore: Sum
    differences: tuple[Difference, ...]
    more: bool


class Places:
    """The projects in which expenses of a purchase can be: those posted to, and the one chosen for each share."""

    def __init__(self, tag_id: str, default: str) -> None:
        self._tag_id = tag_id
        self._default = default

    def of(self, transaction: Transaction | None, row: Row | None) -> set[int]:
        posted = {one.project_id for one in (*row.postings, *row.former)} if row else set()
        shares = transaction.allocations if transaction else ()
        chosen = {one.tags.get(self._tag_id, "").strip() or self._default for one in shares}
        return posted | {int(value) for value in chosen if value.isdecimal()}


class Books:
    def __init__(
        self,
        *,
        business_id: int,
        settings: Settings,
        start_date: date,
        pex: Pex,
        procore: Procore,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._business_id = business_id
        self._settings = settings
        self._start_date = start_date
        self._pex = pex
        self._procore = procore
        self._ledger = ledger
        self._clock = clock

    def compare(
        self, first: date, last: date, may_go_on: Callable[[], bool], wait: Callable[[datetime], bool]
    ) -> Comparison:
        """For the purchases that settled on these Eastern days. `wait`: until Procore may be asked again, if it can.

        Procore comes last, so that what is posted meanwhile is no difference. Raises TryLater when nothing of Procore
        could be read.
        """
        tag = map_tags(self._pex.list_tags(), self._settings.tags.model_dump()).project
        places = Places(tag.tag_id if tag else "", self._settings.defaults.project or "")
        end = min(self._clock(), start_of_day(last + timedelta(days=1)))
        listed = {one.transaction_id: one for one in self._pex.list_transactions(start_of_day(first) - MARGIN, end)}
        expected = {
            transaction_id: one
            for transaction_id, one in listed.items()
            if first <= one.posting_date("settlement") <= last and self._is_expected(one)
        }
        rows, all_rows = self._rows(first, last, expected, may_go_on)
        where = {number: places.of(expected.get(number), rows.get(number)) for number in {*expected, *rows}}
        costs, unread = self._costs(first, {one for some in where.values() for one in some}, may_go_on, wait)
        found = self._by_transaction(costs)
        counted = [one for transaction_id in expected for one in found.get(transaction_id, ())]
        surplus = list(self._surplus(found, expected, listed, first, last))
        differences = [
            difference
            for number, one in sorted(expected.items())
            if not unread & where[number]
            for difference in _differences(one, rows.get(number), found.get(number, []))
        ]
        return Comparison(
            pex=_sum(one.amount for one in expected.values()),
            ledger=_sum(amount for row in rows.values() if (amount := _posted(row)) is not None),
            procore=_sum(one.amount for one in (*counted, *surplus)),
            differences=(*differences, *(_left_over(one, self._number(one)) for one in surplus)),
            more=bool(unread) or not all_rows,
        )

    def _is_expected(self, transaction: Transaction) -> bool:
        real = transaction.kind != "other" and transaction.amount != 0
        return real and in_scope(transaction, self._settings, self._start_date)

    def _rows(
        self, first: date, last: date, expected: Collection[int], may_go_on: Callable[[], bool]
    ) -> tuple[dict[int, Row], bool]:
        """Of what is expected, and whatever else the ledger has of those days; False: there are more of the latter."""
        rows = self._ledger.load_many(expected)
        after: str | None = None
        while may_go_on():
            page, after = self._ledger.search(Wanted(first_day=first, last_day=last), ROWS_AT_ONCE, after)
            rows.update((row.transaction_id, row) for row in page)
            if after is None:
                return rows, True
        return rows, False

    def _costs(
        self,
        first: date,
        projects: Collection[int],
        may_go_on: Callable[[], bool],
        wait: Callable[[datetime], bool],
    ) -> tuple[list[DirectCost], set[int]]:
        """Every expense of ours that was made since: none is made before its purchase settled. And the projects that
        could not be read."""
        costs: list[DirectCost] = []
        queue, unread = deque(sorted(projects)), set(projects)
        while queue and may_go_on():
            try:
                costs += self._procore.list_direct_costs(queue[0], start_of_day(first))
                unread.discard(queue[0])
            except TryLater as later:
                if later.resume_at is not None and wait(later.resume_at):
                    continue
                if len(unread) == len(projects):
                    raise
                break
            except NeedsAttention as closed:
                if closed.reason != "procore_permission_missing":
                    raise
            queue.popleft()
        return [one for one in costs if self._number(one) is not None], unread

    def _by_transaction(self, costs: Iterable[DirectCost]) -> dict[int, list[DirectCost]]:
        found: dict[int, list[DirectCost]] = defaultdict(list)
        for cost in costs:
            if (number := self._number(cost)) is not None:
                found[number].append(cost)
        return found

    def _number(self, cost: DirectCost) -> int | None:
        """Of the transaction that the expense is of; None when it is not ours."""
        origin = re.fullmatch(rf"pex:{self._business_id}:(\d+):\d+(?::r\d+)?", cost.origin_id or "")
        token = re.search(rf"\[pex:{self._business_id}-(\d+)(?:-r\d+)?\]", cost.description)
        match = origin or token
        return int(match[1]) if match else None

    def _surplus(
        self,
        found: Mapping[int, list[DirectCost]],
        expected: Mapping[int, Transaction],
        listed: Mapping[int, Transaction],
        first: date,
        last: date,
    ) -> Iterator[DirectCost]:
        """Expenses of these days for which there is no purchase."""
        for number, costs in found.items():
            known = listed.get(number)
            if number in expected or (known is not None and self._is_expected(known)):
                continue
            yield from (one for one in costs if one.date is not None and first <= one.date <= last)


def _differences(transaction: Transaction, row: Row | None, costs: list[DirectCost]) -> list[Difference]:
    ids = ", ".join(str(one.direct_cost_id) for one in costs)
    total = sum((one.amount for one in costs), Decimal())
    found: tuple[Kind, int | None, str, bool] | None
    if not costs:
        found = _absent(row)
    elif total != transaction.amount:
        told = _told(row)
        found = ("different_amount", costs[0].direct_cost_id, told or f"Expenses {ids}", bool(told))
    elif row is None or not row.postings:
        found = ("surplus_in_procore", costs[0].direct_cost_id, f"The connector has no record of {ids}.", False)
    else:
        found = None
    if found is None:
        return []
    kind, direct_cost_id, detail, known = found
    return [
        Difference(
            kind=kind,
            transaction_id=transaction.transaction_id,
            direct_cost_id=direct_cost_id,
            amount_pex=transaction.amount,
            amount_procore=total if costs else None,
            detail=detail,
            known=known,
        )
    ]


def _absent(row: Row | None) -> tuple[Kind, int | None, str, bool] | None:
    """Kind, expense, detail, and whether the ledger tells it too; None for what an administrator left out."""
    if row is None:
        return "missing_in_procore", None, "Not read from PEX yet.", True
    posted = next((one.direct_cost_id for one in row.postings if one.direct_cost_id is not None), None)
    if posted is not None:
        return "deleted_in_procore", posted, _told(row), row.reason == "deleted_in_procore"
    if row.state == "ignored":
        return None
    return "missing_in_procore" if row.state == "exception" else "waiting", None, _told(row), True


def _left_over(cost: DirectCost, number: int | None) -> Difference:
    return Difference(
        kind="surplus_in_procore",
        transaction_id=number,
        direct_cost_id=cost.direct_cost_id,
        amount_procore=cost.amount,
        detail="PEX lists no such purchase.",
    )


def _told(row: Row | None) -> str:
    known = REASONS.get(row.reason or "") if row else None
    return known.text if known else ""


def _posted(row: Row) -> Decimal | None:
    amounts = [one.amount for one in row.postings if one.direct_cost_id is not None]
    return sum(amounts, Decimal()) if amounts else None


def _sum(amounts: Iterable[Decimal]) -> Sum:
    every = list(amounts)
    return Sum(n=len(every), amount=sum(every, Decimal()))
