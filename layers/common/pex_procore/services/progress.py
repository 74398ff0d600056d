"""Working through a list in chunks: a step stops in good order and says what is left and when to come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.values import Value
from pex_procore.services.ports import Clock, Conflict, Leases

SOON = timedelta(seconds=2)  # never sooner, whatever a vendor's clock says
LOOK_AGAIN = timedelta(seconds=1)  # for news: each look is a read
FEW_OF_MANY = 100  # a hundredth of the papers come before the next news, or news upon news would keep all of them
FAILURES_IN_A_ROW = 3  # mean that a vendor is out of reach, and not one record


class Progress(Value):
    """Everything done (`resume_at` None), or the rest and when it may go on. `skipped` failed and waits for later."""

    remaining: tuple[int, ...] = ()
    resume_at: datetime | None = None
    skipped: tuple[int, ...] = ()


class News:
    """Whether hints came that the run's listing has not seen: `announced` is the counter it saw, None heeds none.
    `at_least`: so many of `waiting` papers go on whatever comes, and more where many wait."""

    def __init__(
        self, leases: Leases, announced: int | None, clock: Clock, *, waiting: int = 0, at_least: int = 0
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._looked_at: datetime | None = None
        self._announced = announced
        self._at_least = at_least + waiting // FEW_OF_MANY
        self.came = False

    @property
    def heeded(self) -> bool:
        return self._announced is not None

    def may_go_on(self) -> bool:
        self._at_least -= 1
        if self._at_least >= 0 or (self._looked_at and self._clock() - self._looked_at < LOOK_AGAIN):
            return True
        return not self.look()

    def look(self) -> bool:
        self._looked_at = self._clock()
        self.came = self.heeded and self._leases.announced() != self._announced
        return self.came


def work_through(
    transaction_ids: Sequence[int],
    act: Callable[[int], datetime | None],
    *,
    may_go_on: Callable[[], bool],
    clock: Clock,
    poisoned: Callable[[int, Exception], None] | None = None,
) -> Progress:
    """Calls `act` for each. An `act` that answers a time is owed another call then. With `poisoned`, an error that
    nobody foresaw goes there, and the others go on.

    A TryLater that knows when stops the chunk in good order. One that does not concerns the one transaction, which is
    skipped so that nobody queues behind it; several in a row leave as they are, for the state machine to repeat the
    step. A Conflict skips the transaction too: somebody else moved its row, the next listing sees where to.
    """
    queue = deque(dict.fromkeys(transaction_ids))
    later: dict[int, datetime] = {}
    skipped: list[int] = []
    failures = 0
    resume_at: datetime | None = None
    while queue and may_go_on():
        due = None
        try:
            due = act(queue[0])
            failures = 0
        except TryLater as wait:
            if wait.resume_at is not None:
                resume_at = max(wait.resume_at, clock() + SOON)
                break
            failures += 1
            if failures == FAILURES_IN_A_ROW:
                raise
            skipped.append(queue[0])
        except Conflict:
            pass
        except (Unsure, NeedsAttention):
            raise
        except Exception as error:
            if poisoned is None:
                raise
            poisoned(queue[0], error)
        transaction_id = queue.popleft()
        if due is not None:
            later[transaction_id] = due
    if resume_at is None:
        resume_at = clock() if queue else min(later.values(), default=None)
    return Progress(remaining=(*queue, *later), resume_at=resume_at, skipped=tuple(skipped))
