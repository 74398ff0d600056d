from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until told."""

    def __init__(self, now: datetime = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float = 0, **parts: float) -> None:
        self.now += timedelta(seconds=seconds, **parts)

    def wait_until(self, moment: datetime) -> None:
        self.now = max(self.now, moment)
