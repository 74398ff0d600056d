"""Which execution environments are alive: reused while warm, capped in number so that the whole stack fits a laptop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.emulator.environment import ExecutionEnvironment, Function


class NoneFree(RuntimeError):
    """Every environment the cap allows stayed busy for as long as the caller could wait."""


@dataclass
class Pool:
    """Waits where Lambda would start one more environment. No function of the connector invokes another one and
    waits for it, so a waiting caller never holds what it waits for."""

    launch: Callable[[Function], ExecutionEnvironment]
    total: int
    per_function: int
    idle_seconds: float
    wait_seconds: float = 60.0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _busy: list[ExecutionEnvironment] = field(default_factory=list)
    _idle: list[tuple[float, ExecutionEnvironment]] = field(default_factory=list)
    """Longest idle first, each with the monotonic time of its release."""

    def __post_init__(self) -> None:
        threading.Thread(target=self._end_idle, name="idle-environments", daemon=True).start()

    def lease(self, function: Function) -> ExecutionEnvironment:
        deadline = time.monotonic() + self.wait_seconds
        with self._changed:
            while True:
                if environment := self._warm(function) or self._started(function):
                    self._busy.append(environment)
                    return environment
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self.total:
                    raise NoneFree(function.name)
                self._changed.wait(remaining)

    def release(self, environment: ExecutionEnvironment) -> None:
        with self._changed:
            self._busy.remove(environment)
            if environment.alive:
                self._idle.append((time.monotonic(), environment))
            self._changed.notify_all()

    def close(self) -> None:
        """Ends every process. Nothing can be leased afterwards."""
        with self._changed:
            self.total = 0
            self._changed.notify_all()
            for environment in [*self._busy, *(environment for _, environment in self._idle)]:
                environment.kill()

    def _warm(self, function: Function) -> ExecutionEnvironment | None:
        for entry in self._idle[::-1]:
            _, environment = entry
            if environment.function.revision == function.revision and environment.function.arn == function.arn:
                self._idle.remove(entry)
                if environment.alive:
                    return environment
        return None

    def _started(self, function: Function) -> ExecutionEnvironment | None:
        if sum(environment.function.arn == function.arn for environment in self._busy) >= self.per_function:
            return None
        if len(self._busy) + len(self._idle) >= self.total:
            if not self._idle:
                return None
            self._idle.pop(0)[1].kill()
        return self.launch(function)

    def _end_idle(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                while self._idle and self._idle[0][0] + self.idle_seconds <= now:
                    self._idle.pop(0)[1].kill()
                self._changed.wait(self._idle[0][0] + self.idle_seconds - now if self._idle else None)
