"""Bringing the lines of an expense that exists in step with what they should be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date as Date
from decimal import Decimal

from pex_procore.domain.expense import DirectCostDraft, LineDraft, coding_hash
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.domain.values import Value


class PostedLine(Value):
    """A line as Procore shows it."""

    line_id: int
    wbs_code_id: int
    amount: Decimal
    origin_id: str | None = None


class DirectCost(Value):
    """A direct cost as Procore shows it."""

    direct_cost_id: int
    project_id: int
    amount: Decimal
    date: Date | None = None
    description: str = ""
    origin_id: str | None = None
    filenames: tuple[str, ...] = ()
    deleted: bool = False
    status: str = ""
    lines: tuple[PostedLine, ...] = ()  # only of a direct cost that was shown by itself

    def coding_hash(self) -> str:
        return coding_hash((line.wbs_code_id, line.amount) for line in self.lines)


class Amendment(Value):
    """What is to be done to the lines: `changed` pairs a line's id with what it becomes, `kept` are right already."""

    changed: tuple[tuple[int, LineDraft], ...] = ()
    added: tuple[LineDraft, ...] = ()
    removed: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    status: ExpenseStatus | None = None  # what the expense becomes together with its last lines


def plan_amendment(lines: Sequence[PostedLine], wanted: Sequence[LineDraft]) -> Amendment:
    """As few lines as possible: those that are right stay, the others are changed in place before any is added.

    Planning again on what came of it gives what is still missing, so a write that was cut short can be repeated.
    """
    right: dict[tuple[int, Decimal], list[int]] = defaultdict(list)
    for line in lines:
        right[line.wbs_code_id, line.amount].append(line.line_id)
    open_drafts = []
    for draft in wanted:
        alike = right.get((draft.wbs_code_id, draft.amount))
        if alike:
            alike.pop(0)
        else:
            open_drafts.append(draft)
    spare = {line_id for ids in right.values() for line_id in ids}
    spare_ids = [line.line_id for line in lines if line.line_id in spare]
    common = min(len(spare_ids), len(open_drafts))
    return Amendment(
        changed=tuple(zip(spare_ids, open_drafts, strict=False)),
        added=tuple(open_drafts[common:]),
        removed=tuple(spare_ids[common:]),
        kept=tuple(line.line_id for line in lines if line.line_id not in spare),
    )


def plan_completion(shown: DirectCost, draft: DirectCostDraft) -> Amendment:
    """Of an expense that was begun in steps. Each new line takes one of the ids of the draft's lines, so that a write
    that comes late meets it instead of adding another; a draft takes its status."""
    plan = plan_amendment(shown.lines, draft.lines)
    taken = {line.origin_id for line in shown.lines}
    free = [line.origin_id for line in draft.with_line_ids().lines if line.origin_id not in taken]
    added = [line.model_copy(update={"origin_id": one}) for line, one in zip(plan.added, free, strict=False)]
    status = draft.status if shown.status == "draft" and draft.status != "draft" else None
    return plan.model_copy(update={"added": tuple(added), "status": status})
