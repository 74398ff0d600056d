"""Budget codes (WBS codes), their segments and segment items."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from local.simulators.procore.answers import Refusal, bad_request, invalid, not_found
from local.simulators.procore.bodies import checked, json_body
from local.simulators.procore.core import Core
from local.simulators.procore.lists import PAGES, boolean, known_query, moment_range, one_of, page_of, texts
from local.simulators.procore.shapes import OTHER_ITEM_IDS, SEGMENTS, WbsShapes
from local.simulators.procore.world import Project, WbsCode
from local.simulators.web import json_answer

BASE = "/rest/v1.0/projects/<int:project_id>/work_breakdown_structure"
NEW_CODE = {"description": str, "segment_items": list}
CHOSEN_ITEM = {"segment_id": int, "segment_item_id": int}
CHANGED_CODE = {"description": str, "status": ("active", "inactive")}
BULK_MAX = 1000


def make_wbs_code(core: Core, project: Project, cost_code_id: int | None, line_item_type_id: int | None) -> WbsCode:
    """The existing combination, or a new active one."""
    found = core.world.find_wbs_code(project.id, cost_code_id, line_item_type_id)
    if found is not None:
        return found
    now = core.now()
    made = WbsCode(core.world.next_id("wbs_code"), project.id, cost_code_id, line_item_type_id, now, now)
    core.world.wbs_codes[made.id] = made
    core.world.wbs_codes_made += 1
    return made


def wbs_routes(app: Flask, core: Core) -> None:
    world = core.world

    def shapes() -> WbsShapes:
        return WbsShapes(world, 0 if core.switches.segment_items_share_ids else OTHER_ITEM_IDS)

    def segments_of(project: Project) -> dict[str, dict[str, Any]]:
        return {kind: shapes().segment(project, kind) for kind in SEGMENTS}

    @app.get(f"{BASE}/segments")
    def segments(project_id: int) -> Response:
        known_query(core)
        with core.lock:
            rows = segments_of(core.project(project_id)).values()
        more = {"selectable_tiers": False, "is_included_in_project_pattern": True}
        return json_answer([{**row, **more, "tiered": row["structure"] == "tiered"} for row in rows])

    @app.get(f"{BASE}/segments/<int:segment_id>/segment_items")
    def segment_items(project_id: int, segment_id: int) -> Response:
        switches = (
            "include_action_policy",
            "only_active_items",
            "with_descendant_counts",
            "include_sub_job_cost_codes",
        )
        legacy = ("legacy_sub_job_id", "legacy_cost_code_id", "with_sub_job_cost_codes_count")
        known_query(core, *PAGES, *switches, *legacy)
        with core.lock:
            project, shape = core.project(project_id), shapes()
            kinds = {shape.segment_id(project, kind): kind for kind in SEGMENTS}
            if segment_id not in kinds:
                raise not_found()
            segment = shape.segment(project, kinds[segment_id])
            rows = (
                [shape.cost_code_item(code, segment) for code in world.cost_codes_of(project.id)]
                if segment["type"] == "cost_code"
                else [shape.type_item(kind, segment) for kind in world.types_of(project.company_id)]
            )
        if boolean("only_active_items"):
            rows = [row for row in rows if row["status"] == "active"]
        return page_of(core, rows, dict)

    @app.get(f"{BASE}/wbs_codes")
    def wbs_codes(project_id: int) -> Response:
        filters = (
            "filters[status]",
            "filters[updated_at]",
            "required_segments",
            "can_select_divisions",
            "scope",
            "query",
        )
        known_query(core, *PAGES, *filters, "group_type", "group_id", "hide_not_in_group")
        one_of("scope", ("budget_code", "production_quantity_code"), "budget_code")
        required = texts("required_segments") or []
        if set(required) - set(SEGMENTS):
            raise bad_request("required_segments must hold cost_code or line_item_type")
        statuses, updated = texts("filters[status]"), moment_range(core, "filters[updated_at]")
        divisions = boolean("can_select_divisions") is not False
        search, cap = request.args.get("query", "").lower(), core.switches.page_cap
        with core.lock:
            project, shape = core.project(project_id), shapes()

            def wanted(code: WbsCode) -> bool:
                cost_code, kind = shape.parts(code)
                return (
                    ("cost_code" not in required or cost_code is not None)
                    and ("line_item_type" not in required or kind is not None)
                    and (statuses is None or code.status in statuses)
                    and (divisions or cost_code is None or cost_code.parent_id is not None)
                    and updated(code.updated_at)
                    and (not search or search in shape.flat_code(code).lower())
                )

            rows = [code for code in world.wbs_codes_of(project.id) if wanted(code)]
            rows = [] if request.args.get("scope") == "production_quantity_code" else rows
            kinds = segments_of(project)
            return page_of(core, rows, lambda code: shape.row(code, kinds), cap=cap)

    def upsert(project: Project, given: Any, where: str) -> WbsCode:
        taken = checked(core, given, NEW_CODE, where)
        shape = shapes()
        kinds = {shape.segment_id(project, kind): kind for kind in SEGMENTS}
        chosen: dict[str, int] = {}
        for position, item in enumerate(taken.get("segment_items", [])):
            pair = checked(core, item, CHOSEN_ITEM, f"{where}.segment_items[{position}]")
            kind = kinds.get(pair.get("segment_id", 0))
            if kind is None or "segment_item_id" not in pair:
                raise bad_request("segment_id and segment_item_id are required and must exist")
            chosen[kind] = pair["segment_item_id"] - shape.offset
        code = world.cost_codes.get(chosen.get("cost_code", 0))
        kind_id = chosen.get("line_item_type")
        if code is None or code.project_id != project.id or code.deleted_at is not None:
            raise invalid(segment_items="cost code does not belong to this project")
        if kind_id is None or kind_id not in {kind.id for kind in world.types_of(project.company_id)}:
            raise invalid(segment_items="cost type does not belong to this company")
        made = make_wbs_code(core, project, code.id, kind_id)
        if "description" in taken:
            made.description, made.updated_at = taken["description"], core.now()
        return made

    @app.post(f"{BASE}/wbs_codes")
    def create_wbs_code(project_id: int) -> Response:
        known_query(core)
        body = json_body(core, *NEW_CODE)
        if not body.get("segment_items"):
            raise bad_request("param is missing or the value is empty: segment_items")
        with core.lock:
            project = core.project(project_id, tool="budget", level="admin")
            return json_answer(shapes().row(upsert(project, body, "wbs_code"), segments_of(project)), 201)

    @app.patch(f"{BASE}/wbs_codes/bulk_create")
    def bulk_create_wbs_codes(project_id: int) -> Response:
        known_query(core)
        rows = json_body(core, "bulk").get("bulk")
        if not isinstance(rows, list) or not rows or len(rows) > BULK_MAX:
            raise bad_request(f"bulk must be an array of 1 to {BULK_MAX} codes")
        entities, errors = [], []
        with core.lock:
            project = core.project(project_id, tool="budget", level="admin")
            kinds, shape = segments_of(project), shapes()
            for position, given in enumerate(rows):
                try:
                    entities.append(shape.row(upsert(project, given, f"bulk[{position}]"), kinds))
                except Refusal as refusal:
                    if refusal.status != 422:
                        raise
                    errors.append({**given, **refusal.body})
        return json_answer({"entities": entities, "errors": errors}, 201)

    @app.patch(f"{BASE}/wbs_codes/<int:wbs_code_id>")
    def update_wbs_code(project_id: int, wbs_code_id: int) -> Response:
        known_query(core)
        given = checked(core, json_body(core, *CHANGED_CODE), CHANGED_CODE, "wbs_code")
        with core.lock:
            project = core.project(project_id, tool="budget", level="admin")
            code = world.wbs_codes.get(wbs_code_id)
            if code is None or code.project_id != project.id:
                raise not_found()
            code.status = given.get("status", code.status)
            code.description = given.get("description", code.description)
            code.updated_at = core.now()
            return json_answer(shapes().row(code, segments_of(project)))
