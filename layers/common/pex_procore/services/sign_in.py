"""Letting an administrator of a business in, and whose PEX login the connector works with afterwards."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from pex_procore.domain.connection import Connection, PexIdentity
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.services.check_connection import look_at_pex
from pex_procore.services.door_ports import CheckStore, Login, Logins, PexApp, Sessions
from pex_procore.services.ports import Clock, Connections
from pex_procore.services.renew_tokens import begin_care
from pex_procore.services.revise import revise
from pex_procore.services.vendor_ports import Pex

SESSION_SECONDS = 10 * 3600
LOGIN_LIFE = timedelta(hours=1)  # as long as PEX's page can be used


def sign_in(
    token: str,
    identity: PexIdentity,
    *,
    ours: bool = False,
    pex: Pex,
    checks: CheckStore,
    connections: Connections,
    sessions: Sessions,
    clock: Clock,
) -> str:
    """A session for the administrator behind `token`, whose token now works for the business: the session token.

    Any administrator of the business may take over; settings and ledger stay. One whose token cannot do the work gets
    in, to see what is lacking, and takes over only where no other token works. `ours`: PEX made the token for us, so it
    goes when the business disconnects; one that a person made is theirs.
    """
    if not identity.is_admin:
        raise NeedsAttention("pex_permission_missing", "the token belongs to a cardholder, not to an administrator")
    seen, problem = look_at_pex(pex, clock)
    former = connections.load() or Connection(business_id=identity.business_id)
    if problem is not None and _works_with_another(former, identity):
        if ours:
            with suppress(TryLater, Unsure, NeedsAttention):
                pex.delete_token()
    else:
        connections.seal_pex_token(token)
        revise(connections, identity.business_id, lambda known: _taken_over(known, identity, ours, problem))
        checks.save(checks.load().model_copy(update={"pex": seen}))
        begin_care(connections, identity.business_id, clock, fresh=former.pex_expires_at != identity.expires_at)
    return sessions.create(identity.business_id, identity.username, SESSION_SECONDS)


def _works_with_another(known: Connection, identity: PexIdentity) -> bool:
    joined = bool(known.pex_username) and known.status != "disconnected" and known.pex_problem is None
    return joined and known.pex_username != identity.username


def _taken_over(known: Connection, identity: PexIdentity, ours: bool, problem: str | None) -> Connection:
    return known.model_copy(
        update={
            "business_name": identity.business_name,
            "pex_username": identity.username,
            "pex_expires_at": identity.expires_at,
            "pex_token_ours": ours,
            "pex_problem": problem,
            "status": "setting_up" if known.status == "disconnected" else known.status,
        }
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """`browser_key`: what only the browser that begins is given."""

    login_id: str
    browser_key: str
    authorize_url: str


def begin_login(urls: Callable[[str, str], tuple[str, str]], *, app: PexApp, logins: Logins, clock: Clock) -> Begun:
    """Sends a browser to PEX. `urls`: where PEX posts the token and where it sends the browser afterwards, made of the
    login's id and its closing key.

    The closing key reaches nobody but PEX and the browser that signed in there: only a browser that shows both keys,
    because it began and it came back, gets the session. So neither a link to PEX's page that somebody sends, nor one
    to ours, signs anybody in as somebody else.
    """
    login_id, browser_key, closing_key = (secrets.token_urlsafe(24) for _ in range(3))
    ends_at = clock() + LOGIN_LIFE
    logins.begin(login_id, Login(_hash(browser_key), _hash(closing_key), closed=False, token=None, ends_at=ends_at))
    return Begun(login_id, browser_key, app.begin_login(*urls(login_id, closing_key)))


def close_login(login_id: str, browser_key: str, closing_key: str, *, logins: Logins) -> None:
    """The browser comes back from PEX. Raises NeedsAttention("pex_login_over")."""
    login = _login_of(login_id, browser_key, logins)
    if not hmac.compare_digest(login.closing_hash, _hash(closing_key)):
        raise NeedsAttention("pex_login_over", "")
    logins.close(login_id)


def token_of_login(login_id: str, browser_key: str, *, logins: Logins) -> str | None:
    """PEX's token, once it came and the browser is back. Raises NeedsAttention("pex_login_over")."""
    login = _login_of(login_id, browser_key, logins)
    return login.token if login.closed else None


def _login_of(login_id: str, browser_key: str, logins: Logins) -> Login:
    login = logins.find(login_id)
    if login is None or not hmac.compare_digest(login.browser_hash, _hash(browser_key)):
        raise NeedsAttention("pex_login_over", "")
    return login


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
