"""When a business is swept next."""

from __future__ import annotations

from datetime import datetime, timedelta

from pex_procore.domain.connection import Connection
from pex_procore.domain.runs import Kind, Tally

QUIET_AFTER = timedelta(hours=2)  # without anything that a sweep could bring on
QUIET_PAUSE = timedelta(hours=1)
CLOSED = {"already_posted", "refused", "ignored", "needs_attention"}  # outcomes that no sweep changes by itself


def next_sweep(kind: Kind, business_id: int, now: datetime, seconds: int) -> datetime:
    """A beat of `seconds`, shifted per business so that not all of them come at once; tags come three times as often,
    since a new project is missed sooner than a late approval."""
    if kind == "tags":
        seconds = max(1, seconds // 3)
    offset = business_id * 7919 % seconds
    elapsed = int(now.timestamp()) - offset
    return now + timedelta(seconds=seconds - elapsed % seconds)


def is_quiet(tally: Tally, connection: Connection) -> bool:
    """Nothing is open, and PEX would tell us of a purchase."""
    told = bool(connection.subscription_ids) and connection.has_callback_secret
    return told and CLOSED.issuperset(tally.counts)


def sweep_after(connection: Connection, now: datetime, seconds: int) -> datetime | None:
    """Of a quiet business, later than its beat; None where the beat is right."""
    pause = QUIET_PAUSE - timedelta(seconds=seconds)
    since = connection.quiet_since
    if since is None or now - since < QUIET_AFTER or pause <= timedelta():
        return None
    return next_sweep("transactions", connection.business_id, now + pause, seconds)
