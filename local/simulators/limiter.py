"""Rolling request windows with Procore's three headers. PEX uses the same class with other windows.

    limiter = Limiter(clock=clock)                       # 600 an hour and 25 in 10 seconds
    verdict = limiter.take("client-id")                  # or any hashable key, such as (client_id, company_id)
    verdict.allowed, verdict.headers                     # refused: the vendor answers 429 with these headers

A request counts from the moment it is taken until `seconds` later. The headers speak of one window only: the one with
the
fewest requests remaining, the shortest on a tie. Reset is the second (unix time, rounded up) in which that window has
room for at least one request more than now.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from local.simulators.web import Clock


@dataclass(frozen=True)
class Window:
    seconds: float
    limit: int


HOURLY = Window(seconds=3600, limit=600)
SPIKE = Window(seconds=10, limit=25)


@dataclass(frozen=True)
class LimitVerdict:
    allowed: bool
    headers: dict[str, str] = field(default_factory=dict)


class Limiter:
    """`count_refused`: a refused request uses quota too. `retry_after`: a refusal carries Retry-After beside the three
    headers. All four are plain attributes and may be changed while running."""

    def __init__(
        self,
        windows: Sequence[Window] = (HOURLY, SPIKE),
        *,
        clock: Clock,
        count_refused: bool = False,
        retry_after: bool = False,
        send_headers: bool = True,
    ) -> None:
        self.windows = tuple(windows)
        self.count_refused = count_refused
        self.retry_after = retry_after
        self.send_headers = send_headers
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[Hashable, deque[float]] = {}
        self.refused: dict[Hashable, int] = {}

    def take(self, key: Hashable) -> LimitVerdict:
        now = self._clock().timestamp()
        with self._lock:
            taken = self._taken.setdefault(key, deque())
            longest = max(window.seconds for window in self.windows)
            while taken and taken[0] <= now - longest:
                taken.popleft()
            allowed = all(self._remaining(taken, window, now) > 0 for window in self.windows)
            if allowed or self.count_refused:
                taken.append(now)
            if not allowed:
                self.refused[key] = self.refused.get(key, 0) + 1
            return LimitVerdict(allowed, self._headers(taken, now, allowed) if self.send_headers else {})

    def forget(self) -> None:
        with self._lock:
            self._taken.clear()
            self.refused.clear()

    @staticmethod
    def _in_window(taken: deque[float], window: Window, now: float) -> list[float]:
        return [at for at in taken if at > now - window.seconds]

    def _remaining(self, taken: deque[float], window: Window, now: float) -> int:
        return max(0, window.limit - len(self._in_window(taken, window, now)))

    def _headers(self, taken: deque[float], now: float, allowed: bool) -> dict[str, str]:
        shown = min(self.windows, key=lambda window: (self._remaining(taken, window, now), window.seconds))
        inside = self._in_window(taken, shown, now)
        frees_at = inside[max(0, len(inside) - shown.limit)] + shown.seconds if inside else now
        reset = math.ceil(frees_at)
        headers = {
            "X-Rate-Limit-Limit": str(shown.limit),
            "X-Rate-Limit-Remaining": str(self._remaining(taken, shown, now)),
            "X-Rate-Limit-Reset": str(reset),
        }
        if not allowed and self.retry_after:
            headers["Retry-After"] = str(max(1, math.ceil(reset - now)))
        return headers
