"""What every step of a run shares: its lease, its time, its log line, and the only three errors it may raise."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Kind, Run, Trigger
from pex_procore.runtime.metrics import measured
from pex_procore.runtime.observe import about, tell
from pex_procore.runtime.wiring import Business, now, wiring
from pex_procore.services.ports import Held
from pex_procore.services.progress import News, Progress
from pex_procore.services.runs import MANY, require_active

LEASE_SECONDS = 130
LEASE_NEEDED = 100  # longer than any step lives, and the pause before it is repeated
LISTEN_AGAIN: Mapping[Trigger, timedelta] = {  # long runs pay for each look
    "callback": timedelta(seconds=5),
    "sweep": timedelta(seconds=60),
    "manual": timedelta(seconds=60),
}
TIME_TO_STOP = 20_000  # milliseconds a step keeps to end in good order: one call to a vendor, and its records

Event = Mapping[str, Any]


class Context(Protocol):
    """The part of Lambda's context object we use."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int: ...


def stamp(moment: datetime) -> str:
    """As Step Functions compares and waits for it: UTC, to the second, rounded up."""
    whole = moment.replace(microsecond=0)
    return f"{whole + timedelta(seconds=moment > whole):%Y-%m-%dT%H:%M:%SZ}"


def step(act: Callable[[Event, Context], dict[str, Any]]) -> Callable[[Event, Context], dict[str, Any]]:
    """Logs once what a step did, and lets only errors out that the state machine knows by name."""

    @functools.wraps(act)
    def handler(event: Event, context: Context) -> dict[str, Any]:
        who = {"business_id": event["business_id"], "run_id": event["run_id"]}
        with about(step=context.function_name, **who), measured(context.function_name, **who):
            return _told(act, event, context)

    return handler


def _told(act: Callable[[Event, Context], dict[str, Any]], event: Event, context: Context) -> dict[str, Any]:
    try:
        answer = act(event, context)
    except (TryLater, Unsure, NeedsAttention) as error:
        tell("step stopped", error=type(error).__name__, message=str(error))
        raise
    except Exception as error:
        tell("step failed", error=type(error).__name__, trace=traceback.format_exc(limit=-8))
        raise NeedsAttention("internal_error", type(error).__name__) from None
    tell("step done", **_brief(answer))
    return answer


def _brief(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Lists become their lengths."""
    return {key: len(value) if isinstance(value, list) else value for key, value in answer.items()}


def open_business(event: Event, kind: Kind = "transactions", share: float | None = None) -> tuple[Business, Run]:
    """The business and its run, with the lease kept; NeedsAttention when it is not this run's turn any more."""
    business = wiring().business(event["business_id"], kind, share)
    require_active(business.connection)
    try:
        business.leases.keep(event["run_id"], LEASE_NEEDED, LEASE_SECONDS)
    except Held as held:
        raise NeedsAttention("interrupted", f"the lease went to run {held.run_id}") from held
    run = business.runs.load(event["run_id"])
    if run is None:
        raise NeedsAttention("internal_error", "the run has no record")
    if run.company_id != business.company_id:
        raise NeedsAttention("interrupted", "another company was chosen meanwhile")
    return business, run


def time_left(context: Context, deadline: datetime) -> Callable[[], bool]:
    """Whether another call may begin: both Lambda's time and the run's are looked at."""
    return lambda: context.get_remaining_time_in_millis() > TIME_TO_STOP and now() < deadline


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a step was given: a business, its run, transaction ids, and how long it may go on."""

    business: Business
    run: Run
    transaction_ids: Sequence[int]
    may_go_on: Callable[[], bool]


def in_chunks(event: Event, context: Context, act: Callable[[Chunk], Progress], *, at_least: int = 0) -> dict[str, Any]:
    """For a step that works through transaction ids until they, its time or a vendor's limit are used up, or, where it
    heeds them, hints came: then it does `at_least` so many."""
    business, run = open_business(event)
    if is_patient(event, run):
        business.be_patient()
    deadline = datetime.fromisoformat(event["deadline_at"])
    in_time = time_left(context, deadline)
    transaction_ids = event["transaction_ids"]
    news = News(business.leases, event.get("heeded"), now, waiting=len(transaction_ids), at_least=at_least)
    try:
        chunk = Chunk(business, run, transaction_ids, lambda: in_time() and news.may_go_on())
        progress = act(chunk) if transaction_ids else Progress()
    finally:
        business.save_limits()
    if progress.resume_at is None:
        return {"outcome": "done", "remaining": [], "resume_at": None}
    remaining = list(progress.remaining)
    if news.came or (in_time() and news.look()):
        return {"outcome": "news", "remaining": remaining, "resume_at": None}
    resume_at = listen(progress.resume_at, deadline, run.trigger) if news.heeded else progress.resume_at
    return {**come_back(business, run, resume_at), "remaining": remaining}


def is_patient(event: Event, run: Run) -> bool:
    """Papers are, and crowds that nobody waits for; a few purchases are urgent, whichever run found them."""
    return "heeded" in event or (run.trigger != "callback" and len(event["transaction_ids"]) > MANY)


def listen(resume_at: datetime, deadline: datetime, trigger: Trigger) -> datetime:
    """So that what comes in during a wait does not wait for its end; one that outlasts the run is not begun."""
    return min(resume_at, now() + LISTEN_AGAIN[trigger]) if resume_at < deadline else resume_at


def come_back(business: Business, run: Run, resume_at: datetime) -> dict[str, Any]:
    """The lease is prolonged over the wait, so that no other run begins meanwhile."""
    wait_seconds = max(0, int((resume_at - now()).total_seconds()))
    business.leases.renew(run.run_id, wait_seconds + LEASE_SECONDS)
    return {"outcome": "later", "resume_at": stamp(resume_at)}
