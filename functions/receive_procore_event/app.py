"""Procore tells us that a project, a cost code or a cost type changed: what is stale is marked, and read soon."""

from __future__ import annotations

from typing import Any

from pex_procore.procore.event import Event, parse_event
from pex_procore.runtime.metrics import count, measured
from pex_procore.runtime.webhook import answer, read_callback
from pex_procore.runtime.wiring import Business, now, wiring
from pex_procore.services.connect import note_heard


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with measured(context.function_name):
        return receive(event)


def receive(event: dict[str, Any]) -> dict[str, Any]:
    callback = read_callback(event, parse_event)
    hook = wiring().hooks.find(callback.key, "procore")
    if hook is None:
        return answer(404, "unknown_hook", "No connection has this webhook address.")
    if not hook.accepts(callback.authorization.removeprefix("Bearer ")):
        count("AuthFailures")
        return answer(401, "wrong_secret", "This webhook was not created by us.")
    if callback.said is None:
        return answer(*callback.problem)
    mark_stale(callback.said, wiring().business(hook.business_id, "tags"))
    return answer(200)


def mark_stale(said: Event, business: Business) -> None:
    """Lists are read whole by every refresh; only whose cost codes changed has to be remembered."""
    ours = said.company_id in (None, business.connection.company_id)
    if business.connection.status != "active" or said.resource == "other" or not ours:
        return
    note_heard(business.connection, business.connections, now())
    if said.resource == "cost_code":
        business.cache.mark_stale(f"codes:{said.project_id}" if said.project_id else "codes")
    business.connections.schedule_sweep(now(), "tags")
