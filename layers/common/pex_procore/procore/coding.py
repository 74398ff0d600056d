"""Cost codes, cost types and budget codes: Procore's requests and answers. Pure.

A budget code (WBS code) is one combination of segment items. Which of its items is the cost code and which the cost
type is told by the segments' types; everything is joined by code text, for nobody promises that ids of segment items
are those of cost codes and cost types (docs/behaviour.md#budget-codes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pex_procore.domain.catalog import BudgetCode, CostType
from pex_procore.net.messages import Answer, Request
from pex_procore.procore.wire import encode, get, read_rows, text

COST_CODE = "cost_code"
COST_TYPE = "line_item_type"
MANY_PER_PAGE = 1000  # up to 2,000 are advised; where fewer come, the reading goes on


def cost_types(company_id: int) -> Request:
    return get("/rest/v1.0/line_item_types", "list the cost types", company_id=company_id)


def cost_codes(project_id: int) -> Request:
    doing = f"list the cost codes of project {project_id}"
    return get("/rest/v1.0/cost_codes", doing, project_id=project_id, per_page=MANY_PER_PAGE)


def budget_codes(project_id: int) -> Request:
    """Active and inactive ones that have both a cost code and a cost type, without divisions."""
    request = get(
        f"{_wbs(project_id)}/wbs_codes",
        f"list the budget codes of project {project_id}",
        can_select_divisions="false",
        scope="budget_code",
        per_page=MANY_PER_PAGE,
    )
    required = (("required_segments[]", COST_CODE), ("required_segments[]", COST_TYPE))
    return replace(request, query=request.query + required)


def segments(project_id: int) -> Request:
    return get(f"{_wbs(project_id)}/segments", f"list the segments of project {project_id}")


def segment_items(project_id: int, segment_id: int) -> Request:
    path = f"{_wbs(project_id)}/segments/{segment_id}/segment_items"
    return get(path, f"list the segment items of project {project_id}")


def create_budget_code(project_id: int, items: Iterable[tuple[int, int]]) -> Request:
    """`items`: segment id and segment item id. No description: sending one would overwrite an existing code's."""
    body = {"segment_items": [{"segment_id": segment, "segment_item_id": item} for segment, item in items]}
    return Request(
        "POST",
        f"{_wbs(project_id)}/wbs_codes",
        f"create a budget code in project {project_id}",
        body=encode(body),
        repeatable=True,  # an existing combination is answered as it is
    )


def read_cost_types(rows: Iterable[Mapping[str, Any]]) -> list[CostType]:
    return [
        CostType(cost_type_id=int(row["id"]), code=text(row.get("code")), name=text(row.get("name"))) for row in rows
    ]


def read_cost_codes(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Full code → name; the project's own codes before those of its sub jobs."""
    live = [row for row in rows if row.get("deleted_at") is None]
    parents = {parent.get("id") for row in live if isinstance(parent := row.get("parent"), dict)}
    found: dict[str, str] = {}
    for row in sorted(live, key=lambda row: text(row.get("biller_type")).casefold() == "subjob"):
        code = text(row.get("full_code")) or text(row.get("code"))
        if code and row.get("id") not in parents:
            found.setdefault(code, text(row.get("name")))
    return found


def read_budget_codes(rows: Iterable[Mapping[str, Any]]) -> list[BudgetCode]:
    """Rows without a code, or without one of the two parts, are placeholders."""
    return [code for row in rows if (code := _budget_code(row)) is not None]


def read_budget_code(answer: Answer) -> BudgetCode:
    code = _budget_code(answer.json())
    if code is None:
        raise ValueError("a budget code without cost code or cost type")
    return code


def read_segments(answer: Answer) -> dict[str, int]:
    """Type → id. Custom segments share one type and are of no use here."""
    return {text(row.get("type")): int(row["id"]) for row in read_rows(answer)}


def index_items(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Code, case folded → id of the segment items a line can hang on."""
    usable = (row for row in rows if row.get("is_parent") is not True and text(row.get("status")) != "inactive")
    found: dict[str, int] = {}
    for row in usable:
        found.setdefault(_path_code(row).casefold(), int(row["id"]))
    return found


def _wbs(project_id: int) -> str:
    return f"/rest/v1.0/projects/{project_id}/work_breakdown_structure"


def _budget_code(row: Mapping[str, Any]) -> BudgetCode | None:
    flat_code = text(row.get("flat_code"))
    items = [item for item in row.get("segment_items") or () if isinstance(item, dict)]
    by_kind = {_kind(item): item for item in items}
    if not flat_code or COST_CODE not in by_kind or COST_TYPE not in by_kind:
        return None
    return BudgetCode(
        wbs_code_id=int(row["id"]),
        cost_code=_path_code(by_kind[COST_CODE]),
        cost_type=text(by_kind[COST_TYPE].get("code")) or _path_code(by_kind[COST_TYPE]),
        active=text(row.get("status")).casefold() != "inactive",
        plain=len(items) == 2,
    )


def _kind(item: Mapping[str, Any]) -> str:
    segment = item.get("segment")
    return text(segment.get("type")) if isinstance(segment, dict) else ""


def _path_code(item: Mapping[str, Any]) -> str:
    """ "01-500": the item's code with those of its parents before it."""
    parts = item.get("path_codes")
    joined = "-".join(map(text, parts)) if isinstance(parts, list) else ""
    return text(item.get("path_code")) or joined or text(item.get("code"))
