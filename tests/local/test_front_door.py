"""The front door passes requests on as they came."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.front_door import BODY_BYTES, FrontDoor


class Gateway(ThreadingHTTPServer):
    """Stands in for the emulated API Gateway and remembers what reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), GatewayHandler)
        self.seen: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class GatewayHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = {"method": self.command, "path": self.path, "headers": self.headers, "body": body}
        self.server.seen.append(seen)
        self.server.connections.add(self.client_address)
        content = b"ok" * 100
        self.send_response(201)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def door(gateway: Gateway) -> Iterator[FrontDoor]:
    front = FrontDoor(0, gateway.server_address[1])
    front.open("abcd1234", "local")
    yield front
    front.close()


def ask(door: FrontDoor, method: str, path: str, **named: Any) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.request(method, path, **named)
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_keeps_its_path_query_and_answer(door: FrontDoor, gateway: Gateway, method: str) -> None:
    response, body = ask(door, method, "/v1/runs/a%2Fb?x=1&x=2")
    assert (response.status, body) == (201, b"ok" * 100)
    assert (gateway.seen[0]["method"], gateway.seen[0]["path"]) == (method, "/local/v1/runs/a%2Fb?x=1&x=2")


def test_head_has_the_length_and_no_body(door: FrontDoor) -> None:
    response, body = ask(door, "HEAD", "/")
    assert (response.headers["Content-Length"], body) == ("200", b"")


def test_several_cookies_stay_several_headers(door: FrontDoor) -> None:
    response, _ = ask(door, "GET", "/")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_the_host_asked_for_is_passed_beside_and_nothing_else_is_added(door: FrontDoor, gateway: Gateway) -> None:
    ask(door, "GET", "/", headers={"Host": "connector.example", "Authorization": "Basic x", "Cookie": "s=1"})
    headers = dict(gateway.seen[0]["headers"].items())
    assert headers == {
        "Host": "abcd1234.execute-api.127.0.0.1",
        "X-Forwarded-Host": "connector.example",
        "Authorization": "Basic x",
        "Cookie": "s=1",
        "Accept-Encoding": "identity",
    }


def test_a_body_of_ten_megabytes_passes(door: FrontDoor, gateway: Gateway) -> None:
    body = b"x" * BODY_BYTES
    assert ask(door, "POST", "/v1/receipts", body=body)[0].status == 201
    assert gateway.seen[0]["body"] == body


def test_a_larger_body_is_refused_before_it_is_read(door: FrontDoor, gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    assert gateway.seen == []


def test_a_chunked_body_arrives_whole(door: FrontDoor, gateway: Gateway) -> None:
    ask(door, "POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert gateway.seen[0]["body"] == b"one two"


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(door: FrontDoor, gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"body")
        assert client.recv(100).startswith(b"HTTP/1.1 201 ")
    assert gateway.seen[0]["body"] == b"body"


def test_one_client_connection_uses_one_gateway_connection(door: FrontDoor, gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/")
        connection.getresponse().read()
    assert len(gateway.seen) == 3
    assert len(gateway.connections) == 1


def test_it_says_so_while_nothing_is_behind_it(gateway: Gateway) -> None:
    door = FrontDoor(0, gateway.server_address[1])
    response, body = ask(door, "GET", "/v1/health")
    assert (response.status, body) == (503, b'{"message": "The connector is still starting"}')
    door.open("abcd1234", "local")
    assert ask(door, "GET", "/v1/health")[0].status == 201
    door.close()


def test_an_emulator_that_is_gone_gives_502() -> None:
    gone = Gateway()
    gone.shutdown()
    gone.server_close()
    door = FrontDoor(0, gone.server_address[1])
    door.open("abcd1234", "local")
    assert ask(door, "GET", "/")[0].status == 502
    door.close()
