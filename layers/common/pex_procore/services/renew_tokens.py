"""Keeping a connection's PEX token alive, and telling its administrator what a program cannot mend.

The present token works until a new one has proven itself: the new one is sealed beside it first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from pex_procore.domain.alerts import (
    LONGEST_DIGEST,
    Care,
    Notice,
    break_due_at,
    break_notice,
    due_period,
    token_notice,
)
from pex_procore.domain.alerts import digest as digest_of
from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.pace import next_beat
from pex_procore.services.ports import Clock, Conflict, Connections, Ledger, Notices
from pex_procore.services.vendor_ports import Pex

RENEW_FROM = timedelta(days=31)  # PEX lets a token be renewed in its last month (docs/behaviour.md#renewing-tokens)
URGENT = timedelta(days=7)
DAY_SECONDS = 24 * 3600

Outcome = Literal["kept", "renewed", "not_renewed", "dead", "later"]


def next_care(business_id: int, now: datetime) -> datetime:
    """Once a day, each business at a time of its own."""
    return next_beat(business_id, now, DAY_SECONDS)


def renew_token(
    *, pex: Callable[[], Pex], with_token: Callable[[str], Pex], connections: Connections, clock: Clock
) -> Outcome:
    """One look at the token: "kept" while there is time, "not_renewed" when PEX does not let us, "later" when PEX gives
    no answer. A lost answer to a renewal leaves a token in PEX that nobody holds; the present one is not harmed.

    `pex` raises NeedsAttention when no token is stored.
    """
    connection = connections.load()
    if connection is None:
        return "kept"
    try:
        if (token := connections.open_next_pex_token()) is None:
            ends_at = connection.pex_expires_at
            if ends_at is not None and ends_at - clock() > RENEW_FROM and not connection.pex_problem:
                return "kept"
            ends_at = pex().identity().expires_at
            _note(connections, pex_expires_at=ends_at, pex_problem=None)
            if ends_at is None or ends_at - clock() > RENEW_FROM:
                return "kept"
            if (token := pex().renew_token()) is None:
                return "not_renewed"
            connections.seal_next_pex_token(token)
        return _prove(token, with_token, connections, connection)
    except (TryLater, Unsure):
        return "later"
    except NeedsAttention as error:
        if error.reason != "pex_token_rejected":
            return "later"
        _note(connections, pex_problem="pex_token_rejected")
        return "dead"


def _prove(token: str, with_token: Callable[[str], Pex], connections: Connections, connection: Connection) -> Outcome:
    """The new token takes the place of the present one when PEX says whose it is."""
    try:
        identity = with_token(token).identity()
    except NeedsAttention:
        connections.drop_next_pex_token()
        return "not_renewed"
    if identity.business_id != connection.business_id or not identity.is_admin:
        connections.drop_next_pex_token()
        return "not_renewed"
    if connections.promote_next_pex_token():
        _note(connections, pex_expires_at=identity.expires_at, pex_token_ours=True, pex_problem=None)
    return "renewed"


def _note(connections: Connections, **changes: object) -> None:
    """`pex_problem` None only takes away that the token was refused; what else is wrong is for runs to find."""
    for _ in range(3):
        connection = connections.load()
        if connection is None:
            return
        if "pex_problem" in changes and not changes["pex_problem"] and connection.pex_problem != "pex_token_rejected":
            changes = {name: value for name, value in changes.items() if name != "pex_problem"}
        noted = connection.model_copy(update=changes)
        try:
            if noted != connection:
                connections.save(noted)
            return
        except Conflict:
            continue
    raise TryLater("the connection is being changed by somebody else")


def look_after(
    *,
    pex: Callable[[], Pex],
    with_token: Callable[[str], Pex],
    connections: Connections,
    ledger: Callable[[], Ledger],
    notices: Notices,
    clock: Clock,
) -> Outcome | None:
    """One business's care, daily and when Procore's side breaks: its token, what its administrator has to be told of
    either side, and the digest, which comes daily all the same.

    That somebody was told is on record before they are told: of a token's message lost on the way they hear in the
    next period, of none twice. None: the business is connected no more.
    """
    connection, care = connections.load(), connections.load_care()
    if connection is None or connection.status == "disconnected" or care is None:
        connections.end_care()
        return None
    outcome = renew_token(pex=pex, with_token=with_token, connections=connections, clock=clock)
    now = clock()  # before the look: what breaks from here on is news
    connection = connections.load() or connection
    due_at = next_care(connection.business_id, now) if outcome != "later" else now + timedelta(hours=1)
    told = None if outcome == "renewed" else care.told
    procore_told_at, digested_until = care.procore_told_at, care.digested_until
    news: list[Notice] = []
    dead = connection.pex_problem == "pex_token_rejected"
    if (period := due_period(connection.pex_expires_at, dead=dead, now=now, told=told)) is not None:
        told = period
        news.append(token_notice(connection, period))
    if (break_at := break_due_at(connection, procore_told_at, now)) == now:
        procore_told_at = now
        news.append(break_notice(connection))
    elif break_at is not None:
        due_at = min(due_at, break_at)
    since = digested_until or now - timedelta(seconds=DAY_SECONDS)
    if next_care(connection.business_id, since) <= now:
        digested_until = now
        exceptions = ledger().list_by_state("exception")
        if (digest := digest_of(connection, exceptions, max(since, now - LONGEST_DIGEST), now)) is not None:
            news.append(digest)
    connections.save_care(
        Care(due_at=due_at, told=told, procore_told_at=procore_told_at, digested_until=digested_until)
    )
    for notice in news:
        notices.publish(connection.business_id, notice)
    return outcome


def begin_care(connections: Connections, business_id: int, clock: Clock, *, fresh: bool) -> None:
    """`fresh`: of the token that is there now nobody has been told anything."""
    care, now = connections.load_care(), clock()
    if care is None:
        connections.save_care(Care(due_at=next_care(business_id, now), digested_until=now))
    elif fresh and care.told is not None:
        connections.save_care(care.model_copy(update={"told": None}))


def ends_soon(connection: Connection, now: datetime) -> bool:
    return connection.pex_expires_at is not None and connection.pex_expires_at - now <= URGENT
