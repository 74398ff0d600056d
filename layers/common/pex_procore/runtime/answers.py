"""What the HTTP API shows of runs and transactions. No secret has a place here."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from pex_procore.domain.ledger import State
from pex_procore.domain.reasons import Actor
from pex_procore.domain.runs import Kind, Outcome, Trigger, Verdict
from pex_procore.domain.tags import TagKind
from pex_procore.services.decisions import Decision

Money = Annotated[Decimal, PlainSerializer(float, return_type=float)]  # cents survive: fifteen digits are exact


class Shown(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)  # a request needs one or two of them


class HelpShown(Shown):
    text: str
    actor: Actor
    what_to_do: str


class ReasonShown(HelpShown):
    code: str


class Reasons(Shown):
    items: list[ReasonShown]


class DirectCostShown(Shown):
    """`url`: the record in Procore's web app, where that is known."""

    project_id: int
    project_name: str | None
    direct_cost_id: int | None
    reference: str
    amount: Money
    state: Literal["posting", "unknown", "posted", "amending", "unsent"]
    url: str | None


class ReceiptShown(Shown):
    filename: str
    state: Literal["staged", "sending", "attached", "refused", "duplicate"]
    reason: str | None


class TransactionShown(Shown):
    """`date`: the Eastern day on which it settled. `detail` says more of the reason, in a vendor's words or ours."""

    transaction_id: int
    state: State
    reason: str | None
    detail: str
    help: HelpShown | None
    date: date
    amount: Money | None
    merchant: str | None
    cardholder: str | None
    account_id: int
    transacted_at: datetime | None
    settled_at: datetime | None
    direct_costs: list[DirectCostShown]
    receipts: list[ReceiptShown]
    updated_at: datetime


class TransactionPage(Shown):
    """`next` may follow a page that is short, even empty: there is more to look through."""

    items: list[TransactionShown]
    next: str | None


class AllocationShown(Shown):
    """`tags`: the names of the chosen options."""

    amount: Money
    tags: dict[TagKind, str | None]


class EntryShown(Shown):
    at: datetime
    to: str
    cause: str
    run_id: str | None


class TransactionDetail(TransactionShown):
    """`former_direct_costs`: of before it was posted again. `actions`: what an administrator may do now."""

    allocations: list[AllocationShown]
    actions: list[Decision]
    timeline: list[EntryShown]
    former_direct_costs: list[DirectCostShown]


class RunStarted(Shown):
    run_id: str


class Progress(Shown):
    """Of a run at work: how many of the purchases it has found are dealt with; null what is not known."""

    done: int
    total: int | None
    quota_remaining: int | None
    waits_until: datetime | None
    estimated_end: datetime | None


class RunShown(Shown):
    """`since`: the first Eastern day of a run that was not to read everything."""

    run_id: str
    kind: Kind
    trigger: Trigger
    status: Literal["running", "finished"]
    verdict: Verdict | None
    counts: dict[str, int]
    reasons: dict[str, int]
    message: str
    since: date | None
    started_at: datetime
    finished_at: datetime | None


class RunPage(Shown):
    items: list[RunShown]
    next: str | None


class RunItemShown(Shown):
    transaction_id: int
    outcome: Outcome
    reason: str | None
    detail: str
    help: HelpShown | None
    merchant: str | None
    amount: Money | None
    receipts: int
    receipts_failed: int


class RunDetail(RunShown):
    progress: Progress | None
    items: list[RunItemShown]
    next: str | None


class TriedShown(Shown):
    transaction_id: int
    date: date
    merchant: str
    cardholder: str
    amount: Money
    outcome: Literal["would_post", "already_posted", "waiting", "refused", "failed"]
    reason: str | None
    detail: str
    help: HelpShown | None


class DryRun(Shown):
    """`counts.would_post` counts expenses, the others purchases; `amount`: of what would be posted. `more`: there are
    more purchases than were looked at."""

    counts: dict[str, int]
    amount: Money
    items: list[TriedShown]
    more: bool


class DryRunAnswer(Shown):
    dry_run: DryRun


class Total(Shown):
    n: int
    amount: Money


class Totals(Shown):
    pex: Total
    ledger: Total
    procore: Total


class DifferenceShown(Shown):
    kind: Literal["missing_in_procore", "surplus_in_procore", "different_amount", "deleted_in_procore", "waiting"]
    transaction_id: int | None
    direct_cost_id: int | None
    amount_pex: Money | None
    amount_procore: Money | None
    detail: str


class Reconciliation(Shown):
    """`more`: not all projects could be looked at, or there are more purchases than one look takes."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    first_day: date = Field(alias="from")
    to: date
    totals: Totals
    differences: list[DifferenceShown]
    more: bool
