"""Request bodies against the published schemas: unknown names, wrong kinds and wrong wrappers are refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from local.simulators.procore.answers import Refusal, bad_request, invalid
from local.simulators.procore.core import Core
from local.simulators.web import read_json

Schema = Mapping[str, Any]
"""Field name → str, int, Decimal, bool, date, a tuple of allowed words, or list / dict (looked into by the caller)."""

KIND_NAMES = {
    str: "a string",
    int: "an integer",
    Decimal: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
}


@dataclass
class Upload:
    filename: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def json_body(core: Core, *allowed: str) -> dict[str, Any]:
    """The JSON object that was sent, with only these names at its top."""
    body = _json(core)
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object")
    if core.switches.strict:
        for name in body:
            if name not in allowed:
                raise bad_request(f"unknown field {name}", core.switches.unknown_field_status)
    return body


def json_array(core: Core) -> list[Any]:
    body = _json(core)
    if not isinstance(body, list):
        raise bad_request("the body must be a JSON array")
    return body


def _json(core: Core) -> Any:
    if request.mimetype != "application/json":
        raise Refusal(
            core.switches.content_type_status, {"message": f"Unsupported content type: {request.mimetype or 'none'}"}
        )
    try:
        return read_json(request)
    except ValueError:
        raise bad_request("There was a problem in the JSON you submitted.") from None


def wrapped(core: Core, body: Mapping[str, Any], wrapper: str) -> dict[str, Any]:
    inside = body.get(wrapper)
    if not isinstance(inside, dict):
        raise bad_request(f"param is missing or the value is empty: {wrapper}")
    return inside


def checked(core: Core, given: Any, schema: Schema, where: str) -> dict[str, Any]:
    """The known fields of one object, dates as dates and numbers as Decimals. Raises what strict mode refuses."""
    if not isinstance(given, dict):
        raise bad_request(f"{where} must be an object")
    taken: dict[str, Any] = {}
    for name, value in given.items():
        if name not in schema:
            if core.switches.strict:
                raise bad_request(f"unknown field {where}.{name}", core.switches.unknown_field_status)
            continue
        if value is None and not core.switches.refuse_null:
            taken[name] = None
            continue
        taken[name] = _value(core, value, schema[name], f"{where}.{name}")
    return taken


def _value(core: Core, value: Any, kind: Any, where: str) -> Any:
    if isinstance(kind, tuple):
        if value not in kind:
            raise _mistyped(core, where, f"one of {', '.join(kind)}")
        return value
    if kind is date:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise _mistyped(core, where, "a date YYYY-MM-DD")
    if kind is Decimal:
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and Decimal(value).is_finite():
            return Decimal(value)
        raise _mistyped(core, where, "a number")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _mistyped(core, where, KIND_NAMES[kind])
    return value


def _mistyped(core: Core, where: str, wanted: str) -> Refusal:
    return Refusal(core.switches.unknown_field_status, {"errors": {where: [f"must be {wanted}"]}})


def form_body(core: Core, wrapper: str, schema: Schema) -> tuple[dict[str, Any], list[Upload]]:
    """A multipart body: `wrapper[field]` parts and `attachments[]` files. Bracketed lines do not arrive (switch
    multipart_lines)."""
    taken: dict[str, Any] = {}
    for name, text in request.form.items(multi=True):
        match = re.fullmatch(rf"{wrapper}\[(\w+)\](.*)", name)
        if match and match[1] == "line_items":
            if core.switches.multipart_lines == "refuse":
                raise bad_request("line_items cannot be sent as form data")
            continue
        if not match or match[2] or match[1] not in schema:
            if core.switches.strict:
                raise bad_request(f"unknown form field {name}", core.switches.unknown_field_status)
            continue
        taken[match[1]] = _value(core, _from_text(text, schema[match[1]]), schema[match[1]], match[1])
    return taken, [_upload(core, name, file) for name, file in request.files.items(multi=True)]


def _from_text(text: str, kind: Any) -> Any:
    return int(text) if kind is int and re.fullmatch(r"-?\d+", text) else text


def _upload(core: Core, name: str, file: FileStorage) -> Upload:
    if name != "attachments[]":
        raise bad_request(
            f"unknown file field {name}; files belong in attachments[]", core.switches.unknown_field_status
        )
    content = file.read()
    if not file.filename:
        raise invalid(attachments="filename can't be blank")
    if not content:
        raise invalid(attachments="file is empty")
    if len(content) > core.switches.attachment_max_bytes:
        raise invalid(attachments="file is too large")
    types = core.switches.attachment_types
    if types and file.mimetype not in types.split(","):
        raise invalid(attachments="file type is not allowed")
    return Upload(file.filename, file.content_type or "", content)
