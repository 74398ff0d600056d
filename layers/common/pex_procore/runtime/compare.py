"""The comparison of PEX, our ledger and Procore for the administrator, within what an answer may take."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.eligibility import REACH
from pex_procore.runtime.answers import DifferenceShown, Reconciliation, Total, Totals
from pex_procore.runtime.http import HttpProblem
from pex_procore.runtime.metrics import count
from pex_procore.runtime.wiring import Business, now
from pex_procore.services.reconcile import Books, Comparison, Sum

DAYS = timedelta(days=30)  # unless days are given
LONGEST = timedelta(days=92)
SECONDS = timedelta(seconds=18)  # what API Gateway waits, less one slow call


def compare_books(business: Business, first: date | None, last: date | None) -> Reconciliation:
    """What Procore shows otherwise than we posted it, and nobody was told of yet, is counted as drift."""
    first, last = _read_days(first, last)
    settings, _ = business.connections.load_settings()
    books = Books(
        business_id=business.business_id,
        settings=settings,
        start_date=settings.start_date or business.connection.connected_on or eastern_date(now()),
        pex=business.pex,
        procore=business.procore,
        ledger=business.ledger,
        clock=now,
    )
    until = now() + SECONDS

    def wait(moment: datetime) -> bool:
        if moment > until:
            return False
        business.wiring.sleep((moment - now()).total_seconds())
        return True

    try:
        found = books.compare(first, last, lambda: now() < until, wait)
    finally:
        business.save_limits()
    drift = sum(not one.known for one in found.differences)
    if drift:
        count("ReconcileDrift", drift)
    return _show(found, first, last)


def _read_days(first: date | None, last: date | None) -> tuple[date, date]:
    """Within what PEX still lists. Raises HttpProblem."""
    today = eastern_date(now())
    earliest = eastern_date(now() - REACH) + timedelta(days=1)
    last = min(last or today, today)
    if last < earliest:
        raise HttpProblem(422, "invalid", "PEX lists no purchase that is older than a year.", field="to")
    first = first or max(earliest, last - DAYS)
    if first < earliest:
        raise HttpProblem(422, "invalid", "PEX lists no purchase that is older than a year.", field="from")
    if first > last:
        raise HttpProblem(422, "invalid", "The first day is after the last, or still to come.", field="from")
    if last - first > LONGEST:
        raise HttpProblem(422, "invalid", "At most 92 days can be compared at once.", field="from")
    return first, last


def _show(found: Comparison, first: date, last: date) -> Reconciliation:
    def total(of: Sum) -> Total:
        return Total(n=of.n, amount=of.amount)

    differences = [DifferenceShown(**one.model_dump(exclude={"known"})) for one in found.differences]
    totals = Totals(pex=total(found.pex), ledger=total(found.ledger), procore=total(found.procore))
    return Reconciliation.model_validate(
        {"from": first, "to": last, "totals": totals, "differences": differences, "more": found.more}
    )
