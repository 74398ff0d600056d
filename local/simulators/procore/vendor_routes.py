"""The company's vendors and the project directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from local.simulators.procore.answers import bad_request, forbidden, invalid, not_found
from local.simulators.procore.bodies import checked, json_body, wrapped
from local.simulators.procore.core import Core, here
from local.simulators.procore.lists import PAGES, integer, integers, known_query, moment_range, one_of, page_of
from local.simulators.procore.shapes import short_vendor, vendor_row
from local.simulators.procore.world import LEVELS, Vendor
from local.simulators.web import json_answer

COMPANY_VIEWS = ("compact", "normal", "erp", "extended", "directory", "summary")
PROJECT_VIEWS = ("extended", "ids_only", "list", "name", "minimal", "normal")
OPEN_VIEWS = ("ids_only", "name", "minimal")
ARRAY_FILTERS = tuple(f"filters[{name}]" for name in ("id", "trade_id", "parent_id", "standard_cost_code_id"))
NEW_VENDOR = {
    **dict.fromkeys(
        (
            "name", "address", "city", "zip", "business_phone", "mobile_phone", "fax_number", "email_address",
            "state_code", "country_code", "labor_union", "license_number", "website", "abbreviated_name", "notes",
            "origin_id", "origin_data", "origin_code", "trade_name",
        ),
        str,
    ),
    **dict.fromkeys(("is_active", "authorized_bidder", "prequalified", "union_member"), bool),
    "non_union_prevailing_wage": bool,
    **dict.fromkeys(("vendor_group_id", "parent_id", "primary_contact_id"), int),
    **dict.fromkeys(("trade_ids", "bidding_distribution_ids", "standard_cost_code_ids"), list),
    "bidding": dict,
}  # fmt: skip


def compact_vendor(vendor: Vendor) -> dict[str, Any]:
    return {"id": vendor.id, "name": vendor.name}


def vendor_routes(app: Flask, core: Core) -> None:
    world = core.world

    def directory(level: str = "read_only") -> None:
        if LEVELS.index(here().levels.get("directory", "admin")) < LEVELS.index(level):
            raise forbidden()

    def of_query_company() -> None:
        if integer("company_id") is None:
            raise bad_request("company_id is missing")
        directory()

    def company_shape() -> Callable[[Vendor], dict[str, Any]]:
        return compact_vendor if one_of("view", COMPANY_VIEWS, "extended") == "compact" else vendor_row

    def chosen(vendors: list[Vendor]) -> list[Vendor]:
        ids, search = integers("filters[id]"), request.args.get("filters[search]", "").lower()
        origin_id = request.args.get("filters[origin_id]")
        none_carry = any(integers(name) for name in ARRAY_FILTERS[1:])
        created, updated = moment_range(core, "filters[created_at]"), moment_range(core, "filters[updated_at]")
        found = [
            vendor
            for vendor in vendors
            if not none_carry
            and (ids is None or vendor.id in ids)
            and (origin_id is None or vendor.origin_id == origin_id)
            and (search in vendor.name.lower() or search in (vendor.origin_code or "").lower())
            and created(vendor.created_at)
            and updated(vendor.updated_at)
        ]
        return sorted(found, key=lambda vendor: vendor.name) if request.args.get("sort") == "name" else found

    @app.get("/rest/v1.0/vendors")
    def company_vendors() -> Response:
        ranges = ("filters[created_at]", "filters[updated_at]", "filters[search]", "filters[origin_id]")
        known_query(core, *PAGES, "company_id", "view", "sort", *ranges, *ARRAY_FILTERS)
        with core.lock:
            of_query_company()
            mine = [vendor for vendor in world.vendors.values() if vendor.company_id == here().id and vendor.is_active]
            return page_of(core, chosen(mine), company_shape())

    @app.get("/rest/v1.0/companies/<int:company_id>/vendors/inactive")
    def inactive_vendors(company_id: int) -> Response:
        known_query(core, *PAGES, "view", "sort")
        with core.lock:
            directory()
            gone = [
                vendor for vendor in world.vendors.values() if vendor.company_id == company_id and not vendor.is_active
            ]
            return page_of(core, gone, company_shape())

    @app.get("/rest/v1.0/vendors/<int:vendor_id>")
    def company_vendor(vendor_id: int) -> Response:
        known_query(core, *PAGES, "company_id", "view")
        with core.lock:
            of_query_company()
            vendor = world.vendors.get(vendor_id)
            if vendor is None or vendor.company_id != here().id:
                raise not_found()
            return json_answer(company_shape()(vendor))

    @app.post("/rest/v1.0/vendors")
    def create_vendor() -> Response:
        known_query(core, "view", "run_configurable_validations")
        body = json_body(core, "company_id", "vendor")
        given = checked(core, wrapped(core, body, "vendor"), NEW_VENDOR, "vendor")
        with core.lock:
            directory("admin")
            if body.get("company_id") != here().id:
                raise bad_request("company_id is missing or is another company")
            name = given.get("name", "").strip()
            if not name:
                raise invalid(name="can't be blank")
            if any(
                vendor.name.lower() == name.lower()
                for vendor in world.vendors.values()
                if vendor.company_id == here().id
            ):
                raise invalid(name="has already been taken")
            now = core.now()
            vendor = Vendor(world.next_id("vendor"), here().id, name, now, now, is_active=given.get("is_active", True))
            vendor.city, vendor.state_code = given.get("city", ""), given.get("state_code", "")
            vendor.origin_id, vendor.origin_code = given.get("origin_id"), given.get("origin_code")
            world.vendors[vendor.id] = vendor
            return json_answer(company_shape()(vendor), 201)

    @app.get("/rest/v1.1/projects/<int:project_id>/vendors")
    def project_vendors(project_id: int) -> Response:
        known_query(core, *PAGES, "view", "sort", "filters[search]", *ARRAY_FILTERS)
        view = one_of("view", PROJECT_VIEWS, "normal")
        shapes: dict[str, Callable[[Vendor], Any]] = {
            "ids_only": lambda vendor: vendor.id,
            "name": compact_vendor,
            "minimal": short_vendor,
        }
        with core.lock:
            project = core.project(project_id)
            if view not in OPEN_VIEWS:
                directory()
            mine = [
                vendor for vendor in world.vendors.values() if project.id in vendor.project_ids and vendor.is_active
            ]
            return page_of(core, chosen(mine), shapes.get(view, vendor_row))

    @app.post("/rest/v1.0/projects/<int:project_id>/vendors/<int:vendor_id>/actions/add")
    def add_to_project(project_id: int, vendor_id: int) -> Response:
        known_query(core, "view")
        with core.lock:
            project = core.project(project_id, tool="directory", level="standard")
            vendor = world.vendors.get(vendor_id)
            if vendor is None or vendor.company_id != project.company_id:
                raise not_found()
            if project.id not in vendor.project_ids:
                vendor.project_ids.append(project.id)
            return json_answer(vendor_row(vendor), 201)
