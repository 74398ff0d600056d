"""A clock on which waiting costs nothing: hours of quota pass in a moment, and what was planned meanwhile happens.

time = Timeline(datetime(2026, 5, 4, 12, tzinfo=UTC))
time.plan(moment, act)
time.forward(30)            # every act planned for these thirty seconds happens, each at its own moment
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count


class Timeline:
    def __init__(self, start: datetime) -> None:
        self._at = start
        self._plans: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = count()
        self._lock = threading.RLock()

    def __call__(self) -> datetime:
        return self._at

    def plan(self, moment: datetime, act: Callable[[], object]) -> None:
        heapq.heappush(self._plans, (moment, next(self._numbers), act))

    def forget(self) -> None:
        """What was planned does not happen."""
        self._plans.clear()

    def forward(self, seconds: float = 0.0) -> None:
        with self._lock:
            end = self._at + timedelta(seconds=max(0.0, seconds))
            while self._plans and self._plans[0][0] <= end:
                moment, _, act = heapq.heappop(self._plans)
                self._at = max(self._at, moment)
                act()
            self._at = max(self._at, end)

    def wait_until(self, moment: datetime) -> None:
        self.forward((moment - self()).total_seconds())

    def next_plan(self, otherwise: datetime) -> datetime:
        return min(self._plans[0][0], otherwise) if self._plans else otherwise


class WallClock(Timeline):
    """The machine's own time, for what cannot be simulated."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def forward(self, seconds: float = 0.0) -> None:
        time.sleep(max(0.0, seconds))
