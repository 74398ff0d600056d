"""One clock for the connector, both vendors and the state machine, on which waiting costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from pex_procore.runtime import wiring

NOON = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)  # a Monday, noon in New York
TICK = timedelta(milliseconds=1)


class FlowClock:
    """A look moves it by a millisecond, a wait by what was waited for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset(NOON)

    def reset(self, start: datetime) -> None:
        self._at = start
        self._due: list[tuple[datetime, Callable[[], object]]] = []
        self.waits: list[float] = []  # seconds that the state machine waited

    def __call__(self) -> datetime:
        with self._lock:
            self._at += TICK
            return self._at

    def forward(self, seconds: float = 0.0, **units: float) -> None:
        """Whatever `later` planned for this time happens now."""
        with self._lock:
            self._at += timedelta(seconds=seconds, **units)
            happening = [act for moment, act in self._due if moment <= self._at]
            self._due = [one for one in self._due if one[0] > self._at]
        for act in happening:
            act()

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        with self._lock:
            self._due.append((self._at + timedelta(seconds=seconds), act))

    def govern(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The connector's `now`, and moto's Wait states and retries, go by this clock."""
        now = self

        class Connectors(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return now()

        class Interpreters(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return now().replace(tzinfo=None)

        def wait(function: WaitFunction, env: object, wait_seconds: int) -> None:
            self.waits.append(wait_seconds)
            self.forward(max(0, wait_seconds) + 1)  # moto has cut the fraction off

        monkeypatch.setattr(wiring, "datetime", Connectors)
        monkeypatch.setattr(timestamp, "datetime", SimpleNamespace(datetime=Interpreters))
        monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=self.forward))
        monkeypatch.setattr(WaitFunction, "_wait_interval", wait)
