"""What a simulated day is made of: businesses, what their runs are counted to cost, and what came of the day."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.scale_costs import (
    AWS_SECONDS,
    CALL_SECONDS,
    FEW,
    INPUTS,
    MANY,
    OWN_MB,
    OWN_SECONDS,
    VENDOR_SECONDS,
    WHOLE_MB,
    Counts,
    Linear,
    between,
)

DAY = 86_400
SLACK = 7200  # seconds after its end, for what began before
BUSINESSES, MONTHLY = 10_000, 10_000_000
SIZES = 1.5  # sigma of the logarithm of a business's size
HOURS = (1, 1, 1, 1, 2, 6, 22, 45, 48, 44, 46, 60, 58, 44, 42, 40, 34, 26, 18, 12, 9, 6, 3, 2)  # Eastern
WEEKDAYS = (1.15, 1.2, 1.2, 1.2, 1.1, 0.6, 0.25)
WITH_RECEIPT, WAITING = 0.6, 0.03  # of the purchases; the latter for some days
LOOK_BACK_DAYS, WAITING_DAYS = 60, 10
PAGE = 500  # rows of one ListTransactions
PEX_PAGE = 30_000
ROW_SECONDS = 150e-6  # of a whole processor, to read a row of PEX's (1.5 KB) and ours (0.6 KB); measured
PROCORE_AN_HOUR, PEX_A_MINUTE = 480, 100  # shares of a client id and of a business
SHARDS = 8  # each with a beat of its own
START_CALLS = 4  # to AWS, by the beat for each run that it starts, one after the other
BATCH, WINDOW_SECONDS = 50, 1.0
TRANSITIONS, IDLE_TRANSITIONS, PAGE_TRANSITIONS, LARGEST = 18, 10, 4, 10
RUN_STEPS = ("OpenRun", "ListTransactions", "PostTransactions", "StageReceipts", "AttachReceipts", "CloseRun")
IDLE_STEPS = ("OpenRun", "ListTransactions", "CloseRun")
UNITS = ("writes", "reads", "kms.Decrypt")
TAG_STEPS = ("OpenRun", "RefreshTag", "RefreshTag", "ReadCatalog", "RefreshTag", "CloseRun")


@dataclass(frozen=True)
class Design:
    """`idle_sweep_seconds`: between two sweeps where nothing was bought for `idle_after` and no row waits.
    `look_back_days`: what a sweep lists; one a day lists all of 60."""

    name: str
    sweep_seconds: int = 900
    idle_sweep_seconds: int = 3600
    idle_after: int = 7200
    tag_seconds: int = 3600
    due_a_beat: int = 1000 * SHARDS
    look_back_days: int = 10


AS_BUILT = Design("as built")
UNTOLD = Design("without webhooks", tag_seconds=300)


@dataclass
class Business:
    number: int
    monthly: float
    pending: list[float] = field(default_factory=list)  # when each purchase was told of
    told: list[float] = field(default_factory=list)  # what waits in the queue
    running: bool = False
    unfinished: bool = False
    again: bool = False
    procore: float = PROCORE_AN_HOUR  # calls left
    pex: float = PEX_A_MINUTE
    counted_at: float = 0.0
    bought_at: float = -DAY
    backlog: int = 0

    deep_at: float = -DAY  # the last sweep that listed everything

    def listed(self, at: float, days: int) -> float:
        """Rows that a sweep lists now."""
        if at - self.deep_at >= DAY:
            self.deep_at, days = at, LOOK_BACK_DAYS
        return self.monthly * days / 30.4

    @property
    def waiting(self) -> float:
        return self.monthly * WAITING * WAITING_DAYS / 30.4

    def refill(self, at: float) -> None:
        passed = at - self.counted_at
        self.procore = min(PROCORE_AN_HOUR, self.procore + passed * PROCORE_AN_HOUR / 3600)
        self.pex = min(PEX_A_MINUTE, self.pex + passed * PEX_A_MINUTE / 60)
        self.counted_at = at


def load_inputs() -> dict[str, Counts]:
    found: dict[str, Counts] = json.loads(INPUTS.read_text())
    return found


class Inputs:
    """Measured counts as what a run costs for itself, for each row, for each receipt."""

    def __init__(self, found: Mapping[str, Counts]) -> None:
        self.callback = between(found["callback_few"], found["callback_many"], FEW, MANY, found["receipts_many"])
        sweeps, waiting, tags = (
            without_beat(found[name], found["beat"]["StartRuns"]) for name in ("sweep_few", "waiting_many", "tags")
        )
        self.sweep = between(sweeps, without_beat(found["sweep_many"], found["beat"]["StartRuns"]), FEW, MANY)
        self.waiting = between(sweeps, waiting, 0, MANY)
        self.tags = {name: Linear(counts, {}, {}) for name, counts in tags.items()}
        self.beat = found["beat"]["StartRuns"]
        self.care = found["care"]["RenewTokens"]
        self.busy = found["callback_few"]["OpenRun"]


def without_beat(counts: Counts, beat: Mapping[str, float]) -> Counts:
    """A beat looks whether it starts one run or a thousand; what it does for one is the rest."""
    started = {what: number - beat.get(what, 0) for what, number in counts["StartRuns"].items()}
    return {**counts, "StartRuns": started}


class Step:
    """One function's part in the runs of one cause. Counts are linear, so they are only added up at the end."""

    def __init__(self, function: str, linear: Linear, memory_gb: float, part: int = 1, own: bool = True) -> None:
        self.function, self.linear, self.memory_gb, self.part, self.own = function, linear, memory_gb, part, own
        self.times, self.rows, self.receipts, self.seconds = 0, 0.0, 0.0, 0.0
        self.slow = max(
            1.0, WHOLE_MB / 1024 / memory_gb
        )  # how much longer its own work takes than on a whole processor
        stretch = self.slow * OWN_MB / WHOLE_MB
        call = CALL_SECONDS * stretch
        aws = self.aws_seconds = AWS_SECONDS + call
        self.fixed = OWN_SECONDS * stretch * own + aws * linear.of("aws_calls") / part
        self.fixed_row = aws * linear.each.get("aws_calls", 0) / part
        self.fixed_receipt = aws * linear.receipt.get("aws_calls", 0) / part
        self.vendor, self.vendor_row, self.vendor_receipt = (
            sum((median + call) * counts.get(name, 0) for name, median in VENDOR_SECONDS.items()) / part
            for counts in (linear.base, linear.each, linear.receipt)
        )
        self.units = [
            (what, linear.base.get(what, 0) / part, linear.each.get(what, 0) / part, linear.receipt.get(what, 0) / part)
            for what in UNITS
        ]

    def counts(self) -> dict[str, float]:
        linear = self.linear
        names = linear.base.keys() | linear.each.keys() | linear.receipt.keys()
        found = {
            name: (self.times * linear.base.get(name, 0) + self.rows * linear.each.get(name, 0)
                   + self.receipts * linear.receipt.get(name, 0)) / self.part
            for name in names
        }  # fmt: skip
        found["invocations"] = self.times if self.own else 0
        return found


def _sums() -> dict[str, float]:
    return defaultdict(float)


def _seconds() -> list[float]:
    return [0.0] * (DAY + SLACK)


class Day:
    """What came of it."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.totals: dict[str, float] = defaultdict(float)
        self.by_cause: dict[str, dict[str, float]] = defaultdict(_sums)
        self.runs: dict[str, int] = defaultdict(int)
        self.waited: list[float] = []  # seconds from callback to posted
        self.waited_of: dict[int, list[float]] = defaultdict(list)  # of the ten largest
        self.queue: list[int] = []  # messages that waited at each second's end
        self.started: dict[str, dict[int, int]] = {
            "express": defaultdict(int),
            "standard": defaultdict(int),
        }  # a second
        self.overdue: list[float] = []  # seconds that sweeps and refreshes came late
        self.purchases, self.left = 0, 0
        self.monthly: list[float] = []  # of the largest, as their backlogs
        self.backlogs: list[int] = []
        self._busy: dict[str, list[float]] = defaultdict(_seconds)
        self.units: dict[str, list[float]] = defaultdict(_seconds)

    def invoked(self, function: str, start: float, seconds: float) -> None:
        busy, second, end = self._busy[function], int(start), start + seconds
        if end < second + 1:
            busy[second] += seconds
            return
        while second < end and second < DAY + SLACK:
            busy[second] += min(end, second + 1) - max(start, second)
            second += 1

    def concurrency(self, function: str, share: float) -> float:
        if function == "all":
            values = [sum(second) for second in zip(*self._busy.values(), strict=True)]
        else:
            values = self._busy[function]
        return _at_share(values[:DAY], share)

    def a_second(self, what: str, share: float) -> float:
        return _at_share(self.units[what][:DAY], share)

    def functions(self) -> list[str]:
        return sorted(self._busy)


def _at_share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
