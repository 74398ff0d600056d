"""One PEX tag becomes equal to its Procore list."""

from __future__ import annotations

from typing import Any

from pex_procore.runtime.metrics import count
from pex_procore.runtime.step import Context, Event, open_business, step
from pex_procore.runtime.wiring import now
from pex_procore.services.refresh_tags import refresh_tag


@step
def handler(event: Event, context: Context) -> dict[str, Any]:
    business, run = open_business(event, kind="tags")
    try:
        result = refresh_tag(
            event["kind"],
            run=run,
            company_id=business.company_id,
            pex=business.pex,
            procore=business.procore,
            cache=business.cache,
            memories=business.tag_memories,
            clock=now,
        )
    finally:
        business.save_limits()
    count("TagChanges", result.added + result.renamed + result.enabled + result.disabled)
    return result.model_dump(mode="json")
