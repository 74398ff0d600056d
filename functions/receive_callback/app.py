"""PEX tells us that something settled. Checked, queued, acknowledged; the transaction itself is fetched from PEX later.

Cardholders' purchases arrive in bursts and PEX gives up after ten seconds, so nothing heavy is imported here.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from pex_procore.pex.callback import parse_callback, secret_from
from pex_procore.runtime.metrics import count, measured, observe
from pex_procore.runtime.webhook import answer, door, read_callback


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    began = time.perf_counter()
    with measured(context.function_name):
        told = receive(event)
        observe("CallbackAck", round((time.perf_counter() - began) * 1000, 1))
    return told


def receive(event: dict[str, Any]) -> dict[str, Any]:
    callback = read_callback(event, parse_callback)
    hooks, queue = door()
    hook = hooks.find(callback.key)
    if hook is None:
        return answer(404, "unknown_hook", "No connection has this callback address.")
    if not hook.accepts(secret_from(callback.authorization) or ""):
        count("AuthFailures")
        return answer(401, "wrong_secret", "The callback secret does not match the one stored with the connection.")
    if callback.said is None:
        return answer(*callback.problem)
    queue.send(hook.business_id, asdict(callback.said))
    return answer(200)
