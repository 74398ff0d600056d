"""What the service account may do, found out by the cheapest calls there are.

What its manifest is worth: docs/behaviour.md#what-a-service-account-may-do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pex_procore.domain.checks import ToolAccess
from pex_procore.net.messages import Answer, Request
from pex_procore.procore import coding, wire
from pex_procore.procore.client import ProcoreClient

LEVELS = {"none": "none", "read only": "read_only", "standard": "standard", "admin": "admin"}


class ProcoreAccess:
    def __init__(self, client: ProcoreClient, company_id: int) -> None:
        self._client = client
        self._company_id = company_id

    def may_list_vendors(self) -> bool:
        return self._may(_one_row(wire.vendors(self._company_id)))

    def may_list_direct_costs(self, project_id: int) -> bool:
        return self._may(wire.direct_costs_page(project_id))

    def may_list_budget_codes(self, project_id: int) -> bool:
        return self._may(_one_row(coding.budget_codes(project_id)))

    def tool_access(self, project_id: int) -> list[ToolAccess] | None:
        answer = self._client.glance(permissions(project_id))
        return read_permissions(answer) if answer is not None else None

    def _may(self, request: Request) -> bool:
        return self._client.glance(request) is not None


def permissions(project_id: int) -> Request:
    doing = f"show the permissions in project {project_id}"
    return wire.get("/rest/v1.0/settings/permissions", doing, project_id=project_id)


def read_permissions(answer: Answer) -> list[ToolAccess] | None:
    """Levels and actions that we do not know are left out; None when it is no manifest at all."""
    document = answer.json()
    tools = document.get("tools") if isinstance(document, Mapping) else None
    if not isinstance(tools, list):
        return None
    found = (_tool(row) for row in tools if isinstance(row, Mapping))
    return [one for one in found if one is not None]


def _tool(row: Mapping[str, Any]) -> ToolAccess | None:
    level = row.get("user_access_level")
    named = wire.text(level.get("name") if isinstance(level, Mapping) else level).replace("_", " ").casefold()
    if row.get("available_for_user") is False:
        named = "none"
    if named not in LEVELS:
        return None
    actions = row.get("permitted_actions") or []
    names = {wire.text(one.get("action_name")).casefold() for one in actions if isinstance(one, Mapping)}
    name = wire.text(row.get("friendly_name") or row.get("name"))
    return ToolAccess.model_validate({"name": name, "level": LEVELS[named], "actions": names})


def _one_row(request: Request) -> Request:
    query = tuple(pair for pair in request.query if pair[0] != "per_page")
    return replace(request, query=(*query, ("per_page", "1")))
