"""Staged receipts onto their expenses in Procore."""

from __future__ import annotations

from typing import Any

from pex_procore.runtime.step import Chunk, Context, Event, in_chunks, step
from pex_procore.runtime.wiring import now
from pex_procore.services.attach_receipts import attach_receipts
from pex_procore.services.progress import Progress


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    return in_chunks(event, context, attach, at_least=1)


def attach(chunk: Chunk) -> Progress:
    return attach_receipts(
        chunk.transaction_ids,
        run=chunk.run,
        procore=chunk.business.procore,
        ledger=chunk.business.ledger,
        bucket=chunk.business.bucket,
        runs=chunk.business.runs,
        clock=now,
        may_go_on=chunk.may_go_on,
    )
