"""Requests and answers held against our OpenAPI files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email import message_from_bytes
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_schema_validator import OAS31Validator

FOLDER = Path(__file__).parent
OUR_HEADERS = {"accept", "accept-encoding", "user-agent", "content-type", "authorization"}


@dataclass(frozen=True)
class Sent:
    method: str
    target: str  # path and query
    headers: dict[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Operation:
    name: str  # "POST /v4/Note"
    document: dict[str, Any]
    path: dict[str, str]  # values by parameter name


class Contract:
    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.openapi.yaml").read_text())

    @cached_property
    def operations(self) -> dict[str, tuple[re.Pattern[str], dict[str, Any]]]:
        return {
            f"{method.upper()} {path}": (
                re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))),
                self._inlined(operation),
            )
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def find(self, sent: Sent) -> Operation | None:
        path = urlsplit(sent.target).path
        literal = f"{sent.method} {path}"  # wins over a template that would match it too
        if literal in self.operations:
            return Operation(literal, self.operations[literal][1], {})
        for name, (pattern, operation) in self.operations.items():
            if name.startswith(f"{sent.method} ") and (found := pattern.fullmatch(path)):
                return Operation(name, operation, found.groupdict())
        return None

    def problems_of_request(self, sent: Sent) -> list[str]:
        operation = self.find(sent)
        if operation is None:
            return [f"{sent.method} {sent.target}: not in the contract"]
        found = [*self._parameters(operation, sent), *self._headers(operation, sent), *self._body(operation, sent)]
        return [f"{operation.name}: {problem}" for problem in found]

    def problems_of_answer(self, sent: Sent, got: Got) -> list[str]:
        operation = self.find(sent)
        if operation is None:
            return [f"{sent.method} {sent.target}: not in the contract"]
        answers = operation.document["responses"]
        answer = answers.get(str(got.status)) or (answers["default"] if got.status >= 400 else None)
        if answer is None:
            return [f"{operation.name}: {got.status} is not in the contract"]
        content = answer.get("content")
        if content is None:
            return []
        kind = got.headers.get("content-type", "").split(";")[0]
        if kind not in content:
            return [f"{operation.name}: {got.status} as {kind or 'nothing'}"]
        if "schema" not in content[kind]:
            return []
        return [
            f"{operation.name} {got.status}: {one}" for one in _check(content[kind]["schema"], json.loads(got.body))
        ]

    def _parameters(self, operation: Operation, sent: Sent) -> list[str]:
        declared = {(one["in"], one["name"]): one for one in operation.document.get("parameters", [])}
        given: dict[tuple[str, str], list[str]] = {("path", name): [value] for name, value in operation.path.items()}
        for name, value in parse_qsl(urlsplit(sent.target).query, keep_blank_values=True):
            given.setdefault(("query", name), []).append(value)
        headers = {name.lower(): value for name, value in sent.headers.items()}
        for where, name in declared:
            if where == "header" and name.lower() in headers:
                given["header", name] = [headers.pop(name.lower())]
        problems = [f"{where} {name} is unknown" for where, name in given if (where, name) not in declared]
        problems += [f"header {name} is unknown" for name in headers if name not in OUR_HEADERS]
        for key, parameter in declared.items():
            if key not in given:
                problems += [f"{key[0]} {key[1]} is missing"] if parameter.get("required") else []
                continue
            problems += [f"{key[0]} {key[1]}: {one}" for one in _check_texts(parameter["schema"], given[key])]
        return problems

    def _headers(self, operation: Operation, sent: Sent) -> list[str]:
        headers = {name.lower(): value for name, value in sent.headers.items()}
        problems = [] if headers.get("accept") == "application/json" else ["Accept is not application/json"]
        if operation.document.get("security", self.document["security"]):
            scheme = self.document["components"]["securitySchemes"]["token"]
            if not re.fullmatch(scheme["x-pattern"], headers.get("authorization", "")):
                problems.append("no proper Authorization")
        elif "authorization" in headers:
            problems.append("Authorization where none belongs")
        return problems

    def _body(self, operation: Operation, sent: Sent) -> list[str]:
        declared = operation.document.get("requestBody")
        if declared is None or sent.body is None:
            return (
                [] if declared is None and sent.body is None else ["a body where none belongs, or none where one does"]
            )
        given = next(value for name, value in sent.headers.items() if name.lower() == "content-type")
        kind = given.split(";")[0]
        if kind not in declared["content"]:
            return [f"a body as {kind}"]
        return _check(declared["content"][kind]["schema"], _parsed(kind, given, sent.body))

    def _inlined(self, node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                found: Any = self.document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    found = found[part]
                return self._inlined(found)
            return {name: self._inlined(value) for name, value in node.items()}
        return [self._inlined(one) for one in node] if isinstance(node, list) else node


def _parsed(kind: str, content_type: str, body: bytes) -> Any:
    if kind == "application/json":
        return json.loads(body)
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), strict_parsing=True))
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in message.walk():
        if part.get_content_maintype() == "multipart":
            continue
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        about = {"filename": part.get_filename(), "content_type": part.get_content_type(), "size": len(content)}
        parts.setdefault(name, []).append(about)
    return parts


def _check(schema: dict[str, Any], value: Any) -> list[str]:
    errors = OAS31Validator(schema).iter_errors(value)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}"[:300] for one in errors]


def _check_texts(schema: dict[str, Any], texts: list[str]) -> list[str]:
    """Path, query and header values are text; the schema says what they stand for."""
    try:
        if schema.get("type") == "array":
            return _check(schema, [_read(schema["items"], text) for text in texts])
        return _check(schema, _read(schema, texts[0])) if len(texts) == 1 else ["given more than once"]
    except ValueError as error:
        return [str(error)]


def _read(schema: dict[str, Any], text: str) -> Any:
    if schema.get("type") == "integer":
        return int(text)
    if schema.get("type") == "boolean":
        if text not in ("true", "false", "True", "False"):
            raise ValueError(f"{text!r} is no boolean")
        return text.lower() == "true"
    return text
