"""One line per move of a ledger row, and one figure: every row is saved through here, whoever moved it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pex_procore.domain.ledger import Entry, Row, State
from pex_procore.net.limiter import Assumption, Limiter, Share
from pex_procore.runtime.metrics import count, observe
from pex_procore.runtime.observe import tell
from pex_procore.store.ledger import DynamoLedger

COUNTED = {"waiting": "Waiting", "exception": "Exceptions", "unknown": "UnknownOutcome"}
DRIFT = ("found_with_other_amount", "deleted_in_procore", "edited_in_procore")  # Procore differs from what we posted
SET_BACK = ("waiting", "refused", "exception", "ignored")
IN_PROCORE = ("posted", "complete")
UNDER_WAY = ("posting", "unknown")


@dataclass(slots=True)
class Traffic:
    """What a vendor said last, and how often it was asked in this invocation."""

    vendor: str
    status: int | None = None  # of the last answer that no move was told with yet
    request_id: str | None = None
    quota_left: int | None = None


class HeardLimiter(Limiter):
    """A limiter sees every call and every answer: the place to count them."""

    def __init__(self, windows: Sequence[Assumption], *, share: Share | float, traffic: Traffic) -> None:
        super().__init__(windows, share=share)
        self._traffic = traffic

    def take(self, now: datetime) -> None:
        super().take(now)
        count(f"{self._traffic.vendor}Calls")

    def learn(self, now: datetime, status: int, headers: Mapping[str, str]) -> None:
        super().learn(now, status, headers)
        traffic = self._traffic
        traffic.status, traffic.request_id = status, headers.get("x-request-id")
        if status == 429:
            count("Throttled429")
        told = headers.get("x-rate-limit-remaining", "")
        if told.isdecimal():
            traffic.quota_left = int(told)
            observe("QuotaRemaining", traffic.quota_left)


@dataclass(slots=True)
class Trail:
    """What was said of each row so far in this invocation."""

    business_id: int
    traffic: list[Traffic] = field(default_factory=list)
    _last: dict[int, Entry] = field(default_factory=dict)

    def seen(self, row: Row) -> Row:
        if row.timeline:
            self._last[row.transaction_id] = row.timeline[-1]
        return row

    def saved(self, row: Row) -> Row:
        fresh = _after(row.timeline, self._last.get(row.transaction_id))
        for number in range(len(row.timeline) - fresh, len(row.timeline)):
            self._tell(row, number)
        return self.seen(row)

    def _tell(self, row: Row, number: int) -> None:
        entry = row.timeline[number]
        facts: dict[str, Any] = {"transaction_id": row.transaction_id}
        if entry.run_id is not None:
            facts["run_id"] = entry.run_id
        facts["direct_cost_ids"] = [one.direct_cost_id for one in row.postings if one.direct_cost_id is not None]
        before = row.timeline[number - 1].to if number else None
        facts |= {"from": before, "to": entry.to, "cause": entry.cause}
        tell("row moved", **{"business_id": self.business_id, **facts, **self._upstream()})
        self._count(entry, row.timeline[:number])

    def _upstream(self) -> dict[str, Any]:
        """What the vendors answered since the last move that was told."""
        said: dict[str, Any] = {}
        for one in self.traffic:
            if one.status is not None:
                said[one.vendor.lower()] = {
                    "status": one.status,
                    "request_id": one.request_id,
                    "quota_left": one.quota_left,
                }
            one.status = one.request_id = None
        return said

    @staticmethod
    def _count(entry: Entry, past: tuple[Entry, ...]) -> None:
        if (name := COUNTED.get(entry.to)) is not None:
            count(name)
        if entry.to == "posted" and is_new(past):
            count("Posted")
            if (since := eligible_since(past)) is not None:
                observe("EligibleToPosted", (entry.at - since).total_seconds() * 1000)
        if entry.cause == "reference_found_twice":
            count("Duplicates")
        if entry.cause in DRIFT:
            count("ReconcileDrift")


def _after(timeline: tuple[Entry, ...], known: Entry | None) -> int:
    """How many entries came after the known one; all, when it is not among them."""
    for age, entry in enumerate(reversed(timeline)):
        if entry == known:
            return age
    return len(timeline)


def is_new(past: tuple[Entry, ...]) -> bool:
    """Whether what is posted now was not in Procore before: an expense that was changed, or got a receipt, was."""
    before = next((entry.to for entry in reversed(past) if entry.to not in UNDER_WAY), "")
    return before not in IN_PROCORE


def eligible_since(past: tuple[Entry, ...]) -> datetime | None:
    """When we learnt of what is posted now. None when it had waited: nobody told us when that ended."""
    since: datetime | None = None
    for entry in past:
        if entry.to in (*SET_BACK, *IN_PROCORE):
            since = None
        elif entry.to == "announced":
            since = since or entry.at
    return since


class ToldLedger(DynamoLedger):
    """The ledger whose moves are told."""

    def __init__(self, client: Any, table: str, business_id: int, generation: int, trail: Trail) -> None:
        super().__init__(client, table, business_id, generation)
        self._trail = trail

    def load(self, transaction_id: int) -> Row | None:
        row = super().load(transaction_id)
        return self._trail.seen(row) if row else None

    def load_many(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        return self._seen(super().load_many(transaction_ids))

    def glance(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        return self._seen(super().glance(transaction_ids))

    def _seen(self, rows: dict[int, Row]) -> dict[int, Row]:
        return {transaction_id: self._trail.seen(row) for transaction_id, row in rows.items()}

    def list_by_state(self, state: State) -> list[Row]:
        return [self._trail.seen(row) for row in super().list_by_state(state)]

    def save(self, row: Row) -> Row:
        return self._trail.saved(super().save(row))
