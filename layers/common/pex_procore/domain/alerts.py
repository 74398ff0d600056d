"""What an administrator is told without asking, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pex_procore.domain.connection import Connection
from pex_procore.domain.ledger import Row
from pex_procore.domain.reasons import REASONS, Help
from pex_procore.domain.values import Value

PERIODS = (30, 14, 7, 3, 1, 0)  # days before a token ends: told at most once in each, 0 being that it is dead
LONGEST_DIGEST = timedelta(days=7)
BETWEEN_BREAKS = timedelta(days=1)  # that are told, where Procore's side breaks again and again


class Notice(Value):
    """What goes to people. It holds no amount, no card and no secret."""

    kind: Literal["pex_token", "procore_problem", "digest"]
    subject: str
    text: str


class Care(Value):
    """Who has been told what of one business, and when it is looked after next."""

    due_at: datetime
    told: int | None = None  # the last of `PERIODS` of the present token
    procore_told_at: datetime | None = None  # when they were told last that Procore's side broke
    digested_until: datetime | None = None


def due_period(expires_at: datetime | None, *, dead: bool, now: datetime, told: int | None) -> int | None:
    """The period that has begun and was not told yet. None: nothing is to be told."""
    if dead or (expires_at is not None and expires_at <= now):
        period = 0
    elif expires_at is None:
        return None
    else:
        begun = [days for days in PERIODS[:-1] if expires_at - now <= timedelta(days=days)]
        if not begun:
            return None
        period = min(begun)
    return period if told is None or period < told else None


def break_due_at(connection: Connection, told_at: datetime | None, now: datetime) -> datetime | None:
    """When Procore's break is to be told: now, or a day after the last one was. None: nothing is to be told."""
    if connection.status != "active" or connection.procore_problem is None:
        return None
    if told_at is None:
        return now
    broken_at = connection.procore_broken_at
    return None if broken_at is None or broken_at <= told_at else max(now, told_at + BETWEEN_BREAKS)


def token_warning(connection: Connection, now: datetime) -> str | None:
    """A reason for the dashboard, while nothing is broken yet."""
    ends_at = connection.pex_expires_at
    soon = ends_at is not None and ends_at - now <= timedelta(days=PERIODS[0])
    return "pex_token_expires_soon" if soon and connection.status != "disconnected" else None


def token_notice(connection: Connection, period: int) -> Notice:
    who = _name(connection)
    login = f"the PEX login of {connection.pex_username}" if connection.pex_username else "the PEX login"
    if period == 0:
        subject = "Procore sync has stopped: PEX no longer accepts our login"
        text = f"{who}: PEX no longer accepts {login}, so nothing is synced to Procore."
    else:
        day = f" on {connection.pex_expires_at:%B %d, %Y}" if connection.pex_expires_at else ""
        subject = "Procore sync will stop: the PEX login ends soon"
        text = f"{who}: {login} ends{day}, and PEX has not let us renew it so far. We go on trying every day."
    todo = "Sign in to the connector again with a fresh PEX token; settings and history stay."
    return Notice(kind="pex_token", subject=subject, text=f"{text}\n{todo}")


def break_notice(connection: Connection) -> Notice:
    why = _help(connection.procore_problem or "internal_error")
    subject = f"Procore sync has stopped: {why.text}"
    text = f"{_name(connection)}: nothing is synced to Procore. {why.text}"
    todo = f"{why.todo} What is bought meanwhile follows then."
    return Notice(kind="procore_problem", subject=subject, text=f"{text}\n{todo}")


def digest(connection: Connection, exceptions: Iterable[Row], since: datetime, until: datetime) -> Notice | None:
    """The exceptions that arose in the time, by cause, the most frequent first; None when there are none."""
    fresh = [row for row in exceptions if since < row.timeline[-1].at <= until]
    causes = Counter(row.reason or "internal_error" for row in fresh)
    if not causes:
        return None
    lines = [f"{number}: {_explained(reason)}" for reason, number in causes.most_common()]
    what = "1 card purchase needs" if len(fresh) == 1 else f"{len(fresh)} card purchases need"
    return Notice(
        kind="digest", subject=f"{what} a look", text="\n".join([f"{_name(connection)}: {what} a look.", *lines])
    )


def _name(connection: Connection) -> str:
    return f"{connection.business_name} (PEX business {connection.business_id})"


def _explained(reason: str) -> str:
    known = _help(reason)
    return f"{known.text} {known.todo}"


def _help(reason: str) -> Help:
    return REASONS.get(reason, REASONS["internal_error"])
