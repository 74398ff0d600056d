"""What every simulator's HTTP side is made of.

    log = RequestLog(clock)
    app = stack(flask_app, log=log, faults=faults, save=save)    # log → faults → save → the vendor's own Flask app
    server = Server(app); server.start(); server.url; server.stop()

The server keeps connections alive, reads the whole request body before the application runs, and always knows the
length of
its answer. An application or middleware that wants the line to break raises `HangUp`: nothing more is written and the
connection closes. `environ["werkzeug.socket"]` is the socket for those who want to write half an answer first.

A vendor's handler may set `environ["simulators.client_id"]` (flask: `request.environ`): it appears in the request log.
"""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Request, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Clock = Callable[[], datetime]

MAX_BODY_BYTES = 200 * 1024 * 1024
READING = ("GET", "HEAD", "OPTIONS")


class HangUp(Exception):
    """Close the connection without another byte; `reset` makes the peer see a reset rather than an end."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("connection closed on purpose")
        self.reset = reset


def utc_now() -> datetime:
    return datetime.now(UTC)


class AdjustableClock:
    """Stands still at `start`, or runs with the machine's clock when there is none; `advance` moves either forward."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._offset = timedelta()

    def __call__(self) -> datetime:
        return (self._start or utc_now()) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)


def json_text(value: Any) -> str:
    """Decimals become JSON numbers with the same digits (up to 15, which money never reaches)."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    answer = Response(json_text(value), status, mimetype="application/json")
    answer.headers.update(headers or {})
    return answer


def read_json(request: Request) -> Any:
    """The body with every fraction as Decimal. Raises ValueError when it is not JSON."""
    return json.loads(request.get_data(), parse_float=Decimal)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        if len(value.as_tuple().digits) > 15:
            raise ValueError(f"{value} has too many digits for a JSON number")
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not fit in JSON")


@dataclass(frozen=True)
class RequestRecord:
    """One request as it happened. `status`: what was sent, None when the line broke first.
    `handled`: what the vendor's own handler answered, None when it did not run (or runs later)."""

    method: str
    path: str
    query: dict[str, list[str]]
    status: int | None
    handled: int | None
    at: datetime
    fault: str | None
    client_id: str | None
    body_bytes: int
    seconds: float


class RequestLog:
    """Every request of one simulator in the order of completion; safe to read while requests come in."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: list[RequestRecord] = []

    def __len__(self) -> int:
        return len(self._records)

    def all(self) -> list[RequestRecord]:
        return list(self._records)

    def clear(self) -> None:
        self._records = []

    def count(self, method: str | None = None, path_part: str = "", status: int | None = None) -> int:
        return sum(
            1
            for record in self._records
            if method in (None, record.method) and path_part in record.path and status in (None, record.status)
        )

    def as_json(self) -> list[dict[str, Any]]:
        return [{**vars(record), "at": record.at.isoformat()} for record in self._records]

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        def logged(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            began_at, began = self._clock(), time.monotonic()
            status: int | None = None
            try:
                text, headers, body = call_app(app, environ)
                status = int(text.split()[0])
            finally:
                self._records.append(
                    RequestRecord(
                        method=environ["REQUEST_METHOD"],
                        path=environ["PATH_INFO"],
                        query=parse_qs(environ["QUERY_STRING"], keep_blank_values=True),
                        status=status,
                        handled=environ.get("simulators.handled"),
                        at=began_at,
                        fault=environ.get("simulators.fault"),
                        client_id=environ.get("simulators.client_id"),
                        body_bytes=int(environ.get("CONTENT_LENGTH") or 0),
                        seconds=round(time.monotonic() - began, 4),
                    )
                )
            start_response(text, headers)
            return [body]

        return logged


def call_app(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    """Run a WSGI application to its end: (status line, headers, whole body)."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
        started[:] = [(status, headers)]
        return lambda data: None

    answer = app(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return (*started[0], body)


def stack(app: WSGIApplication, *, log: RequestLog, faults: Any, save: Callable[[], None] | None) -> WSGIApplication:
    """log → faults → save → app. `save` runs after every request that may have changed something, before its answer
    leaves."""

    def saved(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = call_app(app, environ)
        environ["simulators.handled"] = int(status.split()[0])
        if save is not None and environ["REQUEST_METHOD"] not in READING:
            save()
        start_response(status, headers)
        return [body]

    return log.wrap(faults.wrap(saved))


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(MAX_BODY_BYTES)
            environ["CONTENT_LENGTH"] = str(len(body))
        else:
            body = self.rfile.read(min(int(environ.get("CONTENT_LENGTH") or 0), MAX_BODY_BYTES))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            status, headers, answer = call_app(self.server.app, environ)
        except HangUp as hang_up:
            self._hang_up(reset=hang_up.reset)
            return
        except Exception as error:
            self.log_error("%s %s failed: %r", self.command, self.path, error)
            status, headers, answer = (
                "500 Internal Server Error",
                [("Content-Type", "text/plain")],
                b"simulator failure",
            )
        self._send(status, headers, answer)

    def _send(self, status: str, headers: list[tuple[str, str]], answer: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() not in ("content-length", "connection")]
        if int(status.split()[0]) not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            lines.append(f"Content-Length: {len(answer)}")
        if self.headers.get("Connection", "").lower() == "close":
            self.close_connection = True
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        try:
            self.wfile.write(head if self.command == "HEAD" else head + answer)
        except OSError:
            self.close_connection = True

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            shut(self.connection)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


class _Listener(BaseWSGIServer):
    open_sockets: set[socket.socket]


def shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class Server:
    """A threaded WSGI server on 127.0.0.1. Port 0 takes a free port, which the object then keeps: stop() and start()
    again is a restart on the same port. Raises OSError when the port is taken."""

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self._app = app
        self._port = port
        self._listener: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Server:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", self._port))
            bound.listen(128)
            self._port = bound.getsockname()[1]
            self._listener = make_server(
                "127.0.0.1", self._port, self._app, threaded=True, request_handler=_Handler, fd=bound.fileno()
            )
        self._listener.open_sockets = set()
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._listener is None:
            return
        self._listener.shutdown()
        self._listener.server_close()
        for sock in list(self._listener.open_sockets):
            shut(sock)
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._listener = None
