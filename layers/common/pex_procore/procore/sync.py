"""Procore's sync calls for direct costs: many headers, or many lines, of one project at once. Pure.

Rows succeed or fail each by itself, and the answer tells of them in any order (docs/behaviour.md#sync-calls).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pex_procore.domain.amendment import PostedLine
from pex_procore.domain.expense import DirectCostDraft
from pex_procore.domain.money import parse_amount
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.net.messages import Answer, Request
from pex_procore.procore.wire import encode, join_sentences, text
from pex_procore.services.sync_port import Begun, SyncAnswer, Synced

SECONDS = 15  # a step keeps 20 to end in good order


def headers(drafts: Sequence[DirectCostDraft]) -> Request:
    rows = [
        {
            "origin_id": draft.reference,
            "direct_cost_type": "expense",
            "status": "draft",
            "direct_cost_date": draft.date.isoformat(),
            "received_date": draft.date.isoformat(),
            "description": draft.description,
            "vendor_id": draft.vendor_id,
        }
        for draft in drafts
    ]
    return _sync(drafts[0].project_id, "direct_costs", rows, f"begin {len(rows)} expenses")


def lines(begun: Sequence[Begun]) -> Request:
    rows = [
        {
            "origin_id": line.origin_id,
            "direct_cost_id": direct_cost_id,
            "wbs_code_id": line.wbs_code_id,
            "amount": line.amount,
            "extended_type": "manual",
            "description": line.description,
        }
        for direct_cost_id, draft in begun
        for line in draft.lines
    ]
    return _sync(begun[0][1].project_id, "direct_costs/line_items", rows, f"add lines to {len(begun)} expenses")


def statuses(begun: Sequence[Begun], status: ExpenseStatus) -> Request:
    """By id, which never creates; the origin id stays the same."""
    rows = [{"id": direct_cost_id, "origin_id": draft.reference, "status": status} for direct_cost_id, draft in begun]
    return _sync(begun[0][1].project_id, "direct_costs", rows, f"make {len(rows)} expenses {status}")


def same_line(project_id: int, line: PostedLine) -> Request:
    """By id, which never creates."""
    rows = [{"id": line.line_id, "amount": line.amount, "extended_type": "manual"}]
    return _sync(project_id, "direct_costs/line_items", rows, "try whether lines can be written")


def read_same_line(answer: Answer, line: PostedLine) -> bool | None:
    said = answer.json()
    if any(row.get("id") == line.line_id for row in said.get("entities") or []):
        return True
    return False if said.get("errors") else None


def read_headers(answer: Answer) -> SyncAnswer:
    return _read(answer, "grand_total")


def read_lines(answer: Answer) -> SyncAnswer:
    return _read(answer, "amount")


def _sync(project_id: int, what: str, rows: Sequence[Mapping[str, Any]], doing: str) -> Request:
    path = f"/rest/v1.0/projects/{project_id}/{what}/sync"
    doing = f"{doing} in project {project_id}"
    return Request("PATCH", path, doing, body=encode({"updates": rows}), seconds=SECONDS)


def _read(answer: Answer, amount: str) -> SyncAnswer:
    """A row that is told of twice counts as not told of."""
    said = answer.json()
    if "entities" not in said and "errors" not in said:
        raise ValueError("tells of no row")
    entities, errors = said.get("entities") or [], said.get("errors") or []
    told = Counter(_references([*entities, *errors]))
    return SyncAnswer(
        stored={
            text(row["origin_id"]): Synced(record_id=int(row["id"]), amount=parse_amount(row[amount]))
            for row in entities
            if told[text(row.get("origin_id"))] == 1
        },
        refused={
            text(row["origin_id"]): join_sentences({"errors": row["errors"]})
            for row in errors
            if told[text(row.get("origin_id"))] == 1 and row.get("errors")
        },
    )


def _references(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (text(row["origin_id"]) for row in rows if row.get("origin_id"))
