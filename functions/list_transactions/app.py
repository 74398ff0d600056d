"""One page of a run's work: what PEX lists, what of it is eligible, and why the rest is not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Run, Tally
from pex_procore.runtime.step import LEASE_NEEDED, LEASE_SECONDS, Context, Event, come_back, open_business, step
from pex_procore.runtime.wiring import Business, now
from pex_procore.services.list_transactions import Cursor, Papers, list_transactions


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    business, run = open_business(event)
    assert run.settings.start_date is not None, "a run's snapshot always has a start date"
    if now() >= datetime.fromisoformat(event["deadline_at"]):
        return _later(event, business, run, now())
    try:
        listing = list_transactions(
            run=run,
            start_date=run.settings.start_date,
            full=run.trigger == "manual" or not business.connection.backfilled,
            account_ids=event["account_ids"],
            since=datetime.fromisoformat(event["since"]) if event["since"] else None,
            cursor=Cursor.model_validate(event["cursor"]) if event["cursor"] else None,
            tally=Tally.model_validate(event["tally"]),
            announced=event["announced"],
            put_off=Papers.model_validate(event["put_off"]) if event["put_off"] else None,
            pex=business.pex,
            ledger=business.ledger,
            leases=business.leases,
            runs=business.runs,
            cache=business.cache,
            clock=now,
            lease_needed=LEASE_NEEDED,
            lease_seconds=LEASE_SECONDS,
        )
    except TryLater as wait:
        if wait.resume_at is None:
            raise
        return _later(event, business, run, wait.resume_at)
    finally:
        business.save_limits()
    return {
        **listing.model_dump(mode="json", exclude={"papers"}),
        "receipt_ids": list(listing.papers.stage),
        "attach_ids": list(listing.papers.attach),
        "put_off": None,
        "outcome": "done",
        "resume_at": None,
    }


def _later(event: Event, business: Business, run: Run, resume_at: datetime) -> dict[str, Any]:
    """Nothing was listed. A time past the deadline pauses the run: no page is begun that may outlive it."""
    same = {key: event[key] for key in ("cursor", "tally", "announced", "put_off")}
    nothing: dict[str, Any] = {"transaction_ids": [], "receipt_ids": [], "attach_ids": []}
    return {**same, **nothing, **come_back(business, run, resume_at)}
