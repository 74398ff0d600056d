"""A weekday of ten thousand businesses, event by event, on one clock and with measured costs.

    day = simulate(AS_BUILT, load_inputs(), seed=1)
    day.totals["DynamoDB write units"]; day.concurrency("PostTransactions", 0.99)

A run's steps follow each other as in the state machine; each takes as long as its calls to AWS and to the vendors do.
Businesses are told apart where they may get into each other's way: in the queue, at the beat, in Lambda.
"""

from __future__ import annotations

import bisect
import heapq
import math
import random
from collections import defaultdict
from collections.abc import Mapping

from benchmarks.scale_costs import EXPRESS_GB, MACHINE, SPREAD, VENDOR_SECONDS, Counts, Linear, priced
from benchmarks.scale_parts import (
    BATCH,
    BUSINESSES,
    DAY,
    HOURS,
    IDLE_STEPS,
    IDLE_TRANSITIONS,
    LARGEST,
    MONTHLY,
    PAGE,
    PAGE_TRANSITIONS,
    PEX_PAGE,
    ROW_SECONDS,
    RUN_STEPS,
    SHARDS,
    SIZES,
    SLACK,
    START_CALLS,
    TAG_STEPS,
    TRANSITIONS,
    WEEKDAYS,
    WINDOW_SECONDS,
    WITH_RECEIPT,
    Business,
    Day,
    Design,
    Inputs,
    Step,
)
from tests.template.cfn import functions, load_template, resources


def simulate(design: Design, found: Mapping[str, Counts], seed: int = 1, scale: float = 1.0, flood: int = 0) -> Day:
    """`scale`: a smaller world of the same shape. `flood`: purchases that the largest business makes beside its own."""
    return _Simulation(design, Inputs(found), seed, scale, flood).run()


class _Simulation:
    def __init__(self, design: Design, inputs: Inputs, seed: int, scale: float, flood: int) -> None:
        self.design, self.inputs, self.day = design, inputs, Day(design)
        self.luck = random.Random(seed)
        self.events: list[tuple[float, int, str, int]] = []
        self.sequence = 0
        self.businesses = self._found(int(BUSINESSES * scale))
        self.arrivals = self._arrivals(int(MONTHLY * scale * 7 / 30.4 * max(WEEKDAYS) / sum(WEEKDAYS)))
        self.arrivals = sorted(self.arrivals + [(self.luck.random() * DAY, 0) for _ in range(flood)])
        self.memory = {name: int(one.get("MemorySize", _default_memory())) / 1024 for name, one in functions().items()}
        machines = resources("AWS::Serverless::StateMachine")
        self.kinds = {name: str(one["Type"]).lower() for name, one in machines.items()}
        self.budget = float(machines["ShortRun"]["DefinitionSubstitutions"]["BudgetSeconds"])
        self.largest = self.businesses[0]
        self.in_queue = 0
        self.steps = self._steps()
        self.machines: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
        self.window: list[int] = []  # businesses whose messages wait for the window's end

    def _steps(self) -> dict[tuple[str, str], Step]:
        """By cause and function; "waiting" is what a sweep does about rows that wait."""
        found = {}
        for cause, linears in (
            ("callback", self.inputs.callback), ("sweep", self.inputs.sweep), ("tags", self.inputs.tags),
        ):  # fmt: skip
            for function, linear in linears.items():
                if function != MACHINE:
                    part = TAG_STEPS.count(function) if cause == "tags" else 1
                    own = function != "StartRuns" or cause == "callback"
                    found[cause, function] = Step(function, linear, self.memory[function], part or 1, own)
        rows = self.inputs.waiting["ListTransactions"].each
        found["waiting", "ListTransactions"] = Step(
            "ListTransactions", Linear({}, rows, {}), self.memory["ListTransactions"], own=False
        )
        for cause, counts in (("beat", self.inputs.beat), ("care", self.inputs.care)):
            function = "StartRuns" if cause == "beat" else "RenewTokens"
            found[cause, function] = Step(function, Linear(counts, {}, {}), self.memory[function])
        return found

    def _found(self, count: int) -> list[Business]:
        sizes = sorted((math.exp(self.luck.gauss(0, SIZES)) for _ in range(count)), reverse=True)
        share = MONTHLY * count / BUSINESSES / sum(sizes)
        return [Business(number, size * share) for number, size in enumerate(sizes)]

    def _arrivals(self, count: int) -> list[tuple[float, int]]:
        """Times and businesses of a day's purchases."""
        edges, total = [], 0.0
        for weight in HOURS:
            total += weight
            edges.append(total)
        bounds, total = [], 0.0
        for one in self.businesses:
            total += one.monthly
            bounds.append(total)
        made = []
        for _ in range(count):
            at = self.luck.random() * edges[-1]
            hour = bisect.bisect(edges, at)
            made.append((3600 * (hour + self.luck.random()), bisect.bisect(bounds, self.luck.random() * bounds[-1])))
        return sorted(made)

    def run(self) -> Day:
        for at, number in self.arrivals:
            self._later(at, "purchase", min(number, len(self.businesses) - 1))
        for one in self.businesses:  # shifted against each other
            self._later(self.luck.random() * self.design.sweep_seconds, "sweep due", one.number)
            self._later(self.luck.random() * self.design.tag_seconds, "tags due", one.number)
            self._later(self.luck.random() * DAY, "care", one.number)
        self.due: list[tuple[float, int, str]] = []
        for minute in range(DAY // 60):
            self._later(minute * 60.0, "beat", minute)
        for second in range(DAY):
            self._later(second + 0.999, "look", second)
        while self.events:
            at, _, kind, number = heapq.heappop(self.events)
            if at >= DAY:
                break
            getattr(self, "_on_" + kind.replace(" ", "_"))(at, number)
        self.day.left = sum(len(one.pending) for one in self.businesses)
        self.day.monthly = [one.monthly for one in self.businesses[:LARGEST]]
        self.day.backlogs = [one.backlog for one in self.businesses[:LARGEST]]
        self._add_up()
        return self.day

    def _add_up(self) -> None:
        for (cause, _), step in self.steps.items():
            for what, number in step.counts().items():
                if (price := priced(what)) is not None:
                    self._count(cause, price, number)
            self._count(cause, "Lambda GB-s", step.seconds * step.memory_gb)
        for (cause, kind), (executions, transitions, gb_seconds, log_bytes) in self.machines.items():
            if kind == "standard":
                self._count(cause, "Step Functions standard transitions", transitions)
            else:
                self._count(cause, "Step Functions express requests", executions)
                self._count(cause, "Step Functions express GB-s", gb_seconds)
            self._count(cause, "CloudWatch log GB", log_bytes / 1e9)
        self._count("callback", "API Gateway requests", self.day.purchases)
        self._count("callback", "SQS requests", 3 * self.day.purchases)

    def _later(self, at: float, kind: str, number: int) -> None:
        self.sequence += 1
        heapq.heappush(self.events, (at, self.sequence, kind, number))

    # What happens

    def _on_purchase(self, at: float, number: int) -> None:
        one = self.businesses[number]
        one.bought_at = at
        self.day.purchases += 1
        self._take(self.steps["callback", "ReceiveCallback"], at, one, 1)
        one.told.append(at)
        self.in_queue += 1
        if not self.window:
            self._later(at + WINDOW_SECONDS, "batch", 0)
        self.window.append(number)

    def _on_batch(self, at: float, _: int) -> None:
        """Everything of the last second, in batches of 50; ten of them may be worked on at once."""
        numbers, self.window = self.window, []
        for place in range(0, len(numbers), BATCH):
            batch = numbers[place : place + BATCH]
            end = at
            for number in sorted(set(batch)):
                end += self._take(
                    self.steps["callback", "StartRuns"], end, self.businesses[number], batch.count(number)
                )
                self._later(end, "callback run", number)
            self.in_queue -= len(batch)

    def _on_look(self, _: float, __: int) -> None:
        self.day.queue.append(self.in_queue)

    def _on_callback_run(self, at: float, number: int) -> None:
        one = self.businesses[number]
        one.pending += one.told
        one.told = []
        self._open(at, one, "callback")

    def _on_beat(self, at: float, _: int) -> None:
        end = at + self._take(self.steps["beat", "StartRuns"], at, None)
        for started in range(min(len(self.due), self.design.due_a_beat)):
            wanted, number, kind = heapq.heappop(self.due)
            one = self.businesses[number]
            self.day.overdue.append(at - wanted)
            place = started // SHARDS  # each shard's beat starts one after the other
            self._later(end + place * START_CALLS * self.steps["beat", "StartRuns"].aws_seconds, f"{kind} run", number)
            pause = self.design.tag_seconds if kind == "tags" else self._sweep_pause(at, one)
            self._later(at + pause, f"{kind} due", number)

    def _sweep_pause(self, at: float, one: Business) -> float:
        design = self.design
        recent = at - one.bought_at < design.idle_after or one.pending
        return design.sweep_seconds if recent or one.waiting >= 1 else design.idle_sweep_seconds

    def _on_sweep_due(self, at: float, number: int) -> None:
        heapq.heappush(self.due, (at, number, "sweep"))

    def _on_tags_due(self, at: float, number: int) -> None:
        heapq.heappush(self.due, (at, number, "tags"))

    def _on_care(self, at: float, number: int) -> None:
        self._take(self.steps["care", "RenewTokens"], at, None)

    def _on_sweep_run(self, at: float, number: int) -> None:
        one = self.businesses[number]
        self._open(at + self._take(self.steps["sweep", "StartRuns"], at, one), one, "sweep")

    def _on_tags_run(self, at: float, number: int) -> None:
        one = self.businesses[number]
        self._began("tags", at, self.kinds["TagsRun"])
        begun = end = at + self._take(self.steps["tags", "StartRuns"], at, one)
        for function in TAG_STEPS:
            end += self._take(self.steps["tags", function], end, one)
        machine = self.inputs.tags[MACHINE]
        transitions = machine.of("transitions_standard") + machine.of("transitions_express")
        self._machine("tags", self.kinds["TagsRun"], transitions, end - begun, machine.of("log_bytes"))

    # Runs

    def _open(self, at: float, one: Business, cause: str) -> None:
        kind = self.kinds["LongRun" if cause == "sweep" and one.unfinished else "ShortRun"]
        self._began(cause, at, kind)
        if one.running:
            one.again = True
            self._machine(cause, kind, 4, self._take(self.steps["callback", "OpenRun"], at, one), 300)
            return
        one.running, one.again = True, False
        self._work(at, one, cause, kind)

    def _work(self, at: float, one: Business, cause: str, kind: str) -> None:
        """All of a run, from its opening to its end, as far as the vendors' quotas let it."""
        rows, waiting, pages, listed = len(one.pending), 0.0, 1, 0.0
        one.refill(at)
        if cause == "sweep":
            waiting, listed = one.waiting, one.listed(at, self.design.look_back_days)
            pages = max(1, math.ceil(listed / PAGE))
        posted = self._affordable(one, rows)
        receipts = round(posted * WITH_RECEIPT + self.luck.random() - 0.5)
        end = at
        for function in RUN_STEPS if rows else IDLE_STEPS:
            if function == "ListTransactions" and cause == "sweep":
                step = self.steps["sweep", function]
                rows_read = listed if pages == 1 else 2 * listed  # once to cut them into parts, once each part
                more = VENDOR_SECONDS["pex"] * max(0, math.ceil(listed / PEX_PAGE) - 1)
                more += ROW_SECONDS * step.slow * rows_read
                for _ in range(pages):
                    end += self._take(step, end, one, listed / pages, more=more / pages)
                end += self._take(self.steps["waiting", function], end, one, waiting)
            elif function in IDLE_STEPS and cause == "sweep":
                end += self._take(self.steps["sweep", function], end, one)
            else:
                end += self._take(self.steps["callback", function], end, one, posted, receipts)
        transitions = (TRANSITIONS if rows else IDLE_TRANSITIONS) + PAGE_TRANSITIONS * (pages - 1)
        machine = (self.inputs.callback if rows else self.inputs.sweep)[MACHINE]
        if kind == self.kinds["ShortRun"] and end - at > self.budget:  # paused, and gone on with by a long one
            self._machine(cause, kind, 0, self.budget, 0)
            kind = self.kinds["LongRun"]
            self._began(cause, at + self.budget, kind)
        self._machine(cause, kind, transitions, end - at, machine.of("log_bytes", posted, receipts))
        done, one.pending = one.pending[:posted], one.pending[posted:]
        for since in done:
            self.day.waited.append(end - since)
            if one.number < LARGEST:
                self.day.waited_of[one.number].append(end - since)
        one.backlog = max(one.backlog, len(one.pending))
        self._later(end, "closed", one.number)

    def _affordable(self, one: Business, rows: int) -> int:
        """How many purchases the quotas have room for now."""
        if not rows:
            return 0
        post = self.inputs.callback["PostTransactions"]
        attach = WITH_RECEIPT * self.inputs.callback["AttachReceipts"].receipt.get("procore", 1.0)
        per_row = max(0.05, post.each.get("procore", 1.0)) + attach
        room = int((one.procore - max(1.0, post.base.get("procore", 1.0))) / per_row)
        stage = self.inputs.callback["StageReceipts"]
        room = min(room, int(one.pex / max(0.1, stage.each.get("pex", 2.0) + WITH_RECEIPT)))
        chosen = max(0, min(rows, room))
        one.procore -= chosen * per_row
        one.pex -= chosen * stage.each.get("pex", 2.0)
        return chosen

    def _on_closed(self, at: float, number: int) -> None:
        one = self.businesses[number]
        one.running = False
        if one.again:
            one.again = False
            one.running = True
            self._work(at, one, "callback", self.kinds["ShortRun"])
        elif one.pending:  # paused: due at once, and then waits for quota
            self._later(at + 60, "sweep run", number)
        one.unfinished = bool(one.pending)

    # Counting

    def _began(self, cause: str, at: float, kind: str) -> None:
        self.day.runs[cause] += 1
        self.day.started[kind][int(at)] += 1

    def _take(
        self, step: Step, at: float, one: Business | None, rows: float = 0, receipts: float = 0, more: float = 0.0
    ) -> float:
        """One invocation, or what one business adds to it; its seconds."""
        seconds = step.fixed + rows * step.fixed_row + receipts * step.fixed_receipt
        vendor = step.vendor + rows * step.vendor_row + receipts * step.vendor_receipt
        if vendor > 0:
            seconds += vendor * math.exp(self.luck.gauss(0, SPREAD if vendor < 1 else SPREAD / 2))
        seconds += more
        step.times += 1
        step.rows += rows
        step.receipts += receipts
        step.seconds += seconds
        if at < DAY + SLACK - 1:
            self.day.invoked(step.function, at, seconds)
            second, units = int(at), self.day.units
            for what, base, each, receipt in step.units:
                if number := base + rows * each + receipts * receipt:
                    units[what][second] += number
                    if one is self.largest:
                        units[f"{what} of the largest"][second] += number
        return seconds

    def _machine(self, cause: str, kind: str, transitions: float, seconds: float, log_bytes: float) -> None:
        """`kind` express or standard, billed by the hundred milliseconds or by the transition."""
        sums = self.machines[cause, kind]
        sums[0] += 1
        sums[1] += transitions
        sums[2] += EXPRESS_GB * math.ceil(seconds * 10) / 10
        sums[3] += log_bytes

    def _count(self, cause: str, what: str, number: float) -> None:
        self.day.totals[what] += number
        self.day.by_cause[cause][what] += number


def _default_memory() -> int:
    found: int = load_template()["Globals"]["Function"]["MemorySize"]
    return found
