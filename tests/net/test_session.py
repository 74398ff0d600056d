from __future__ import annotations

import gzip
import json
import socket
import time
from decimal import Decimal
from pathlib import Path

import pytest

from pex_procore.net.messages import Request, Unreadable
from pex_procore.net.session import NoAnswer, NotSent, Session, TooLong
from tests.net.scripted import Act, answer, drip, hang_up, ok, reset, scripted, send, silence, then_close

READ = Request("GET", "/things", "list the things", repeatable=True)


def one_call(act: Act, request: Request = READ) -> object:
    with scripted(act) as server:
        return Session(server.url).send(request).json()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_refused_connection_is_not_sent() -> None:
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        Session(f"http://127.0.0.1:{free_port()}").send(READ)


def test_a_request_to_an_unknown_host_is_not_sent() -> None:
    with pytest.raises(NotSent, match="gaierror"):
        Session("http://no-such-host.invalid").send(READ)


def test_a_failed_tls_handshake_is_not_sent() -> None:
    with scripted(hang_up) as server, pytest.raises(NotSent):
        Session(f"https://127.0.0.1:{server.port}").send(READ)
    assert server.requests == []


def test_a_header_that_cannot_be_sent_is_not_sent() -> None:
    with scripted(ok(b"[]")) as server, pytest.raises(NotSent):
        Session(server.url).send(READ, {"Authorization": "token a\r\nX-Evil: 1"})
    assert server.requests == []


@pytest.mark.parametrize(
    "act",
    [
        hang_up,
        reset,
        then_close(answer(200, b'{"id": 1', content_length="400")),
        then_close(send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[1, \r\n")),
        then_close(send(b"HTTP/1.1 20")),
        ok(b"not gzip at all", content_encoding="gzip"),
    ],
    ids=["hang up", "reset", "truncated", "truncated chunks", "half a status line", "broken compression"],
)
def test_a_request_without_a_whole_answer_may_have_arrived(act: Act) -> None:
    with scripted(act) as server:
        with pytest.raises(NoAnswer):
            Session(server.url).send(Request("POST", "/things", "make a thing", body=b"{}"))
        assert len(server.requests) == 1, "nothing is ever sent twice"


def test_silence_is_cut_after_the_read_timeout() -> None:
    with scripted(silence) as server, pytest.raises(NoAnswer):
        Session(server.url, silence_seconds=0.1).send(READ)


@pytest.mark.parametrize("where", ["status line and headers", "body"])
def test_a_slow_drip_is_cut_at_the_deadline_of_the_call(where: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n"
    act = drip(head, 0.02) if where != "body" else lambda sock: (send(head)(sock), drip(b" " * 200, 0.02)(sock))[0]
    began = time.monotonic()
    with scripted(act) as server, pytest.raises(NoAnswer):
        Session(server.url).send(Request("GET", "/things", "list the things", seconds=0.3))
    assert time.monotonic() - began < 1.0


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with scripted(ok(b"[]")) as elsewhere:
        redirect = answer(302, b"", Location=f"{elsewhere.url}/things")
        with scripted(redirect) as server:
            assert Session(server.url).send(READ, {"Authorization": "Bearer abc"}).status == 302
        assert elsewhere.requests == []


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_beyond_the_limit_is_not_read_to_its_end(compressed: bool) -> None:
    body = b" " * 5_000_000
    act = ok(gzip.compress(body), content_encoding="gzip") if compressed else ok(body)
    with pytest.raises(TooLong):
        one_call(act, Request("GET", "/things", "list the things", max_bytes=100_000))


def test_after_an_unread_answer_the_next_call_gets_its_own() -> None:
    with scripted(ok(b"x" * 300_000), ok(b'"second"')) as server:
        session = Session(server.url)
        with pytest.raises(TooLong):
            session.send(Request("GET", "/", "read", max_bytes=1000))
        assert session.send(READ).json() == "second"


def test_calls_share_one_connection_unless_it_idled_too_long() -> None:
    with scripted(ok(b"1")) as server:
        session = Session(server.url)
        session.send(READ)
        session.send(READ)
        fresh = Session(server.url, idle_seconds=0)
        fresh.send(READ)
        time.sleep(0.01)
        fresh.send(READ)
        assert [seen.connection for seen in server.requests] == [1, 1, 2, 3]


def test_a_connection_the_server_closed_meanwhile_is_replaced() -> None:
    with scripted(then_close(ok(b"1")), ok(b"2")) as server:
        session = Session(server.url)
        session.send(READ)
        time.sleep(0.02)
        assert session.send(READ).json() == 2


def test_cookies_and_the_environments_passwords_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with scripted(ok(b"1", Set_Cookie="a=b; Path=/")) as server:
        session = Session(server.url)
        session.send(READ, {"Authorization": "token mine"})
        session.send(READ, {"Authorization": "token mine"})
        second = server.requests[1].headers
    assert "cookie" not in second
    assert second["authorization"] == "token mine"
    assert second["user-agent"].startswith("PEX-Connector-for-Procore/")


def test_an_upload_may_take_longer_than_connecting() -> None:
    def slow_reader(connection: socket.socket) -> None:
        ok(b"1")(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        import threading

        def serve() -> None:
            connection, _ = listener.accept()
            time.sleep(0.4)
            got = 0
            while got < 8_000_000:
                got += len(connection.recv(1_000_000))
            slow_reader(connection)

        threading.Thread(target=serve, daemon=True).start()
        session = Session(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_seconds=0.2)
        body = b"x" * 8_000_000
        assert session.send(Request("PATCH", "/", "take the files", body=body, seconds=5)).status == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"name": "Café"}'.encode(), "application/json"),
        ('\ufeff{"name": "Café"}'.encode(), "application/json; charset=utf-8"),
        ('{"name": "Café"}'.encode("utf-16"), "application/json; charset=utf-8"),
        ('{"name": "Café"}'.encode("latin-1"), "application/json; charset=ISO-8859-1"),
        ('{"name": "Café"}'.encode("latin-1"), "application/json; charset=utf-8"),
        ('{"name": "Café"}'.encode(), "application/json; charset=iso-8859-1"),
        ('{"name": "Café"}'.encode(), "application/json; charset=klingon"),
    ],
)
def test_json_is_read_whatever_the_character_set_claims(body: bytes, content_type: str) -> None:
    assert one_call(ok(body, content_type=content_type)) == {"name": "Café"}


def test_fractions_stay_exact() -> None:
    assert one_call(ok(b'{"amount": 120.10}')) == {"amount": Decimal("120.10")}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": NaN}', b'{"a": 1', b"[" * 100_000, b"\xff\xfe\x00"])
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        one_call(ok(body))


@pytest.mark.parametrize("url", ["", "api.example.com", "ftp://x", "https://", "https://u:p@x", "https://x?a=b"])
def test_a_base_url_that_cannot_be_one_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        Session(url)


def test_a_query_with_brackets_and_dots_arrives_as_meant() -> None:
    request = Request("GET", "/x", "find", (("filters[origin_id]", "pex:1:2&3"), ("a", '"T0...T1"')))
    with scripted(ok(json.dumps("fine").encode())) as server:
        Session(server.url + "/").send(request)
        assert server.requests[0].target == "/x?filters%5Borigin_id%5D=pex%3A1%3A2%263&a=%22T0...T1%22"
