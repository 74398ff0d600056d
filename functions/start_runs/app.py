"""Hints from the queue and the schedule's beat become runs: one execution per business."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.pace import next_due
from pex_procore.runtime.hints import Batch, read_batch
from pex_procore.runtime.metrics import count, measured, observe
from pex_procore.runtime.observe import tell
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services.start_runs import start_for_hints, start_sweep

SWEEPS_PER_BEAT = 1000
TO_STOP_MS = 5_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with measured(context.function_name):
        return start_for_queue(event) if "Records" in event else start_due_sweeps(event["shard"], context)


def start_for_queue(event: dict[str, Any]) -> dict[str, Any]:
    """Partial batch answer: a business that could not be started comes back, the others do not."""
    batches, failed = read_batch(event["Records"])
    for batch in batches:
        try:
            observe("QueueAge", (now() - batch.received_at).total_seconds() * 1000)
            run_id = _start(batch)
            tell("hints", business_id=batch.business_id, run_id=run_id, hints=len(batch.hints))
        except Exception as error:
            tell("hints not started", business_id=batch.business_id, error=type(error).__name__, message=str(error))
            failed += batch.message_ids
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _start(batch: Batch) -> str | None:
    business = wiring().business(batch.business_id)
    return start_for_hints(
        batch.hints,
        business_id=batch.business_id,
        seed=batch.message_ids[0],
        received_at=batch.received_at,
        connections=business.connections,
        ledger=business.ledger,
        leases=business.leases,
        executions=wiring().executions,
        clock=now,
    )


def start_due_sweeps(shard: str, context: Any) -> dict[str, Any]:
    """As many as its time allows; the others are first in the next minute."""
    started = 0
    for due in wiring().sweeps.due(now(), SWEEPS_PER_BEAT, shard):
        if context.get_remaining_time_in_millis() < TO_STOP_MS:
            break
        business = wiring().business(due.business_id)
        try:
            again_at = next_due(due.kind, business.connection, now(), wiring().deployment.sweep_seconds)
            if not wiring().sweeps.take(due.business_id, due.due_at, again_at, due.kind):
                continue
            run_id = start_sweep(
                due.kind,
                connection=business.connection,
                due_at=due.due_at,
                connections=business.connections,
                executions=wiring().executions,
            )
            started += 1
            if run_id and due.kind == "transactions":
                count("SweepsStarted")
        except Exception as error:
            business.connections.schedule_sweep(due.due_at, due.kind)
            tell("sweep not started", business_id=due.business_id, error=type(error).__name__, message=str(error))
    return {"started": started}
