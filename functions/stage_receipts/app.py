"""The note back to PEX, and receipts from PEX into our bucket."""

from __future__ import annotations

from typing import Any

from pex_procore.runtime.names import Names
from pex_procore.runtime.step import Chunk, Context, Event, in_chunks, step
from pex_procore.runtime.wiring import now
from pex_procore.services.progress import Progress
from pex_procore.services.stage_receipts import stage_receipts


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    return in_chunks(event, context, stage)


def stage(chunk: Chunk) -> Progress:
    return stage_receipts(
        chunk.transaction_ids,
        run=chunk.run,
        pex=chunk.business.pex,
        ledger=chunk.business.ledger,
        bucket=chunk.business.bucket,
        runs=chunk.business.runs,
        clock=now,
        address=lambda: Names(chunk.business).web_address,
        may_go_on=chunk.may_go_on,
    )
