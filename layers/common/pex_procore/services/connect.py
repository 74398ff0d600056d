"""Joining a PEX business to a Procore company, and taking them apart."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from pex_procore.domain.catalog import Company
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.pace import HEARD_TO
from pex_procore.domain.runs import Kind
from pex_procore.domain.settings import Defaults, Settings
from pex_procore.domain.values import Value
from pex_procore.services.ports import Clock, Conflict, Connections
from pex_procore.services.start_runs import is_automatic
from pex_procore.services.vendor_ports import Pex, Procore

KINDS: tuple[Kind, ...] = ("transactions", "tags")
HOOK_RESOURCES = ("Projects", "Cost Codes", "Line Item Types")
CALLBACK_TYPES = ("SettlementPostedRealtime", "PinRealtime")


def put_procore(
    credentials: ProcoreCredentials, *, procore: Procore, connections: Connections, connection: Connection
) -> list[Company]:
    """Proves the credentials by asking for the companies they see, then keeps them. Answers the active companies."""
    companies = [company for company in procore.list_companies() if company.active]
    connections.seal_procore_credentials(credentials)
    connections.save(connection.model_copy(update={"has_procore_credentials": True, "procore_problem": None}))
    return companies


class CompanyChange(Exception):
    """Another company is chosen already; the ledger belongs to it. `confirm` is asked for."""


def choose_company(
    company_id: int,
    *,
    confirm: bool,
    procore: Procore,
    former: Procore | None,
    connections: Connections,
    connection: Connection,
    clock: Clock,
) -> Connection:
    """Another company has another ledger, and is only taken with `confirm`; choices that name records of the former one
    are dropped, and nothing runs until a vendor is chosen again. `former`: Procore bound to the company chosen before.

    Raises NeedsAttention("procore_app_not_connected") when the credentials do not see the company.
    """
    company = next((one for one in procore.list_companies() if one.company_id == company_id and one.active), None)
    if company is None:
        raise NeedsAttention("procore_app_not_connected", f"company {company_id} is not among those the app sees")
    changed = connection.company_id is not None and connection.company_id != company_id
    if changed and not confirm:
        raise CompanyChange
    if changed:
        settings, version = connections.load_settings()
        dropped = {"vendor_id": None, "project_ids": (), "defaults": Defaults()}
        connections.save_settings(settings.model_copy(update=dropped), version)
        for kind in KINDS:
            connections.schedule_sweep(None, kind)
        if former is not None and connection.procore_hook_id:
            with suppress(TryLater, Unsure, NeedsAttention):
                former.delete_hook(connection.procore_hook_id)
    return connections.save(
        connection.model_copy(
            update={
                "status": "setting_up" if changed else connection.status,
                "procore_hook_id": "" if changed else connection.procore_hook_id,
                "heard_at": None if changed else connection.heard_at,
                "company_id": company_id,
                "company_name": company.name,
                "generation": company_id,
                "generations": tuple(sorted({*connection.generations, company_id})),
                "backfilled": connection.backfilled and not changed,
                "connected_on": connection.connected_on or eastern_date(clock()),
                "procore_problem": None,
            }
        )
    )


def activate(
    connection: Connection, settings: Settings, *, public_url: str, pex: Pex, connections: Connections, clock: Clock
) -> Connection:
    """Once both sides are known, and a vendor where purchases are imported, the connection lives: callbacks subscribed,
    sweeps on the schedule.

    Safe to call after every change. The callback's URL holds a key that only PEX is told.
    """
    joined = connection.company_id is not None and connection.has_procore_credentials
    chosen = settings.vendor_id is not None or not settings.sync_expenses
    if connection.status == "disconnected" or not (joined and chosen):
        return connection
    if not connection.subscription_ids or connection.subscribed_url != public_url:
        ids = _subscribe(public_url, pex, connections, connection.subscription_ids)
        subscribed = {"subscription_ids": ids, "subscribed_url": public_url}
        connection = connections.save(connection.model_copy(update=subscribed))
    if connection.status != "active":
        connection = connections.save(connection.model_copy(update={"status": "active"}))
    for kind in KINDS:
        connections.schedule_sweep(clock() if is_automatic(kind, settings) else None, kind)
    return connection


def _subscribe(public_url: str, pex: Pex, connections: Connections, former_ids: tuple[int, ...]) -> tuple[int, ...]:
    """The ids of our subscriptions at PEX; empty when PEX does not take them now.

    Callbacks only make us faster: without them the sweeps find everything, and the next change of settings tries again.
    """
    ours = f"{public_url}/callbacks/pex/"
    hook_key = secrets.token_urlsafe(24)
    url = ours + hook_key
    try:
        known = pex.list_subscriptions()
        old = [one for one in known if one.url.startswith(ours) or one.subscription_id in former_ids]
        connections.save_hook(hook_key)
        for type_name in CALLBACK_TYPES:
            pex.subscribe(type_name, url)
        for stale in old:
            pex.unsubscribe(stale.subscription_id)
        return tuple(one.subscription_id for one in pex.list_subscriptions() if one.url == url)
    except (TryLater, Unsure, NeedsAttention):
        return ()


def listen_to_procore(
    connection: Connection, *, public_url: str, procore: Procore, connections: Connections
) -> Connection:
    """A webhook that tells when projects, cost codes or cost types change, for a connection that is active.

    It only makes the tags follow sooner: where Procore does not offer it, the schedule finds everything.
    """
    ours = f"{public_url}/callbacks/procore/"
    heard = connection.procore_hook_id and connection.procore_hook_url.startswith(ours)
    if connection.status != "active" or heard:
        return connection
    hook_key, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    connections.save_hook(hook_key, "procore")
    connections.set_callback_secret(secret, "procore")
    try:
        if connection.procore_hook_id:
            procore.delete_hook(connection.procore_hook_id)
        hook_id = procore.create_hook(ours + hook_key, f"Bearer {secret}", HOOK_RESOURCES)
    except (TryLater, Unsure, NeedsAttention):
        return connection
    return connections.save(
        connection.model_copy(update={"procore_hook_id": hook_id, "procore_hook_url": ours, "heard_at": None})
    )


def note_heard(connection: Connection, connections: Connections, now: datetime) -> None:
    """That Procore's webhooks work. Not every event is worth a write, and none is worth a quarrel over one."""
    if connection.heard_at is None or now - connection.heard_at > HEARD_TO:
        with suppress(Conflict):
            connections.save(connection.model_copy(update={"heard_at": now}))


class LeftBehind(Value):
    """What a disconnection could not take away, and why."""

    what: str
    why: str


def disconnect(
    connection: Connection, *, pex: Pex | None, procore: Procore | None = None, connections: Connections
) -> tuple[Connection, list[LeftBehind]]:
    """Nothing runs and nothing is known any more but the history: schedule, hooks, subscriptions, tokens and
    credentials go. What a vendor does not let us take away is told; its keys are dead all the same.

    A running sync stops at its next step. `pex` and `procore` are None when their credentials are gone already.
    """
    connection = connections.save(connection.model_copy(update={"status": "disconnected"}))
    for kind in KINDS:
        connections.schedule_sweep(None, kind)
    connections.end_care()
    connections.erase_hook("procore")
    connections.erase_hook()
    left: list[LeftBehind] = []

    def take_away(what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (TryLater, Unsure, NeedsAttention) as error:
            left.append(LeftBehind(what=what, why=str(error)))

    if procore is not None:
        if connection.procore_hook_id:
            take_away("the webhook in Procore", partial(procore.delete_hook, connection.procore_hook_id))
        take_away("the access token in Procore", procore.sign_out)
    if pex is not None:
        for subscription_id in connection.subscription_ids:
            take_away(f"the callback subscription {subscription_id} in PEX", partial(pex.unsubscribe, subscription_id))
        if connection.pex_token_ours:
            take_away("the API token in PEX", pex.delete_token)
    connections.erase_credentials()
    gone = {
        "subscription_ids": (),
        "procore_hook_id": "",
        "heard_at": None,
        "has_procore_credentials": False,
        "has_callback_secret": False,
        "pex_token_ours": False,
    }
    return connections.save(connection.model_copy(update=gone)), left
