"""Reading Procore's webhooks. Standard library only: the function that takes them must start fast.

    event = parse_event(body)

An event is a hint that something changed. What it changed to is read from Procore.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Resource = Literal["project", "cost_code", "line_item_type", "other"]

_RESOURCES: dict[str, Resource] = {
    "project": "project",
    "costcode": "cost_code",
    "lineitemtype": "line_item_type",
}


@dataclass(frozen=True, slots=True)
class Event:
    """`event_type`: "create", "update", "delete", or whatever else a payload of version 4.0 may say; "" when it says
    nothing."""

    resource: Resource
    project_id: int | None
    resource_id: int | None
    event_type: str
    company_id: int | None


def parse_event(body: bytes) -> Event:
    """Payload versions 2.0 and 3.0 (numbers, `resource_name`) and 4.0 (strings, `resource_type`).

    Raises ValueError with a sentence; unknown fields are ignored.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("The event is not JSON.") from None
    if not isinstance(given, dict):
        raise ValueError("The event is not a JSON object.")
    name = _text(given.get("resource_type")) or _text(given.get("resource_name"))
    if not name:
        raise ValueError("The event does not say which kind of resource it is about.")
    resource = _RESOURCES.get(_plain(name), "other")
    resource_id, project_id = _id(given.get("resource_id")), _id(given.get("project_id"))
    if resource == "project":
        project_id = resource_id or project_id
    event_type = _text(given.get("reason")) or _text(given.get("event_type"))
    return Event(resource, project_id, resource_id, event_type.lower(), _id(given.get("company_id")))


def _plain(name: str) -> str:
    """ "Cost Codes", "cost_code" and "CostCodes" are the same."""
    return "".join(filter(str.isalnum, name)).lower().removesuffix("s")


def _id(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
