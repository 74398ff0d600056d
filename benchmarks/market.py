"""Both vendors on one timeline, with the documented limits, latency and, if wanted, faults.

market = Market(seed=1, preset=SMALL, faults=True)
market.play(load.day(1, 200))
…                                       # a rival works, on market.time
market.close()

Every call takes a log-normal time, half before the vendor acts and half after; computing takes none. Faults are drawn
by the vendor's own seeded generator: 3 % of all calls are carried out and never answered, 3 % are answered with 500,
half of these after they were carried out. Of the callbacks 5 % come twice and 2 % never.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from benchmarks.load import Purchase
from benchmarks.timeline import Timeline
from local.simulators.pex import PexSimulator
from local.simulators.procore import ProcoreSimulator
from local.simulators.web import call_app
from tests.flow.worlds import Names, small_pex, small_procore

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)  # a Monday, eight in New York
SPREAD = 0.5  # sigma of the log-normal latency: its 99th percentile is 3.2 times its median
MEDIAN_SECONDS = {"procore": 0.35, "pex": 0.2}
LATENCY_SECONDS = {vendor: median * math.exp(SPREAD**2 / 2) for vendor, median in MEDIAN_SECONDS.items()}  # mean
LOST, ERRORS = 0.03, 0.03
DOUBLED, DROPPED = 0.05, 0.02  # of the callbacks


@dataclass(frozen=True)
class Preset:
    name: str
    hourly: int
    spike: int  # in ten seconds

    def pace_seconds(self, calls: int) -> float:
        """What so many calls take where both windows are used evenly and wholly."""
        return max(calls / self.spike * 10, calls / self.hourly * 3600)


SMALL, LARGE = Preset("25 in 10 s, 600 an hour", 600, 25), Preset("100 in 10 s, 3,600 an hour", 3600, 100)


@dataclass(frozen=True)
class Callback:
    transaction_id: int
    account_id: int
    happened_at: datetime


class _Slow:
    """A simulator whose calls take time."""

    linger: Callable[[], None]

    def _stacked(self, app: Any) -> WSGIApplication:
        inner = super()._stacked(app)  # type: ignore[misc]

        def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self.linger()
            try:
                status, headers, body = call_app(inner, environ)
            finally:
                self.linger()
            start_response(status, headers)
            return [body]

        return slow


class SlowProcore(_Slow, ProcoreSimulator):
    pass


class SlowPex(_Slow, PexSimulator):
    pass


class Market:
    def __init__(self, *, seed: int, preset: Preset, faults: bool, time: Timeline | None = None) -> None:
        self.time = time or Timeline(NOON)
        self.preset, self.faults = preset, faults
        self.names = Names()
        self._luck = random.Random(f"callbacks {seed}")
        self._latency = random.Random(f"latency {seed}")
        limits = {"hourly_limit": preset.hourly, "spike_limit": preset.spike, "update_seconds": 0.0}
        now = self.time()
        procore_world = small_procore(now, self.names)
        pex_world = small_pex(now, self.names)
        pex_world.seed = seed
        self.procore = SlowProcore(procore_world, clock=self.time, seed=seed, switches=limits)
        self.pex = SlowPex(pex_world, clock=self.time)
        self._lock = threading.Lock()
        self.lingered_seconds = 0.0  # of all calls so far
        self.answered_at = self.time()
        self.inbox: list[Callback] = []
        self.settled_at: dict[int, datetime] = {}
        self.ready_at: dict[int, datetime] = {}  # settled and coded
        self.committed_at: dict[int, datetime] = {}  # by direct cost id; of one that has its lines
        self._seen, self._bare = 0, set[int]()
        self.procore.linger = lambda: self._linger("procore")
        self.pex.linger = lambda: self._linger("pex")
        self.procore.start()
        self.pex.start()
        if faults:
            self.begin_faults()

    def begin_faults(self) -> None:
        self.faults = True
        for side, path in ((self.procore, "^/rest/"), (self.pex, "^/v4/")):
            side.faults.add({"kind": "drop_after", "path": path, "probability": LOST})
            side.faults.add({"kind": "status", "status": 500, "path": path, "probability": ERRORS / 2})
            rule = {"kind": "status", "status": 500, "path": path, "probability": ERRORS / 2, "commit": True}
            side.faults.add(rule)

    def close(self) -> None:
        self.pex.stop()
        self.procore.stop()

    def play(self, purchases: Sequence[Purchase]) -> None:
        for purchase in purchases:
            moment = NOON + timedelta(seconds=purchase.at)
            if moment <= self.time():
                self.buy(purchase)
            else:
                self.time.plan(moment, lambda purchase=purchase: self.buy(purchase))  # type: ignore[misc]

    def buy(self, purchase: Purchase) -> int:
        account_id = self.names.account_ids[purchase.card]
        act = self.pex.act_refund if purchase.refund else self.pex.act_purchase
        how: dict[str, Any] = {} if purchase.refund else {"settle": True}
        transaction_id = act(account_id, purchase.amount, purchase.merchant, **how)["transaction_id"]
        self.settled_at[transaction_id] = self.time()
        ready_at = self.time() + timedelta(seconds=purchase.coded_after)
        self.ready_at[transaction_id] = ready_at
        if purchase.coded_after:
            self.time.plan(ready_at, lambda: self._code(transaction_id, purchase))
        else:
            self._code(transaction_id, purchase)
        self._call_back(Callback(transaction_id, account_id, self.time()))
        return int(transaction_id)

    def _code(self, transaction_id: int, purchase: Purchase) -> None:
        parts = [{"amount": amount, **self._tags(*place)} for amount, place in purchase.shares]
        if len(parts) > 1:
            self.pex.act_split(transaction_id, parts)
        else:
            self.pex.act_tag(transaction_id, **self._tags(*purchase.shares[0][1]))
        for content in purchase.receipts:
            self.pex.act_receipt(transaction_id, "jpg", content)

    def _tags(self, project: str, cost_code: str, cost_type: str) -> dict[str, str]:
        names = self.names
        return {
            "project": str(names.projects[project]),
            "cost_code": cost_code,
            "cost_type": str(names.types[cost_type]),
        }

    def copies(self) -> int:
        """How often a callback comes."""
        if not self.faults:
            return 1
        dice = self._luck.random()
        return 0 if dice < DROPPED else 2 if dice < DROPPED + DOUBLED else 1

    def _call_back(self, callback: Callback) -> None:
        for number in range(self.copies()):
            moment = self.time() + timedelta(seconds=0.1 + 40 * number * self._luck.random())
            self.time.plan(moment, lambda: self.inbox.append(callback))

    def _linger(self, vendor: str) -> None:
        half = MEDIAN_SECONDS[vendor] / 2 * self._latency.lognormvariate(0, SPREAD)
        with self._lock:
            costs = self.procore.world.direct_costs
            self._bare |= set(islice(reversed(costs), len(costs) - self._seen))
            self._seen = len(costs)
            for direct_cost_id in [one for one in self._bare if costs[one].lines]:
                self._bare.remove(direct_cost_id)
                self.committed_at[direct_cost_id] = self.time()
            self.lingered_seconds += half
        self.time.forward(half)
        self.answered_at = self.time()
