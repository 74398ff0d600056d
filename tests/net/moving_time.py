"""A clock that moves when somebody sleeps on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 6, 15, 16, 0, tzinfo=UTC)
"""Noon in New York."""


class MovingTime:
    def __init__(self, start: datetime = NOON) -> None:
        self.now = start
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
