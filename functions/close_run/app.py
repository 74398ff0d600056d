"""Last step of a run: its verdict, and the lease."""

from __future__ import annotations

import json
from typing import Any

from pex_procore.domain.runs import Tally
from pex_procore.domain.tags import DEFAULT_TAG_NAMES, TAG_KINDS, TagKind
from pex_procore.runtime.metrics import count
from pex_procore.runtime.step import Context, Event, step
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services.refresh_tags import TagResult, tally_tags
from pex_procore.services.runs import close_run, close_tags_run

LOCKED_OUT = {
    "pex_token_rejected",
    "pex_permission_missing",
    "procore_secret_rejected",
    "procore_app_not_connected",
}
STOPPED_BY = {"Paused": "paused", "TryLater": "busy", "Unsure": "outcome_unknown"}


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    return close_tags(event) if "tags" in event else close_transactions(event)


def close_transactions(event: Event) -> dict[str, Any]:
    business = wiring().business(event["business_id"])
    stopped_by, message = read_error(event["error"])
    measure(stopped_by)
    if stopped_by is None and event.get("trigger") == "sweep":
        count("SweepsDone")
    closed = close_run(
        run_id=event["run_id"],
        unchanged=Tally.model_validate(event["tally"]),
        announced=event["announced"],
        stopped_by=stopped_by,
        message=message,
        connections=business.connections,
        leases=business.leases,
        runs=business.runs,
        clock=now,
        sweep_seconds=wiring().deployment.sweep_seconds,
    )
    return {"outcome": "closed" if closed else "reopened"}


def close_tags(event: Event) -> dict[str, Any]:
    business = wiring().business(event["business_id"], "tags")
    results = [read_result(kind, event["tags"][kind]) for kind in TAG_KINDS if event["tags"][kind]]
    stopped_by, message = read_error(event["error"])
    failed = [one.reason for one in results if one.has_failed]
    if failed and len(failed) == len(results):
        stopped_by = stopped_by or failed[0]
    measure(*{stopped_by, *failed})
    close_tags_run(
        run_id=event["run_id"],
        tally=tally_tags(results),
        left=event["tags"]["codes"]["left"],
        stopped_by=stopped_by,
        message=message or describe(results, event["tags"]["codes"]),
        connections=business.connections,
        leases=business.leases,
        runs=business.runs,
        clock=now,
        sweep_seconds=wiring().deployment.sweep_seconds,
    )
    return {"outcome": "closed"}


def measure(*reasons: str | None) -> None:
    if any(reason in LOCKED_OUT for reason in reasons):
        count("AuthFailures")
    if "internal_error" in reasons:
        count("BrokenRuns")


def read_result(kind: TagKind, answer: Event) -> TagResult:
    """What the step answered, or the error that Step Functions caught in its place."""
    if "result" in answer:
        return TagResult.model_validate(answer["result"])
    reason, message = read_error(answer)
    return TagResult(kind=kind, reason=reason or "internal_error", detail=message)


def describe(results: list[TagResult], codes: Event) -> str:
    told = [f"{DEFAULT_TAG_NAMES[one.kind]}: {one.detail}." for one in results if one.reason and one.detail]
    if codes["left"]:
        told.append(f"Cost codes of {codes['left']} projects are still to be read, done by about {codes['done_by']}.")
    return " ".join(told)


def read_error(error: Event) -> tuple[str | None, str]:
    """The reason that stopped the run, and its message, from what Step Functions caught."""
    name, cause = error["Error"], error["Cause"]
    if not name:
        return None, ""
    try:
        message = str(json.loads(cause).get("errorMessage", ""))
    except (ValueError, AttributeError):
        message = ""
    if name == "NeedsAttention":
        reason, _, text = message.partition(": ")
        return reason, text
    return STOPPED_BY.get(name, "internal_error"), message if name in STOPPED_BY else name
