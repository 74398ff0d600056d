"""How soon the next call may leave. Pure: every method takes the time.

    limiter = Limiter(PROCORE_WINDOWS)
    wait_seconds = limiter.delay(now)
    limiter.take(now)                      # the call leaves
    limiter.learn(now, status, headers)    # its answer's headers are the truth

Calls are counted in rolling windows, kept to a share of each limit and spread out once much of that share is used. What
the vendor says in X-Rate-Limit-* and Retry-After corrects the assumptions; a refusal without a usable time backs off.
Several workers of one bucket share a limiter through `snapshot` and `restore`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

SLOTS = 40  # per window: a call counts until its slot has left the window
SPIKE_LIMIT = 200  # a limit up to here is the short window's (docs/behaviour.md#rate-limit-headers)
ROOM = 0.03  # of the allowed calls
LONGEST_WAIT = 3900.0  # seconds; no documented window is longer than an hour
LARGEST_SKEW = 3600.0  # seconds between our clock and the vendor's that its Date header corrects


@dataclass(frozen=True, slots=True)
class Assumption:
    seconds: int
    limit: int


PROCORE_WINDOWS = (Assumption(10, 25), Assumption(3600, 600))
PEX_WINDOWS = (Assumption(60, 100),)


class Share(NamedTuple):
    """How much of each limit a user of the bucket may take: so much at once, more only when calls are spread out over
    the window. What was spread out comes free little by little, so that whoever may take more than us soon can."""

    at_once: float
    at_last: float

    def at(self, evenness: float) -> float:
        """`evenness`: 0 when the last calls, as many as may be made at once, were; 1 when they took their time."""
        return self.at_once + (self.at_last - self.at_once) * min(1.0, max(0.0, evenness))

    def evenness(self, wanted: float) -> float:
        """The one at which so much is allowed; infinite if it never is."""
        return (wanted - self.at_once) / (self.at_last - self.at_once) if wanted <= self.at_last else math.inf


@dataclass(slots=True)
class _Window:
    seconds: int
    limit: int
    slots: dict[int, int] = field(default_factory=dict)  # slot number → calls
    own: dict[int, int] = field(default_factory=dict)  # those of them not shared yet
    remaining: int | None = None  # as last told by the vendor, less the calls made since
    reset_at: float = 0.0
    told_at: float = 0.0

    @property
    def width(self) -> float:
        return self.seconds / SLOTS

    def count(self, now: float) -> int:
        for slots in (self.slots, self.own):
            for slot in [slot for slot in slots if not 0 < self._leaves_at(slot) - now <= 2 * self.seconds]:
                del slots[slot]
        return sum(self.slots.values())

    def take(self, now: float) -> None:
        slot = int(now / self.width)
        for slots in (self.slots, self.own):
            slots[slot] = slots.get(slot, 0) + 1
        if self.remaining is not None:
            self.remaining -= 1

    def delay(self, now: float, shares: Share, last: float) -> float:
        used = self.count(now)
        began = self._made(math.floor(self.limit * shares.at_once), now)
        even = self.seconds * shares.at_once / shares.at_last
        share = shares.at((now - began) / even)
        allowed = max(1, math.floor(self.limit * share))
        wait = 0.0
        if used >= allowed:
            # Out of a long window we come back with room for a whole piece of work, not for one call of it.
            room = 1 if self.short else math.ceil(allowed * ROOM)
            grown = began + even * shares.evenness((used + room) / self.limit)
            wait = min(self._frees(used - allowed + room), max(now, grown)) - now
        elif self.short and used >= allowed * (0.5 if self.seconds <= 10 else 0.85):
            wait = last + (self._frees(1) - last) / (allowed - used + 1) - now
        spared = math.ceil(self.limit * (1 - share) / 2)  # for whoever else uses the bucket
        if self.remaining is not None and self.remaining <= spared and self.reset_at > now:
            wait = max(wait, self.reset_at - now)
        return wait

    @property
    def short(self) -> bool:
        return self.seconds <= 60

    def _frees(self, calls: int) -> float:
        """When at least so many of the counted calls have left the window."""
        left = 0
        for slot in sorted(self.slots):
            left += self.slots[slot]
            if left >= calls:
                return self._leaves_at(slot)
        return 0.0

    def _made(self, calls: int, now: float) -> float:
        """When the last so many calls began; now when there were fewer."""
        for slot in sorted(self.slots, reverse=True):
            calls -= self.slots[slot]
            if calls <= 0:
                return slot * self.width
        return now

    def _leaves_at(self, slot: int) -> float:
        return (slot + 1) * self.width + self.seconds


@dataclass(frozen=True, slots=True)
class Left:
    """What a window still allows, whoever uses it; `resets_at` is None while nothing is used."""

    limit: int
    remaining: int
    resets_at: datetime | None


class Limiter:
    """`share`: what this user of the bucket may take; lower ones leave room for more urgent work."""

    def __init__(
        self,
        windows: Sequence[Assumption],
        *,
        share: Share | float = 0.8,
        first_backoff: float = 30.0,
        longest_backoff: float = 300.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._windows = [_Window(one.seconds, one.limit) for one in sorted(windows, key=lambda one: one.seconds)]
        self._share = share if isinstance(share, Share) else Share(share, share)
        self._first_backoff = first_backoff
        self._longest_backoff = longest_backoff
        self._jitter = jitter
        self._blocked_until = 0.0
        self._refusals = 0  # in a row
        self._last = 0.0

    def delay(self, now: datetime) -> float:
        """Seconds until the next call may leave; 0 at once."""
        at = now.timestamp()
        waits = [window.delay(at, self._share, self._last) for window in self._windows]
        return min(LONGEST_WAIT, max(0.0, self._blocked_until - at, *waits))

    def left(self, now: datetime) -> Left:
        """Of the longest window, as the vendor told last or else as we counted."""
        at, window = now.timestamp(), self._windows[-1]
        used = window.count(at)
        remaining, reset_at = max(0, window.limit - used), window._frees(1) if used else 0.0
        if window.remaining is not None and window.reset_at > at:
            remaining, reset_at = max(0, min(remaining, window.remaining)), window.reset_at
        if self._blocked_until > at and not window.short and not remaining:
            reset_at = max(reset_at, self._blocked_until)
        return Left(window.limit, remaining, datetime.fromtimestamp(reset_at, UTC) if reset_at else None)

    def take(self, now: datetime) -> None:
        self._last = now.timestamp()
        for window in self._windows:
            window.take(self._last)

    def learn(self, now: datetime, status: int, headers: Mapping[str, str]) -> None:
        """`headers` by lower-case name."""
        at = now.timestamp()
        told = _Told(headers, at)
        if told.limit and told.remaining is not None:
            self._learn_window(at, told.limit, told.remaining, told.reset_in)
        if status == 429 or (status == 503 and told.retry_after is not None):
            self._refusals += 1
            waits = [wait for wait in (told.reset_in, told.retry_after) if wait is not None and wait > 0]
            backoff = min(self._longest_backoff, self._first_backoff * 2.0 ** min(self._refusals - 1, 20))
            wait = max(waits, default=backoff) + 2 * self._jitter()
            self._blocked_until = max(self._blocked_until, at + min(wait, LONGEST_WAIT))
        elif status < 500:
            self._refusals = 0

    def snapshot(self) -> dict[str, Any]:
        """A JSON document, also of the calls not shared yet; once it is stored, call `mark_shared`."""
        return {
            "windows": [
                {
                    "seconds": window.seconds,
                    "limit": window.limit,
                    "slots": {str(slot): calls for slot, calls in window.slots.items()},
                    "remaining": window.remaining,
                    "reset_at": math.ceil(window.reset_at),
                    "told_at": math.floor(window.told_at),
                }
                for window in self._windows
            ],
            "blocked_until": math.ceil(self._blocked_until),
            "refusals": self._refusals,
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Takes over what the workers stored, and adds our own calls that they have not seen."""
        stored = {int(one["seconds"]): one for one in document.get("windows", [])}
        for window in self._windows:
            if (one := stored.get(window.seconds)) is None:
                continue
            if float(one.get("told_at", 0)) >= window.told_at:
                window.limit = int(one["limit"])
                window.remaining = None if one.get("remaining") is None else int(one["remaining"])
                window.reset_at = float(one.get("reset_at", 0))
                window.told_at = float(one.get("told_at", 0))
            window.slots = {int(slot): int(calls) for slot, calls in one.get("slots", {}).items()}
            for slot, calls in window.own.items():
                window.slots[slot] = window.slots.get(slot, 0) + calls
        self._blocked_until = max(self._blocked_until, float(document.get("blocked_until", 0)))
        self._refusals = max(self._refusals, int(document.get("refusals", 0)))

    @property
    def has_news(self) -> bool:
        """Whether calls were made since the last `mark_shared`."""
        return any(window.own for window in self._windows)

    def mark_shared(self) -> None:
        for window in self._windows:
            window.own.clear()

    def _learn_window(self, at: float, limit: int, remaining: int, reset_in: float | None) -> None:
        spike = limit <= SPIKE_LIMIT
        window, long = self._windows[0 if spike else -1], self._windows[-1]
        if limit > window.limit and not long.told_at:  # told of only once it is what we would exceed first
            long.limit = max(long.limit, long.limit * limit // window.limit)
        window.told_at = at
        window.limit = limit
        window.remaining = remaining
        if reset_in is None or reset_in <= 0:
            reset_in = min(window.seconds, self._first_backoff)
        elif remaining > 0:
            reset_in = min(reset_in, window.seconds)
        window.reset_at = at + min(reset_in, LONGEST_WAIT)


class _Told:
    """The limit headers of one answer; what cannot be read counts as absent."""

    def __init__(self, headers: Mapping[str, str], at: float) -> None:
        date = _http_date(headers.get("date", ""))
        server_at = at if date is None or abs(date - at) > LARGEST_SKEW else date
        reset = _number(headers.get("x-rate-limit-reset", ""))
        retry = headers.get("retry-after", "")
        retry_at = _http_date(retry)
        self.limit = _whole(headers.get("x-rate-limit-limit", ""))
        self.remaining = _whole(headers.get("x-rate-limit-remaining", ""))
        self.reset_in = None if reset is None or reset - server_at > LONGEST_WAIT else reset - server_at
        self.retry_after = _number(retry) if retry_at is None else retry_at - server_at


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else max(0, int(number))


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
