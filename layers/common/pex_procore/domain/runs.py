"""A run of the connector for one business, and its verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Literal

from pydantic import Field

from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TAG_KINDS
from pex_procore.domain.values import Kept, Value

Kind = Literal["transactions", "tags"]
Trigger = Literal["callback", "sweep", "manual"]
Verdict = Literal["success", "partial", "failed"]
Outcome = Literal["posted", "updated", "already_posted", "waiting", "refused", "failed"]


class Tally(Value):
    """Counts of outcomes and of reasons, added up as a run goes along."""

    counts: Mapping[str, int] = {}
    reasons: Mapping[str, int] = {}

    def add(self, outcome: str, reason: str | None = None, number: int = 1) -> Tally:
        counts = {**self.counts, outcome: self.counts.get(outcome, 0) + number}
        reasons = dict(self.reasons)
        if reason:
            reasons[reason] = reasons.get(reason, 0) + number
        return Tally(counts=counts, reasons=reasons)

    def merge(self, other: Tally) -> Tally:
        def total(mine: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
            return {name: mine.get(name, 0) + theirs.get(name, 0) for name in {**mine, **theirs}}

        return Tally(counts=total(self.counts, other.counts), reasons=total(self.reasons, other.reasons))


class RunItem(Value):
    """What one run did with one transaction."""

    transaction_id: int
    outcome: Outcome
    reason: str | None = None
    detail: str = ""
    receipts: int = 0  # attached in this run
    receipts_failed: int = 0  # given up, or still owed after a failure


class Run(Kept):
    run_id: str
    kind: Kind
    trigger: Trigger
    status: Literal["running", "finished"] = "running"
    verdict: Verdict | None = None
    counts: Mapping[str, int] = {}
    reasons: Mapping[str, int] = {}
    settings: Settings = Field(default_factory=Settings)  # as they were when the run began
    company_id: int = 0  # likewise
    confirmed: bool = False  # an administrator takes a list that shrank
    since: date | None = None  # an administrator wants no day before this one read
    done: int = 0  # of the purchases found so far, those dealt with
    total: int = 0  # purchases found so far that there is something to do for
    waits_until: datetime | None = None  # for a vendor's limit
    message: str = ""  # why the run as a whole stopped, for people
    started_at: datetime
    finished_at: datetime | None = None


def tally_items(items: Iterable[RunItem]) -> Tally:
    tally = Tally()
    for item in items:
        tally = tally.add(item.outcome, item.reason)
        if item.receipts:
            tally = tally.add("receipts_attached", number=item.receipts)
        if item.receipts_failed:
            tally = tally.add("receipts_failed", number=item.receipts_failed)
    return tally


ACHIEVEMENTS = (
    "posted",
    "updated",
    "receipts_attached",
    *(f"{kind}_{done}" for kind in TAG_KINDS for done in ("added", "renamed", "enabled", "disabled")),
)


def reach_verdict(tally: Tally, stopped_by: str | None) -> Verdict:
    """Waiting and refused rows are answers, not failures; a run that was stopped is partial once it did something."""
    if stopped_by and not any(tally.counts.get(name) for name in ACHIEVEMENTS):
        return "failed"
    failed = tally.counts.get("failed") or tally.counts.get("receipts_failed")
    return "partial" if stopped_by or failed else "success"


def new_run_id(now: datetime, seed: str) -> str:
    """Sorts by time; the same moment and seed give the same id, so a redelivered message starts no second run."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}-{hashlib.sha256(seed.encode()).hexdigest()[:8]}"
