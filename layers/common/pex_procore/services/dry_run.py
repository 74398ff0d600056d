"""What a run would do with the purchases of the last days: the same decisions, and nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pex_procore.domain.catalog import ProjectCatalog, ProjectCodes
from pex_procore.domain.eastern import eastern_date, start_of_day
from pex_procore.domain.eligibility import in_scope, judge
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.expense import CodedShare, draft_direct_costs
from pex_procore.domain.ledger import Row, State
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TagMap, map_tags
from pex_procore.domain.transactions import Transaction
from pex_procore.domain.values import Value
from pex_procore.services.catalog import Catalog
from pex_procore.services.list_transactions import MARGIN
from pex_procore.services.ports import CatalogCache, Clock, Ledger
from pex_procore.services.vendor_ports import Pex, Procore

LONGEST = timedelta(days=31)
MOST = 200  # purchases


Outcome = Literal["would_post", "already_posted", "waiting", "refused", "failed"]

SETTLED: dict[State, tuple[Outcome, str | None]] = {
    "posted": ("already_posted", None),
    "complete": ("already_posted", None),
    "posting": ("waiting", "outcome_unknown"),
    "unknown": ("waiting", "outcome_unknown"),
    "ignored": ("refused", "ignored"),
    "exception": ("failed", None),
}


class Finding(Value):
    outcome: Outcome
    reason: str | None = None
    detail: str = ""
    expenses: int = 0  # that would be posted


class Tried(Value):
    transaction: Transaction
    cardholder: str
    finding: Finding


class Unsaved:
    """The catalog's memory, of which this look reads and to which it adds nothing."""

    def __init__(self, cache: CatalogCache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._documents: dict[str, tuple[Any, datetime]] = {}
        self._projects: dict[int, ProjectCatalog] = {}

    def load(self, name: str) -> tuple[Any, datetime] | None:
        return self._documents.get(name) or self._cache.load(name)

    def save(self, name: str, document: Any) -> None:
        self._documents[name] = document, self._clock()

    def load_project(self, project_id: int) -> ProjectCatalog | None:
        return self._projects.get(project_id) or self._cache.load_project(project_id)

    def save_project(self, catalog: ProjectCatalog) -> None:
        self._projects[catalog.project.project_id] = catalog

    def load_codes(self, project_ids: Iterable[int]) -> dict[int, ProjectCodes]:
        return self._cache.load_codes(project_ids)

    def save_codes(self, codes: ProjectCodes) -> None:
        """Not read again by whoever codes purchases."""

    def mark_stale(self, mark: str) -> None:
        """Not read by whoever codes purchases."""

    def stale(self) -> frozenset[str]:
        return self._cache.stale()

    def clear_stale(self, marks: frozenset[str]) -> None:
        """Not read by whoever codes purchases."""


class DryRun:
    def __init__(
        self,
        *,
        business_id: int,
        settings: Settings,
        start_date: date,
        pex: Pex,
        procore: Procore,
        cache: CatalogCache,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._business_id = business_id
        self._settings = settings
        self._start_date = start_date
        self._pex = pex
        self._ledger = ledger
        self._clock = clock
        unsaved = Unsaved(cache, clock)
        self._catalog = Catalog(pex=lambda: pex, procore=procore, cache=unsaved, clock=clock, creates=False)

    def look(self, since: date, may_go_on: Callable[[], bool]) -> tuple[list[Tried], bool]:
        """The purchases settled since that day, newest first, and whether there are more of them."""
        if not self._settings.sync_expenses:
            raise NeedsAttention("expenses_off", "switch sync_expenses on first")
        now = self._clock()
        first = max(since, self._start_date, eastern_date(now - LONGEST))
        tags = map_tags(self._pex.list_tags(), self._settings.tags.model_dump())
        listed = self._pex.list_transactions(start_of_day(first) - MARGIN, now)
        wanted = [one for one in listed if in_scope(one, self._settings, self._start_date) and _day(one) >= first]
        wanted.sort(key=lambda one: (_day(one), one.transaction_id), reverse=True)
        rows = self._ledger.load_many(one.transaction_id for one in wanted[:MOST])
        tried: list[Tried] = []
        more = len(wanted) > MOST or first > max(since, self._start_date)
        for transaction in wanted[:MOST]:
            if not may_go_on():
                return tried, True
            try:
                tried.append(self._try(transaction, rows.get(transaction.transaction_id), tags))
            except TryLater:
                if not tried:
                    raise
                return tried, True
        return tried, more

    def _try(self, transaction: Transaction, row: Row | None, tags: TagMap) -> Tried:
        finding = _known(row) or self._decide(transaction, row, tags)
        cardholder = self._catalog.cardholder(transaction.account_id)
        return Tried(transaction=transaction, cardholder=cardholder, finding=finding)

    def _decide(self, transaction: Transaction, row: Row | None, tags: TagMap) -> Finding:
        """As listing and posting decide, in their order."""
        if (verdict := judge(transaction, self._settings, self._clock())) is not None:
            return _held(verdict)
        vendor_id = self._catalog.require_vendor(self._settings.vendor_id)
        shares: list[CodedShare] = []
        for allocation in transaction.allocations:
            share = self._catalog.code(allocation, tags, self._settings)
            if isinstance(share, Waiting):
                return _held(share)
            shares.append(share)
        drafts = draft_direct_costs(
            transaction,
            shares,
            business_id=self._business_id,
            vendor_id=vendor_id,
            cardholder=self._catalog.cardholder(transaction.account_id),
            settings=self._settings,
            schemes={one.project_id: self._catalog.scheme(one.project_id, self._settings) for one in shares},
            revision=row.revision if row else 1,
        )
        return _held(drafts) if isinstance(drafts, Waiting) else Finding(outcome="would_post", expenses=len(drafts))


def _day(transaction: Transaction) -> date:
    return transaction.posting_date("settlement")


def _held(verdict: Waiting | Refused) -> Finding:
    outcome: Outcome = "waiting" if isinstance(verdict, Waiting) else "refused"
    return Finding(outcome=outcome, reason=verdict.reason, detail=verdict.detail)


def _known(row: Row | None) -> Finding | None:
    """What the next run would not decide anew, whatever the purchase says now."""
    if row is None or row.state not in SETTLED:
        return None
    outcome, reason = SETTLED[row.state]
    return Finding(outcome=outcome, reason=reason or row.reason, detail=row.detail)


def amount_of(tried: Iterable[Tried]) -> Decimal:
    """Of what would be posted."""
    return sum((one.transaction.amount for one in tried if one.finding.outcome == "would_post"), Decimal())
