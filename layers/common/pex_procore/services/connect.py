"""Joining a PEX business to a Procore company, and taking them apart."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from pex_procore.domain.catalog import Company
from pex_procore.domain.connection import Connection, PexIdentity, ProcoreCredentials
from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Kind
from pex_procore.domain.settings import Defaults, Settings
from pex_procore.domain.values import Value
from pex_procore.services.ports import Clock, Conflict, Connections, Pex, Procore, Sessions
from pex_procore.services.renew_tokens import begin_care
from pex_procore.services.start_runs import is_automatic

KINDS: tuple[Kind, ...] = ("transactions", "tags")
HOOK_RESOURCES = ("Projects", "Cost Codes", "Line Item Types")
CALLBACK_TYPES = ("SettlementPostedRealtime", "PinRealtime")
SESSION_SECONDS = 10 * 3600


def sign_in(
    token: str,
    identity: PexIdentity,
    *,
    ours: bool = False,
    pex: Pex,
    connections: Connections,
    sessions: Sessions,
    clock: Clock,
) -> str:
    """A session for the administrator behind `token`, whose token now works for the business: the session token.

    Any administrator of the business may take over; settings and ledger stay. `ours`: PEX made the token for us, so it
    goes when the business disconnects; one that a person made is theirs.
    """
    if not identity.is_admin:
        raise NeedsAttention("pex_permission_missing", "the token belongs to a cardholder, not to an administrator")
    missing = pex.profile().missing_permissions()
    if missing:
        raise NeedsAttention("pex_permission_missing", "missing in PEX: " + ", ".join(missing))
    if not pex.tags_enabled():
        raise NeedsAttention("tags_disabled", "tags are turned off for this PEX business")
    connections.seal_pex_token(token)
    for _ in range(3):
        known = connections.load() or Connection(business_id=identity.business_id)
        update: dict[str, object] = {
            "business_name": identity.business_name,
            "pex_username": identity.username,
            "pex_expires_at": identity.expires_at,
            "pex_token_ours": ours,
            "pex_problem": None,
        }
        if known.status == "disconnected":
            update["status"] = "setting_up"
        try:
            connections.save(known.model_copy(update=update))
            break
        except Conflict:
            continue
    else:
        raise TryLater("the connection is being changed by somebody else")
    begin_care(connections, identity.business_id, clock, fresh=known.pex_expires_at != identity.expires_at)
    return sessions.create(identity.business_id, identity.username, SESSION_SECONDS)


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
    """Once both sides and a vendor are known, the connection lives: callbacks subscribed, sweeps on the schedule.

    Safe to call after every change. The callback's URL holds a key that only PEX is told.
    """
    ready = connection.company_id is not None and settings.vendor_id is not None and connection.has_procore_credentials
    if connection.status == "disconnected" or not ready:
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
    return connections.save(connection.model_copy(update={"procore_hook_id": hook_id, "procore_hook_url": ours}))


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
        "has_procore_credentials": False,
        "has_callback_secret": False,
        "pex_token_ours": False,
    }
    return connections.save(connection.model_copy(update=gone)), left
