"""An expense that exists becomes what the purchase says by now: look, intend, write, record.

What a person changed in Procore is never overwritten, what a person deleted is never brought back, and an approved
expense is left alone unless the administrator posts as approved. Planning on what Procore shows makes every write
repeatable: whatever an earlier one did is seen before the next.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

from pex_procore.domain.amendment import Amendment, DirectCost, plan_amendment, plan_completion
from pex_procore.domain.errors import NeedsAttention, Unsure
from pex_procore.domain.expense import LINES_AT_ONCE, DirectCostDraft
from pex_procore.domain.ledger import (
    Posting,
    Row,
    hold,
    intend_amendment,
    keep_as_posted,
    move,
    record_posted,
    record_unknown,
)
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.runs import Run
from pex_procore.services.ports import Clock, Ledger
from pex_procore.services.vendor_ports import PostRefused, Procore


def amend(
    row: Row, posting: Posting, draft: DirectCostDraft, *, run: Run, procore: Procore, ledger: Ledger, clock: Clock
) -> Row:
    """The row with this posting amended, kept as it was with the reason why, or unknown until it is looked at again."""
    direct_cost_id, project_id, run_id = posting.direct_cost_id, posting.project_id, run.run_id
    assert direct_cost_id is not None, "only what exists can be amended"
    try:
        shown = procore.show_direct_cost(project_id, direct_cost_id)
    except NeedsAttention as closed:
        if closed.reason != "procore_permission_missing":
            raise
        if posting.state == "amending":  # the door may open again; until then nobody knows what is there
            return row
        return _kept(row, posting, "changed_after_sync", closed.message, run, ledger, clock)
    if shown is None:
        stopped = move(
            row, "exception", clock(), "deleted", run_id, reason="deleted_in_procore", detail=draft.reference
        )
        return ledger.save(stopped)
    if posting.state == "posted":
        if shown.coding_hash() not in (posting.coding, draft.coding_hash()):
            return _kept(row, posting, "edited_in_procore", f"expense {direct_cost_id}", run, ledger, clock)
        if shown.status == "approved" and run.settings.expense_status != "approved":
            detail = f"expense {direct_cost_id} is approved in Procore"
            return _kept(row, posting, "changed_after_sync", detail, run, ledger, clock)
    row = ledger.save(intend_amendment(row, draft, direct_cost_id, clock(), run_id))
    written = False
    try:
        after = shown
        plan = plan_completion(shown, draft) if posting.stepwise else plan_amendment(shown.lines, draft.lines)
        for part in _parts(plan):
            after = _write(after, part, procore)
            written = True
    except Unsure as doubt:
        return ledger.save(record_unknown(row, project_id, clock(), str(doubt), run_id))
    except PostRefused as refusal:
        if written or refusal.status == 404:  # the next look tells what is there, and what is still to be done
            return ledger.save(record_unknown(row, project_id, clock(), str(refusal), run_id))
        if posting.stepwise and refusal.status == 403:  # the door may open again
            return ledger.save(hold(row, Waiting("direct_costs_tool_off", refusal.message), clock(), run_id))
        reason = "changed_after_sync" if row.listed else "refused_by_procore"
        return _kept(row, posting, reason, refusal.message, run, ledger, clock)
    if written and after.coding_hash() != draft.coding_hash():
        after = procore.show_direct_cost(project_id, direct_cost_id) or after
    if after.amount != draft.amount:
        detail = f"{after.amount} instead of {draft.amount}"
        wrong = move(row, "exception", clock(), "found", run_id, reason="found_with_other_amount", detail=detail)
        return ledger.save(wrong)
    if after.coding_hash() != draft.coding_hash():
        detail = f"expense {direct_cost_id} shows other budget codes than it was sent"
        wrong = move(row, "exception", clock(), "found", run_id, reason="edited_in_procore", detail=detail)
        return ledger.save(wrong)
    cause = "posted" if posting.stepwise else "changed"
    return ledger.save(record_posted(row, project_id, direct_cost_id, clock(), cause, run_id))


def _kept(row: Row, before: Posting, reason: str, detail: str, run: Run, ledger: Ledger, clock: Clock) -> Row:
    """`before`: the posting as it was. What is only half amended needs a person."""
    postings = tuple(before if one.project_id == before.project_id else one for one in row.postings)
    row = row.model_copy(update={"postings": postings})
    if row.unsettled_postings:
        return ledger.save(move(row, "exception", clock(), reason, run.run_id, reason=reason, detail=detail))
    return ledger.save(keep_as_posted(row, reason, detail, clock(), run.run_id))


def _parts(amendment: Amendment) -> list[Amendment]:
    """Pieces of one call each; what takes money away comes first.

    Lines that are right are named where all fit one call, since Procore does not say what becomes of those left out.
    """
    removals = [Amendment(removed=(line_id,)) for line_id in amendment.removed]
    changed, added = iter(amendment.changed), iter(amendment.added)
    writes = []
    while part := tuple(islice(changed, LINES_AT_ONCE)):
        writes.append(Amendment(changed=part))
    while more := tuple(islice(added, LINES_AT_ONCE)):
        last = writes[-1] if writes else None
        if last is not None and not last.added and len(last.changed) + len(more) <= LINES_AT_ONCE:
            writes[-1] = last.model_copy(update={"added": more})
        else:
            writes.append(Amendment(added=more))
    if len(writes) == 1 and len(writes[0].changed) + len(writes[0].added) + len(amendment.kept) <= LINES_AT_ONCE:
        writes[0] = writes[0].model_copy(update={"kept": amendment.kept})
    if amendment.status:
        writes = writes or [Amendment()]
        writes[-1] = writes[-1].model_copy(update={"status": amendment.status})
    return [*removals, *writes]


def _write(shown: DirectCost, part: Amendment, procore: Procore) -> DirectCost:
    project_id, direct_cost_id = shown.project_id, shown.direct_cost_id
    for line_id in part.removed:
        procore.delete_line(project_id, direct_cost_id, line_id)
    if part.changed or part.added or part.status:
        return procore.write_lines(project_id, direct_cost_id, part.changed, part.added, part.kept, part.status)
    left = tuple(line for line in shown.lines if line.line_id not in part.removed)
    return shown.model_copy(update={"lines": left, "amount": sum((line.amount for line in left), Decimal())})
