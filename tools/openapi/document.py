"""The HTTP API as an OpenAPI 3.1 document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from tools.openapi.routes import OPERATIONS, Model, Operation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
ABOUT = (
    "PEX card purchases become Procore direct costs. Names and limits are told in docs/operations.md. In bodies, names "
    "that are not listed here are ignored, never believed. Changes from another site's page are refused."
)
STATUSES = {
    400: "The body is no JSON object",
    401: "Nobody is signed in, or PEX does not take the token",
    403: "Another site's page, or a permission of the PEX administrator is missing",
    404: "There is no such thing, or it is another business's",
    409: "Not as things stand now",
    413: "Too long",
    422: "Something named by `field` does not fit, or cannot be done",
    429: "Asked for too often",
    502: "A vendor's answer could not be read",
    503: "A vendor or AWS asks us to slow down; `Retry-After` says for how long",
}


def written() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    modes: dict[Model, Literal["validation", "serialization"]] = {}
    for one in OPERATIONS.values():
        modes |= {shape: "serialization" for shape in one.answers.values() if not isinstance(shape, str)}
        modes[one.problem] = "serialization"
    taken = {(one.takes, "validation") for one in OPERATIONS.values() if one.takes is not None}
    wanted = [*modes.items(), *taken]
    references, definitions = models_json_schema(
        sorted(wanted, key=lambda one: (one[0].__name__, one[1])),  # type: ignore[type-var]
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, Any] = {}
    for (method, path), operation in sorted(OPERATIONS.items(), key=lambda one: one[0][::-1]):
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "PEX Connector for Procore", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "pex_connector_session"}},
        },
    }


def _operation(path: str, one: Operation, references: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"summary": one.summary, "security": [] if one.open else [{"session": []}]}
    parameters = [
        *(
            {"name": name, "in": "path", "required": True, "schema": _path(name)}
            for name in re.findall(r"{(\w+)}", path)
        ),
        *({"name": name, "in": "query", "schema": schema} for name, schema in one.query.items()),
        *({"name": name, "in": "header", "schema": schema} for name, schema in one.headers.items()),
    ]
    if parameters:
        shown["parameters"] = parameters
    if one.takes is not None:
        content = {"application/json": {"schema": references[one.takes, "validation"]}}
        shown["requestBody"] = {"required": not one.takes_optionally, "content": content}
    responses: dict[str, Any] = {str(status): _answer(shape, references) for status, shape in one.answers.items()}
    for status in one.problems:
        told = responses.setdefault(str(status), {"description": STATUSES[status], "content": {}})
        told["content"]["application/problem+json"] = {"schema": references[one.problem, "serialization"]}
    shown["responses"] = responses
    return shown


def _path(name: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0} if name == "transaction_id" else {"type": "string", "minLength": 1}


def _answer(shape: Model | str, references: Any) -> dict[str, Any]:
    if isinstance(shape, str):
        return {"description": "Done", "content": {shape: {"schema": {"type": "string"}}}}
    content = {"application/json": {"schema": references[shape, "serialization"]}}
    return {"description": "Done", "content": content}
