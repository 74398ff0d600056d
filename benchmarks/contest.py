"""Every rival with the same load, faults, limits and seeds, judged by the same books.

    day       purchases over ten hours; everybody has until the morning after the second night
    backlog   purchases that were all there before anybody looked; until the last is in, or two days have passed
    long day  five times as many, with faults: how many calls these cost; for ours
    trickle   a purchase every two seconds, each with its callback; for those who hear callbacks
    burst     as many callbacks in one moment

The last two meet a business that has posted before: what is read once a day or found out once is known.

Time is simulated (see market.py); rounds run in processes of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib import import_module
from multiprocessing import get_context
from statistics import median
from typing import Any

from benchmarks import load
from benchmarks.books import judge, percentile
from benchmarks.load import Purchase
from benchmarks.market import LARGE, NOON, SMALL, Market, Preset
from benchmarks.timeline import Timeline

RIVALS = {
    "ours, as a library": "ours.Library",
    "careful script": "script.CarefulScript",
    "dlt": "pipeline.DltPipeline",
    "dlt with look-up": "pipeline.DltWithLookUp",
    "peer algorithm, our writing": "peer.Peer",
}
OURS = next(iter(RIVALS))
PRESETS = {one.name: one for one in (SMALL, LARGE)}
SWEEP = timedelta(minutes=15)
DAY, BACKLOG = timedelta(hours=44), timedelta(hours=48)
BEFORE = timedelta(minutes=10)


@dataclass(frozen=True)
class Round:
    rival: str
    scenario: str
    preset: str
    faults: bool
    seed: int
    count: int


def rounds(*, seeds: int, day: int, backlog: int) -> Iterator[Round]:
    for seed in range(1, seeds + 1):
        for rival in RIVALS:
            for faults in (False, True):
                yield Round(rival, "day", SMALL.name, faults, seed, day)
            yield Round(rival, "backlog", SMALL.name, False, seed, backlog)
        yield Round(OURS, "long day", SMALL.name, True, seed, 5 * day)
        yield Round(OURS, "backlog", LARGE.name, False, seed, backlog)
        yield Round(OURS, "backlog", SMALL.name, True, seed, backlog)
        yield Round(OURS, "backlog without receipts", SMALL.name, False, seed, backlog)
        yield Round(OURS, "trickle", SMALL.name, False, seed, day)
        yield Round(OURS, "burst", SMALL.name, False, seed, 500)
        yield Round(OURS, "burst", LARGE.name, False, seed, 500)
    yield Round(OURS, "backlog", SMALL.name, False, 1, 5 * backlog)  # more than an hour's calls


def run(plan: Sequence[Round], workers: int = 2) -> list[dict[str, Any]]:
    found = []
    with get_context("spawn").Pool(workers, maxtasksperchild=20) as pool:
        for number, result in enumerate(pool.imap(play, plan), start=1):
            found.append(result)
            if number % 10 == 0:
                print(f"  {number} of {len(plan)} rounds", flush=True)
    return found


def play(one: Round) -> dict[str, Any]:
    preset: Preset = PRESETS[one.preset]
    practised = one.scenario in ("trickle", "burst")
    market = Market(
        seed=one.seed, preset=preset, faults=one.faults, time=Timeline(NOON - BEFORE if practised else NOON)
    )
    module, name = RIVALS[one.rival].split(".")
    new = getattr(import_module(f"benchmarks.rivals.{module}"), name)
    try:
        until = NOON + (DAY if one.scenario.endswith("day") else BACKLOG)
        began_cpu = os.times()
        if practised:
            rival = _practise(new, market)
            market.play(_load(one))
        else:
            market.play(_load(one))
            if one.scenario.startswith("backlog"):
                market.time.forget()  # the callbacks went nowhere
            rival = new(market)
        if one.scenario.endswith("day"):
            rival.live(until)
        else:
            _work_off(rival, market, until)
        used = os.times()
        verdict = judge(market, NOON)
    finally:
        market.close()
    seconds = verdict.ready_to_committed
    told = {name: value for name, value in asdict(verdict).items() if name != "ready_to_committed"}
    return {
        **asdict(one),
        **told,
        "floor_calls": verdict.floor,
        "p50_seconds": percentile(seconds, 0.5),
        "p99_seconds": percentile(seconds, 0.99),
        "cpu_seconds": round(used.user + used.system - began_cpu.user - began_cpu.system, 2),  # both vendors' too
        "end_seconds": (market.time() - NOON).total_seconds(),
    }


def _practise(new: Any, market: Market) -> Any:
    """A rival that has posted a dozen; what it needed for them is not counted."""
    for purchase in load.backlog(99, 12):
        market.buy(purchase)
    rival = new(market)
    rival.live(NOON)
    market.pex.requests.clear()
    market.procore.requests.clear()
    rival.sweep_at(NOON + SWEEP)
    return rival


def _load(one: Round) -> list[Purchase]:
    if one.scenario.endswith("day"):
        return load.day(one.seed, one.count)
    if one.scenario == "trickle":
        return load.trickle(one.seed, one.count, every_seconds=2.0)
    return load.backlog(one.seed, one.count, receipts=one.scenario != "backlog without receipts")


def _work_off(rival: Any, market: Market, until: Any) -> None:
    """In pieces, so that the clock stops soon after the last expense is in and its receipts are there."""
    while market.time() < until:
        rival.live(min(until, market.time() + timedelta(minutes=20)))
        verdict = judge(market, NOON)
        missing = 0 if "Peer" in type(rival).__name__ else verdict.receipts_missing
        if not verdict.lost and not missing:
            return


def summary(results: Sequence[dict[str, Any]], field: str, **where: Any) -> tuple[float, float] | None:
    """Median and worst over the seeds; None without any."""
    values = [one[field] for one in results if all(one[name] == value for name, value in where.items())]
    known = [value for value in values if value is not None]
    return (median(known), max(known)) if known else None
