from __future__ import annotations

import base64
import json
import pickle
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import small_pex
from tests.simulators.pex_client import Now, Pex


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sim(now: Now) -> Iterator[PexSimulator]:
    running = PexSimulator(small_pex(clock=now), clock=now).start()
    yield running
    running.stop()


@pytest.fixture
def pex(sim: PexSimulator) -> Pex:
    return Pex(sim)


class Receiver:
    """A callback receiver that answers what it is told, in order, then 200."""

    def __init__(self) -> None:
        self.answers: list[int | None] = []
        self.got: list[tuple[dict[str, str], Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.got.append((dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status is None:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_port}/callbacks/pex/key?x=1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def subscribe(pex: Pex, url: str, kind: int | str = 9, status: int | str = 1) -> int:
    body = {"CallbackType": kind, "Status": status, "Url": url, "Name": "Procore connector", "Description": None}
    answer = pex.call("POST", "/v4/Callback-Subscription", body)
    assert answer.status == 200, answer.text
    return int(answer.json["Id"])


def quiet(sim: PexSimulator) -> None:
    """Wait until nothing waits to be sent."""
    ends = time.monotonic() + 8
    while not sim.dispatcher.idle():
        assert time.monotonic() < ends, "callbacks are still on their way"
        time.sleep(0.01)


def settle(sim: PexSimulator, amount: str = "20.00") -> int:
    return int(sim.act_purchase(amount=amount, settle=True)["transaction_id"])


def test_names_and_numbers_mean_the_same_in_a_subscription(pex: Pex, receiver: Receiver) -> None:
    first = subscribe(pex, receiver.url, 9, 1)
    second = subscribe(pex, receiver.url, "pinrealtime", "Inactive")
    shown = pex.get(f"/v4/callback-subscription/{first}").json
    assert (shown["CallbackType"], shown["Status"], shown["Url"]) == (
        "SettlementPostedRealtime",
        "Active",
        receiver.url,
    )
    assert [each["Id"] for each in pex.get("/v4/Callback-Subscription", type="PinRealtime").json] == [second]
    assert len(pex.get("/v4/Callback-Subscription").json) == 2
    assert len(pex.get("/v4/callback-subscription/types").json) == 9
    changed = {"CallbackType": 6, "Status": 1, "Url": receiver.url, "Name": "x", "Description": "y"}
    assert pex.call("PUT", f"/v4/Callback-Subscription/{second}", changed).json["Status"] == "Active"
    assert pex.call("DELETE", f"/v4/Callback-Subscription/{first}").status == 200
    assert pex.get(f"/v4/Callback-Subscription/{first}").status == 404


def test_a_subscription_needs_a_proper_address_type_and_no_other_field(sim: PexSimulator, pex: Pex) -> None:
    good = {"CallbackType": 9, "Status": 1, "Url": "https://connector.example/hook"}
    wrong: list[dict[str, Any]] = [
        {"Url": "ftp://x/y"},
        {"Url": "/hook"},
        {"Url": "https://x/" + "y" * 500},
        {"CallbackType": 10},
        {"CallbackType": "Nothing"},
        {"Status": 3},
        {"Secret": "s"},
    ]
    for change in wrong:
        assert pex.call("POST", "/v4/Callback-Subscription", good | change).status == 400, change
    plain = good | {"Url": "http://127.0.0.1:9/hook"}
    assert pex.call("POST", "/v4/Callback-Subscription", plain).status == 200
    sim.switches.change(allow_http_callbacks=False)
    assert pex.call("POST", "/v4/Callback-Subscription", plain).status == 400
    assert pex.call("POST", "/v4/Callback-Subscription", good).status == 200


def test_a_settlement_is_told_with_the_bare_secret_and_the_settled_id(
    sim: PexSimulator, pex: Pex, receiver: Receiver
) -> None:
    subscribe(pex, receiver.url)
    auth = sim.act_purchase(amount="50.00", merchant="GRAINGER")
    settled = sim.act_settle(auth["transaction_id"], "62.17")
    quiet(sim)
    ((headers, body),) = receiver.got
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"demo-callback-secret").decode()
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (headers["X-PEX-Version"], headers["Expect"]) == ("2.0.1.1", "100-continue")
    assert headers["Request-Id"].startswith("|")
    assert set(body) == {"CallbackTime", "Data"}
    assert re.fullmatch(r"2026-06-15T12:00:00\.\d{7}-04:00", body["CallbackTime"])
    data = body["Data"]
    assert (data["TransactionId"], data["AuthTransactionId"]) == (settled["transaction_id"], auth["transaction_id"])
    assert data["NetworkTransactionId"] == auth["network_transaction_id"]
    assert (data["TransactionAmount"], data["NetworkType"], data["NetworkStatus"]) == (-62.17, "Settlement", None)
    assert (data["TransactionType"], data["SettlementTime"]) == ("NETWORK", "2026-06-15T12:00:00")
    assert "TransactionTags" not in data


def test_each_kind_of_event_goes_to_its_own_subscriptions(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    for number in (1, 5, 6, 7, 8, 9):
        subscribe(pex, receiver.url, number)
    subscribe(pex, receiver.url, 9, "Inactive")
    auth = sim.act_purchase()
    sim.act_reverse(auth["transaction_id"])
    sim.act_purchase(pin=True)
    sim.act_decline(code="decline.balance.card")
    sim.act_refund()
    sim.act_fee()
    sim.act_close_card(auth["account_id"])
    quiet(sim)
    told = [(body["Data"].get("NetworkType", "Card"), body["Data"].get("NetworkStatus")) for _, body in receiver.got]
    assert sorted(told) == [
        ("Auth", "Approved"),
        ("Auth", "Declined"),
        ("Card", None),
        ("Pin", "Approved"),
        ("Reversal", None),
        ("Settlement", None),
    ]
    declined = next(body["Data"] for _, body in receiver.got if body["Data"].get("NetworkStatus") == "Declined")
    assert (declined["MessageCode"], declined["TransactionId"]) == ("decline.balance.card", None)
    reversed_ = next(body["Data"] for _, body in receiver.got if body["Data"].get("NetworkType") == "Reversal")
    assert (reversed_["TransactionAmount"], reversed_["ReferencedTranId"]) == (120.5, auth["transaction_id"])


@pytest.mark.parametrize("answer", [202, 204, 302, 401, 500, None])
def test_only_200_and_201_end_the_tries(sim: PexSimulator, pex: Pex, receiver: Receiver, answer: int | None) -> None:
    sim.switches.change(callback_delays=[0.05, 0.05])
    receiver.answers = [answer, 201]
    subscribe(pex, receiver.url)
    settle(sim)
    quiet(sim)
    (delivery,) = sim.books()["deliveries"]
    assert (delivery["state"], delivery["statuses"]) == ("delivered", [answer, 201])
    assert receiver.got[0][1] == receiver.got[1][1]


def test_a_callback_is_dropped_after_the_last_try(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    sim.switches.change(callback_delays=[0.02] * 5)
    receiver.answers = [500] * 10
    subscribe(pex, receiver.url)
    settle(sim)
    quiet(sim)
    (delivery,) = sim.books()["deliveries"]
    assert (delivery["state"], len(delivery["statuses"])) == ("dropped", 6)


def test_the_documented_pauses_are_the_default(sim: PexSimulator) -> None:
    assert sim.switches.callback_delays == [15, 30, 60, 120, 3600]
    assert sim.switches.callback_timeout == 10


def test_nobody_listening_is_a_failed_try_not_a_failed_action(sim: PexSimulator, pex: Pex) -> None:
    subscribe(pex, "http://127.0.0.1:9/nobody")
    sim.switches.change(callback_delays=[])
    settle(sim)
    quiet(sim)
    (delivery,) = sim.books()["deliveries"]
    assert (delivery["statuses"], delivery["attempts"][0]["error"]) == ([None], "ConnectionRefusedError")


def test_callbacks_can_be_lost_doubled_and_late(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    subscribe(pex, receiver.url)
    sim.act_drop_callbacks(1)
    lost = settle(sim)
    sim.act_duplicate_callbacks(times=7)
    doubled = settle(sim)
    quiet(sim)
    sim.act_delay_callbacks(seconds=0.4)
    began = time.monotonic()
    late = settle(sim)
    quiet(sim)
    assert time.monotonic() - began >= 0.35
    ids = [body["Data"]["TransactionId"] for _, body in receiver.got]
    assert (ids.count(lost), ids.count(doubled), ids.count(late)) == (0, 7, 1)
    assert ids[-1] == late
    assert [each["state"] for each in sim.books()["deliveries"]] == ["withheld"] + ["delivered"] * 8


def test_callbacks_can_arrive_in_the_opposite_order(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    subscribe(pex, receiver.url)
    sim.act_reverse_callbacks(3)
    ids = [settle(sim) for _ in range(3)]
    quiet(sim)
    assert [body["Data"]["TransactionId"] for _, body in receiver.got] == ids[::-1]


def test_a_forged_callback_does_not_know_the_secret(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    subscribe(pex, receiver.url)
    sim.act_forge_callback({"TransactionId": 5})
    quiet(sim)
    ((headers, body),) = receiver.got
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"not-the-secret"
    assert body["Data"]["TransactionId"] == 5


def test_a_new_secret_is_used_at_once_and_a_callback_can_be_said_again(
    sim: PexSimulator, pex: Pex, receiver: Receiver
) -> None:
    subscribe(pex, receiver.url)
    transaction_id = settle(sim)
    sim.act_set_callback_secret("rotated")
    sim.act_resend_callback(transaction_id)
    quiet(sim)
    assert base64.b64decode(receiver.got[-1][0]["Authorization"].removeprefix("Basic ")) == b"rotated"
    assert receiver.got[0][1]["Data"] == receiver.got[-1][1]["Data"]


def test_another_business_is_not_told(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    subscribe(pex, receiver.url)
    other = sim.act_add_business()
    sim.act_purchase(other["account_id"], settle=True)
    assert sim.books()["deliveries"] == []


def test_what_waits_is_sent_after_a_restart_from_the_saved_world(
    pex: Pex, sim: PexSimulator, receiver: Receiver
) -> None:
    subscribe(pex, receiver.url)
    sim.act_delay_callbacks(seconds=3600)
    transaction_id = settle(sim)
    saved = pickle.dumps(sim.world)
    sim.stop()
    again = PexSimulator(pickle.loads(saved)).start()
    try:
        assert again.act_hurry_callbacks() == {"released": 0, "hurried": 1}
        quiet(again)
        assert [body["Data"]["TransactionId"] for _, body in receiver.got] == [transaction_id]
        assert Pex(again).get("/v4/Token/Current").status == 200
    finally:
        again.stop()


def test_an_ended_subscription_ends_its_waiting_callbacks(sim: PexSimulator, pex: Pex, receiver: Receiver) -> None:
    subscription_id = subscribe(pex, receiver.url)
    sim.act_delay_callbacks(seconds=3600)
    settle(sim)
    pex.call("DELETE", f"/v4/Callback-Subscription/{subscription_id}")
    assert [each["state"] for each in sim.books()["deliveries"]] == ["dropped"]
    assert receiver.got == []


def test_a_second_subscription_of_one_type_and_url_may_be_refused(sim: PexSimulator, pex: Pex) -> None:
    subscribe(pex, "https://ours.example/hook")
    subscribe(pex, "https://ours.example/hook")
    sim.switches.change(duplicate_subscriptions="refused")
    body = {"CallbackType": 9, "Status": 1, "Url": "https://ours.example/hook"}
    assert pex.call("POST", "/v4/Callback-Subscription", body).status == 409
    assert pex.call("POST", "/v4/Callback-Subscription", {**body, "CallbackType": 6}).status == 200


@pytest.mark.parametrize("settles", [False, True])
def test_a_pin_purchase_may_settle_with_an_event_of_its_own(
    sim: PexSimulator, pex: Pex, receiver: Receiver, settles: bool
) -> None:
    sim.switches.change(pin_settles=settles)
    for kind in (6, 9):
        subscribe(pex, receiver.url, kind)
    made = sim.act_purchase(pin=True)
    quiet(sim)
    told = {body["Data"]["NetworkType"]: body["Data"] for _, body in receiver.got}
    assert told.keys() == ({"Pin", "Settlement"} if settles else {"Pin"})
    if settles:
        assert told["Settlement"]["TransactionId"] == made["transaction_id"]
        assert told["Settlement"]["NetworkTransactionId"] == told["Pin"]["NetworkTransactionId"]
