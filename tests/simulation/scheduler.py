"""Tasks that take turns by the dice: one runs at a time, each in a thread of its own, and the seed decides who is next.

    scheduler = Scheduler(clock, random.Random(7))
    scheduler.spawn("sweep", work)        # work calls scheduler.pause(seconds) wherever another may come in between
    scheduler.run()                       # until all have ended; time jumps when everybody sleeps

The same seed gives the same turns, however the machine is loaded: no thread ever runs beside another.
"""

from __future__ import annotations

import random
import threading
from bisect import insort
from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush

from tests.fakes.clock import FakeClock


class Task:
    def __init__(self, number: int, name: str, work: Callable[[], None]) -> None:
        self.number = number
        self.name = name
        self.work = work
        self.turn = threading.Lock()
        self.turn.acquire()
        self.error: BaseException | None = None


class Scheduler:
    def __init__(self, clock: FakeClock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._spawned = 0
        self._asleep: list[tuple[datetime, int, Task]] = []  # a heap, the next to wake first
        self._ready: list[tuple[int, Task]] = []  # in the order in which they were spawned
        self._back = threading.Lock()
        self._back.acquire()
        self._current: Task | None = None

    @property
    def current(self) -> Task:
        assert self._current is not None, "no task is running"
        return self._current

    def spawn(self, name: str, work: Callable[[], None], after_seconds: float = 0) -> Task:
        self._spawned += 1
        task = Task(self._spawned, name, work)
        self._sleep(task, after_seconds)
        threading.Thread(target=self._live, args=(task,), name=name, daemon=True).start()
        return task

    def pause(self, seconds: float = 0.0) -> None:
        """Gives the turn away; comes back `seconds` later at the earliest."""
        task = self.current
        self._sleep(task, seconds)
        self._back.release()
        task.turn.acquire()

    def run(self) -> None:
        """Raises what a task let out."""
        while self._asleep or self._ready:
            while self._asleep and self._asleep[0][0] <= self._clock():
                _, number, task = heappop(self._asleep)
                insort(self._ready, (number, task))
            if not self._ready:
                self._clock.wait_until(self._asleep[0][0])
                continue
            _, task = self._ready.pop(self._rng.randrange(len(self._ready)))
            self._current = task
            task.turn.release()
            self._back.acquire()
            self._current = None
            if task.error is not None:
                raise task.error

    def _sleep(self, task: Task, seconds: float) -> None:
        heappush(self._asleep, (self._clock() + timedelta(seconds=seconds), task.number, task))

    def _live(self, task: Task) -> None:
        task.turn.acquire()
        try:
            task.work()
        except BaseException as error:
            task.error = error
        self._back.release()
