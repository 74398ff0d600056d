"""Making one call in good order: wait for our turn, send, learn the limits, decide what the answer means.

What leaves is either an answer together with its verdict, for the vendor's client to interpret, or one of the domain's
errors. Nothing that may have been written is ever sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.net.limiter import Limiter
from pex_procore.net.messages import Answer, Request, Unreadable
from pex_procore.net.redaction import shorten
from pex_procore.net.session import NoAnswer, NotSent, Session, TooLong
from pex_procore.net.verdicts import Next, judge

T = TypeVar("T")
REPEATS = 2  # of a call that was turned away, when the wait is short
PAUSE_SECONDS = 0.5  # before a read is repeated after a failure


class Caller:
    """`vendor` is the name used in messages; `secrets`, which may grow, never appear in them.

    Waits of up to `patience_seconds` are slept through; longer ones become TryLater with the time to come back.
    """

    def __init__(
        self,
        vendor: str,
        session: Session,
        limiter: Limiter,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        secrets: Collection[str] = (),
        patience_seconds: float = 5.0,
    ) -> None:
        self.vendor = vendor
        self.session = session
        self._limiter = limiter
        self._clock = clock
        self._sleep = sleep
        self._secrets = secrets
        self._patience_seconds = patience_seconds

    def ask(self, request: Request, headers: Mapping[str, str]) -> tuple[Next, Answer]:
        """The verdict is never WAIT or LOOK: those raise TryLater and Unsure."""
        attempt = 0
        while True:
            attempt += 1
            self._wait_for_turn()
            try:
                answer = self.session.send(request, headers)
            except NotSent as error:
                raise TryLater(f"{self.vendor} could not be reached ({error}).") from error
            except NoAnswer as error:
                if not request.repeatable:
                    raise Unsure(f"{self.vendor} gave no answer when asked to {request.doing} ({error}).") from error
                if isinstance(error, TooLong):
                    message = f"{self.vendor}'s answer is too long when asked to {request.doing} ({error})."
                    raise NeedsAttention("vendor_answer_unreadable", message) from error
                if attempt > 1:
                    raise TryLater(f"{self.vendor} gave no answer when asked to {request.doing} ({error}).") from error
                self._sleep(PAUSE_SECONDS)
                continue
            self._limiter.learn(self._clock(), answer.status, answer.headers)
            verdict = judge(answer, request.repeatable)
            if verdict is Next.LOOK:
                raise Unsure(self.describe(request, answer))
            if verdict is not Next.WAIT:
                return verdict, answer
            turned_away = self._limiter.delay(self._clock()) > 0
            if attempt > (REPEATS if turned_away else 1):
                raise TryLater(self.describe(request, answer), self._resume_at())
            if not turned_away:
                self._sleep(PAUSE_SECONDS)

    def read(self, request: Request, answer: Answer, reader: Callable[[Answer], T]) -> T:
        """What `reader` makes of a successful answer. To a write an unreadable one proves nothing."""
        try:
            return reader(answer)
        except (Unreadable, KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"{self.vendor}'s answer cannot be read when asked to {request.doing}"
            if not request.repeatable:
                raise Unsure(f"{message}.") from error
            if isinstance(error, Unreadable):
                raise TryLater(f"{message}.") from error
            raise NeedsAttention("vendor_answer_unreadable", f"{message}: {self.shorten(repr(error))}") from error

    def describe(self, request: Request, answer: Answer, text: str | None = None) -> str:
        said = self.shorten(answer.text() if text is None else text)
        return f"{self.vendor} answered {answer.status} when asked to {request.doing}" + (f": {said}" if said else ".")

    def shorten(self, text: str) -> str:
        return shorten(text, self._secrets)

    def _wait_for_turn(self) -> None:
        wait_seconds = self._limiter.delay(self._clock())
        if wait_seconds > self._patience_seconds:
            raise TryLater(f"{self.vendor} has had as many calls as it allows for now.", self._resume_at())
        if wait_seconds > 0:
            self._sleep(wait_seconds)
        self._limiter.take(self._clock())

    def _resume_at(self) -> datetime | None:
        """None: no limit stands in the way."""
        wait_seconds = self._limiter.delay(self._clock())
        return self._clock() + timedelta(seconds=wait_seconds) if wait_seconds > 0 else None
