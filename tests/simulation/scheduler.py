"""Tasks that take turns by the dice: one runs at a time, each in a thread of its own, and the seed decides who is next.

    scheduler = Scheduler(clock, random.Random(7))
    scheduler.spawn("sweep", work)        # work calls scheduler.pause(seconds) wherever another may come in between
    scheduler.run()                       # until all have ended; time jumps when everybody sleeps

The same seed gives the same turns, however the machine is loaded: no thread ever runs beside another.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock


class Task:
    def __init__(self, name: str, work: Callable[[], None], wake_at: datetime) -> None:
        self.name = name
        self.work = work
        self.wake_at = wake_at
        self.turn = threading.Semaphore(0)
        self.ended = False
        self.error: BaseException | None = None


class Scheduler:
    def __init__(self, clock: FakeClock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._tasks: list[Task] = []
        self._back = threading.Semaphore(0)
        self._current: Task | None = None

    @property
    def current(self) -> Task:
        assert self._current is not None, "no task is running"
        return self._current

    def spawn(self, name: str, work: Callable[[], None], after_seconds: float = 0) -> Task:
        task = Task(name, work, self._clock() + timedelta(seconds=after_seconds))
        self._tasks.append(task)
        threading.Thread(target=self._live, args=(task,), name=name, daemon=True).start()
        return task

    def pause(self, seconds: float = 0.0) -> None:
        """Gives the turn away; comes back `seconds` later at the earliest."""
        task = self.current
        task.wake_at = self._clock() + timedelta(seconds=seconds)
        self._back.release()
        task.turn.acquire()

    def run(self) -> None:
        """Raises what a task let out."""
        while self._tasks:
            ready = [task for task in self._tasks if task.wake_at <= self._clock()]
            if not ready:
                self._clock.wait_until(min(task.wake_at for task in self._tasks))
                continue
            task = self._rng.choice(ready) if len(ready) > 1 else ready[0]
            self._current = task
            task.turn.release()
            self._back.acquire()
            self._current = None
            if task.ended:
                self._tasks.remove(task)
            if task.error is not None:
                raise task.error

    def _live(self, task: Task) -> None:
        task.turn.acquire()
        try:
            task.work()
        except BaseException as error:
            task.error = error
        task.ended = True
        self._back.release()
