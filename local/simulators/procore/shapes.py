"""Catalog records as Procore shows them, key for key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.simulators.procore.core import decimal_text, moment
from local.simulators.procore.world import (
    LEVELS,
    PROJECT_TOOLS,
    Company,
    CostCode,
    LineItemType,
    Project,
    Vendor,
    WbsCode,
    World,
)

TITLES = {
    "home": "Home",
    "directory": "Directory",
    "documents": "Documents",
    "budget": "Budget",
    "commitments": "Commitments",
    "direct_costs": "Direct Costs",
    "daily_log": "Daily Log",
}
NULL_ON_PROJECTS = (
    "parent_job_id", "parent_job", "project_template", "latitude", "longitude", "phone", "fax", "origin_id",
    "origin_data", "origin_code", "owners_project_id", "store_number", "accounting_project_number",
    "designated_market_area",
    "project_region_id", "project_bid_type_id", "project_owner_type_id", "photo_id", "completion_date",
    "projected_finish_date", "estimated_value", "estimated_budget", "sector", "work_scope", "delivery_method",
    "priority", "created_by", "project_sector_id",
)  # fmt: skip
NULL_ON_SHOWN_PROJECTS = (
    "logo_id", "logo_url", "from_project_template_id", "description", "square_feet", "warranty_start_date",
    "warranty_end_date", "flag", "public_notes", "actual_start_date", "standard_cost_code_list_id", "photo_url",
    "inbound_email", "inbound_email_address", "estimated_start_date", "estimated_completion_date", "code",
    "persistent_message", "office", "project_bid_type", "project_owner_type", "project_region", "project_stage_id",
    "project_type", "program", "dictionary_type",
)  # fmt: skip
NULL_ON_VENDORS = (
    "abbreviated_name", "trade_name", "legal_name", "address", "zip", "business_phone", "mobile_phone", "fax_number",
    "email_address", "website", "business_id", "business_register", "parent", "primary_contact", "vendor_group",
    "labor_union", "license_number", "notes", "logo", "origin_data",
)  # fmt: skip


def company_row(company: Company, mine: bool) -> dict[str, Any]:
    return {
        "id": company.id,
        "name": company.name,
        "is_active": company.is_active,
        "logo_url": None,
        "pcn_business_experience": False,
        "my_company": mine,
    }


def compact_project(project: Project) -> dict[str, Any]:
    return {"id": project.id, "name": project.name, "display_name": project.display_name}


def project_row(world: World, project: Project) -> dict[str, Any]:
    company = world.companies[project.company_id]
    return dict.fromkeys(NULL_ON_PROJECTS) | {
        **compact_project(project),
        "project_number": project.number,
        "active": project.active,
        "is_demo": project.is_demo,
        "stage": project.stage,
        "project_stage": {"id": 1 + len(project.stage), "name": project.stage},
        "address": project.address,
        "city": project.city,
        "state_code": project.state_code,
        "country_code": "US",
        "zip": project.zip,
        "county": None,
        "time_zone": "US/Eastern",
        "created_at": moment(project.created_at),
        "updated_at": moment(project.updated_at),
        "total_value": decimal_text(project.total_value),
        "start_date": project.start_date.isoformat(),
        "company": {"id": company.id, "name": company.name},
        "custom_fields": {},
    }


def shown_project(world: World, project: Project) -> dict[str, Any]:
    row = project_row(world, project)
    for listed_only in ("stage", "project_template", "fax", "estimated_budget", "priority"):
        del row[listed_only]
    return (
        dict.fromkeys(NULL_ON_SHOWN_PROJECTS)
        | row
        | {
            "template": project.template,
            "is_erp_integrated": project.is_erp_integrated,
            "tz_name": "America/New_York",
            "locale": "en",
            "departments": [],
        }
    )


def cost_code_row(world: World, code: CostCode) -> dict[str, Any]:
    return {
        "id": code.id,
        "name": code.name,
        "code": code.code,
        "full_code": code.full_code,
        "sortable_code": code.full_code,
        "parent": {"id": code.parent_id},
        "biller": world.projects[code.project_id].name,
        "biller_id": code.project_id,
        "biller_type": "Project",
        "biller_origin_id": None,
        "budgeted": False,
        "position": code.position,
        "standard_cost_code_id": None,
        "standard_cost_code_list_id": None,
        "line_item_types": [],
        "origin_id": None,
        "origin_data": None,
        "created_at": moment(code.created_at),
        "updated_at": moment(code.updated_at),
        "deleted_at": moment(code.deleted_at),
    }


def type_row(kind: LineItemType) -> dict[str, Any]:
    return {
        "id": kind.id,
        "name": kind.name,
        "code": kind.code,
        "base_type": kind.base_type,
        "origin_data": None,
        "origin_id": None,
    }


def vendor_row(vendor: Vendor) -> dict[str, Any]:
    return dict.fromkeys(NULL_ON_VENDORS) | {
        "id": vendor.id,
        "name": vendor.name,
        "is_active": vendor.is_active,
        "city": vendor.city,
        "state_code": vendor.state_code,
        "country_code": "US",
        "company": vendor.name,
        "company_vendor": vendor.company_vendor,
        "contact_count": 0,
        "children_count": 0,
        "project_ids": list(vendor.project_ids),
        "union_member": False,
        "prequalified": False,
        "authorized_bidder": True,
        "attachments": [],
        "bidding": {},
        "standard_cost_codes": [],
        "trades": [],
        "synced_to_erp": vendor.origin_id is not None,
        "is_connected": False,
        "origin_id": vendor.origin_id,
        "origin_code": vendor.origin_code,
        "created_at": moment(vendor.created_at),
        "updated_at": moment(vendor.updated_at),
    }


def short_vendor(vendor: Vendor) -> dict[str, Any]:
    return {"id": vendor.id, "name": vendor.name, "is_active": vendor.is_active, "logo": None}


def tool_rows(project: Project, engine_name: str) -> list[dict[str, Any]]:
    return [
        {
            "id": project.id * 100 + position,
            "engine_name": engine_name if name == "direct_costs" else name,
            "is_active": name not in project.tools_off,
            "position": position,
            "required": name in ("home", "directory"),
            "title": TITLES[name],
        }
        for position, name in enumerate(PROJECT_TOOLS)
    ]


def permission_rows(levels: Mapping[str, str], tools: Sequence[str], domain_id: int) -> list[dict[str, Any]]:
    rows = []
    for position, name in enumerate(tools):
        level = levels.get(name, "admin")
        may_write = level in ("standard", "admin")
        actions = ("create_direct_cost", "update_direct_cost", "delete_direct_cost")
        rows.append(
            {
                "id": domain_id * 100 + position,
                "name": name,
                "friendly_name": TITLES[name],
                "domain_id": domain_id,
                "tab_group": "financials" if name in ("budget", "commitments", "direct_costs") else "core",
                "available_for_user": level != "none",
                "url": f"/{domain_id}/{name}",
                "user_access_level": {"id": LEVELS.index(level) + 1, "name": level.replace("_", " ").title()},
                "permitted_actions": [
                    {"id": number, "action_name": action, "label": action.replace("_", " ").title(), "tool_name": name}
                    for number, action in enumerate(actions, 1)
                ]
                if name == "direct_costs" and may_write
                else [],
                "create_url": f"/{domain_id}/{name}/new",
                "can_create": may_write,
                "trial": False,
            }
        )
    return rows


SEGMENTS = {"cost_code": "Cost Code", "line_item_type": "Cost Type"}
OTHER_ITEM_IDS = 5_000_000_000


class WbsShapes:
    """Segments and their items. `items_offset` moves item ids away from cost code and line item type ids."""

    def __init__(self, world: World, items_offset: int) -> None:
        self.world = world
        self.offset = items_offset

    def segment_id(self, project: Project, kind: str) -> int:
        """Segments belong to the company: the same ids in all of its projects."""
        return project.company_id % 900_000 + 41_200_000 + list(SEGMENTS).index(kind)

    def segment(self, project: Project, kind: str) -> dict[str, Any]:
        count = (
            len(self.world.cost_codes_of(project.id))
            if kind == "cost_code"
            else len(self.world.types_of(project.company_id))
        )
        first = kind == "cost_code"
        return {
            "id": self.segment_id(project, kind),
            "name": SEGMENTS[kind],
            "type": kind,
            "position": 1 if first else 2,
            "delimiter": ".",
            "required": True,
            "segment_items_count": count,
            "project_can_modify_origin_project": True,
            "project_can_delete_origin_company": False,
            "structure": "tiered" if first else "flat",
            "created_at": moment(project.created_at),
            "updated_at": moment(project.created_at),
            "wbs_pattern_id": project.id + 700_000_000,
        }

    def cost_code_item(self, code: CostCode, segment: dict[str, Any]) -> dict[str, Any]:
        path = [code]
        while path[0].parent_id is not None:
            path.insert(0, self.world.cost_codes[path[0].parent_id])
        return {
            "id": code.id + self.offset,
            "code": code.code,
            "name": code.name,
            "created_at": moment(code.created_at),
            "updated_at": moment(code.updated_at),
            "parent_id": None if code.parent_id is None else code.parent_id + self.offset,
            "path_ids": [step.id + self.offset for step in path],
            "path_code": code.full_code,
            "is_parent": code.parent_id is None,
            "path_codes": [step.code for step in path],
            "path_names": [step.name for step in path],
            "in_use": False,
            "segment": segment,
            "status": "active" if code.deleted_at is None else "inactive",
        }

    def type_item(self, kind: LineItemType, segment: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": kind.id + self.offset,
            "code": kind.code,
            "name": kind.name,
            "created_at": moment(kind.created_at),
            "updated_at": moment(kind.created_at),
            "parent_id": None,
            "path_ids": [kind.id + self.offset],
            "path_code": kind.code,
            "is_parent": False,
            "path_codes": [kind.code],
            "path_names": [kind.name],
            "in_use": False,
            "segment": segment,
            "status": "active",
        }

    def parts(self, code: WbsCode) -> tuple[CostCode | None, LineItemType | None]:
        cost_code = self.world.cost_codes[code.cost_code_id] if code.cost_code_id is not None else None
        kind = self.world.line_item_types[code.line_item_type_id] if code.line_item_type_id is not None else None
        return cost_code, kind

    def flat_code(self, code: WbsCode) -> str:
        cost_code, kind = self.parts(code)
        return ".".join(part for part in (cost_code and cost_code.full_code, kind and kind.code) if part)

    def description(self, code: WbsCode) -> str:
        """What was given, else the names of its items."""
        if code.description is not None:
            return code.description
        return ".".join(part.name for part in self.parts(code) if part)

    def row(self, code: WbsCode, segments: dict[str, dict[str, Any]]) -> dict[str, Any]:
        cost_code, kind = self.parts(code)
        items = [self.cost_code_item(cost_code, segments["cost_code"])] if cost_code else []
        items += [self.type_item(kind, segments["line_item_type"])] if kind else []
        return {
            "id": code.id,
            "flat_code": self.flat_code(code),
            "flat_name": ".".join(item["name"] for item in items),
            "description": self.description(code),
            "status": code.status,
            "created_at": moment(code.created_at),
            "updated_at": moment(code.updated_at),
            "segment_items": items,
            "wbs_pattern_id": code.project_id + 700_000_000,
        }
