"""Opening and closing a run: the lease, the record, the verdict."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.pace import is_at_rest, is_quiet, next_beat, tags_beat, was_untold
from pex_procore.domain.runs import ACHIEVEMENTS, Kind, Run, Tally, Trigger, reach_verdict, tally_items
from pex_procore.domain.settings import Settings
from pex_procore.services.ports import Clock, Conflict, Connections, Held, Leases, Runs
from pex_procore.services.progress import Progress

CONNECTION_PROBLEMS = {
    "pex_problem": ("pex_token_rejected", "pex_permission_missing", "tags_disabled"),
    "procore_problem": ("procore_secret_rejected", "procore_app_not_connected", "vendor_missing", "vendor_inactive"),
}

AFTER_ANOTHER = timedelta(seconds=20)  # a sweep that found another run at work
COME_BACK = {"paused": timedelta(), "busy": timedelta(minutes=2), "interrupted": timedelta()}


def open_run(
    *,
    run_id: str,
    kind: Kind,
    trigger: Trigger,
    execution: str,
    connections: Connections,
    leases: Leases,
    runs: Runs,
    clock: Clock,
    lease_seconds: int,
) -> Run | None:
    """Takes the business's lease and snapshots the settings. None: another run is at work, and will see our news."""
    connection = require_active(connections.load())
    try:
        lease = leases.claim(run_id, lease_seconds, execution)
    except Held as held:
        superseded = runs.load(run_id) if held.run_id != run_id else None
        if superseded is not None and superseded.status == "running":
            message = f"Run {held.run_id} was at work."
            runs.finish(_finished(superseded, Tally(), "interrupted", message, clock()))
        if trigger == "sweep" and held.run_id != run_id:
            connections.schedule_sweep(clock() + AFTER_ANOTHER, kind)
        return None
    if lease.interrupted_run_id:
        _close_interrupted(lease.interrupted_run_id, runs, clock())
        if kind == "transactions" and not connection.unfinished:
            connection = _save(connections, connection.model_copy(update={"unfinished": True}))
    if (known := runs.load(run_id)) is not None:
        if known.status == "running":
            return known
        leases.release(run_id)  # started once more after its end: its verdict stays
        return None
    settings, _ = connections.load_settings()
    run = new_run(run_id, kind, trigger, settings, connection, clock())
    runs.create(run)
    return run


def new_run(
    run_id: str, kind: Kind, trigger: Trigger, settings: Settings, connection: Connection, now: datetime
) -> Run:
    """The start date in the snapshot is always a date: the admin's, or the day the connection was made."""
    start = settings.start_date or connection.connected_on
    snapshot = settings.model_copy(update={"start_date": start})
    return Run(
        run_id=run_id,
        kind=kind,
        trigger=trigger,
        settings=snapshot,
        company_id=connection.company_id or 0,
        started_at=now,
    )


def require_active(connection: Connection | None) -> Connection:
    if connection is None or connection.status != "active":
        raise NeedsAttention("disconnected", "the connection is not active")
    return connection


def _close_interrupted(run_id: str, runs: Runs, now: datetime) -> None:
    cut_off = runs.load(run_id)
    if cut_off is not None and cut_off.status == "running":
        tally = tally_items(runs.items(run_id)).add("interrupted", "interrupted")
        runs.finish(_finished(cut_off, tally, "interrupted", "The run was cut off.", now))


def _finished(run: Run, tally: Tally, stopped_by: str | None, message: str, now: datetime) -> Run:
    return run.model_copy(
        update={
            "status": "finished",
            "verdict": reach_verdict(tally, stopped_by),
            "counts": tally.counts,
            "reasons": tally.reasons,
            "message": message,
            "finished_at": now,
        }
    )


def close_run(
    *,
    run_id: str,
    unchanged: Tally,
    announced: int,
    stopped_by: str | None,
    message: str,
    connections: Connections,
    leases: Leases,
    runs: Runs,
    clock: Clock,
    sweep_seconds: int,
) -> bool:
    """Writes the verdict and lets the lease go. False: a hint came since `announced`, list again.

    A run that was stopped does not look again: what came in waits for the next one, which is due at once.
    """
    run = runs.load(run_id)
    if run is None:
        leases.release(run_id)
        return True
    tally = tally_items(runs.items(run_id)).merge(unchanged)
    connection = _close(run, tally, stopped_by, message, connections, runs, clock)
    if connection is not None and stopped_by is None:
        _keep_pace(run, tally, connection, connections, clock(), sweep_seconds)
    return leases.release(run_id, None if stopped_by else announced)


def close_tags_run(
    *,
    run_id: str,
    tally: Tally,
    left: int,
    stopped_by: str | None,
    message: str,
    connections: Connections,
    leases: Leases,
    runs: Runs,
    clock: Clock,
    sweep_seconds: int,
) -> None:
    """`left`: projects whose cost codes are still to be read."""
    run = runs.load(run_id)
    if run is not None:
        connection = _close(run, tally, stopped_by, message, connections, runs, clock)
        if connection is not None and connection.status == "active" and run.settings.automatic_sync:
            unfinished = bool(left or stopped_by or tally.counts.get("failed"))
            _keep_tags_pace(run, tally, unfinished, connection, connections, clock(), sweep_seconds)
    leases.release(run_id)


def _close(
    run: Run,
    tally: Tally,
    stopped_by: str | None,
    message: str,
    connections: Connections,
    runs: Runs,
    clock: Clock,
) -> Connection | None:
    if stopped_by:
        tally = tally.add("stopped", stopped_by)
    runs.finish(_finished(run, tally, stopped_by, message, clock()))
    connection = connections.load()
    if connection is None:
        return None
    connection = _note_health(connections, connection, run, tally, stopped_by, clock())
    come_back = stopped_by or ("busy" if tally.reasons.get("busy") else None)
    if come_back in COME_BACK and connection.status == "active" and run.settings.automatic_sync:
        connections.schedule_sweep(clock() + COME_BACK[come_back], run.kind)
        return None
    return connection


def _keep_pace(
    run: Run, tally: Tally, connection: Connection, connections: Connections, now: datetime, seconds: int
) -> None:
    """Quiet businesses are swept less often, until something is open again."""
    if connection.status != "active" or not run.settings.automatic_sync:
        return
    quiet = is_quiet(tally, connection)
    if not quiet and connection.quiet_since is not None:
        _save(connections, connection.model_copy(update={"quiet_since": None}))
        if is_at_rest(connection, now):
            connections.schedule_sweep(next_beat(connection.business_id, now, seconds))
    elif quiet and run.trigger == "sweep" and connection.quiet_since is None:
        _save(connections, connection.model_copy(update={"quiet_since": now}))


def _keep_tags_pace(
    run: Run,
    tally: Tally,
    unfinished: bool,
    connection: Connection,
    connections: Connections,
    now: datetime,
    seconds: int,
) -> None:
    """Where Procore's webhooks are relied on, refreshes come seldom: but not while one is unfinished, and no more once
    one has found news that no webhook told."""
    if connection.heard_at is None:
        return
    untold = was_untold(connection, run.started_at) and any(tally.counts.get(name) for name in ACHIEVEMENTS)
    if untold:
        _save(connections, connection.model_copy(update={"heard_at": None}))
    if untold or unfinished:
        connections.schedule_sweep(next_beat(connection.business_id, now, tags_beat(seconds)), "tags")


def _note_health(
    connections: Connections, connection: Connection, run: Run, tally: Tally, stopped_by: str | None, now: datetime
) -> Connection:
    """Which side is broken. A side is well again once a run got through that needed it.

    Care is hastened first: a step that dies before the note is repeated, and one that dies after it has done both.
    """
    found = {stopped_by, *tally.reasons}
    update: dict[str, object] = {
        side: reason for side, reasons in CONNECTION_PROBLEMS.items() for reason in reasons if reason in found
    }
    if stopped_by is None and run.kind == "transactions":
        update.setdefault("pex_problem", None)
        if tally.counts.get("posted") or tally.counts.get("receipts_attached"):
            update.setdefault("procore_problem", None)
        if run.trigger != "callback" and run.since is None:
            update |= {"backfilled": True, "unfinished": False}
    if stopped_by == "paused" and run.kind == "transactions":
        update["unfinished"] = True
    noted = connection.found(update, now)
    if noted.procore_broken_at != connection.procore_broken_at:
        connections.hasten_care(now)
    return connection if noted == connection else _save(connections, noted)


def _save(connections: Connections, noted: Connection) -> Connection:
    """Unless somebody changes the connection now: the next run notes it again."""
    with suppress(Conflict):
        return connections.save(noted)
    return noted


WORTH_TELLING = timedelta(seconds=10)
MANY = 10  # purchases, of which a step's end is worth a write


def note_progress(run: Run, given: int, progress: Progress, runs: Runs, clock: Clock) -> None:
    """After a step that was given so many transactions, for whoever watches."""
    if run.trigger == "callback" or not (progress.remaining or given > MANY):
        return
    waits = progress.resume_at is not None and progress.resume_at - clock() > WORTH_TELLING
    done = max(0, run.total - len(progress.remaining))
    runs.note(run.model_copy(update={"done": done, "waits_until": progress.resume_at if waits else None}))
