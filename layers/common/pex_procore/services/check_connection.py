"""A fresh look at both sides: what may be done there, and which side is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pex_procore.domain import checks
from pex_procore.domain.catalog import Project
from pex_procore.domain.checks import PexChecks, ProcoreChecks, Status
from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.settings import Settings
from pex_procore.services.door_ports import Access, CheckStore
from pex_procore.services.ports import Clock, Connections, Side
from pex_procore.services.revise import revise
from pex_procore.services.runs import CONNECTION_PROBLEMS
from pex_procore.services.vendor_ports import Pex, Procore


def look_at_pex(pex: Pex, clock: Clock) -> tuple[PexChecks, str | None]:
    """What the administrator behind the token may do, and what is wrong. Raises TryLater, and NeedsAttention when PEX
    does not take the token."""
    permissions = checks.check_permissions(pex.profile())
    missing = any(one.status == "missing" for one in permissions)
    problem = "pex_permission_missing" if missing else None
    tags = None
    try:
        tags = checks.see_tags(pex.list_tags())
        if not pex.tags_enabled():
            problem = problem or "tags_disabled"
    except NeedsAttention as error:
        if error.reason not in CONNECTION_PROBLEMS["pex_problem"] or error.reason == "pex_token_rejected":
            raise
        problem = problem or error.reason
    return PexChecks(checked_at=clock(), permissions=permissions, tags=tags), problem


def check_connection(
    *,
    pex: Callable[[], Pex],
    procore: Callable[[], Procore],
    access: Callable[[], Access],
    store: CheckStore,
    connections: Connections,
    business_id: int,
    clock: Clock,
) -> frozenset[Side]:
    """Asks both sides, keeps what they say and notes which of them is broken or well again. Answers the sides that gave
    no answer; of them the former look stays. What lacks credentials is not asked."""
    connection = connections.load() or Connection(business_id=business_id)
    settings, _ = connections.load_settings()
    kept, silent = store.load(), set[Side]()
    try:
        seen, changes = _check_pex(connection, pex, clock)
        kept = kept.model_copy(update={"pex": seen})
    except TryLater:
        changes = {}
        silent.add("pex")
    if connection.has_procore_credentials and connection.company_id is not None:
        try:
            found, problem = _check_procore(connection, settings, procore, access, clock)
            kept = kept.model_copy(update={"procore": found})
            changes["procore_problem"] = problem
        except TryLater:
            silent.add("procore")
    store.save(kept)
    now = clock()
    noted = revise(connections, business_id, lambda known: _changed(known, connection, changes, now))
    if noted.procore_broken_at == now:
        connections.hasten_care(now)
    return frozenset(silent)


def _changed(known: Connection, seen: Connection, changes: dict[str, object], now: datetime) -> Connection:
    """Of a connection that was taken apart or joined anew meanwhile, what was found holds no more."""
    same = (known.pex_username, known.company_id, known.status) == (seen.pex_username, seen.company_id, seen.status)
    return known.found(changes, now) if same else known


def _check_pex(connection: Connection, pex: Callable[[], Pex], clock: Clock) -> tuple[PexChecks, dict[str, object]]:
    try:
        client = pex()
        identity = client.identity()
        seen, problem = look_at_pex(client, clock)
    except NeedsAttention as error:
        nothing = PexChecks(checked_at=clock(), permissions=checks.check_permissions(None))
        known = error.reason in CONNECTION_PROBLEMS["pex_problem"] and connection.status != "disconnected"
        return nothing, {"pex_problem": error.reason} if known else {}
    told = all(one.status == "ok" for one in seen.permissions)
    if problem is None and connection.pex_problem == "pex_permission_missing" and not told:
        problem = connection.pex_problem  # a run was refused, and PEX does not say what is lacking
    return seen, {"pex_problem": problem, "pex_expires_at": identity.expires_at}


def _check_procore(
    connection: Connection,
    settings: Settings,
    procore: Callable[[], Procore],
    access: Callable[[], Access],
    clock: Clock,
) -> tuple[ProcoreChecks, str | None]:
    assert connection.company_id is not None
    heard = checks.check_webhooks(bool(connection.procore_hook_id), connection.status == "active")
    try:
        tools = [*_check_tools(settings, procore(), access()), heard]
        problem = _vendor_problem(settings, procore())
    except NeedsAttention as error:
        tools, problem = [heard], connection.procore_problem
        if error.reason in CONNECTION_PROBLEMS["procore_problem"]:
            problem = error.reason
    return ProcoreChecks(checked_at=clock(), company_id=connection.company_id, tools=tuple(tools)), problem


def _check_tools(settings: Settings, procore: Procore, access: Access) -> list[checks.ToolCheck]:
    projects = procore.list_projects()
    tried = checks.projects_to_try(projects, settings)
    directory = checks.check_directory(access.may_list_vendors())
    found: list[tuple[Project, Status]] = []
    for project in tried:
        readable = access.may_list_direct_costs(project.project_id)
        manifest = access.tool_access(project.project_id) if readable else None
        found.append((project, checks.direct_costs_status(manifest, readable)))
    codes = access.may_list_budget_codes(tried[0].project_id) if tried else None
    return [
        checks.check_projects(projects),
        directory,
        checks.check_direct_costs(found),
        checks.check_budget_codes(codes),
    ]


def _vendor_problem(settings: Settings, procore: Procore) -> str | None:
    if settings.vendor_id is None or not settings.sync_expenses:
        return None
    try:
        vendor = procore.find_vendor(settings.vendor_id)
    except NeedsAttention as error:
        if error.reason != "procore_permission_missing":
            raise
        return None
    return None if vendor is not None and vendor.active else "vendor_inactive"
