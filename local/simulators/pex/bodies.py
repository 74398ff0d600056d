"""Reading what a client sends, as strictly as a careful server would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from local.simulators.pex.http_api import Problem
from local.simulators.web import read_json


@dataclass(frozen=True)
class Field:
    kind: str
    """text, int, bool, list, or any."""
    required: bool = False


IGNORED = Field("any")
"""Known to PEX, without effect here."""


def read_fields(fields: Mapping[str, Field], *, strict: bool) -> dict[str, Any]:
    """The body's values, None for those left out. 415 when not announced as JSON, 400 when not a fitting object."""
    if not request.get_data():
        raise Problem.invalid("body", "A body is required.")
    if request.mimetype != "application/json":
        raise Problem(415, f"The request entity's media type '{request.mimetype}' is not supported for this resource.")
    try:
        body = read_json(request)
    except ValueError as error:
        raise Problem.invalid("body", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Problem.invalid("body", "The body must be a JSON object.")
    return check(body, fields, strict=strict, where="")


def check(body: Mapping[str, Any], fields: Mapping[str, Field], *, strict: bool, where: str) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, field in fields.items():
        value = body.get(name)
        values[name] = value
        if value is None:
            if field.required:
                problems[where + name] = [f"The {name} field is required."]
        elif not _fits(value, field.kind):
            problems[where + name] = [f"The value of {name} is not valid: {field.kind} expected."]
        elif field.required and field.kind == "text" and not value.strip():
            problems[where + name] = [f"The {name} field is required."]
    if strict:
        problems |= {where + name: [f"{name} is not a known field."] for name in body if name not in fields}
    if problems:
        raise Problem(400, "The request is invalid.", ModelState=problems)
    return values


def enum_name(value: Any, numbers: Mapping[str, int], field: str) -> str:
    """The enum's name from a name in any case or from its integer."""
    for name, number in numbers.items():
        if value == number and not isinstance(value, bool):
            return name
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise Problem.invalid(field, f"The value '{value}' is not valid for {field}.")


def _fits(value: Any, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    return kind == "any" or isinstance(value, list)
