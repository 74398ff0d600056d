"""The cost codes of the projects whose copy is stale, inside the tags' share of the quota."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pex_procore.runtime.step import Context, Event, come_back, open_business, stamp, step, time_left
from pex_procore.runtime.wiring import now
from pex_procore.services.refresh_tags import CODES_SHARE, read_codes


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    business, run = open_business(event, kind="tags", share=CODES_SHARE)
    may_go_on = time_left(context, datetime.fromisoformat(event["deadline_at"]))
    try:
        read = read_codes(run=run, procore=business.procore, cache=business.cache, clock=now, may_go_on=may_go_on)
    finally:
        business.save_limits()
    told = {"left": read.left, "done_by": stamp(read.done_by) if read.done_by else None}
    if read.progress.resume_at is None:
        return {**told, "outcome": "done", "resume_at": None}
    return {**told, **come_back(business, run, read.progress.resume_at)}
