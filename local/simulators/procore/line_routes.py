"""Direct cost lines (v1.0 only) and the two sync endpoints, which insert or update by origin_id."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from flask import Flask, Response

from local.simulators.procore.answers import Refusal, invalid, not_found
from local.simulators.procore.bodies import checked, json_body, wrapped
from local.simulators.procore.core import Core, caller
from local.simulators.procore.cost_rules import (
    LINE_SYNC,
    LINE_V10,
    SYNC,
    commit,
    fill_header,
    fill_line,
    new_cost,
    not_locked,
    sync_rows,
)
from local.simulators.procore.cost_shapes import line_row, shown_cost_v10
from local.simulators.procore.lists import PAGES, integer, integers, known_query, moment_range, page_of
from local.simulators.procore.world import DirectCost, Line, Project
from local.simulators.web import json_answer

BASE = "/rest/v1.0/projects/<int:project_id>/direct_costs"
LINES = f"{BASE}/<int:direct_cost_id>/line_items"
LINE_FILTERS = tuple(
    f"filters[{name}]" for name in ("id", "created_at", "updated_at", "cost_code_id", "line_item_type_id")
)


def line_routes(app: Flask, core: Core) -> None:
    world = core.world

    def listed(owners: list[DirectCost]) -> Response:
        ids, cost_codes = integers("filters[id]"), integers("filters[cost_code_id]")
        kinds = integers("filters[line_item_type_id]")
        created, updated = moment_range(core, "filters[created_at]"), moment_range(core, "filters[updated_at]")
        rows = [
            (cost, line)
            for cost in owners
            for line in cost.lines
            if (ids is None or line.id in ids)
            and (cost_codes is None or world.wbs_codes[line.wbs_code_id].cost_code_id in cost_codes)
            and (kinds is None or world.wbs_codes[line.wbs_code_id].line_item_type_id in kinds)
            and created(line.created_at)
            and updated(line.updated_at)
        ]
        return page_of(core, rows, lambda row: line_row(world, *row))

    def visible_costs(project: Project) -> list[DirectCost]:
        living = world.living_direct_costs(project.company_id)
        return [cost for cost in living if cost.project_id == project.id and core.visible(cost)]

    @app.get(f"{BASE}/line_items")
    def all_lines(project_id: int) -> Response:
        known_query(core, *PAGES, *LINE_FILTERS, "filters[direct_cost_id]")
        wanted = integer("filters[direct_cost_id]")
        with core.lock:
            costs = visible_costs(core.project(project_id, tool="direct_costs"))
            return listed([cost for cost in costs if wanted in (None, cost.id)])

    @app.get(LINES)
    def lines(project_id: int, direct_cost_id: int) -> Response:
        known_query(core, *PAGES, *LINE_FILTERS)
        with core.lock:
            core.project(project_id, tool="direct_costs")
            return listed([core.direct_cost(project_id, direct_cost_id)])

    def line_of(cost: DirectCost, line_id: int) -> Line:
        for line in cost.lines:
            if line.id == line_id:
                return line
        raise not_found()

    @app.get(f"{LINES}/<int:line_id>")
    def one_line(project_id: int, direct_cost_id: int, line_id: int) -> Response:
        known_query(core)
        with core.lock:
            core.project(project_id, tool="direct_costs")
            cost = core.direct_cost(project_id, direct_cost_id)
            return json_answer(line_row(world, cost, line_of(cost, line_id)))

    def change(project_id: int, direct_cost_id: int, act: Callable[[Project, DirectCost], Response]) -> Response:
        """Runs `act` on a copy of the direct cost while nothing else touches it, and keeps the copy when it returns."""
        known_query(core)
        with core.lock:
            project = core.project(project_id, tool="direct_costs", level="standard")
            core.direct_cost(project_id, direct_cost_id)
        with core.touching([direct_cost_id]):
            cost = copy.deepcopy(core.direct_cost(project_id, direct_cost_id))
            not_locked(core, cost)
            answer = act(project, cost)
            commit(core, cost)
            return answer

    def sent_line() -> dict[str, Any]:
        return checked(core, wrapped(core, json_body(core, "line_item"), "line_item"), LINE_V10, "line_item")

    @app.post(LINES)
    def create_line(project_id: int, direct_cost_id: int) -> Response:
        def act(project: Project, cost: DirectCost) -> Response:
            made = fill_line(core, project, cost, None, sent_line(), allow_pair=True)
            return json_answer(line_row(world, cost, made), 201)

        return change(project_id, direct_cost_id, act)

    @app.patch(f"{LINES}/<int:line_id>")
    def update_line(project_id: int, direct_cost_id: int, line_id: int) -> Response:
        def act(project: Project, cost: DirectCost) -> Response:
            changed = fill_line(core, project, cost, line_of(cost, line_id), sent_line(), allow_pair=True)
            return json_answer(line_row(world, cost, changed))

        return change(project_id, direct_cost_id, act)

    @app.delete(f"{LINES}/<int:line_id>")
    def delete_line(project_id: int, direct_cost_id: int, line_id: int) -> Response:
        def act(_: Project, cost: DirectCost) -> Response:
            cost.lines.remove(line_of(cost, line_id))
            return Response("", 200)

        return change(project_id, direct_cost_id, act)

    def synced(project_id: int, touched: Callable[[Any], int | None], one: Callable[[Project, Any], Any]) -> Response:
        """`touched`: which direct cost a row is about, None for a new one. `one` commits a row and answers its
        entity."""
        known_query(core)
        with core.lock:
            project = core.project(project_id, tool="direct_costs", level="standard")
            rows = sync_rows(json_body(core, "updates").get("updates"))
            busy = {touched(row) for row in rows if isinstance(row, dict)} - {None}
        entities: list[Any] = []
        errors: list[Any] = []
        with core.touching(id for id in busy if id is not None):
            for number, row in enumerate(rows):
                if 0 < core.switches.sync_dies_after == number:
                    raise Refusal(500, {"error": "Internal Server Error"})
                try:
                    entities.append(one(project, row))
                except Refusal as refusal:
                    if refusal.status != 422:
                        raise
                    errors.append({**(row if core.switches.sync_errors_name_rows else {}), **refusal.body})
        if core.switches.shuffle_sync_entities:
            entities.reverse()
        return json_answer({"entities": entities, "errors": errors})

    def found_cost(project_id: int, row: dict[str, Any]) -> DirectCost | None:
        for cost in world.direct_costs.values():
            if cost.project_id == project_id and cost.deleted_at is None:
                if row.get("id") is not None and cost.id == row["id"]:
                    return cost
                if row.get("id") is None and row.get("origin_id") and cost.origin_id == row["origin_id"]:
                    return cost
        return None

    @app.patch(f"{BASE}/sync")
    def sync_costs(project_id: int) -> Response:
        def touched(row: Any) -> int | None:
            found = found_cost(project_id, row)
            return found.id if found else None

        def one(project: Project, row: Any) -> dict[str, Any]:
            given = checked(core, row, SYNC, "updates")
            found = found_cost(project.id, given)
            if found is None:
                if given.get("id") is not None:
                    raise invalid(id="Entity with this ID not found")
                return shown_cost_v10(world, commit(core, new_cost(core, project, caller().id, given)))
            cost = copy.deepcopy(found)
            not_locked(core, cost)
            fill_header(core, project, cost, given)
            return shown_cost_v10(world, commit(core, cost))

        return synced(project_id, touched, one)

    def found_line(project_id: int, row: dict[str, Any]) -> tuple[DirectCost, Line] | None:
        for cost in world.direct_costs.values():
            if cost.project_id == project_id and cost.deleted_at is None:
                for line in cost.lines:
                    if row.get("id") is not None:
                        if line.id == row["id"]:
                            return cost, line
                    elif row.get("origin_id") and line.origin_id == row["origin_id"]:
                        return cost, line
        return None

    @app.patch(f"{BASE}/line_items/sync")
    def sync_lines(project_id: int) -> Response:
        def touched(row: Any) -> int | None:
            found = found_line(project_id, row)
            return found[0].id if found else row.get("direct_cost_id")

        def one(project: Project, row: Any) -> dict[str, Any]:
            given = checked(core, row, LINE_SYNC, "updates")
            found = found_line(project.id, given)
            if found is None and given.get("id") is not None:
                raise invalid(id="Entity with this ID not found")
            owner = found[0] if found else _owner(project, given)
            cost = copy.deepcopy(owner)
            not_locked(core, cost)
            old = line_of(cost, found[1].id) if found else None
            line = fill_line(core, project, cost, old, given, allow_pair=True)
            return line_row(world, commit(core, cost), line)

        def _owner(project: Project, given: dict[str, Any]) -> DirectCost:
            cost = world.direct_costs.get(given.get("direct_cost_id") or 0)
            if cost is None or cost.project_id != project.id or cost.deleted_at is not None:
                raise invalid(direct_cost_id="can't be blank or does not belong to this project")
            return cost

        return synced(project_id, touched, one)
