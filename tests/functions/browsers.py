"""Browsers: each with cookies of its own, before our API and before PEX's page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from local.simulators.pex.founding import PASSWORD
from tests.flow.gateway import Reply
from tests.flow.story import Story


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


class Browser:
    def __init__(self, story: Story) -> None:
        self._story = story
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._story.cloud.request(method, path, body, {"Cookie": cookie} if cookie else {})
        for line in answer.cookies:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def begin(self) -> dict[str, str]:
        answer = self.ask("POST", "/v1/sessions/pex-login")
        assert answer.status == 201, answer.text
        begun: dict[str, str] = answer.json
        return begun

    def log_in_at_pex(self, authorize_url: str, username: str = "pat.lee@small.example") -> str:
        """Fills in PEX's page; the path of ours that PEX sends the browser to."""
        session_id = authorize_url.partition("sessionid=")[2]
        form = urlencode({"sessionid": session_id, "username": username, "password": PASSWORD}).encode()
        page = re.sub(r"\?.*", "", authorize_url)
        with build_opener(ProxyHandler({}), Stay).open(Request(page, form)) as answer:
            assert answer.status == 302, answer.read()
            return urlsplit(answer.headers["Location"]).path

    def finish(self, login_id: str) -> Reply:
        return self.ask("GET", f"/v1/sessions/pex-login/{login_id}")
