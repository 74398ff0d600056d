"""How a fake vendor misbehaves on its next write."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pex_procore.domain.errors import TryLater
from pex_procore.services.vendor_ports import PostRefused

Trouble = Literal["lost", "dropped", "late"]


@dataclass(frozen=True)
class Fault:
    """`none`: behave. `lost`: done, answer lost. `dropped`: not done, no answer. `late`: no answer, done after `delay`.
    `error`: not done, and said so."""

    kind: Literal["none", "lost", "dropped", "late", "error"]
    delay: timedelta = timedelta()
    error: Exception | None = None


class Misbehaving:
    """Orders are carried out one write after the other. Attributes set to True are orders too."""

    def __init__(self) -> None:
        self._faults: deque[Fault] = deque()

    def _next_fault(self) -> Fault:
        fault = self._faults.popleft() if self._faults else Fault("none")
        if fault.error is not None:
            raise fault.error
        return fault

    def behave_next(self, writes: int = 1) -> None:
        """The next writes are well; whatever is ordered afterwards comes after them."""
        self._faults.extend([Fault("none")] * writes)

    def stop_misbehaving(self) -> None:
        self._faults.clear()

    @property
    def lose_next_answer(self) -> bool:
        return any(fault.kind == "lost" for fault in self._faults)

    @lose_next_answer.setter
    def lose_next_answer(self, wanted: bool) -> None:
        self._order(Fault("lost"), wanted)

    @property
    def drop_next_request(self) -> bool:
        return any(fault.kind == "dropped" for fault in self._faults)

    @drop_next_request.setter
    def drop_next_request(self, wanted: bool) -> None:
        self._order(Fault("dropped"), wanted)

    def misbehave_next(self, kind: Trouble, seconds: float = 30) -> None:
        """`seconds`: how late, where it is late."""
        self._faults.append(Fault(kind, delay=timedelta(seconds=seconds)))

    def commit_late(self, seconds: float) -> None:
        self.misbehave_next("late", seconds)

    def refuse_next(self, status: int, message: str = "refused", duplicate: bool = False) -> None:
        self.fail_next(PostRefused(status, message, duplicate))

    def turn_away_next(self, resume_at: datetime | None = None) -> None:
        self.fail_next(TryLater("slow down", resume_at))

    def fail_next(self, error: Exception) -> None:
        self._faults.append(Fault("error", error=error))

    def _order(self, fault: Fault, wanted: bool) -> None:
        if wanted:
            self._faults.append(fault)
        else:
            self._faults = deque(one for one in self._faults if one.kind != fault.kind)
