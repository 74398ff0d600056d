"""One vendor's API, asked plainly: any answer is an answer, and what it tells about limits and errors is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pex_procore.net.limiter import Assumption, Limiter
from pex_procore.net.messages import Answer, Request
from pex_procore.net.redaction import shorten
from pex_procore.net.session import NoAnswer, NotSent, Session

LIMIT_WORDS = ("rate", "limit", "quota", "retry-after")
TURNED_AWAY = 3  # times one call waits for its turn again
JSON = "application/json; charset=utf-8"

Query = Iterable[tuple[str, object]]


class Silent(Exception):
    """No answer: what was sent may have been done."""


class Line:
    """Keeps to the limits that the connector assumes, unless told to hurry."""

    def __init__(
        self,
        vendor: str,
        url: str,
        headers: Callable[[], Mapping[str, str]],
        windows: Sequence[Assumption],
        read_error: Callable[[Answer], str],
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        secrets: list[str],
    ) -> None:
        self.vendor = vendor
        self.clock, self.sleep = clock, sleep
        self.calls = 0
        self.limit_headers: dict[str, set[str]] = {}  # name → values
        self.refusals: dict[tuple[int, str], str] = {}  # status and shape of the body → an example
        self._session = Session(url)
        self._headers, self._read_error, self._secrets = headers, read_error, secrets
        self._limiter = Limiter(windows)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        content_type: str = JSON,
        headers: Mapping[str, str | None] | None = None,
        hurry: bool = False,
        seconds: float = 60,
    ) -> Answer:
        """`body`: bytes as they are, anything else as JSON. `headers`: None takes one of ours away. Raises Silent."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        pairs = tuple((name, str(value)) for name, value in query)
        request = Request(method, path, path, pairs, data, content_type, seconds=seconds, max_bytes=60_000_000)
        sent = {**self._headers(), **(headers or {})}
        given = {name: value for name, value in sent.items() if value is not None}
        for _ in range(TURNED_AWAY):
            if not hurry:
                self.sleep(self._limiter.delay(self.clock()))
            answer = self._send(request, given)
            if hurry or answer.status != 429:
                break
        return answer

    def get(self, path: str, **query: object) -> Answer:
        return self.ask("GET", path, query=query.items())

    def send(self, request: Request) -> Answer:
        """One of the connector's own requests, as it would send it."""
        return self.ask(
            request.method, request.path, query=request.query, body=request.body, content_type=request.content_type,
            seconds=request.seconds,
        )  # fmt: skip

    def said(self, answer: Answer) -> str:
        """Status and words, without secrets."""
        return shorten(f"{answer.status}: {self._read_error(answer) or 'no words'}", self._secrets)

    def _send(self, request: Request, headers: Mapping[str, str]) -> Answer:
        self._limiter.take(self.clock())
        self.calls += 1
        try:
            answer = self._session.send(request, headers)
        except (NotSent, NoAnswer) as error:
            raise Silent(f"{self.vendor} gave no answer ({error})") from error
        self._limiter.learn(self.clock(), answer.status, answer.headers)
        for name, value in answer.headers.items():
            if any(word in name for word in LIMIT_WORDS):
                self.limit_headers.setdefault(name, set()).add(value)
        if answer.status >= 400:
            key = (answer.status, shape_of(answer))
            example = f"{request.method} {re.sub(r'[0-9]{2,}', ':id', request.path)}: {self.said(answer)}"
            self.refusals.setdefault(key, example)
        return answer


def ok(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def shape_of(answer: Answer) -> str:
    """`{"errors": {…: [text]}}`: names of the outermost keys, below them only kinds."""
    try:
        return _shape(answer.json(), 0)
    except ValueError:
        return answer.headers.get("content-type", "no content type").partition(";")[0] or "empty"


def _shape(value: Any, depth: int) -> str:
    if isinstance(value, dict):
        named = [f"{name if depth == 0 else '…'}: {_shape(one, depth + 1)}" for name, one in value.items()]
        return "{" + ", ".join(dict.fromkeys(named)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dict.fromkeys(_shape(one, depth + 1) for one in value)) + "]"
    return "null" if value is None else "text" if isinstance(value, str) else "number"
