"""Looking at expenses that exist, or may exist, in Procore."""

from __future__ import annotations

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.ledger import Posting, Row
from pex_procore.domain.reasons import Waiting
from pex_procore.services.vendor_ports import Procore, Reference


def reference_of(posting: Posting) -> Reference:
    return Reference(
        project_id=posting.project_id, scheme=posting.scheme, reference=posting.reference, sent_at=posting.sent_at
    )


def show(posting: Posting, procore: Procore) -> DirectCost | Waiting | None:
    """What Procore has of it by now; Waiting where it does not let us look."""
    try:
        if posting.direct_cost_id is None:
            return next(iter(procore.find_direct_costs(reference_of(posting))), None)
        return procore.show_direct_cost(posting.project_id, posting.direct_cost_id)
    except NeedsAttention as closed:
        if closed.reason != "procore_permission_missing":
            raise
        return Waiting("direct_costs_tool_off", closed.message)


def find_former(row: Row, procore: Procore) -> tuple[Posting, ...] | Waiting:
    """The postings; before it is posted again because a person says so, those still alive in Procore."""
    if row.postings or not row.former:
        return row.postings
    last = {one.project_id: one for one in row.former}
    alive: list[Posting] = []
    for posting in last.values():
        shown = show(posting, procore)
        if isinstance(shown, Waiting):
            return shown
        if shown is not None:
            alive.append(posting.model_copy(update={"state": "posted", "direct_cost_id": shown.direct_cost_id}))
    return tuple(alive)
