"""Eligible transactions become direct costs in Procore."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.runs import Tally
from pex_procore.runtime.step import Chunk, Context, Event, in_chunks, step
from pex_procore.runtime.wiring import now
from pex_procore.services.catalog import remembered_tags
from pex_procore.services.post_transactions import Poster, post_transactions
from pex_procore.services.progress import Progress
from pex_procore.services.runs import note_progress


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    tally = Tally.model_validate(event["tally"])

    def act(chunk: Chunk) -> Progress:
        nonlocal tally
        progress, tally = post_transactions(
            chunk.transaction_ids,
            run=chunk.run,
            tally=tally,
            poster=make_poster(chunk),
            ledger=chunk.business.ledger,
            runs=chunk.business.runs,
            clock=now,
            may_go_on=chunk.may_go_on,
        )
        note_progress(chunk.run, len(chunk.transaction_ids), progress, chunk.business.runs, now)
        return progress

    return {**in_chunks(event, context, act), "tally": tally.model_dump(mode="json")}


def make_poster(chunk: Chunk) -> Poster:
    business = chunk.business
    return Poster(
        run=chunk.run,
        business_id=business.business_id,
        tags=remembered_tags(lambda: business.pex, business.cache, chunk.run.settings, now),
        catalog=business.catalog,
        procore=business.procore,
        ledger=business.ledger,
        clock=now,
    )
