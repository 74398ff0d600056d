"""One run as the HTTP API shows it: how far it is, and what it did with each transaction."""

from __future__ import annotations

from datetime import datetime

from pex_procore.domain.ledger import Row
from pex_procore.domain.runs import Run, RunItem
from pex_procore.runtime.answers import Progress, RunDetail, RunItemShown
from pex_procore.runtime.views import explain, show_run
from pex_procore.runtime.wiring import Business, now

ENOUGH_TO_TELL = 5  # purchases dealt with, before an end is estimated


def show_run_page(business: Business, run: Run, items: list[RunItem], following: str | None) -> RunDetail:
    """`items`: one page of them. A run at work is counted over all it has so far."""
    running = run.status == "running"
    rows = business.ledger.load_many(one.transaction_id for one in items)
    shown = show_run(run, business.runs.items(run.run_id) if running else None)
    return RunDetail(
        **shown.model_dump(),
        progress=_progress(business, run) if running else None,
        items=[_show_item(one, rows.get(one.transaction_id)) for one in items],
        next=following,
    )


def _show_item(item: RunItem, row: Row | None) -> RunItemShown:
    said = row.said if row else None
    return RunItemShown(
        **item.model_dump(),
        help=explain(item.reason),
        merchant=said.merchant if said else None,
        amount=said.amount if said else None,
    )


def _progress(business: Business, run: Run) -> Progress:
    quota = business.procore_quota()
    waiting = run.waits_until is not None and run.waits_until > now()
    return Progress(
        done=run.done,
        total=run.total or None,
        quota_remaining=quota.remaining if quota else None,
        waits_until=run.waits_until if waiting else None,
        estimated_end=_estimate(run, now()),
    )


def _estimate(run: Run, at: datetime) -> datetime | None:
    """At the pace so far, waits included; what is to be found later is not known yet."""
    if run.done < ENOUGH_TO_TELL or run.done >= run.total:
        return None
    left = (at - run.started_at) / run.done * (run.total - run.done)
    return max(at, run.waits_until or at) + left
