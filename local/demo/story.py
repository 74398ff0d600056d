"""Plays the story on a stack that runs, then audits the simulators' books."""

from __future__ import annotations

import json
import time
from typing import Any

from local.demo.acts import (
    Scene,
    burst,
    connect,
    impostors,
    lost_answer,
    one_purchase,
    refund,
    sync_history,
    unready,
)
from local.demo.books import audit, described, expected_expenses
from local.demo.catalog import seeded_catalog
from local.demo.clients import Connector, Control, DemoFailed
from local.demo.figures import expense_calls, median
from local.demo.screen import Screen
from local.simulators.seed_pex import TOKEN
from local.stack import CannotStart, Stack

BOTH = {"pex", "procore"}


def run(stack: Stack, exit_after: bool) -> int:
    """Exit code: 0 only when every act went as told and the books are right. Raises CannotStart without simulators."""
    screen = Screen()
    if stack.control_url is None or set((control := Control(stack.control_url)).get("/books")) != BOTH:
        raise CannotStart("The demo plays with both simulators: leave out the vendor URLs, or use `up` with them.")
    began = time.monotonic()
    try:
        code = _play(stack, screen, Connector(stack.url), control, began)
    except DemoFailed as failure:
        screen.bad(str(failure))
        code = 1
    if not exit_after:
        _how_to_go_on(stack, screen)
    return code


def _play(stack: Stack, screen: Screen, connector: Connector, control: Control, began: float) -> int:
    catalog = seeded_catalog()
    scene = connect(screen, connector, control, catalog)
    sync_history(scene)
    one_purchase(scene)
    unready(scene)
    burst(scene)
    memory_mb = stack.memory_mb()
    refund(scene)
    lost_answer(scene)
    impostors(scene)
    with screen.waiting("The last run ends") as line:
        connector.quiet(line)
    return _close_books(scene, max(memory_mb, stack.memory_mb()), time.monotonic() - began)


def _close_books(scene: Scene, memory_mb: float, wall_seconds: float) -> int:
    screen = scene.screen
    screen.act("The books: PEX's against Procore's, read by an auditor that shares no code with the connector")
    books = scene.control.get("/books")
    due = expected_expenses(books["pex"], scene.terms, scene.catalog)
    problems = audit(books["pex"], books["procore"], scene.terms, scene.catalog)
    for problem in problems:
        screen.bad(problem)
    figures = _figures(scene, books) | {"memory_mb": round(memory_mb), "wall_seconds": round(wall_seconds, 1)}
    if not problems:
        screen.good(
            f"The books are right: {described(due)}, each there once, to the cent, with lines, receipts and note."
        )
    screen.table([(name.replace("_", " "), str(value)) for name, value in figures.items()])
    screen.line(f"figures {json.dumps(figures | {'problems': len(problems)})}")
    return 1 if problems else 0


def _figures(scene: Scene, books: dict[str, Any]) -> dict[str, Any]:
    procore = books["procore"]
    calls = scene.control.get("/procore/requests")
    expenses = len(procore["direct_costs"])
    waits = scene.waits(scene.by_callback)
    return {
        "expenses": expenses,
        "procore_calls_per_expense": round(expense_calls(calls) / max(expenses, 1), 2),
        "all_procore_calls": len(calls),
        "callbacks": len(waits),
        "callback_to_committed_p50_seconds": round(median(waits), 2),
        "callback_to_committed_max_seconds": round(waits[-1], 2),
        "refused_429": procore["refused_429"],
    }


def _how_to_go_on(stack: Stack, screen: Screen) -> None:
    screen.act("Your turn")
    screen.tell(f"The connector goes on running. Its page is {stack.url}/ (PEX API token: {TOKEN}).")
    screen.tell("Or by API: sign in, then ask it anything:")
    body = json.dumps({"pex_token": TOKEN})
    screen.line(f"     curl -c /tmp/connector.cookies -d '{body}' {stack.url}/v1/sessions")
    for path in ("/v1/connection", "/v1/transactions?state=waiting", "/v1/runs"):
        screen.line(f"     curl -b /tmp/connector.cookies '{stack.url}{path}'")
    screen.tell("Let PEX live on: what can happen there, and how to make it happen:")
    screen.line(f"     curl {stack.control_url}/pex/act")
