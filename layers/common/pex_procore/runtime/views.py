"""What the HTTP API shows. No secret has a place here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pex_procore.domain.ledger import Posting, Row, State
from pex_procore.domain.notes import expense_url
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.runs import Run, RunItem, tally_items
from pex_procore.domain.search import day_of
from pex_procore.runtime.answers import (
    AllocationShown,
    DirectCostShown,
    EntryShown,
    HelpShown,
    Reasons,
    ReasonShown,
    ReceiptShown,
    RunShown,
    TransactionDetail,
    TransactionShown,
)
from pex_procore.runtime.names import Names
from pex_procore.runtime.wiring import now
from pex_procore.services.decisions import allowed

UNSAID: dict[State, str] = {"announced": "next_run", "posting": "outcome_unknown", "unknown": "outcome_unknown"}


def explain(reason: str | None) -> HelpShown | None:
    known = REASONS.get(reason or "")
    return HelpShown(text=known.text, actor=known.actor, what_to_do=known.todo) if known else None


def why(row: Row) -> HelpShown | None:
    """Why it is not in Procore, or not as PEX says; None when it is."""
    return explain(row.reason or UNSAID.get(row.state))


def show_reasons() -> Reasons:
    rows = [
        ReasonShown(code=code, text=one.text, actor=one.actor, what_to_do=one.todo) for code, one in REASONS.items()
    ]
    return Reasons(items=rows)


def show_run(run: Run, items: Sequence[RunItem] | None = None) -> RunShown:
    """A run at work shows the counts it has so far, when its items are given."""
    tally = tally_items(items) if run.status == "running" and items is not None else None
    return RunShown(
        run_id=run.run_id,
        kind=run.kind,
        trigger=run.trigger,
        status=run.status,
        verdict=run.verdict,
        counts=dict(tally.counts if tally else run.counts),
        reasons=dict(tally.reasons if tally else run.reasons),
        message=run.message,
        since=run.since,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def show_row(row: Row, names: Names) -> TransactionShown:
    return TransactionShown(**_row(row, names))


def show_timeline(row: Row, names: Names) -> TransactionDetail:
    parts = row.said.allocations if row.said else ()
    return TransactionDetail(
        **_row(row, names),
        allocations=[AllocationShown(amount=one.amount, tags=names.chosen(one.tags)) for one in parts],
        actions=allowed(row, now()),
        timeline=[EntryShown(**entry.model_dump()) for entry in row.timeline],
        former_direct_costs=[show_posting(one, names) for one in row.former],
    )


def _row(row: Row, names: Names) -> dict[str, Any]:
    said = row.said
    return {
        "transaction_id": row.transaction_id,
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "help": why(row),
        "date": day_of(row),
        "amount": said.amount if said else None,
        "merchant": said.merchant if said else None,
        "cardholder": names.cardholders.get(row.account_id),
        "account_id": row.account_id,
        "transacted_at": said.transacted_at if said else None,
        "settled_at": said.settled_at if said else None,
        "direct_costs": [show_posting(one, names) for one in row.postings],
        "receipts": [ReceiptShown(filename=one.filename, state=one.state, reason=one.reason) for one in row.receipts],
        "updated_at": row.updated_at,
    }


def show_posting(posting: Posting, names: Names) -> DirectCostShown:
    project_id, direct_cost_id = posting.project_id, posting.direct_cost_id
    return DirectCostShown(
        project_id=project_id,
        project_name=names.projects.get(project_id),
        direct_cost_id=direct_cost_id,
        reference=posting.reference,
        amount=posting.amount,
        state=posting.state,
        url=expense_url(names.web_address, posting) if direct_cost_id is not None else None,
    )
