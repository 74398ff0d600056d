"""Starting runs: for PEX's hints, for sweeps that are due, and for a person."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime

from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.ledger import announce
from pex_procore.domain.runs import Kind, Run, new_run_id
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TAG_KINDS
from pex_procore.domain.values import Value
from pex_procore.services.ports import Clock, Conflict, Connections, Held, Leases, Ledger, Runs
from pex_procore.services.runs import new_run, require_active
from pex_procore.services.start_port import Executions

START_SECONDS = 60  # how long a started run may take to open before its lease is free again


class Hint(Value):
    """What a callback told us: where to look, never what to believe."""

    transaction_id: int | None = None
    account_id: int | None = None
    happened_at: datetime | None = None


def start_for_hints(
    hints: Sequence[Hint],
    *,
    business_id: int,
    seed: str,
    received_at: datetime,
    connections: Connections,
    ledger: Ledger,
    leases: Leases,
    executions: Executions,
    clock: Clock,
) -> str | None:
    """Announces the hinted transactions and starts one run. None: the connection does not sync by itself now.

    Announcements come before the counter, the counter before the start: whatever run is closing meanwhile sees one of
    them. The same batch delivered again (`seed`, `received_at`) starts no second run.
    """
    connection = connections.load()
    settings, _ = connections.load_settings()
    if connection is None or connection.status != "active" or not is_automatic("transactions", settings):
        return None
    for hint in hints:
        if hint.transaction_id is None or hint.account_id is None or ledger.load(hint.transaction_id) is not None:
            continue
        with suppress(Conflict):  # announced by somebody else just now
            ledger.save(announce(hint.transaction_id, hint.account_id, clock(), "callback"))
    leases.count_announcement()
    run_id = new_run_id(received_at, f"{business_id} {seed}")
    run = new_run(run_id, "transactions", "callback", settings, connection, clock())
    accounts = {hint.account_id for hint in hints if hint.account_id is not None}
    since = min((hint.happened_at for hint in hints if hint.happened_at is not None), default=None)
    executions.start(run, business_id, account_ids=sorted(accounts), since=since)
    return run_id


def start_sweep(
    kind: Kind, *, connection: Connection, due_at: datetime, connections: Connections, executions: Executions
) -> str | None:
    settings, _ = connections.load_settings()
    if connection.status != "active" or not is_automatic(kind, settings):
        connections.schedule_sweep(None, kind)
        return None
    run_id = new_run_id(due_at, f"{connection.business_id} {kind} sweep")
    run = new_run(run_id, kind, "sweep", settings, connection, due_at)
    executions.start(run, connection.business_id, long=needs_hours(connection))
    return run_id


def needs_hours(connection: Connection) -> bool:
    """Of a sweep: the first one reads everything, and what minutes were too short for has to wait for quota."""
    return connection.unfinished or not connection.backfilled


def is_automatic(kind: Kind, settings: Settings) -> bool:
    wanted = any(map(settings.follows, TAG_KINDS)) if kind == "tags" else settings.sync_expenses
    return settings.automatic_sync and wanted


class AlreadyRunning(Exception):
    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def start_by_hand(
    kind: Kind,
    *,
    confirmed: bool = False,
    since: date | None = None,
    business_id: int,
    connections: Connections,
    leases: Leases,
    runs: Runs,
    executions: Executions,
    clock: Clock,
) -> Run:
    """Takes the lease here and now, so that of two quick clicks one starts a run. Raises AlreadyRunning."""
    connection = require_active(connections.load())
    settings, _ = connections.load_settings()
    if kind == "transactions" and not settings.sync_expenses:
        raise NeedsAttention("expenses_off", "switch sync_expenses on first")
    now = clock()
    run_id = new_run_id(now, f"{business_id} {kind} manual")
    run = new_run(run_id, kind, "manual", settings, connection, now).model_copy(
        update={"confirmed": confirmed, "since": since}
    )
    try:
        leases.claim(run.run_id, START_SECONDS)
    except Held as held:
        raise AlreadyRunning(held.run_id) from held
    runs.create(run)
    try:
        executions.start(run, business_id, long=True)
    except Exception:
        leases.release(run.run_id)
        runs.finish(run.model_copy(update={"status": "finished", "verdict": "failed", "finished_at": clock()}))
        raise
    return run
