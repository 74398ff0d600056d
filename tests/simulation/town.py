"""A business, a contractor and a connector on a bad week: everything that can go wrong does, as the seed has it.

The use cases are the shipped ones, driven in the order of statemachines/sync_transactions.asl.yaml. Vendors and stores
are the fakes of the other tests behind ports that stumble: they take time, let others in between, lose answers, are
throttled, and are where a worker dies. Several executions run at once; a function lives at most a minute, as on Lambda.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Run, Trigger, new_run_id
from pex_procore.services.list_transactions import Listing, Papers
from pex_procore.services.ports import Conflict, Held
from pex_procore.services.progress import News, Progress
from pex_procore.services.start_runs import Hint, needs_hours, start_for_hints
from tests.fakes.stores import Killed
from tests.services.world import BUSINESS_ID, Paused, World, again
from tests.simulation.scheduler import Scheduler
from tests.simulation.stores import SimulatedLedger

T = TypeVar("T")
LAMBDA_SECONDS = 60
TO_STOP_SECONDS = 20
SHORT, LONG = timedelta(seconds=180), timedelta(hours=6)
WRITES = {"create_direct_cost", "write_lines", "delete_line", "attach_receipts", "post_note"}
SAVES = {"save", "record_items", "finish", "create"}


class Trouble:
    """How often what goes wrong, in shares of the calls it can happen to. All of it stops with `end`."""

    def __init__(self, rng: random.Random) -> None:
        mood = [rng.choice((0.0, 0.5, 1.0, 3.0)) for _ in range(6)]
        self.killed = 0.002 * mood[0]
        self.lost, self.dropped, self.late = 0.02 * mood[1], 0.01 * mood[1], 0.01 * mood[1]
        self.busy = 0.01 * mood[2]
        self.throttled, self.saved_unheard = 0.005 * mood[3], 0.003 * mood[3]
        self.refused = 0.004 * mood[4]
        self.callbacks_lost, self.callbacks_doubled = 0.02 * mood[5], 0.05 * mood[5]
        self.switch = 0.3
        self.down_until: dict[str, datetime] = {}

    def end(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and name != "switch":
                setattr(self, name, 0.0)
        self.down_until.clear()


class Port:
    """A fake as one execution sees it."""

    def __init__(self, town: Town, kind: str, target: Any) -> None:
        self._town, self._kind, self._target = town, kind, target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value) or name.startswith("_"):
            return value

        def call(*given: Any, **named: Any) -> Any:
            return self._town.cross(self._kind, name, lambda: value(*given, **named))

        return call


class Town:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.world = World()
        self.world.ledger = SimulatedLedger(self.rng)  # type: ignore[assignment]
        self.ledger: SimulatedLedger = self.world.ledger  # type: ignore[assignment]
        self.clock = self.world.clock
        self.scheduler = Scheduler(self.clock, self.rng)
        self.trouble = Trouble(self.rng)
        self.faults_on = True
        self.dies_at: dict[str, datetime] = {}  # functions at work
        self.active: dict[str, datetime] = {}  # runs with a lease: until when
        self.violations: list[str] = []
        self.executions = _Starter(self)
        self._numbers = iter(range(1, 10**9))

    # The ports

    def cross(self, kind: str, name: str, act: Callable[[], T]) -> T:
        """One call of a port by the execution at work."""
        task = self.scheduler.current.name
        self.clock.forward(self.rng.random() * (0.4 if kind in ("pex", "procore") else 0.02))
        if self.rng.random() < self.trouble.switch:
            self.scheduler.pause()
        self._may_die(task)
        if self.faults_on:
            self._stumble(kind, name)
        answer = act()
        if (kind, name) == ("leases", "release") and answer:
            self.active.pop(task.split()[1], None)  # whatever becomes of its last step
        if kind == "ledger" and name in SAVES and self.rng.random() < self.trouble.saved_unheard:
            raise TryLater("AWS answered nothing, and had saved")
        self._may_die(task)
        return answer

    def _may_die(self, task: str) -> None:
        if self.clock() >= self.dies_at.get(task, self.clock() + timedelta(1)):
            raise Killed  # Lambda ends it
        if self.rng.random() < self.trouble.killed and task in self.dies_at:
            raise Killed

    def _stumble(self, kind: str, name: str) -> None:
        trouble, dice = self.trouble, self.rng.random()
        if kind not in ("pex", "procore"):
            if dice < trouble.throttled:
                raise TryLater("AWS is busy")
            return
        down = trouble.down_until.get(kind)
        if down is not None and self.clock() < down:
            if name in WRITES and dice < 0.5:
                raise Unsure(f"{kind} is down")
            raise TryLater(f"{kind} is down")
        if dice < trouble.busy:
            pause = self.rng.choice((None, 5, 60, 2400))
            raise TryLater("429", None if pause is None else self.clock() + timedelta(seconds=pause))
        if name in WRITES:
            fake = self.world.procore if kind == "procore" else self.world.pex
            dice = self.rng.random()
            if dice < trouble.lost:
                fake.lose_next_answer = True
            elif dice < trouble.lost + trouble.dropped:
                fake.drop_next_request = True
            elif dice < trouble.lost + trouble.dropped + trouble.late and name in ("create_direct_cost", "write_lines"):
                fake.commit_late(self.rng.uniform(1, 30))
            elif dice < trouble.lost + trouble.dropped + trouble.late + trouble.refused and name != "post_note":
                fake.refuse_next(self.rng.choice((403, 422)), "not now, says Procore")

    def seen_by_an_execution(self) -> World:
        seen = copy.copy(self.world)
        for kind in ("pex", "procore", "ledger", "runs", "leases", "connections", "cache", "bucket"):
            setattr(seen, kind, Port(self, kind, getattr(self.world, kind)))
        return seen

    # Executions

    def start(
        self,
        trigger: Trigger,
        run_id: str,
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        budget: timedelta = SHORT,
    ) -> None:
        name = f"{trigger} {run_id} {next(self._numbers)}"
        self.scheduler.spawn(name, lambda: self._execute(name, trigger, run_id, account_ids, since, budget))

    def _execute(
        self,
        name: str,
        trigger: Trigger,
        run_id: str,
        account_ids: Sequence[int],
        since: datetime | None,
        budget: timedelta,
    ) -> None:
        world = self.seen_by_an_execution()
        deadline = self.clock() + budget
        run: Run | None = None
        listing: Listing | None = None
        stopped_by, message = None, ""
        try:
            run = self._step(name, lambda: world.open(trigger, run_id))
            if run is None:
                return
            self._opened(run_id)
            while True:
                listing, stopped_by, message = self._work(name, world, run, account_ids, since, deadline)
                held = run
                if self._step(name, lambda: world.close(held, listing, stopped_by, message)):  # noqa: B023
                    return
        except (NeedsAttention, TryLater, Unsure, Conflict):  # a closing that failed: the lease runs out by itself
            return
        except Killed:  # an execution that is gone for good
            return
        finally:
            self.active.pop(run_id, None)

    def _work(
        self,
        name: str,
        world: World,
        run: Run,
        account_ids: Sequence[int],
        since: datetime | None,
        deadline: datetime,
    ) -> tuple[Listing | None, str | None, str]:
        listing: Listing | None = None
        put_off: Papers | None = None
        try:
            while listing is None or listing.cursor is not None or put_off is not None:
                if self.clock() >= deadline:
                    return listing, "paused", ""
                fields: dict[str, Any] = {"account_ids": account_ids, "since": since, "put_off": put_off}
                if listing is not None:
                    fields |= {"cursor": again(listing.cursor), "tally": world.tally, "announced": listing.announced}
                listing = self._step(name, lambda: world.list(run, **fields))  # noqa: B023
                self._work_off(name, world, run, world.post, listing.transaction_ids, deadline)
                put_off = self._bring_papers(name, world, run, listing, deadline)
        except Paused:
            return listing, "paused", ""
        except TryLater as error:
            return listing, "busy", str(error)
        except NeedsAttention as error:
            return listing, error.reason, error.message
        except Held:
            return listing, "interrupted", ""
        except (Unsure, Conflict, Killed) as error:
            return listing, "internal_error", type(error).__name__
        return listing, None, ""

    def _bring_papers(self, name: str, world: World, run: Run, listing: Listing, deadline: datetime) -> Papers | None:
        papers = listing.papers

        def attach() -> tuple[int, ...]:
            news = News(world.leases, listing.announced, world.clock, waiting=len(papers.attach), at_least=1)
            return self._work_off(name, world, run, world.attach, papers.attach, deadline, news)

        news = News(world.leases, listing.announced, world.clock, waiting=len(papers.stage))
        stage = self._work_off(name, world, run, world.stage, papers.stage, deadline, news, attach)
        left = attach()
        return Papers(stage=stage, attach=left) if stage or left else None

    def _work_off(
        self,
        name: str,
        world: World,
        run: Run,
        act: Callable[..., Progress],
        ids: Sequence[int],
        deadline: datetime,
        news: News | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> tuple[int, ...]:
        """What is left because there is news. `meanwhile`: before every wait."""
        while ids:
            in_time = self._time_left(deadline)
            go = in_time if news is None else lambda: in_time() and news.may_go_on()  # noqa: B023
            progress = self._step(name, lambda: act(run, ids, go))  # noqa: B023
            if progress.resume_at is None:
                return ()
            if news is None or not news.came:
                meanwhile()
            if news is not None and (news.came or (self.clock() < deadline and news.look())):
                return progress.remaining
            if progress.resume_at >= deadline:
                raise Paused
            wait = max(0.0, (progress.resume_at - self.clock()).total_seconds())
            self._step(name, lambda: world.leases.renew(run.run_id, int(wait) + 130))  # noqa: B023
            self._opened(run.run_id, wait + 130)
            self.scheduler.pause(wait)
            ids = progress.remaining
        return ()

    def _time_left(self, deadline: datetime) -> Callable[[], bool]:
        stop_at = self.clock() + timedelta(seconds=LAMBDA_SECONDS - TO_STOP_SECONDS)
        return lambda: self.clock() < min(stop_at, deadline)

    def _step(self, name: str, act: Callable[[], T]) -> T:
        """One state of the machine with its retries: 4 for what passes by itself, 2 for a function that died."""
        later, died = 4, 2
        while True:
            self.dies_at[name] = self.clock() + timedelta(seconds=LAMBDA_SECONDS)
            try:
                return act()
            except TryLater:
                later -= 1
                if later < 0:
                    raise
                self.scheduler.pause(self.rng.uniform(1, 20))
            except Killed:
                died -= 1
                if died < 0 or (self.faults_on and self.rng.random() < 0.2):
                    raise
                self.scheduler.pause(3.0)
            finally:
                self.dies_at.pop(name, None)

    def _opened(self, run_id: str, seconds: float = 150) -> None:
        """Two runs with a lease at the same time are one too many."""
        rivals = [one for one, until in self.active.items() if one != run_id and until > self.clock()]
        if rivals:
            self.violations.append(f"runs {run_id} and {rivals[0]} are at work at the same time")
        self.active[run_id] = self.clock() + timedelta(seconds=seconds)

    # What starts them

    def sweep(self, trigger: Trigger = "sweep") -> None:
        connection = self.world.connections.load()
        if connection is not None and connection.status == "active":
            budget = LONG if trigger == "manual" or needs_hours(connection) else SHORT
            self.start(trigger, new_run_id(self.clock(), f"{trigger} {next(self._numbers)}"), budget=budget)

    def call_back(self, transaction_id: int, account_id: int) -> None:
        """PEX's callback, as often as it comes, each time into the queue and from there into start_runs."""
        times = 0 if self.rng.random() < self.trouble.callbacks_lost else 1
        if times and self.rng.random() < self.trouble.callbacks_doubled:
            times = self.rng.randint(2, 20)
        hint = Hint(transaction_id=transaction_id, account_id=account_id, happened_at=self.clock())
        for _ in range(times):
            seed = f"message {next(self._numbers)}"
            late = self.rng.choice((0, 0, 0, 1, 30, 7200)) if self.faults_on else 0
            self.scheduler.spawn(f"hint {seed}", lambda: self._hand_over(hint, seed), late + self.rng.random())  # noqa: B023

    def _hand_over(self, hint: Hint, seed: str) -> None:
        """Redelivered after a failure, five times."""
        name = self.scheduler.current.name
        world = self.seen_by_an_execution()
        for _ in range(5):
            self.dies_at[name] = self.clock() + timedelta(seconds=LAMBDA_SECONDS)
            with suppress(TryLater, Conflict, Killed):
                start_for_hints(
                    [hint],
                    business_id=BUSINESS_ID,
                    seed=seed,
                    received_at=hint.happened_at or self.clock(),
                    connections=world.connections,
                    ledger=world.ledger,
                    leases=world.leases,
                    executions=self.executions,
                    clock=self.clock,
                )
                return
            self.dies_at.pop(name, None)
            self.scheduler.pause(60)


class _Starter:
    """`Executions` of a town."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._started: set[str] = set()

    def start(
        self,
        run: Run,
        business_id: int,
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        *,
        long: bool = False,
    ) -> None:
        if run.run_id not in self._started:
            self._started.add(run.run_id)
            self._town.start(run.trigger, run.run_id, account_ids, since, LONG if long else SHORT)
