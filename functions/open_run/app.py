"""First step of a run: the business's lease, and the settings the run will keep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pex_procore.runtime.step import LEASE_SECONDS, Context, Event, stamp, step
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services.runs import open_run


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    business = wiring().business(event["business_id"], event["kind"])
    run = open_run(
        run_id=event["run_id"],
        kind=event["kind"],
        trigger=event["trigger"],
        execution=event["execution"],
        connections=business.connections,
        leases=business.leases,
        runs=business.runs,
        clock=now,
        lease_seconds=LEASE_SECONDS,
    )
    deadline = now() + timedelta(seconds=int(event["budget_seconds"]))
    return {"outcome": "opened" if run else "already_running", "deadline_at": stamp(deadline)}
