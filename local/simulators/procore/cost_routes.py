"""Direct costs: list, show, create, update and delete at v1.1 and v1.0."""

from __future__ import annotations

import copy
from typing import Any

from flask import Flask, Response, request

from local.simulators.procore.bodies import Upload, checked, form_body, json_body, wrapped
from local.simulators.procore.core import Core, caller
from local.simulators.procore.cost_rules import (
    CREATE_V10,
    CREATE_V11,
    UPDATE_V10,
    UPDATE_V11,
    attach,
    commit,
    fill_header,
    fill_nested_lines,
    new_cost,
    not_locked,
)
from local.simulators.procore.cost_shapes import cost_row, shown_cost, shown_cost_v10
from local.simulators.procore.lists import PAGES, day_range, integers, known_query, moment_range, page_of
from local.simulators.procore.world import DirectCost
from local.simulators.web import json_answer

FILTERS = tuple(
    f"filters[{name}]"
    for name in ("id", "origin_id", "invoice_number", "created_at", "updated_at", "payment_date", "received_date")
)
VERSIONS = {
    "v1.1": ("direct_cost", CREATE_V11, UPDATE_V11),
    "v1.0": ("item", CREATE_V10, UPDATE_V10),
}


def cost_routes(app: Flask, core: Core) -> None:
    for version in VERSIONS:
        _routes(app, core, version)


def _routes(app: Flask, core: Core, version: str) -> None:
    world = core.world
    wrapper, create_schema, update_schema = VERSIONS[version]
    base = f"/rest/{version}/projects/<int:project_id>/direct_costs"
    made_with: dict[tuple[str, str], int] = {}  # client and Idempotency-Token → direct cost
    name = version.replace(".", "")

    def shown(cost: DirectCost, refs: dict[int, str] | None = None) -> dict[str, Any]:
        return shown_cost(world, cost, refs) if version == "v1.1" else shown_cost_v10(world, cost)

    def sent(schema: dict[str, Any]) -> tuple[dict[str, Any], list[Upload]]:
        known_query(core)
        if request.mimetype == "multipart/form-data":
            return form_body(core, wrapper, schema)
        return checked(core, wrapped(core, json_body(core, wrapper), wrapper), schema, wrapper), []

    def list_costs(project_id: int) -> Response:
        known_query(core, *PAGES, *FILTERS)
        ids = integers("filters[id]")
        origin_id, number = request.args.get("filters[origin_id]"), request.args.get("filters[invoice_number]")
        created, updated = moment_range(core, "filters[created_at]"), moment_range(core, "filters[updated_at]")
        paid, received = day_range(core, "filters[payment_date]"), day_range(core, "filters[received_date]")
        with core.lock:
            project = core.project(project_id, tool="direct_costs")
            rows = [
                cost
                for cost in world.direct_costs.values()
                if cost.project_id == project.id
                and (cost.deleted_at is None or core.switches.list_deleted_direct_costs)
                and core.visible(cost)
                and (ids is None or cost.id in ids)
                and (origin_id is None or cost.origin_id == origin_id)
                and (number is None or cost.invoice_number == number)
                and created(cost.created_at)
                and updated(cost.updated_at)
                and paid(cost.payment_date)
                and received(cost.received_date)
            ]
            return page_of(core, rows, lambda cost: cost_row(world, cost))

    def show(project_id: int, direct_cost_id: int) -> Response:
        known_query(core)
        with core.lock:
            core.project(project_id, tool="direct_costs")
            return json_answer(shown(core.direct_cost(project_id, direct_cost_id)))

    def create(project_id: int) -> Response:
        with core.lock:
            project = core.project(project_id, tool="direct_costs", level="standard")
            key = (caller().id, request.headers.get("Idempotency-Token", ""))
            if core.switches.honour_idempotency_token and key in made_with:
                return json_answer(shown(world.direct_costs[made_with[key]]), 201)
            given, uploads = sent(create_schema)
            cost = new_cost(core, project, caller().id, given)
            refs = fill_nested_lines(core, project, cost, given.get("line_items", []), updating=False)
            attach(core, cost, uploads)
            commit(core, cost)
            if key[1]:
                made_with[key] = cost.id
            return json_answer(shown(cost, refs), 201)

    def update(project_id: int, direct_cost_id: int) -> Response:
        with core.lock:
            project = core.project(project_id, tool="direct_costs", level="standard")
            core.direct_cost(project_id, direct_cost_id)
        given, uploads = sent(update_schema)
        with core.touching([direct_cost_id]):
            cost = copy.deepcopy(core.direct_cost(project_id, direct_cost_id))
            not_locked(core, cost)
            fill_header(core, project, cost, given)
            refs = fill_nested_lines(core, project, cost, given.get("line_items", []), updating=True)
            attach(core, cost, uploads)
            return json_answer(shown(commit(core, cost), refs))

    def delete(project_id: int, direct_cost_id: int) -> Response:
        known_query(core)
        with core.lock:
            core.project(project_id, tool="direct_costs", level="standard")
            core.direct_cost(project_id, direct_cost_id)
        with core.touching([direct_cost_id]):
            cost = core.direct_cost(project_id, direct_cost_id)
            not_locked(core, cost)
            cost.deleted_at = cost.updated_at = core.now()
            return json_answer({"id": cost.id})

    one = f"{base}/<int:direct_cost_id>"
    app.add_url_rule(base, f"list_costs_{name}", list_costs, methods=["GET"])
    app.add_url_rule(base, f"create_cost_{name}", create, methods=["POST"])
    app.add_url_rule(one, f"show_cost_{name}", show, methods=["GET"])
    app.add_url_rule(one, f"update_cost_{name}", update, methods=["PATCH"])
    app.add_url_rule(one, f"delete_cost_{name}", delete, methods=["DELETE"])
