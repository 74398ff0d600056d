"""An HTTP server on loopback that does exactly what a test tells it to, down to the bytes and the hanging up.

with scripted(ok(b"[]"), hang_up) as server:      # one act per request, the last one again and again
    Session(server.url).send(...)
    server.requests[0].headers["authorization"]
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

Act = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Seen:
    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class HungUp(Exception):
    """The act closed the connection."""


class Scripted:
    def __init__(self, acts: tuple[Act, ...]) -> None:
        self.requests: list[Seen] = []
        self.stopped = threading.Event()
        self._acts = acts
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            threading.Thread(target=self._serve, args=(connection, self._connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError, HungUp, ValueError):
            stream = connection.makefile("rb")
            while line := stream.readline():
                method, target, _ = line.decode().split(" ", 2)
                headers: dict[str, str] = {}
                while (line := stream.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.requests.append(Seen(number, method, target, headers, body))
                self._acts[min(len(self.requests), len(self._acts)) - 1](connection)


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Act:
    """Header names with underscores for dashes; `content_length` may lie."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        headers["content_length"] = str(len(body))
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return send("\r\n".join([*lines, "", ""]).encode() + body)


def ok(body: bytes, **headers: str) -> Act:
    return answer(200, body, **headers)


def send(data: bytes) -> Act:
    return lambda connection: connection.sendall(data)


def then_close(act: Act) -> Act:
    def closing(connection: socket.socket) -> None:
        act(connection)
        raise HungUp

    return closing


def hang_up(connection: socket.socket) -> None:
    raise HungUp


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HungUp


def drip(data: bytes, seconds: float) -> Act:
    """One byte at a time."""
    pause = threading.Event()

    def dripping(connection: socket.socket) -> None:
        for at in range(len(data)):
            connection.sendall(data[at : at + 1])
            pause.wait(seconds)

    return dripping


def silence(connection: socket.socket) -> None:
    """Until the client goes away."""
    connection.recv(1)
    raise HungUp


@contextmanager
def scripted(*acts: Act) -> Iterator[Scripted]:
    server = Scripted(acts)
    try:
        yield server
    finally:
        server.stop()
