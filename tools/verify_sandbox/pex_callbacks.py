"""What a callback of PEX looks like. It takes somebody who listens: a port here, and an address outside that leads to
it, as any tunnel gives one; and somebody who buys something with a test card meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pex_procore.pex import wire
from pex_procore.pex.callback import parse_callback, secret_from
from pex_procore.services.connect import CALLBACK_TYPES
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.pex_bench import PexBench
from tools.verify_sandbox.questions import CannotAsk, Found, Question

PATIENCE_SECONDS = 600
MOST_BYTES = 100_000


@dataclass(frozen=True)
class Heard:
    at: datetime
    authorization: str
    body: bytes


class Ear:
    """Answers the first callback with 500, to hear when it is repeated, and all others with 200."""

    def __init__(self, bench: PexBench, port: int) -> None:
        self.heard: list[Heard] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
                ear.heard.append(Heard(bench.clock(), self.headers.get("Authorization") or "", body))
                self.send_response(500 if len(ear.heard) == 1 else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def callback_secret(bench: PexBench) -> Found:
    """Asks for patience of ten minutes; done as soon as the first callback came a second time."""
    place = bench.place
    if not place.receiver_url or not place.receiver_port or not place.callback_secret:
        raise CannotAsk("PEX_RECEIVER_URL, PEX_RECEIVER_PORT and PEX_CALLBACK_SECRET do not name who listens")
    bench.secrets.append(place.callback_secret)
    with _listening(bench, place.receiver_port) as ear:
        for kind in CALLBACK_TYPES:
            _subscribe(bench, kind, place.receiver_url)
        print(f"   Buy something with a test card: callbacks are awaited for {PATIENCE_SECONDS // 60} minutes.")
        for _ in range(PATIENCE_SECONDS):
            if len(ear.heard) > 1:
                break
            bench.sleep(1)
        heard = list(ear.heard)
    if not heard:
        raise CannotAsk("no callback came: is there a purchase, and does the address lead here?")
    return _read(place.callback_secret, heard)


@contextmanager
def _listening(bench: PexBench, port: int) -> Iterator[Ear]:
    ear = Ear(bench, port)
    try:
        yield ear
    finally:
        ear.stop()


def _subscribe(bench: PexBench, kind: str, url: str) -> None:
    number = {name: number for number, name in wire.CALLBACK_TYPES.items()}[kind]
    body = {"CallbackType": number, "Status": wire.ACTIVE, "Url": url, "Name": bench.mark, "Description": "for a test"}
    answer = bench.line.ask("POST", "/v4/Callback-Subscription", body=body)
    if not ok(answer):
        raise CannotAsk(f"a subscription could not be made: {bench.said(answer)}")
    bench.owe_subscription(int(answer.json()["Id"]))


def _read(secret: str, heard: list[Heard]) -> Found:
    first = heard[0]
    scheme = first.authorization.partition(" ")[0] or "no"
    sent = secret_from(first.authorization)
    pause = (heard[1].at - first.at).total_seconds() if len(heard) > 1 else None
    network = parse_callback(first.body).network_type or "unknown"
    seen = f"{scheme} authorization, a {network} event; " + (
        f"one answered with 500 came again after {pause:.0f} s" if pause is not None else "not repeated meanwhile"
    )
    if sent == secret:
        return Found("the bare secret in base64", seen, {"callback_secret_form": "bare"})
    if sent is not None and sent.endswith(f":{secret}"):
        then = "administrators enter user and secret with a colon between them"
        return Found("user and secret in base64", seen, {"callback_secret_form": "user_and_secret"}, then)
    return Found("another one", seen, {}, "`secret_from` in `pex/callback.py`; or it is not this business's secret")


QUESTIONS = [
    Question("callback_secret", "In which form do callbacks carry the secret, and when are they repeated?",
             callback_secret, "two callback subscriptions to PEX_RECEIVER_URL, deleted again",
             ("callback_secret_form",)),
]  # fmt: skip
