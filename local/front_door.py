"""The connector's address on this machine: passes requests to the emulated API Gateway's stage, path unchanged."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY_BYTES = 10 * 1024 * 1024
"""API Gateway's own limit."""
CHUNK_BYTES = 64 * 1024
INTEGRATION_SECONDS = 29.0
"""API Gateway's own limit, plus what starting a function takes here."""
START_SECONDS = 31.0
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}


class FrontDoor:
    def __init__(self, port: int, gateway_port: int) -> None:
        """Listens at once; answers 503 until `open` tells the API behind."""
        self.gateway_port = gateway_port
        self.host = ""
        self.stage = ""
        self._server = _Server(("127.0.0.1", port), _Passage)
        self._server.door = self
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="front-door", daemon=True).start()

    def open(self, api_id: str, stage: str) -> None:
        self.host, self.stage = f"{api_id}.execute-api.127.0.0.1", stage

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    door: FrontDoor

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that went away


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Passage(BaseHTTPRequestHandler):
    """One client connection, with one connection to the gateway of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._gateway: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        if self._gateway:
            self._gateway.close()
        super().finish()

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def pass_on(self) -> None:
        try:
            body = self._body()
            response = self._ask(body)
        except _Refused as refusal:
            self.close_connection = True
            self._refuse(refusal.status, str(refusal))
            return
        with contextlib.closing(response):
            self._answer(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = pass_on

    def _body(self) -> bytes | Iterator[bytes] | None:
        if self.headers.get("Transfer-Encoding"):
            return self._chunked_body()
        length = self.headers.get("Content-Length")
        if length is None:
            return None
        if not length.isdecimal():
            raise _Refused(400, "Bad Content-Length")
        if int(length) > BODY_BYTES:
            raise _Refused(413, "Request Too Long")
        return self._plain_body(int(length))

    def _plain_body(self, remaining: int) -> Iterator[bytes]:
        while remaining:
            part = self.rfile.read(min(remaining, CHUNK_BYTES))
            if not part:
                raise _Refused(400, "The request ended before its body")
            remaining -= len(part)
            yield part

    def _chunked_body(self) -> bytes:
        parts, total = [], 0
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError as error:
                raise _Refused(400, "Bad chunk") from error
            total += size
            if total > BODY_BYTES:
                raise _Refused(413, "Request Too Long")
            if size == 0:
                break
            parts.append(self.rfile.read(size))
            self.rfile.readline(1024)
        while self.rfile.readline(1024).strip():
            pass  # trailers
        return b"".join(parts)

    def _ask(self, body: bytes | Iterator[bytes] | None) -> http.client.HTTPResponse:
        door = self.server.door
        if not door.host:
            raise _Refused(503, "The connector is still starting")
        if self._gateway is None:
            self._gateway = http.client.HTTPConnection(
                "127.0.0.1", door.gateway_port, timeout=INTEGRATION_SECONDS + START_SECONDS
            )
        try:
            self._gateway.putrequest(
                self.command, f"/{door.stage}{self.path}", skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP | {"host", "content-length", "expect"}:
                    self._gateway.putheader(name, value.encode("latin-1"))
            self._gateway.putheader("Host", door.host)
            self._gateway.putheader("X-Forwarded-Host", self.headers.get("Host", f"127.0.0.1:{door.port}"))
            if body is not None:
                length = str(len(body)) if isinstance(body, bytes) else self.headers["Content-Length"]
                self._gateway.putheader("Content-Length", length)
            self._gateway.endheaders(message_body=body)
            return self._gateway.getresponse()
        except TimeoutError as error:
            self._drop_gateway()
            raise _Refused(504, "Endpoint request timed out") from error
        except (OSError, http.client.HTTPException) as error:
            self._drop_gateway()
            raise _Refused(502, "The emulated AWS does not answer") from error

    def _drop_gateway(self) -> None:
        if self._gateway:
            self._gateway.close()
        self._gateway = None

    def _answer(self, response: http.client.HTTPResponse) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        unsized = response.length is None and response.status not in (204, 304) and self.command != "HEAD"
        if unsized:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        while part := response.read(CHUNK_BYTES):
            self.wfile.write(part)
        self.wfile.flush()

    def _refuse(self, status: int, message: str) -> None:
        content = json.dumps({"message": message}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass
