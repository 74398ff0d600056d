"""When a business is due next."""

from __future__ import annotations

from datetime import datetime, timedelta

from pex_procore.domain.connection import Connection
from pex_procore.domain.runs import Kind, Tally

QUIET_AFTER = timedelta(hours=2)  # without anything that a sweep could bring on
CLOSED = {"already_posted", "refused", "ignored", "needs_attention"}  # outcomes that no sweep changes by itself
TOLD_WITHIN = timedelta(hours=2)  # news that a refresh of tags finds were told, where Procore told anything so lately
HEARD_TO = timedelta(minutes=15)  # how exactly we know when Procore told something


def next_beat(business_id: int, now: datetime, seconds: int) -> datetime:
    """Of a beat of `seconds`, shifted per business so that not all of them come at once."""
    offset = business_id * 7919 % seconds
    elapsed = int(now.timestamp()) - offset
    return now + timedelta(seconds=seconds - elapsed % seconds)


def next_due(kind: Kind, connection: Connection, now: datetime, seconds: int) -> datetime:
    """After a run that begins now, where `seconds` lie between two sweeps. Four times as long where nobody waits for a
    sweep, or where Procore tells by itself what a refresh of tags would find."""
    if kind == "tags":
        pause = 4 * seconds if connection.heard_at is not None else tags_beat(seconds)
    else:
        pause = 4 * seconds if is_at_rest(connection, now) else seconds
    return next_beat(connection.business_id, now, pause)


def tags_beat(seconds: int) -> int:
    """Three times as often as sweeps, since a new project is missed sooner than a late approval."""
    return max(1, seconds // 3)


def is_quiet(tally: Tally, connection: Connection) -> bool:
    """Nothing is open, and PEX would tell us of a purchase."""
    told = bool(connection.subscription_ids) and connection.has_callback_secret
    return told and CLOSED.issuperset(tally.counts)


def is_at_rest(connection: Connection, now: datetime) -> bool:
    return connection.quiet_since is not None and now - connection.quiet_since >= QUIET_AFTER


def was_untold(connection: Connection, began_at: datetime) -> bool:
    """Of news that a refresh of tags found: Procore's webhooks, on which we relied, have said nothing."""
    return connection.heard_at is not None and began_at - connection.heard_at > TOLD_WITHIN
