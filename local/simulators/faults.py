"""Trouble on request, the same engine for both vendors.

    faults = Faults(clock=clock, seed=7)
    faults.add({"kind": "drop_after", "method": "POST", "path": r"/direct_costs$", "nth": 1})      # → rule id
    faults.clear()

Which requests a rule meets (all given conditions must hold):
    method        "POST", or a list
    path, query, body   regular expressions, searched
    nth           1-based number (or list of numbers) among the requests the conditions above select
    probability   0…1, drawn from the seeded generator
    times         at most so many hits (default: no end)
What happens, by `kind`:
    status          answer `status` (500) with `answer` (JSON) or `body_text` (plain), and `headers`;
                    `commit`: run the handler first
    html_502        a gateway's HTML page with 502; `commit` as above
    drop_before     close the connection, the handler never runs
    drop_after      the handler runs and commits, then the connection closes without an answer
    reset_mid_answer  the handler runs, half of its answer leaves, then the connection is reset
    late_commit     answer `status` (504) at once, run the handler `seconds` (30) later; `settle()` runs the waiting
                    ones now
    slow            wait `seconds` (5), then go on as usual
    drip            the handler's answer, one byte each `seconds` (1)
    truncate        the handler's status with only the first `keep` bytes (half) of its JSON, correctly counted
    empty           the handler's status with no body
    redirect        `status` (302) to `location`; the handler never runs
    hide_fresh      look-ups do not see records younger than `seconds` (30); the vendor asks hidden_seconds(environ)
    limit_429       429 with the vendor's own body; `headers` false: none, true: X-Rate-Limit-* with Reset `reset_in`
                    seconds from now (10; negative: in the past); `retry_after`: seconds in a Retry-After header
slow and hide_fresh go together with one of the others; of the others the oldest rule that hits wins.
"""

from __future__ import annotations

import copy
import io
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.simulators.web import Clock, HangUp, call_app, json_text

CONDITIONS = {"method", "path", "query", "body", "nth", "probability", "times"}
KINDS: dict[str, set[str]] = {
    "status": {"status", "body_text", "answer", "headers", "commit"},
    "html_502": {"commit"},
    "drop_before": set(),
    "drop_after": set(),
    "reset_mid_answer": set(),
    "late_commit": {"status", "seconds"},
    "slow": {"seconds"},
    "drip": {"seconds"},
    "truncate": {"keep"},
    "empty": set(),
    "redirect": {"location", "status"},
    "hide_fresh": {"seconds"},
    "limit_429": {"headers", "reset_in", "retry_after", "limit"},
}
BESIDE_OTHERS = ("slow", "hide_fresh")
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\r\n"

Answer = tuple[str, list[tuple[str, str]], bytes]


class _Rule:
    def __init__(self, id: int, given: Mapping[str, Any]) -> None:
        self.id = id
        self.given = dict(given)
        self.kind: str = given.get("kind", "")
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault called {self.kind!r}; known: {', '.join(KINDS)}.")
        unknown = set(given) - CONDITIONS - KINDS[self.kind] - {"kind"}
        if unknown:
            raise ValueError(f"Fault {self.kind} does not know {', '.join(sorted(unknown))}.")
        self.met = 0
        self.hits = 0

    def hits_now(self, environ: WSGIEnvironment, body: bytes, rng: random.Random) -> bool:
        given = self.given
        methods = given.get("method")
        if methods and environ["REQUEST_METHOD"] not in ([methods] if isinstance(methods, str) else methods):
            return False
        if not re.search(given.get("path", ""), environ["PATH_INFO"]):
            return False
        if not re.search(given.get("query", ""), environ["QUERY_STRING"]):
            return False
        if "body" in given and not re.search(given["body"].encode(), body):
            return False
        self.met += 1
        if "nth" in given and self.met not in (given["nth"] if isinstance(given["nth"], list) else [given["nth"]]):
            return False
        if self.hits >= given.get("times", math.inf):
            return False
        if "probability" in given and rng.random() >= given["probability"]:
            return False
        self.hits += 1
        return True


def hidden_seconds(environ: WSGIEnvironment) -> float:
    """How young a record must be to stay invisible to this request; 0 hides nothing."""
    return cast(float, environ.get("simulators.hidden_seconds", 0.0))


class Faults:
    """`too_many`: (content type, body) of the vendor's own 429."""

    def __init__(
        self, *, clock: Clock, seed: int = 0, too_many: tuple[str, bytes] = ("application/json", b"{}")
    ) -> None:
        self._clock = clock
        self._rng = random.Random(seed)
        self._too_many = too_many
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._last_id = 0
        self._late: list[tuple[threading.Timer, Callable[[], None]]] = []

    def add(self, rule: Mapping[str, Any]) -> int:
        """Raises ValueError with a sentence."""
        plain = {name: float(value) if isinstance(value, Decimal) else value for name, value in rule.items()}
        with self._lock:
            made = _Rule(self._last_id + 1, plain)
            self._last_id = made.id
            self._rules.append(made)
            return made.id

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"id": rule.id, **rule.given, "hits": rule.hits} for rule in self._rules]

    def settle(self) -> None:
        """Run every late commit that still waits, now."""
        with self._lock:
            late, self._late = self._late, []
        for timer, run in late:
            timer.cancel()
            run()

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            chosen = self._choose(environ, body)
            if chosen is None:
                status, headers, answer = call_app(app, environ)
            else:
                environ["simulators.fault"] = chosen.kind
                environ["simulators.request_body"] = body
                status, headers, answer = getattr(self, f"_{chosen.kind}")(chosen.given, app, environ)
            start_response(status, headers)
            return [answer]

        return faulty

    def _choose(self, environ: WSGIEnvironment, body: bytes) -> _Rule | None:
        chosen: _Rule | None = None
        wait_seconds = 0.0
        with self._lock:
            for rule in self._rules:
                if chosen is not None and rule.kind not in BESIDE_OTHERS:
                    continue
                if not rule.hits_now(environ, body, self._rng):
                    continue
                if rule.kind == "slow":
                    wait_seconds += rule.given.get("seconds", 5)
                elif rule.kind == "hide_fresh":
                    environ["simulators.hidden_seconds"] = float(rule.given.get("seconds", 30))
                else:
                    chosen = rule
                environ["simulators.fault"] = rule.kind
        if wait_seconds:
            time.sleep(wait_seconds)
        return chosen

    def _status(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        if given.get("commit"):
            call_app(app, environ)
        answer = given.get("answer")
        content_type = "application/json"
        if "body_text" in given:
            content_type, body = "text/plain", given["body_text"].encode()
        else:
            body = b"" if answer is None else json_text(answer).encode()
        headers = {"Content-Type": content_type, **given.get("headers", {})}
        return _line(given.get("status", 500)), [(name, str(value)) for name, value in headers.items()], body

    def _html_502(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        if given.get("commit"):
            call_app(app, environ)
        return _line(502), [("Content-Type", "text/html")], GATEWAY_PAGE

    def _drop_before(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        raise HangUp

    def _drop_after(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        call_app(app, environ)
        raise HangUp

    def _reset_mid_answer(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        status, headers, body = call_app(app, environ)
        environ["werkzeug.socket"].sendall(_head(status, headers, len(body)) + body[: len(body) // 2])
        raise HangUp(reset=True)

    def _late_commit(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        later = copy.copy(environ)
        later["wsgi.input"] = io.BytesIO(environ["simulators.request_body"])
        done = threading.Event()

        def run() -> None:
            if not done.is_set():
                done.set()
                call_app(app, later)

        timer = threading.Timer(given.get("seconds", 30), run)
        timer.daemon = True
        with self._lock:
            self._late.append((timer, run))
        timer.start()
        return _line(given.get("status", 504)), [("Content-Type", "text/html")], b"<html>Gateway Timeout</html>"

    def _drip(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        status, headers, body = call_app(app, environ)
        sock = environ["werkzeug.socket"]
        try:
            sock.sendall(_head(status, headers, len(body)))
            for at in range(len(body)):
                time.sleep(given.get("seconds", 1))
                sock.sendall(body[at : at + 1])
        except OSError:
            pass
        raise HangUp

    def _truncate(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        status, headers, body = call_app(app, environ)
        return status, headers, body[: given.get("keep", len(body) // 2)]

    def _empty(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        status, headers, _ = call_app(app, environ)
        return status, headers, b""

    def _redirect(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        location = given.get("location", "http://127.0.0.2:9/elsewhere")
        return _line(given.get("status", 302)), [("Location", location), ("Content-Type", "text/html")], b""

    def _limit_429(self, given: Mapping[str, Any], app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        content_type, body = self._too_many
        headers = [("Content-Type", content_type)]
        if given.get("headers", True):
            reset = math.ceil(self._clock().timestamp() + given.get("reset_in", 10))
            headers += [
                ("X-Rate-Limit-Limit", str(given.get("limit", 25))),
                ("X-Rate-Limit-Remaining", "0"),
                ("X-Rate-Limit-Reset", str(reset)),
            ]
        if "retry_after" in given:
            headers.append(("Retry-After", str(given["retry_after"])))
        return _line(429), headers, body


def _line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _head(status: str, headers: list[tuple[str, str]], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() != "content-length"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode("latin-1")
