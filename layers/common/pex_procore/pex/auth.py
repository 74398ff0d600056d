"""Signing in to PEX: the Authorization header of a token, and our standing as a partner's app."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.net.messages import Answer, Request, Unreadable
from pex_procore.net.redaction import shorten
from pex_procore.net.session import NoAnswer, NotSent, Session
from pex_procore.pex.wire import read_error


def authorization(token: str) -> str:
    """Tokens of the API are opaque; one in three dotted parts is an OAuth access token and goes by another scheme.

    Raises NeedsAttention for text that no header can carry.
    """
    token = token.strip()
    if not _fits_a_header(token):
        raise NeedsAttention("pex_token_rejected", "That is not a PEX token: it is empty or has odd characters.")
    return f"{'Bearer' if token.startswith('eyJ') and token.count('.') == 2 else 'token'} {token}"


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


class PexApp:
    """The `PexApp` port. A lost answer may leave a token in PEX that nobody holds; it ends by itself."""

    def __init__(self, app_id: str, secret: str, *, api: Session, oauth: Session) -> None:
        self._app = {"AppId": app_id, "AppSecret": secret}
        self._api = api
        self._oauth = oauth

    def exchange(self, jwt: str) -> str:
        """The answer is the bare token as a JSON string (docs/behaviour.md#launched-from-pex)."""
        if not _fits_a_header(jwt):
            raise NeedsAttention("pex_launch_rejected", "it carries no readable proof")
        path, headers = "/Internal/V4/Account/Token/Exchange", {"Authorization": f"Bearer {jwt}"}
        answer = self._post(self._api, path, "exchange a launch", self._app, headers, [jwt], "pex_launch_rejected")
        try:
            token = answer.json()
        except Unreadable as error:
            raise TryLater("PEX's answer to a launch cannot be read.") from error
        if not isinstance(token, str) or not _fits_a_header(token):
            raise NeedsAttention("vendor_answer_unreadable", "PEX's answer to a launch is no token.", answer.status)
        return token

    def begin_login(self, server_url: str, browser_url: str) -> str:
        body = {**self._app, "ServerCallbackUrl": server_url, "BrowserClosingUrl": browser_url}
        hidden = [server_url, browser_url]
        answer = self._post(self._oauth, "/Auth/Partner", "begin a sign-in", body, {}, hidden, "pex_app_rejected")
        try:
            found = answer.json()
        except Unreadable as error:
            raise TryLater("PEX's answer to a sign-in cannot be read.") from error
        named = {name.casefold(): value for name, value in found.items()} if isinstance(found, Mapping) else {}
        url = named.get("oauthurl")  # spelt in two ways (docs/behaviour.md#sign-in-at-pex)
        scheme = self._oauth.base_url.partition(":")[0]
        if not isinstance(url, str) or not url.startswith(f"{scheme}://"):
            raise NeedsAttention("vendor_answer_unreadable", "PEX named no page to sign in at.", answer.status)
        return url

    def _post(
        self,
        session: Session,
        path: str,
        doing: str,
        body: Mapping[str, str],
        headers: Mapping[str, str],
        hidden: list[str],
        refusal: str,
    ) -> Answer:
        request = Request("POST", path, doing, body=json.dumps(body).encode(), seconds=15, max_bytes=100_000)
        try:
            answer = session.send(request, headers)
        except (NotSent, NoAnswer) as error:
            raise TryLater(f"PEX could not be reached when asked to {doing} ({error}).") from error
        if 200 <= answer.status < 300:
            return answer
        said = shorten(read_error(answer), [self._app["AppSecret"], *hidden])
        if answer.status in (400, 401, 403, 404):
            raise NeedsAttention(refusal, f"PEX answered {answer.status}: {said}", answer.status)
        raise TryLater(f"PEX answered {answer.status} when asked to {doing}.")
