"""Stands between the functions and what they call, and ends the function's process at a chosen call with SIGKILL.

    gate = Tollgate(lambda: "http://127.0.0.1:4566")      # the functions are told gate.url instead
    killed = gate.kill_at(Moment("post_transactions", "PutItem", "#posting", when="after"), about=["98702"])
    killed.wait(60)

Nothing in the connector knows of it: the process is looked up by its socket.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Moment:
    """A call of a function: to AWS by its operation, else by method and path (a regular expression), with a word of
    its body. `during`: the request was sent, is carried out, and nobody is there to read the answer."""

    function: str
    call: str
    word: str = ""
    when: Literal["before", "during", "after"] = "before"


@dataclass(frozen=True)
class _Order:
    moment: Moment
    about: Collection[str]
    killed: threading.Event

    def meets(self, target: str, said: bytes) -> bool:
        moment = self.moment
        matches = re.search(moment.call, target) is not None and moment.word.encode() in said
        return matches and any(name.encode() in said for name in self.about)


class Tollgate:
    def __init__(self, upstream: Callable[[], str]) -> None:
        self._upstream = upstream
        self._orders: list[_Order] = []
        self._lock = threading.Lock()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

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

    def kill_at(self, moment: Moment, about: Collection[str]) -> threading.Event:
        """Once, at the first such call that names one of `about`, which may still grow, in its address, headers or
        body."""
        order = _Order(moment, about, threading.Event())
        with self._lock:
            self._orders.append(order)
        return order.killed

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        target = request.headers.get("X-Amz-Target") or f"{request.command} {request.path}"
        taken = self._take(request, target, f"{request.path}\n{request.headers}\n".encode() + body)
        if taken is None:
            answer(request, *self._forward(request, body))
            return
        order, pid = taken
        if order.moment.when == "after":
            self._forward(request, body)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if order.moment.when == "during":
            self._forward(request, body)
        request.close_connection = True
        order.killed.set()

    def _take(self, request: BaseHTTPRequestHandler, target: str, said: bytes) -> tuple[_Order, int] | None:
        with self._lock:
            for order in [one for one in self._orders if one.meets(target, said)]:
                pid = self._caller_of(request)
                if pid and _function_of(pid) == order.moment.function.replace("_", ""):
                    self._orders.remove(order)
                    return order, pid
        return None

    def _caller_of(self, request: BaseHTTPRequestHandler) -> int | None:
        """The process at the other end; none when it hung up meanwhile."""
        ends = [request.client_address[1], self._server.server_address[1]]
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = [line[9] for line in lines if [int(end.rpartition(":")[2], 16) for end in line[1:3]] == ends]
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if os.readlink(link) in [f"socket:[{inode}]" for inode in inodes if inode != "0"]:
                    return int(link.parts[2])
        return None

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = urlsplit(self._upstream())
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
        try:
            connection.request(request.command, request.path, body, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def answer(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    with contextlib.suppress(OSError):
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _function_of(pid: int) -> str:
    """In small letters and without the stack's name and the suffix, as AWS names it after the template."""
    with contextlib.suppress(OSError):
        for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = pair.decode().partition("=")
            if name == "AWS_LAMBDA_FUNCTION_NAME":
                return value.split("-")[-2].lower()
    return ""
