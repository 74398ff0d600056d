"""`kill -9` of a function's process at the worst moments, in the real local stack: once, never twice, never lost.

The verdict is read from the simulators' books.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from local.demo.books import EASTERN
from tests.whole_stack.program import Life, Program, Stranger
from tests.whole_stack.test_restart import first_line, judge
from tests.whole_stack.tollgate import Tollgate

pytestmark = [
    pytest.mark.whole_stack,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found through /proc"),
]
PATIENCE_SECONDS = 240  # on a busy machine; usually ten
CRASHES = {  # what dies: at which call of AWS, and whether that call is still carried out
    "start_runs, before the hint is announced": {"target": "PutItem", "body": "#announced"},
    "start_runs, announced and not started": {"target": "StartExecution"},
    "start_runs, started and not acknowledged": {"target": "StartExecution", "after": True},
    "open_run, after the claim": {"target": "UpdateItem", "body": "#held_until", "after": True},
    "list_transactions, before its rows are saved": {"target": "GetItem", "body": "LIMIT#pex", "after": True},
    "post_transactions, before the intent": {"target": "PutItem", "body": "#posting"},
    "post_transactions, after the intent": {"target": "PutItem", "body": "#posting", "after": True},
    "post_transactions, while Procore works": {
        "target": "PutItem",
        "body": "#posting",
        "after": True,
        "delay_seconds": 1.0,
    },
    "post_transactions, posted and not saved": {"target": "PutItem", "body": "#posted"},
    "post_transactions, saved and not answered": {"target": "PutItem", "body": "#posted", "after": True},
    "stage_receipts, before the file is stored": {"target": "^PUT /.*"},
    "stage_receipts, after the file is stored": {"target": "^PUT /.*", "after": True},
    "attach_receipts, attached and not saved": {"target": "PutItem", "body": "#complete"},
    "close_run, before the lease is let go": {"target": "UpdateItem", "body": "announced_now"},
}


@dataclass
class Crashing:
    life: Life
    stranger: Stranger
    gate: Tollgate
    start: datetime


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    state = tmp_path_factory.mktemp("crashing") / "state"
    gate = Tollgate()
    gate.upstream = lambda: f"http://127.0.0.1:{json.loads((state / 'ports.json').read_text())['emulator']}"
    os.environ["FUNCTIONS_ENDPOINT_URL"] = gate.url
    try:
        program = Program("up", "--port", "0", "--state", str(state), "--sweep-seconds", "20")
    finally:
        del os.environ["FUNCTIONS_ENDPOINT_URL"]
    try:
        life, stranger = Life(program.urls["control_url"]), Stranger(program.urls["url"])
        start = datetime.now(EASTERN) - timedelta(days=1)
        stranger.connect(start.date().isoformat())
        yield Crashing(life, stranger, gate, start)
    finally:
        program.stop()
        gate.close()


@pytest.mark.parametrize("crash", CRASHES)
def test_a_function_killed_at_its_worst_moment_leaves_the_purchase_posted_once(crashing: Crashing, crash: str) -> None:
    life, gate = crashing.life, crashing.gate
    if "while Procore works" in crash:
        life.fault("procore", kind="slow", method="POST", path="/direct_costs$", seconds=3, times=1)
    gate.kill_at(**CRASHES[crash])  # type: ignore[arg-type]
    number = list(CRASHES).index(crash) + 1
    pending = life.act("pex", "purchase", amount=f"{number}.07")["transaction_id"]
    life.act("pex", "tag", transaction_id=pending, **first_line())
    life.act("pex", "approve", transaction_id=pending)
    life.act("pex", "receipt", transaction_id=pending)
    settled = life.act("pex", "settle", transaction_id=pending)["transaction_id"]
    assert gate.killed.wait(PATIENCE_SECONDS), "nothing was killed"
    crashing.stranger.transaction(settled, "complete", PATIENCE_SECONDS)
    judge(life.books(), crashing.start.date(), number)
