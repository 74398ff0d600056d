"""Procore's access tokens for a service account: client credentials, about 90 minutes each.

account = ServiceAccount(credentials, Session(login_url), clock=clock)
headers = {"Authorization": account.authorization()}
account.renew()     # after the API refused the token
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.net.messages import Answer, Request
from pex_procore.net.redaction import shorten
from pex_procore.net.session import NoAnswer, NotSent, Session
from pex_procore.procore.wire import read_error

USED_SHARE = 0.85  # of a token's life; Procore advises to renew before it ends
SHORTEST_LIFE = 60  # seconds, where the answer names none or nonsense


class TokenCache(Protocol):
    """Where several workers of one service account may share a token."""

    def load(self) -> tuple[str, datetime] | None:
        """The token and until when to use it."""
        ...

    def save(self, token: str, use_until: datetime) -> None: ...


class ServiceAccount:
    def __init__(
        self,
        credentials: ProcoreCredentials,
        session: Session,
        *,
        clock: Callable[[], datetime],
        cache: TokenCache | None = None,
    ) -> None:
        self._credentials = credentials
        self._session = session
        self._clock = clock
        self._cache = cache
        self._held: tuple[str, datetime] | None = None
        self.secrets = [credentials.client_secret]  # what no message may show

    def authorization(self) -> str:
        """Raises TryLater or NeedsAttention("procore_secret_rejected")."""
        held = self._held or (self._cache.load() if self._cache else None)
        if held is None or held[1] <= self._clock():
            return f"Bearer {self.renew()}"
        self._hold(*held)
        return f"Bearer {held[0]}"

    def renew(self) -> str:
        """A new token, whatever the old one is worth. Raises like `authorization`."""
        asked_at = self._clock()
        token, life_seconds = self._read(self._fetch())
        use_until = asked_at + timedelta(seconds=USED_SHARE * life_seconds)
        self._hold(token, use_until)
        if self._cache is not None:
            self._cache.save(token, use_until)
        return token

    def _hold(self, token: str, use_until: datetime) -> None:
        self._held = (token, use_until)
        if token not in self.secrets:
            self.secrets.append(token)

    def revoke(self) -> None:
        """Ends the token we hold, if any. Raises like `authorization`."""
        if self._held is not None:
            self._ask("/oauth/revoke", "revoke an access token", token=self._held[0])
            self._held = None

    def _fetch(self) -> Answer:
        return self._ask("/oauth/token", "give an access token", grant_type="client_credentials")

    def _ask(self, path: str, what: str, **fields: str) -> Answer:
        credentials = {"client_id": self._credentials.client_id, "client_secret": self._credentials.client_secret}
        request = Request(
            "POST",
            path,
            what,
            body=urlencode({**fields, **credentials}).encode(),
            content_type="application/x-www-form-urlencoded",
            repeatable=True,
            max_bytes=100_000,
        )
        try:
            answer = self._session.send(request)
        except (NotSent, NoAnswer) as error:
            raise TryLater(f"Procore's login could not be reached ({error}).") from error
        status = answer.status
        if status in (408, 425, 429) or status >= 500:
            raise TryLater(f"Procore's login answered {status}.")
        if status in (400, 401, 403):
            said = shorten(read_error(answer), self.secrets)
            raise NeedsAttention("procore_secret_rejected", f"Procore's login answered {status}: {said}", status)
        if not 200 <= status < 300:
            raise NeedsAttention("vendor_answer_unreadable", f"Procore's login answered {status}.", status)
        return answer

    @staticmethod
    def _read(answer: Answer) -> tuple[str, float]:
        try:
            found: dict[str, Any] = answer.json()
            token = found["access_token"]
            life_seconds = float(found.get("expires_in") or 0)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TryLater("Procore's login gave an answer that cannot be read.") from error
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            raise TryLater("Procore's login gave no access token.")
        return token.strip(), max(SHORTEST_LIFE, life_seconds)
