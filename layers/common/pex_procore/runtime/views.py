"""What the HTTP API shows. No secret has a place here."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.alerts import token_warning
from pex_procore.domain.ledger import Posting, Row
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.runs import Run, RunItem, tally_items
from pex_procore.runtime.wiring import Business, now


def explain(reason: str | None) -> dict[str, str] | None:
    known = REASONS.get(reason or "")
    return {"text": known.text, "actor": known.actor, "what_to_do": known.todo} if known else None


def show_connection(business: Business) -> dict[str, Any]:
    connection = business.connection
    runs, _ = business.runs.page(5, None)
    return {
        "business_id": connection.business_id,
        "business_name": connection.business_name,
        "status": connection.status,
        "pex": {
            "username": connection.pex_username,
            "token_expires_at": connection.pex_expires_at,
            "problem": connection.pex_problem,
            "warning": token_warning(connection, now()),
            "help": explain(connection.pex_problem),
            "callbacks": "subscribed" if connection.subscription_ids else "not_subscribed",
            "has_callback_secret": connection.has_callback_secret,
        },
        "procore": {
            "company_id": connection.company_id,
            "company_name": connection.company_name,
            "has_credentials": connection.has_procore_credentials,
            "problem": connection.procore_problem,
            "help": explain(connection.procore_problem),
        },
        "running": business.leases.holder(),
        "last_runs": [show_run(run) for run in runs],
    }


def show_run(run: Run, items: list[RunItem] | None = None) -> dict[str, Any]:
    """A run at work shows the counts it has so far, when its items are given."""
    tally = tally_items(items) if run.status == "running" and items is not None else None
    shown: dict[str, Any] = {
        "run_id": run.run_id,
        "kind": run.kind,
        "trigger": run.trigger,
        "status": run.status,
        "verdict": run.verdict,
        "counts": dict(tally.counts if tally else run.counts),
        "reasons": dict(tally.reasons if tally else run.reasons),
        "message": run.message,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
    if items is not None:
        shown["items"] = [item.model_dump(mode="json") | {"help": explain(item.reason)} for item in items]
    return shown


def show_row(row: Row) -> dict[str, Any]:
    transaction = row.transaction
    return {
        "transaction_id": row.transaction_id,
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "help": explain(row.reason),
        "amount": transaction.amount if transaction else None,
        "merchant": transaction.merchant if transaction else None,
        "account_id": row.account_id,
        "transacted_at": transaction.transacted_at if transaction else None,
        "settled_at": transaction.settled_at if transaction else None,
        "direct_costs": [show_posting(one) for one in row.postings],
        "receipts": [{"filename": mark.filename, "state": mark.state, "reason": mark.reason} for mark in row.receipts],
        "updated_at": row.updated_at,
    }


def show_posting(posting: Posting) -> dict[str, Any]:
    return posting.model_dump(include={"project_id", "direct_cost_id", "reference", "amount", "state"})


def show_timeline(row: Row) -> dict[str, Any]:
    """`former_direct_costs`: of before it was posted again."""
    return show_row(row) | {
        "timeline": [entry.model_dump(mode="json") for entry in row.timeline],
        "former_direct_costs": [show_posting(one) for one in row.former],
    }
