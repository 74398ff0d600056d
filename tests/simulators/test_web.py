"""The server, the log, the faults and the control port that both simulators stand on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from flask import Flask, Response, request

from local.simulators.control import Refused, control_app
from local.simulators.faults import Faults, hidden_seconds
from local.simulators.switchboard import Switches, UnknownSwitch
from local.simulators.web import RequestLog, Server, json_answer, json_text, stack, utc_now


class Ledger:
    """A vendor small enough to see through: POST appends, GET counts."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.saves = 0
        self.switches = Switches({"polite": (True, "whether it thanks"), "limit": (5, "how many")})
        self.requests = RequestLog(utc_now)
        self.faults = Faults(clock=utc_now, too_many=("application/json", b'{"error":"slow down"}'))
        app = Flask("ledger")

        @app.post("/rows")
        def add() -> Response:
            self.rows.append(request.get_data(as_text=True))
            return json_answer({"rows": len(self.rows), "text": "a" * 40}, 201)

        @app.get("/rows")
        def count() -> Response:
            return json_answer({"rows": len(self.rows), "hidden_seconds": hidden_seconds(request.environ)})

        self.server = Server(stack(app, log=self.requests, faults=self.faults, save=self.save))

    def save(self) -> None:
        self.saves += 1

    def books(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def act_add(self, text: str) -> dict[str, Any]:
        if not text:
            raise Refused("An empty row cannot be added.")
        self.rows.append(text)
        return {"rows": len(self.rows)}

    def add(self, **given: Any) -> requests.Response:
        return requests.post(f"{self.server.url}/rows", data="x", timeout=3, **given)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    ledger.server.start()
    yield ledger
    ledger.server.stop()


@pytest.fixture
def control(ledger: Ledger) -> Iterator[str]:
    server = Server(control_app({"ledger": ledger})).start()
    yield server.url
    server.stop()


def test_one_connection_carries_many_requests(ledger: Ledger) -> None:
    with socket.create_connection(("127.0.0.1", int(ledger.server.url.rsplit(":", 1)[1]))) as line:
        for _ in range(3):
            line.sendall(b"POST /rows HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            answer = line.recv(65536)
            assert answer.startswith(b"HTTP/1.1 201")
            assert answer.rstrip().endswith(b"}")
    assert ledger.rows == ["hi"] * 3


def test_a_stopped_server_leaves_its_connections_and_starts_again_on_the_same_port(ledger: Ledger) -> None:
    session = requests.Session()
    session.get(f"{ledger.server.url}/rows", timeout=3)
    url = ledger.server.url
    ledger.server.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(f"{url}/rows", timeout=3)
    ledger.server.start()
    assert ledger.server.url == url
    assert session.get(f"{url}/rows", timeout=3).status_code == 200


def test_a_taken_port_is_an_error_the_caller_can_put_in_words(ledger: Ledger) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(Flask("second"), int(ledger.server.url.rsplit(":", 1)[1])).start()


def test_decimals_leave_as_numbers_with_their_digits() -> None:
    assert json_text({"a": Decimal("1234567.89"), "b": Decimal("-0.10")}) == '{"a":1234567.89,"b":-0.1}'
    with pytest.raises(ValueError, match="too many digits"):
        json_text(Decimal("1234567890123456.7"))


def test_only_requests_that_may_change_something_are_saved_and_all_are_logged(ledger: Ledger) -> None:
    requests.get(f"{ledger.server.url}/rows?a=1&a=2", timeout=3)
    assert ledger.saves == 0
    ledger.add()
    assert ledger.saves == 1
    first, second = ledger.requests.all()
    assert (first.method, first.path, first.query, first.status) == ("GET", "/rows", {"a": ["1", "2"]}, 200)
    assert (second.method, second.status, second.body_bytes) == ("POST", 201, 1)


def test_drop_before_never_runs_the_handler_and_drop_after_does(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "drop_before", "times": 1})
    with pytest.raises(requests.ConnectionError):
        ledger.add()
    assert ledger.rows == []
    ledger.faults.add({"kind": "drop_after", "times": 1})
    with pytest.raises(requests.ConnectionError):
        ledger.add()
    assert ledger.rows == ["x"]
    assert ledger.saves == 1
    assert [(record.fault, record.status, record.handled) for record in ledger.requests.all()] == [
        ("drop_before", None, None),
        ("drop_after", None, 201),
    ]


def test_a_reset_in_mid_answer_comes_after_the_commit(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "reset_mid_answer"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ledger.add()
    assert ledger.rows == ["x"]


def test_a_late_commit_is_answered_before_it_happens(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "late_commit", "seconds": 60, "times": 1})
    assert ledger.add().status_code == 504
    assert ledger.rows == []
    ledger.faults.settle()
    assert ledger.rows == ["x"]
    ledger.faults.add({"kind": "late_commit", "seconds": 0.1, "times": 1})
    ledger.add()
    deadline = time.monotonic() + 3
    while len(ledger.rows) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ledger.rows == ["x", "x"]


def test_answers_can_be_cut_emptied_dripped_or_replaced(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "truncate", "nth": 1})
    cut = ledger.add()
    assert cut.status_code == 201
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        cut.json()
    ledger.faults.clear()
    ledger.faults.add({"kind": "empty", "nth": 1})
    assert (ledger.add().status_code, ledger.add().status_code) == (201, 201)
    ledger.faults.clear()
    ledger.faults.add({"kind": "drip", "seconds": 0.001})
    assert ledger.add().json()["rows"] == 4
    ledger.faults.clear()
    ledger.faults.add({"kind": "html_502", "times": 1})
    assert ledger.add().headers["Content-Type"] == "text/html"
    ledger.faults.add({"kind": "redirect", "location": "http://127.0.0.2:9/x", "times": 1})
    assert ledger.add(allow_redirects=False).headers["Location"] == "http://127.0.0.2:9/x"
    ledger.faults.add({"kind": "status", "status": 503, "headers": {"Retry-After": 2}, "commit": True, "times": 1})
    busy = ledger.add()
    assert (busy.status_code, busy.headers["Retry-After"], len(ledger.rows)) == (503, "2", 5)


def test_an_empty_answer_has_no_body_though_the_row_was_added(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "empty"})
    answer = ledger.add()
    assert (answer.status_code, answer.content, ledger.rows) == (201, b"", ["x"])


def test_a_429_on_request_carries_the_vendors_body_and_may_reset_in_the_past(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "limit_429", "reset_in": -30, "times": 1})
    past = ledger.add()
    assert past.json() == {"error": "slow down"}
    assert int(past.headers["X-Rate-Limit-Reset"]) < time.time()
    ledger.faults.add({"kind": "limit_429", "headers": False, "times": 1})
    assert "X-Rate-Limit-Reset" not in ledger.add().headers
    assert ledger.rows == []


def test_slow_and_hide_fresh_go_together_with_the_real_answer(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "slow", "seconds": 0.15})
    ledger.faults.add({"kind": "hide_fresh", "seconds": 40, "method": "GET"})
    began = time.monotonic()
    assert requests.get(f"{ledger.server.url}/rows", timeout=3).json() == {"rows": 0, "hidden_seconds": 40.0}
    assert time.monotonic() - began >= 0.15


def test_a_rule_meets_only_the_requests_it_names(ledger: Ledger) -> None:
    ledger.faults.add({"kind": "status", "status": 500, "method": "POST", "path": "/rows$", "nth": [2]})
    assert requests.get(f"{ledger.server.url}/rows", timeout=3).status_code == 200
    assert [ledger.add().status_code for _ in range(3)] == [201, 500, 201]
    ledger.faults.clear()
    ledger.faults.add({"kind": "status", "status": 500, "body": "^y"})
    assert ledger.add().status_code == 201
    with pytest.raises(ValueError, match="no fault called"):
        ledger.faults.add({"kind": "explode"})
    with pytest.raises(ValueError, match="does not know secnods"):
        ledger.faults.add({"kind": "slow", "secnods": 1})


def test_the_same_seed_brings_the_same_trouble() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(clock=utc_now, seed=seed)
        faults.add({"kind": "drop_before", "probability": 0.4})
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": ""}
        return [faults._choose(dict(environ), b"") is not None for _ in range(40)]

    assert hits(3) == hits(3)
    assert 5 < sum(hits(3)) < 30


def test_the_control_port_shows_books_faults_switches_and_acts(ledger: Ledger, control: str) -> None:
    assert requests.post(f"{control}/ledger/act/add", json={"text": "n"}, timeout=3).json() == {"rows": 1}
    assert ledger.saves == 1
    assert requests.get(f"{control}/books", timeout=3).json() == {"ledger": {"rows": ["n"]}}
    assert requests.post(f"{control}/ledger/faults", json={"kind": "drop_before"}, timeout=3).json() == {"id": 1}
    requests.delete(f"{control}/ledger/faults", timeout=3)
    assert ledger.add().status_code == 201
    assert requests.get(f"{control}/ledger/requests", timeout=3).json()[0]["path"] == "/rows"
    changed = requests.post(f"{control}/ledger/switches", json={"polite": False, "limit": 7}, timeout=3).json()
    assert changed == {"polite": False, "limit": 7}


def test_the_control_port_names_what_there_is_when_asked_for_what_there_is_not(control: str) -> None:
    for path, known in (("ledger/act/jump", "add"), ("nobody/act/add", "ledger"), ("ledger/switches", "polite")):
        answer = requests.post(f"{control}/{path}", json={"colour": 1}, timeout=3)
        assert answer.status_code == 404
        assert known in answer.json()["known"]
    refused = requests.post(f"{control}/ledger/act/add", json={"text": ""}, timeout=3)
    assert (refused.status_code, refused.json()["error"]) == (400, "An empty row cannot be added.")
    wrong = requests.post(f"{control}/ledger/act/add", json={"txt": "n"}, timeout=3)
    assert wrong.status_code == 400
    assert "add(text: str)" in wrong.json()["error"]


def test_a_switch_keeps_its_kind() -> None:
    switches = Switches({"on": (True, ""), "count": (3, "")})
    for wrong in ({"on": 1}, {"count": "3"}, {"count": True}):
        with pytest.raises(TypeError):
            switches.change(**wrong)
    with pytest.raises(UnknownSwitch):
        _ = switches.absent
    assert switches.as_dict() == {"on": True, "count": 3}


def test_a_fault_takes_fractions_of_a_second_as_the_control_port_reads_them() -> None:
    faults = Faults(clock=utc_now)
    faults.add({"kind": "slow", "seconds": Decimal("0.5")})
    assert faults.as_json()[0]["seconds"] == 0.5
    assert isinstance(faults.as_json()[0]["seconds"], float)
