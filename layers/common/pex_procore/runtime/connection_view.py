"""The connection as the administrator's page shows it: from our own tables alone, the last look at both sides included.

No secret has a place here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pex_procore.domain.alerts import token_warning
from pex_procore.domain.attention import Item, Where, find_attention
from pex_procore.domain.catalog import Project
from pex_procore.domain.checks import PermissionCheck, TagCheck, ToolCheck, check_permissions, check_tags
from pex_procore.domain.connection import Connection
from pex_procore.domain.ledger import State
from pex_procore.domain.reasons import REASONS, Actor
from pex_procore.domain.runs import Kind, Run
from pex_procore.domain.settings import Settings
from pex_procore.runtime.answers import HelpShown, RunShown, Shown
from pex_procore.runtime.views import explain, show_run
from pex_procore.runtime.wiring import Business, now, wiring
from pex_procore.services.ports import Side
from pex_procore.services.start_runs import is_automatic

RUNS_SHOWN, RUNS_READ = 5, 20
ROWS_COUNTED = 500  # of one state; beyond that "at least"
STATES_COUNTED: tuple[State, ...] = ("exception", "waiting", "refused", "posted", "complete")


class SetUp(Shown):
    """Which steps of the set-up are done. `active`: syncing was turned on once, or something has run."""

    credentials: bool
    company: bool
    tags: bool
    settings: bool
    active: bool


class Attention(Shown):
    code: str
    side: Where
    text: str
    what_to_do: str
    actor: Actor


class PexSide(Shown):
    """`username`: whose PEX login the connector works with."""

    username: str
    token_expires_at: datetime | None
    problem: str | None
    warning: str | None
    help: HelpShown | None
    callbacks: Literal["subscribed", "not_subscribed"]
    has_callback_secret: bool
    permissions: list[PermissionCheck]
    checked_at: datetime | None


class ProcoreSide(Shown):
    company_id: int | None
    company_name: str
    has_credentials: bool
    problem: str | None
    help: HelpShown | None
    tools: list[ToolCheck]
    checked_at: datetime | None


class Tags(Shown):
    project: TagCheck
    cost_code: TagCheck
    cost_type: TagCheck
    checked_at: datetime | None


class Quota(Shown):
    """Of Procore's calls an hour, as its last answers told; `resets_at` is None while nothing is used."""

    limit: int
    remaining: int
    resets_at: datetime | None


class Count(Shown):
    """`more`: there are more than `n`."""

    n: int
    more: bool


class Schedule(Shown):
    next_transactions_at: datetime | None
    next_tags_at: datetime | None


class SessionShown(Shown):
    username: str


class ConnectionShown(Shown):
    """`running`: the run that is at work now."""

    business_id: int
    business_name: str
    status: Literal["setting_up", "active", "disconnected"]
    set_up: SetUp
    attention: list[Attention]
    session: SessionShown
    pex: PexSide
    procore: ProcoreSide
    tags: Tags
    quota: Quota | None
    counts: dict[str, Count]
    schedule: Schedule
    running: str | None
    last_runs: list[RunShown]


def show_connection(business: Business, username: str, silent: Iterable[Side] = ()) -> ConnectionShown:
    """`username`: who is signed in; `silent`: the sides that gave no answer to a look just now."""
    connection = business.connection
    settings, _ = business.connections.load_settings()
    checks = business.checks.load()
    seen = checks.procore if checks.procore and checks.procore.company_id == connection.company_id else None
    permissions = checks.pex.permissions if checks.pex else check_permissions(None)
    tags = check_tags(checks.pex.tags if checks.pex else None, settings.tags.model_dump())
    runs, _ = business.runs.page(RUNS_READ, None)
    attention = find_attention(
        connection,
        settings,
        permissions=permissions,
        tags=tags,
        tools=seen.tools if seen else (),
        last_tags_run=next((run for run in runs if run.kind == "tags" and run.status == "finished"), None),
        silent=silent,
        now=now(),
    )
    return ConnectionShown(
        business_id=connection.business_id,
        business_name=connection.business_name,
        status=connection.status,
        set_up=SetUp(
            credentials=connection.has_procore_credentials,
            company=connection.company_id is not None,
            tags=all(one.status == "found" for one in tags.values()),
            settings=settings.vendor_id is not None or not settings.sync_expenses,
            active=connection.status == "active" and (settings.automatic_sync or bool(runs)),
        ),
        attention=[show_attention(one) for one in attention],
        session=SessionShown(username=username),
        pex=PexSide(
            username=connection.pex_username if connection.status != "disconnected" else "",
            token_expires_at=connection.pex_expires_at,
            problem=connection.pex_problem,
            warning=token_warning(connection, now()),
            help=explain(connection.pex_problem),
            callbacks="subscribed" if connection.subscription_ids else "not_subscribed",
            has_callback_secret=connection.has_callback_secret,
            permissions=list(permissions),
            checked_at=checks.pex.checked_at if checks.pex else None,
        ),
        procore=ProcoreSide(
            company_id=connection.company_id,
            company_name=connection.company_name,
            has_credentials=connection.has_procore_credentials,
            problem=connection.procore_problem,
            help=explain(connection.procore_problem),
            tools=list(seen.tools) if seen else [],
            checked_at=seen.checked_at if seen else None,
        ),
        tags=Tags(**tags, checked_at=checks.pex.checked_at if checks.pex and checks.pex.tags is not None else None),
        quota=_quota(business),
        counts={state: _count(business, state) for state in STATES_COUNTED},
        schedule=_schedule(business, connection, settings),
        running=business.leases.holder() or wiring().business(business.business_id, "tags").leases.holder(),
        last_runs=[show_run(run) for run in _newest(runs)],
    )


def show_project(project: Project) -> dict[str, Any]:
    """For picking; which of them become options is the settings' to say."""
    shown = {name: getattr(project, name) for name in ("number", "name", "active", "demo", "template")}
    return {"id": project.project_id, **shown}


def show_attention(item: Item) -> Attention:
    known = REASONS[item.code]
    text = f"{known.text} ({item.detail})" if item.detail else known.text
    return Attention(code=item.code, side=item.side, text=text, what_to_do=known.todo, actor=known.actor)


def _newest(runs: list[Run]) -> list[Run]:
    """The last finished one for purchases is always among them, however many tag refreshes came after it."""
    last = next((run for run in runs if run.kind == "transactions" and run.status == "finished"), None)
    shown = runs[:RUNS_SHOWN]
    return shown if last is None or last in shown else [*shown[:-1], last]


def _count(business: Business, state: State) -> Count:
    number, more = business.counts.count(state, ROWS_COUNTED)
    return Count(n=number, more=more)


def _schedule(business: Business, connection: Connection, settings: Settings) -> Schedule:
    def due(kind: Kind) -> datetime | None:
        if connection.status != "active" or not is_automatic(kind, settings):
            return None
        return wiring().sweeps.due_at(business.business_id, kind)

    return Schedule(next_transactions_at=due("transactions"), next_tags_at=due("tags"))


def _quota(business: Business) -> Quota | None:
    left = business.procore_quota()
    return Quota(limit=left.limit, remaining=left.remaining, resets_at=left.resets_at) if left else None
