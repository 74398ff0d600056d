"""How long a warm `receive_callback` takes: the shipped handler, and a stub that answers for DynamoDB and SQS at once.

The two reads and the message of a real callback are sent, signed, over kept connections; AWS's own time is not in it.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable
from contextlib import redirect_stdout
from wsgiref.types import StartResponse, WSGIEnvironment

from benchmarks.books import percentile
from local.simulators.web import Server
from pex_procore.store import keys
from pex_procore.store.hooks import HookDirectory, hash_secret
from pex_procore.store.lean import Credentials, LeanAws
from pex_procore.store.queue import HintQueue
from tests.flow.clock import FlowClock
from tests.flow.process import LambdaContext, load_app
from tests.functions.events import load_event

HOOK_KEY, SECRET, SALT, BUSINESS_ID = "hook", "secret", "salt", 98_702


def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = json.loads(environ["wsgi.input"].read())
    text = {"MessageId": "1", "MD5OfMessageBody": "0"} if "MessageBody" in body else {"Item": _item(body["Key"])}
    start_response("200 OK", [("Content-Type", "application/x-amz-json-1.0")])
    return [json.dumps(text).encode()]


def _item(key: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    if key["sk"]["S"] == "HOOK":
        return {"business_id": {"N": str(BUSINESS_ID)}}
    return {
        "hook_hash": {"S": keys.sha256(HOOK_KEY)},
        "salt": {"S": SALT},
        "secret_hash": {"S": hash_secret(SALT, SECRET)},
    }


def measure(calls: int) -> dict[str, float]:
    server = Server(answer).start()
    try:
        role = Credentials("us-east-1", "key", "secret")
        door = (
            HookDirectory(LeanAws("dynamodb", role, server.url), "Connections"),
            HintQueue(LeanAws("sqs", role, server.url), "https://queue"),
        )
        app = load_app("receive_callback")
        app.door = lambda: door
        event = load_event("receive_callback")
        event["pathParameters"] = {"hook_key": HOOK_KEY}
        event["headers"]["Authorization"] = "Basic " + base64.b64encode(SECRET.encode()).decode()
        context = LambdaContext("ReceiveCallback", FlowClock(), 10)
        found, own = [], []
        with open(os.devnull, "w") as told, redirect_stdout(told):
            for _ in range(calls):
                began, began_own = time.perf_counter(), time.thread_time()
                assert app.handler(event, context)["statusCode"] == 200
                found.append((time.perf_counter() - began) * 1000)
                own.append((time.thread_time() - began_own) * 1000)
    finally:
        server.stop()
    return {
        "calls": calls,
        "p50_ms": round(percentile(found, 0.5), 2),
        "p99_ms": round(percentile(found, 0.99), 2),
        "own_p50_ms": round(percentile(own, 0.5), 2),  # processor time of the handler alone
        "own_p99_ms": round(percentile(own, 0.99), 2),
    }
