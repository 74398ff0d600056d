"""Stands between the functions and the emulated AWS, and ends the function process that makes a certain call.

    gate = Tollgate()                                  # functions are started with FUNCTIONS_ENDPOINT_URL=gate.url
    gate.upstream = lambda: "http://127.0.0.1:4566"
    gate.kill_at(target="PutItem", body="#posting", after=True)
    gate.killed.wait(60)

Nothing in the connector knows of it: the process is looked up by its socket and gets SIGKILL.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Order:
    """Which call: its service operation or HTTP method and path, and words of its body; `after` it was carried out, and
    after so many more seconds."""

    target: str
    body: str = ""
    after: bool = False
    delay_seconds: float = 0.0

    def meets(self, target: str, body: bytes) -> bool:
        return re.search(self.target, target) is not None and self.body.encode() in body


class Tollgate:
    def __init__(self) -> None:
        self.upstream: Callable[[], str] = lambda: ""
        self.killed = threading.Event()
        self._order: Order | None = None
        self._lock = threading.Lock()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                gate.pass_on(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kill_at(self, target: str, body: str = "", *, after: bool = False, delay_seconds: float = 0.0) -> None:
        self.killed.clear()
        with self._lock:
            self._order = Order(target, body, after, delay_seconds)

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        target = request.headers.get("X-Amz-Target") or f"{request.command} {request.path}"
        order = self._take(target, body)
        if order is not None and not order.after:
            self._kill(request)
            return
        status, headers, answer = self._forward(request, body)
        if order is not None and not order.delay_seconds:
            self._kill(request)
            return
        if order is not None:
            threading.Timer(order.delay_seconds, self._kill, [request]).start()
        with contextlib.suppress(OSError):
            request.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP:
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)

    def _take(self, target: str, body: bytes) -> Order | None:
        with self._lock:
            order = self._order
            if order is None or not order.meets(target, body):
                return None
            self._order = None
            return order

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = urlsplit(self.upstream())
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
        try:
            connection.request(request.command, request.path, body, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _kill(self, request: BaseHTTPRequestHandler) -> None:
        pid = process_of(request.client_address[1])
        os.kill(pid, signal.SIGKILL)
        request.close_connection = True
        self.killed.set()


def process_of(port: int, patience_seconds: float = 10.0) -> int:
    """The process whose socket has this local port."""
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        inode = _inode_of(port)
        for link in Path("/proc").glob("[0-9]*/fd/*") if inode else ():
            with contextlib.suppress(OSError):
                if os.readlink(link) == f"socket:[{inode}]" and int(link.parts[2]) != os.getpid():
                    return int(link.parts[2])
    raise AssertionError(f"no process has port {port}")


def _inode_of(port: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
            return fields[9]
    return None
