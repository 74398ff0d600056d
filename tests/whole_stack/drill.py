"""`make drill`: what an outage looks like to whoever is on call, and whether everything drains afterwards.

The real local stack, with sweeps every 20 seconds for those every 15 minutes: the emulator is killed and started anew,
tables turn writes away, a function dies while it posts, Procore is down, PEX is down. Purchases are made in the middle
of each. Told are the figures that the alarms watch, read from the functions' logs as CloudWatch would, and how long
until every purchase of the outage is complete. The verdict is the simulators' books.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import requests

from local.demo.books import EASTERN
from tests.template.cfn import resources
from tests.whole_stack.program import Life, Program, Stranger
from tests.whole_stack.test_restart import first_line, judge
from tests.whole_stack.tollgate import Moment, Tollgate, answer

SWEEP_SECONDS = 20
OUTAGE_SECONDS = 60.0
PATIENCE_SECONDS = 600.0
PURCHASES = 3  # in the middle of each outage
WATCHED = (
    *("UnknownOutcome", "Exceptions", "Duplicates", "ReconcileDrift", "Throttled429", "AuthFailures"),
    *("BrokenRuns", "SweepsStarted", "SweepsDone"),
)
STEPS = {
    name
    for machine in resources("AWS::Serverless::StateMachine").values()
    for name, value in machine["DefinitionSubstitutions"].items()
    if isinstance(value, dict)
}
Figures = Counter[str]


class ThrottlingGate(Tollgate):
    """Between the functions and AWS: on request DynamoDB turns writes away."""

    def __init__(self, upstream: Callable[[], str]) -> None:
        super().__init__(upstream)
        self.throttles = False
        self.turned_away = 0

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        target = request.headers.get("X-Amz-Target") or ""
        if not (self.throttles and target.startswith("DynamoDB") and target.endswith(("PutItem", "UpdateItem"))):
            try:
                super().pass_on(request)
            except (OSError, HTTPException):  # the emulator is gone
                request.close_connection = True
            return
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.turned_away += 1
        kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
        body = json.dumps({"__type": kind, "message": "The level of configured provisioned throughput is exceeded."})
        answer(request, 400, [("Content-Type", "application/x-amz-json-1.0")], body.encode())


def figures_of(lines: Iterator[tuple[str, str]]) -> Figures:
    """Sums of what the alarms watch, of lines by function. `Errors` are Lambda's own; those of steps sound no alarm,
    for their machine repeats them."""
    sums: Figures = Counter()
    for function, line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told.get("type") == "platform.report" and told["failed"]:
            sums["Errors of steps" if function in STEPS else "Errors"] += 1
        if told.get("event") == "row moved":
            continue
        for name in WATCHED:
            if "_aws" in told and isinstance(told.get(name), int | float):
                sums[name] += int(told[name])
    return sums


@dataclass
class Outage:
    name: str
    figures: Figures
    drained_seconds: float


@dataclass
class Drill:
    life: Life
    gate: ThrottlingGate
    folder: Path
    start: Callable[[], Program]
    program: Program
    stranger: Stranger
    bought: list[int] = field(default_factory=list)
    _read: dict[Path, int] = field(default_factory=dict)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Of every function's log, those written since the last time."""
        for path in (self.folder / "run/logs").glob("*.log"):
            text = path.read_text(errors="replace")
            fresh = text[self._read.get(path, 0) :]
            self._read[path] = len(text)
            yield from ((path.stem, line) for line in fresh.splitlines())

    def buy(self) -> None:
        for _ in range(PURCHASES):
            pending = self.life.act("pex", "purchase", amount=f"{len(self.bought) + 1}.07")["transaction_id"]
            self.life.act("pex", "tag", transaction_id=pending, **first_line())
            self.life.act("pex", "approve", transaction_id=pending)
            self.life.act("pex", "receipt", transaction_id=pending)
            self.bought.append(self.life.act("pex", "settle", transaction_id=pending)["transaction_id"])

    def drain(self) -> float:
        """Seconds until all are complete."""
        began = time.monotonic()
        for one in self.bought[-PURCHASES:]:
            self.stranger.transaction(one, "complete", PATIENCE_SECONDS)
        return time.monotonic() - began

    def restart(self) -> None:
        self.program.kill()
        self.program = self.start()

    @contextmanager
    def down(self, vendor: str) -> Iterator[None]:
        self.life.fault(vendor, kind="status", status=503, path=".")
        yield
        assert requests.delete(f"{self.life.url}/{vendor}/faults", timeout=60).ok

    @contextmanager
    def throttled(self) -> Iterator[None]:
        self.gate.throttles = True
        yield
        self.gate.throttles = False

    def outages(self) -> Iterator[Outage]:
        yield self.one("none, for comparison", lambda: (self.buy(), time.sleep(OUTAGE_SECONDS)))
        yield self.one("emulator killed and started anew", lambda: (self.buy(), self.restart()))
        yield self.one("a function killed after its post, before it says so", self.lose_a_function)
        yield self.one("tables turn writes away", lambda: self.during(self.throttled()))
        yield self.one("Procore down", lambda: self.during(self.down("procore")))
        yield self.one("PEX down", lambda: self.during(self.down("pex")))

    def one(self, name: str, break_it: Callable[[], object]) -> Outage:
        time.sleep(SWEEP_SECONDS)
        figures_of(self.lines())
        turned_away = self.gate.turned_away
        break_it()
        seconds = self.drain()
        figures = figures_of(self.lines())
        figures["WriteThrottleEvents"] = self.gate.turned_away - turned_away
        return Outage(name, figures, seconds)

    def during(self, outage: Any) -> None:
        with outage:
            self.buy()
            time.sleep(OUTAGE_SECONDS)

    def lose_a_function(self) -> None:
        moment = Moment("post_transactions", "PutItem", "#posted")
        killed: threading.Event = self.gate.kill_at(moment, ["98702", "98703"])
        self.buy()
        assert killed.wait(PATIENCE_SECONDS), "nothing was posted"


def table(outages: list[Outage]) -> str:
    """As docs/drill.md shows it."""
    rows = []
    for one in outages:
        moved = ", ".join(f"{name} {number}" for name, number in sorted(one.figures.items()) if number)
        rows.append(f"| {one.name} | {moved} | {one.drained_seconds:.0f} s |")
    return "\n".join(["| outage | figures | drained after |", "|---|---|---|", *rows])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        state = Path(folder) / "state"
        simulators = Program(module="local.simulators")
        closing.callback(simulators.stop)
        gate = ThrottlingGate(lambda: f"http://127.0.0.1:{json.loads((state / 'ports.json').read_text())['emulator']}")
        closing.callback(gate.close)
        names = ("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url")
        given = [text for name in names for text in (f"--{name.replace('_', '-')}", simulators.urls[name])]
        options = ["up", "--port", "0", "--state", str(state), "--sweep-seconds", str(SWEEP_SECONDS), *given]

        def start() -> Program:
            return Program(*options, environment={"FUNCTIONS_ENDPOINT_URL": gate.url})

        life = Life(simulators.urls["control_url"])
        life.switch("procore", spike_limit=200)
        program = start()
        drill = Drill(life, gate, state, start, program, Stranger(program.urls["url"]))
        closing.callback(lambda: drill.program.stop())
        since = (datetime.now(EASTERN) - timedelta(days=1)).date()
        drill.stranger.connect(since.isoformat())
        done = []
        for outage in drill.outages():
            done.append(outage)
            print(table(done).splitlines()[-1], flush=True)
        print(f"\n{table(done)}\n")
        judge(life.books(), since, len(drill.bought))
        print(f"The books are right: {len(drill.bought)} purchases made during outages, each posted once.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
