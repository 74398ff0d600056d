"""A dry run for the administrator: what would become of the purchases of the last days."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta

from pex_procore.domain.eastern import eastern_date
from pex_procore.runtime.answers import DryRun as DryRunShown
from pex_procore.runtime.answers import DryRunAnswer, TriedShown
from pex_procore.runtime.views import explain
from pex_procore.runtime.wiring import Business, now
from pex_procore.services.dry_run import DryRun, Tried, amount_of

DAYS = timedelta(days=7)  # unless a day is given
SECONDS = 18.0  # what API Gateway waits, less one slow call


def try_out(business: Business, since: date | None) -> DryRunAnswer:
    settings, _ = business.connections.load_settings()
    look = DryRun(
        business_id=business.business_id,
        settings=settings,
        start_date=settings.start_date or business.connection.connected_on or eastern_date(now()),
        pex=business.pex,
        procore=business.procore,
        cache=business.cache,
        ledger=business.ledger,
        clock=now,
    )
    until = time.monotonic() + SECONDS
    try:
        tried, more = look.look(since or eastern_date(now() - DAYS), lambda: time.monotonic() < until)
    finally:
        business.save_limits()
    counts = Counter[str](one.finding.outcome for one in tried)
    expenses = sum(one.finding.expenses for one in tried)
    found = DryRunShown(
        counts={**counts, "would_post": expenses}, amount=amount_of(tried), items=list(map(_show, tried)), more=more
    )
    return DryRunAnswer(dry_run=found)


def _show(one: Tried) -> TriedShown:
    return TriedShown(
        transaction_id=one.transaction.transaction_id,
        date=one.transaction.posting_date("settlement"),
        merchant=one.transaction.merchant,
        cardholder=one.cardholder,
        amount=one.transaction.amount,
        outcome=one.finding.outcome,
        reason=one.finding.reason,
        detail=one.finding.detail,
        help=explain(one.finding.reason),
    )
