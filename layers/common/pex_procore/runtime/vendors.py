"""The vendors' clients, and what a function's environment keeps for them: sessions, and accounts with their tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.net.limiter import Limiter
from pex_procore.net.session import Session
from pex_procore.pex.auth import PexApp
from pex_procore.pex.client import PexClient
from pex_procore.pex.wire import base_url
from pex_procore.procore.access import ProcoreAccess
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.runtime.settings import Deployment

ACCOUNTS_KEPT = 64  # service accounts whose access tokens a warm function remembers


class Vendors:
    def __init__(self, deployment: Deployment, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._deployment = deployment
        self._clock = clock
        self._sleep = sleep
        self._sessions: dict[str, Session] = {}
        self._account = lru_cache(ACCOUNTS_KEPT)(self._new_account)

    def pex_app(self, app_id: str, secret: str) -> PexApp:
        api = self._session(base_url(self._deployment.pex_api_url))
        return PexApp(app_id, secret, api=api, oauth=self._session(self._deployment.pex_oauth_url))

    def pex(self, token: str, limiter: Limiter) -> PexClient:
        session = self._session(base_url(self._deployment.pex_api_url))
        return PexClient(session, token, limiter, clock=self._clock, sleep=self._sleep)

    def procore(self, credentials: ProcoreCredentials, company_id: int | None, limiter: Limiter) -> ProcoreClient:
        return ProcoreClient(
            self._session(self._deployment.procore_api_url),
            self._account(credentials),
            limiter,
            company_id=company_id,
            clock=self._clock,
            sleep=self._sleep,
        )

    def procore_access(self, client: ProcoreClient, company_id: int) -> ProcoreAccess:
        return ProcoreAccess(client, company_id)

    def _session(self, url: str) -> Session:
        if url not in self._sessions:
            self._sessions[url] = Session(url)
        return self._sessions[url]

    def _new_account(self, credentials: ProcoreCredentials) -> ServiceAccount:
        return ServiceAccount(credentials, self._session(self._deployment.procore_login_url), clock=self._clock)
