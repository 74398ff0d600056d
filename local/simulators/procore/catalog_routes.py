"""Companies, the caller, projects, cost codes, cost types, permissions, tools, tax and currency: all read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from local.simulators.procore.answers import Refusal, bad_request, not_found
from local.simulators.procore.core import Core, caller, here
from local.simulators.procore.lists import (
    IDS_VIEW_PAGE_SIZE,
    PAGES,
    boolean,
    integer,
    integers,
    known_query,
    moment_range,
    one_of,
    page_of,
)
from local.simulators.procore.shapes import (
    compact_project,
    company_row,
    cost_code_row,
    permission_rows,
    project_row,
    shown_project,
    tool_rows,
    type_row,
)
from local.simulators.procore.world import LEVELS, PROJECT_TOOLS, Project
from local.simulators.web import json_answer

PROJECT_FILTERS = tuple(
    f"filters[{name}]"
    for name in (
        "by_status", "name", "origin_id", "id", "created_at", "updated_at", "synced", "vendor_id", "custom_fields",
        "from_project_template_id", "project_number", "is_demo", "template", "by_owner_type", "by_department",
        "by_region", "by_office", "by_program", "by_stage", "by_type", "by_bid_type",
    )
)  # fmt: skip
ONLY_V11 = PROJECT_FILTERS[10:]


def catalog_routes(app: Flask, core: Core) -> None:
    world = core.world

    @app.get("/rest/v1.0/companies")
    def companies() -> Response:
        known_query(core, *PAGES, "include_free_companies")
        with core.lock:
            mine = [world.companies[id] for id in caller().company_ids]
            return page_of(core, mine, lambda company: company_row(company, company is mine[0]))

    @app.get("/rest/v1.0/me")
    def me() -> Response:
        known_query(core, "company_id", "project_id")
        client = caller()
        body: dict[str, Any] = {"id": client.user_id, "login": f"{client.id}@procore-service-accounts.example"}
        named = "company_id" in request.args or "project_id" in request.args
        return json_answer(body | {"name": "PEX Connector" if named else None})

    @app.get("/rest/v1.3/companies/<int:company_id>/me")
    def company_user(company_id: int) -> Response:
        known_query(core)
        client = caller()
        login = f"{client.id}@procore-service-accounts.example"
        return json_answer(
            {"id": client.user_id, "login": login, "name": "PEX Connector", "email_address": login, "is_active": True}
        )

    @app.get("/rest/v1.0/company_base_url")
    def company_base_url() -> Response:
        known_query(core)
        return json_answer({"zone": "us02", "web_base_url": "https://us02.procore.com"})

    def visible_projects() -> list[Project]:
        status = one_of("filters[by_status]", ("All", "Active", "Inactive"), "Active")
        ids = integers("filters[id]")
        name, number = request.args.get("filters[name]"), request.args.get("filters[project_number]")
        demo, template = boolean("filters[is_demo]"), boolean("filters[template]")
        created, updated = moment_range(core, "filters[created_at]"), moment_range(core, "filters[updated_at]")
        none_carry = any(request.args.get(f"filters[{field}]") for field in ("origin_id", "from_project_template_id"))
        found = [
            project
            for project in world.projects_of(here().id)
            if project.permitted
            and not none_carry
            and (status == "All" or project.active == (status == "Active"))
            and (ids is None or project.id in ids)
            and (name is None or name.lower() in project.name.lower())
            and (number is None or project.number == number)
            and (demo is None or project.is_demo == demo)
            and (template is None or project.template == template)
            and created(project.created_at)
            and updated(project.updated_at)
        ]
        if request.args.get("sort") in ("name", "display_name"):
            found.sort(key=lambda project: getattr(project, request.args["sort"]))
        return found

    def need_company() -> None:
        if integer("company_id") is None:
            raise bad_request("company_id is missing")

    @app.get("/rest/v1.0/projects")
    def projects_v10() -> Response:
        allowed = [name for name in PROJECT_FILTERS if name not in ONLY_V11]
        known_query(core, *PAGES, "company_id", "serializer_view", "sort", *allowed)
        need_company()
        compact = one_of("serializer_view", ("compact", ""), "") == "compact"
        with core.lock:
            shape: Callable[[Project], Any] = (
                compact_project if compact else lambda project: project_row(world, project)
            )
            return page_of(core, visible_projects(), shape)

    @app.get("/rest/v1.1/projects")
    def projects_v11() -> Response:
        allowed = [name for name in PROJECT_FILTERS if name != "filters[from_project_template_id]"]
        known_query(core, *PAGES, "company_id", "view", "sort", *allowed)
        need_company()
        view = one_of("view", ("ids", "compact", "normal", "extended"), "normal")
        shapes: dict[str, Callable[[Project], Any]] = {
            "ids": lambda project: project.id,
            "compact": compact_project,
            "normal": lambda project: project_row(world, project),
            "extended": lambda project: project_row(world, project) | {"template": project.template},
        }
        with core.lock:
            found = visible_projects()
            if view == "ids":
                ids = [project.id for project in found]
                headers = {"Total": str(len(ids)), "Per-Page": str(IDS_VIEW_PAGE_SIZE)}
                return json_answer(ids if (integer("page") or 1) == 1 else [], headers=headers)
            return page_of(core, found, shapes[view], cap=core.switches.projects_page_cap, default=100)

    @app.get("/rest/v1.0/projects/<int:project_id>")
    def project(project_id: int) -> Response:
        known_query(core, "company_id", "view")
        need_company()
        view = one_of("view", ("minimal", ""), "")
        with core.lock:
            shown = shown_project(world, core.project(project_id))
        if view == "minimal":
            few = ("id", "name", "display_name", "project_number", "country_code", "latitude", "longitude", "county")
            shown = {name: shown[name] for name in few}
        return json_answer(shown)

    def project_of_query() -> Project:
        project_id = integer("project_id")
        if project_id is None:
            raise bad_request("project_id is missing")
        return core.project(project_id)

    @app.get("/rest/v1.0/cost_codes")
    def cost_codes() -> Response:
        known_query(core, *PAGES, "project_id", "sub_job_id", "view", "filters[id]", "filters[origin_id]")
        one_of("view", ("default", "erp_compact"), "default")
        ids = integers("filters[id]")
        with core.lock:
            rows = [
                code
                for code in world.cost_codes_of(project_of_query().id)
                if (ids is None or code.id in ids)
                and (code.deleted_at is None or core.switches.list_deleted_cost_codes)
                and not request.args.get("filters[origin_id]")
            ]
            return page_of(core, rows, lambda code: cost_code_row(world, code))

    @app.get("/rest/v1.0/cost_codes/<int:cost_code_id>")
    def cost_code(cost_code_id: int) -> Response:
        known_query(core, "project_id", "sub_job_id", "view")
        with core.lock:
            found = world.cost_codes.get(cost_code_id)
            if found is None or found.project_id != project_of_query().id:
                raise not_found()
            return json_answer(cost_code_row(world, found))

    @app.get("/rest/v1.0/line_item_types")
    def line_item_types() -> Response:
        known_query(core, *PAGES, "company_id", "project_id", "filters[origin_id]")
        with core.lock:
            if integer("project_id") is not None:
                project_of_query()
            else:
                need_company()
            rows = [] if request.args.get("filters[origin_id]") else world.types_of(here().id)
            return page_of(core, rows, type_row)

    @app.get("/rest/v1.0/line_item_types/<int:type_id>")
    def line_item_type(type_id: int) -> Response:
        known_query(core, "company_id", "project_id")
        with core.lock:
            found = world.line_item_types.get(type_id)
            if found is None or found.company_id != here().id:
                raise not_found()
            return json_answer(type_row(found))

    @app.get("/rest/v1.0/settings/permissions")
    def permissions() -> Response:
        known_query(core, "company_id", "project_id", "filter_correspondence_types")
        if (integer("company_id") is None) == (integer("project_id") is None):
            body = {"error": {"code": 400, "message": "Give exactly one of company_id and project_id."}}
            raise Refusal(400, body)
        with core.lock:
            if integer("company_id") is not None:
                return json_answer({"tools": permission_rows(here().levels, ("home", "directory"), here().id)})
            project = project_of_query()
            active = [name for name in PROJECT_TOOLS if name not in project.tools_off]
            return json_answer({"tools": permission_rows(project.levels, active, project.id)})

    @app.get("/rest/v1.0/projects/<int:project_id>/tools")
    def project_tools(project_id: int) -> Response:
        known_query(core, *PAGES, "filters[is_active]", "for_mobile", "include_configurable_generic_tools")
        wanted = boolean("filters[is_active]")
        with core.lock:
            rows = tool_rows(core.project(project_id), core.switches.engine_name)
        return page_of(core, [row for row in rows if wanted in (None, row["is_active"])], dict)

    @app.get("/rest/v1.0/tools")
    def tools() -> Response:
        known_query(core, *PAGES, "project_id", "company_id")
        with core.lock:
            project = project_of_query()
            rows = tool_rows(project, core.switches.engine_name)
        for name, row in zip(PROJECT_TOOLS, rows, strict=True):
            level = project.level(name)
            row["user_access_level"] = {"id": LEVELS.index(level) + 1, "name": level.replace("_", " ").title()}
        return page_of(core, rows, dict)

    @app.get("/rest/v1.0/tax_codes")
    def tax_codes() -> Response:
        known_query(core, *PAGES, "company_id")
        need_company()
        return page_of(core, [], dict, cap=100)

    @app.get("/rest/v1.0/companies/<int:company_id>/currency_configuration")
    def company_currency(company_id: int) -> Response:
        known_query(core)
        return json_answer(
            {
                "company_id": here().id,
                "currency_iso_code": here().currency,
                "currency_display": "symbol",
                "multicurrency_enabled": False,
                "multicurrency_enabled_effective_date": None,
                "eligible_for_multicurrency": False,
            }
        )
