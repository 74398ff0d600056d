"""Ours through the whole local stack, in real time: every function a process of its own, real state machines, queue and
tables of the emulated AWS, and the same slow vendors. Less of everything than in the simulated rounds.

    alone     one callback after another, the stack warm, beside the same calls made by a bare script
    trickle   a purchase every two seconds
    burst     many callbacks in one moment
    faults    the trickle on bad days: lost answers, errors, callbacks twice and never
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import requests

from benchmarks import load
from benchmarks.books import judge, percentile
from benchmarks.load import Purchase
from benchmarks.market import LARGE, Callback, Market
from benchmarks.rivals.plain import Vendors
from benchmarks.timeline import WallClock
from tests.flow.worlds import CALLBACK_SECRET, CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN
from tests.whole_stack.program import Program

PATIENCE_SECONDS = 300.0
QUIET_SECONDS = 3.0  # between two callbacks that are to be alone


class LiveMarket(Market):
    """PEX calls back by itself, to whoever subscribed."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(seed=seed, preset=LARGE, faults=False, time=WallClock())

    def buy(self, purchase: Purchase) -> int:
        copies = self.copies()
        mood = self.pex.world.callback_mood
        if copies == 0:
            mood["drop"] = {"left": 1, "yes": True}
        elif copies > 1:
            mood["duplicate"] = {"left": 1, "times": copies}
        return super().buy(purchase)

    def _call_back(self, callback: Callback) -> None:
        return None


@contextmanager
def running(market: Market, sweep_seconds: int) -> Iterator[Program]:
    vendors = {
        "pex-api-url": market.pex.api_url,
        "pex-oauth-url": market.pex.oauth_url,
        "procore-api-url": market.procore.api_url,
        "procore-login-url": market.procore.login_url,
    }
    options = [word for name, url in vendors.items() for word in (f"--{name}", url)]
    program = Program("up", "--port", "0", "--sweep-seconds", str(sweep_seconds), *options)
    try:
        connect(program.urls["url"], market)
        yield program
    finally:
        program.stop()


def connect(url: str, market: Market) -> None:
    session = requests.Session()
    for method, path, body in (
        ("POST", "/v1/sessions", {"pex_token": PEX_TOKEN}),
        ("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}),
        ("PUT", "/v1/connection/company", {"company_id": COMPANY_ID}),
        ("PUT", "/v1/connection/pex-callback", {"secret": CALLBACK_SECRET}),
        (
            "PATCH",
            "/v1/settings",
            {
                "vendor_id": market.names.vendor_id,
                "start_date": f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}",
                "sync_projects": False,
                "sync_cost_codes": False,
                "sync_cost_types": False,
            },
        ),
    ):
        answer = session.request(method, url + path, json=body, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"


def measure(*, quick: bool = False) -> dict[str, Any]:
    alone, count, burst = (3, 10, 20) if quick else (8, 40, 100)
    found: dict[str, Any] = {"script": script(alone)}
    market = LiveMarket(seed=1)
    try:
        with running(market, sweep_seconds=900) as program:
            for purchase in load.trickle(9, 2, 0.0):  # lists are read, processes are warm
                bring(market, [purchase])
            time.sleep(QUIET_SECONDS)
            found["alone"] = singles(market, alone)
            found["trickle"] = told(market, bring(market, load.trickle(1, count, 2.0)))
            bring(market, load.backlog(99, 12))  # that lines may be added to what is there is found out once
            time.sleep(QUIET_SECONDS)
            found["burst"] = told(market, bring(market, load.backlog(2, burst)))
            found["memory"] = memory(program.process.pid)
        found["books"] = books(market)
    finally:
        market.close()
    market = LiveMarket(seed=2)
    try:
        with running(market, sweep_seconds=60):
            market.begin_faults()
            found["faults"] = told(market, bring(market, load.trickle(3, count, 2.0)))
        found["faults"]["books"] = books(market)
    finally:
        market.close()
    found["ratio"] = round(found["alone"]["p50_seconds"] / found["script"]["p50_seconds"], 2)
    return found


def bring(market: Market, purchases: Sequence[Purchase]) -> list[int]:
    """Bought as planned; ends when all of it is in, receipts too, or patience does."""
    began, made = time.monotonic(), []
    for purchase in purchases:
        time.sleep(max(0.0, purchase.at - (time.monotonic() - began)))
        made.append(market.buy(purchase))
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        verdict = judge(market, began=datetime.now(UTC))
        if not verdict.lost and not verdict.receipts_missing:
            break
        time.sleep(0.3)
    return made


def singles(market: Market, count: int) -> dict[str, Any]:
    purchases = [one for one in load.trickle(5, 200, 0.0) if len(one.shares) == 1 and len(one.receipts) == 1]
    found = []
    for purchase in purchases[:count]:
        calls, lingered = _calls(market), market.lingered_seconds
        (made,) = bring(market, [purchase])
        time.sleep(QUIET_SECONDS)
        begins = market.settled_at[made].timestamp()
        whole, committed = market.answered_at.timestamp() - begins, _committed(market, made) - begins
        found.append((whole, committed, market.lingered_seconds - lingered, _calls(market) - calls))
    return {
        "p50_seconds": round(median(one[0] for one in found), 2),  # callback sent → receipt attached
        "committed_p50_seconds": round(median(one[1] for one in found), 2),
        "worst_seconds": round(max(one[0] for one in found), 2),
        "vendor_p50_seconds": round(median(one[2] for one in found), 2),
        "calls": median(one[3] for one in found),
    }


def _calls(market: Market) -> int:
    return len(market.pex.requests) + len(market.procore.requests)


def script(count: int) -> dict[str, Any]:
    """The same calls in the same order, one after another, tokens and budget codes at hand."""
    market = LiveMarket(seed=1)
    purchases = [one for one in load.trickle(5, 200, 0.0) if len(one.shares) == 1 and len(one.receipts) == 1]
    try:
        vendors, found = Vendors(market), []
        for purchase in purchases[: count + 1]:  # the first one warms up
            transaction_id = market.buy(purchase)
            began = time.monotonic()
            vendors.pex("GET", "/Business/Configuration/Tags")
            now = datetime.now(UTC)
            rows = vendors.rows(now - timedelta(days=1), now + timedelta(seconds=5))
            row = next(one for one in rows if one.transaction_id == transaction_id)
            project_id = next(iter(row.projects()))
            made = vendors.post(row, project_id)
            note = {"TransactionId": transaction_id, "NoteText": f"expense {made}", "Pending": False}
            vendors.pex("POST", "/Note", json={**note, "SystemGenerated": True})
            vendors.attach(project_id, made, vendors.receipts(transaction_id))
            found.append(time.monotonic() - began)
        return {"p50_seconds": round(median(found[1:]), 2), "worst_seconds": round(max(found[1:]), 2)}
    finally:
        market.close()


def told(market: Market, made: Sequence[int]) -> dict[str, Any]:
    seconds = [_committed(market, one) - market.ready_at[one].timestamp() for one in made if _committed(market, one)]
    return {
        "purchases": len(made),
        "committed": len(seconds),
        "p50_seconds": round(percentile(seconds, 0.5), 2),
        "p99_seconds": round(percentile(seconds, 0.99), 2),
    }


def books(market: Market) -> dict[str, int]:
    verdict = judge(market, datetime.now(UTC))
    names = ("due", "duplicates", "lost", "wrong", "receipts_missing", "receipts_doubled", "procore_calls", "refused")
    return {name: getattr(verdict, name) for name in names}


def memory(pid: int) -> dict[str, float]:
    """Megabytes: of everything, and of the largest process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family = {pid}
    for _ in range(10):
        family |= {child for child, parent, _ in rows if parent in family}
    sizes = [size / 1024 for child, _, size in rows if child in family]
    return {"all_mb": round(sum(sizes)), "largest_mb": round(max(sizes)), "processes": len(sizes)}


def _committed(market: Market, transaction_id: int) -> float:
    """The moment its last expense was in; 0 when there is none."""
    costs_of = [
        cost.id
        for cost in list(market.procore.world.direct_costs.values())
        if f"{transaction_id}" in f"{cost.origin_id} {cost.description}"
    ]
    return max((market.committed_at[one].timestamp() for one in costs_of if one in market.committed_at), default=0.0)
