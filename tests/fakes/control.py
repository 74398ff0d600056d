"""Leases, sessions and executions: who may work, who is signed in, what was started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pex_procore.domain.checks import Checks
from pex_procore.domain.runs import Run
from pex_procore.services.door_ports import Session
from pex_procore.services.ports import Held, Lease
from tests.fakes.clock import FakeClock


@dataclass
class Holding:
    run_id: str
    execution: str | None
    until: datetime
    interrupted_run_id: str | None


class FakeLeases:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._held: Holding | None = None
        self.fence = 0
        self._announced = 0

    def claim(self, run_id: str, seconds: int, execution: str | None = None) -> Lease:
        held = self._held
        mine = held is not None and held.run_id == run_id and held.execution in (None, execution)
        if held is not None and not mine and held.until > self._clock():
            raise Held(held.run_id)
        if not mine:
            self.fence += 1
        interrupted = None
        if held is not None:
            interrupted = held.interrupted_run_id if held.run_id == run_id else held.run_id
        self._held = Holding(run_id, execution, self._until(seconds), interrupted)
        return self._lease(self._held)

    def renew(self, run_id: str, seconds: int) -> Lease:
        if self._held is None or self._held.run_id != run_id:
            raise Held(self._held.run_id if self._held else "")
        self._held.until = self._until(seconds)
        return self._lease(self._held)

    def keep(self, run_id: str, needed: int, seconds: int) -> Lease:
        if self._held is None or self._held.run_id != run_id:
            raise Held(self._held.run_id if self._held else "")
        return self._lease(self._held) if self._held.until >= self._until(needed) else self.renew(run_id, seconds)

    def release(self, run_id: str, announced: int | None = None) -> bool:
        if self._held is None or self._held.run_id != run_id:
            return True
        if announced is not None and announced != self._announced:
            return False
        self._held = None
        return True

    def holder(self) -> str | None:
        return self._held.run_id if self._held and self._held.until > self._clock() else None

    def count_announcement(self) -> None:
        self._announced += 1

    def announced(self) -> int:
        return self._announced

    def _until(self, seconds: int) -> datetime:
        return self._clock() + timedelta(seconds=seconds)

    def _lease(self, held: Holding) -> Lease:
        return Lease(held.run_id, self.fence, self._announced, held.until, held.interrupted_run_id)


class FakeSessions:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._sessions: dict[str, tuple[Session, datetime]] = {}

    def create(self, business_id: int, username: str, seconds: int) -> str:
        token = f"session-{len(self._sessions) + 1}"
        self._sessions[token] = (Session(business_id, username), self._clock() + timedelta(seconds=seconds))
        return token

    def find(self, token: str) -> Session | None:
        session, expires_at = self._sessions.get(token, (None, self._clock()))
        return session if expires_at > self._clock() else None

    def delete(self, token: str) -> None:
        self._sessions.pop(token, None)


class FakeChecks:
    def __init__(self) -> None:
        self._checks = Checks().model_dump_json()

    def load(self) -> Checks:
        return Checks.model_validate_json(self._checks)

    def save(self, checks: Checks) -> None:
        self._checks = checks.model_dump_json()


@dataclass(frozen=True)
class Started:
    run: Run
    business_id: int
    account_ids: tuple[int, ...]
    since: datetime | None
    long: bool


class FakeExecutions:
    def __init__(self, leases: FakeLeases | None = None) -> None:
        self.started: list[Started] = []
        self.announced_at_start: list[int] = []
        self._leases = leases
        self._failures: list[Exception] = []

    def fail_next(self, error: Exception) -> None:
        self._failures.append(error)

    def start(
        self,
        run: Run,
        business_id: int,
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        *,
        long: bool = False,
    ) -> None:
        if self._failures:
            raise self._failures.pop()
        if self._leases is not None:
            self.announced_at_start.append(self._leases.announced())
        if all(one.run.run_id != run.run_id for one in self.started):
            self.started.append(Started(run, business_id, tuple(account_ids), since, long))
