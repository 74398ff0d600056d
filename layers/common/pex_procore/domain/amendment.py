"""Bringing the lines of an expense that exists in step with what they should be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from pex_procore.domain.expense import LineDraft
from pex_procore.domain.values import Value


class PostedLine(Value):
    """A line as Procore shows it."""

    line_id: int
    wbs_code_id: int
    amount: Decimal


class Amendment(Value):
    """What is to be done to the lines: `changed` pairs a line's id with what it becomes."""

    changed: tuple[tuple[int, LineDraft], ...] = ()
    added: tuple[LineDraft, ...] = ()
    removed: tuple[int, ...] = ()


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
    )
