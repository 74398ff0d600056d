"""Procore's refusals in all the shapes its APIs are known to use: a parser that knows one of them only will meet
another."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response

from local.simulators.web import json_answer, json_text

TOO_MANY = "You have surpassed the max number of requests for an hour. Please wait until your limit resets."
TOO_MANY_BODY = ("application/json", json_text({"error": TOO_MANY}).encode())


class Refusal(Exception):
    """Ends a request with this answer; `body` as JSON, or as plain text when it is a str."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}

    def answer(self) -> Response:
        if isinstance(self.body, str):
            return Response(self.body, self.status, self.headers, mimetype="text/plain")
        return json_answer(self.body, self.status, self.headers)


def bad_request(reason: str, status: int = 400) -> Refusal:
    return Refusal(status, {"reason": reason, "error": "Bad Request"})


def invalid(**fields: str | list[str]) -> Refusal:
    """Business rule broken: field → message(s)."""
    return Refusal(422, {"errors": {name: [text] if isinstance(text, str) else text for name, text in fields.items()}})


def forbidden(status: int = 403) -> Refusal:
    if status == 404:
        return not_found()
    return Refusal(status, {"errors": "You do not have permission to perform this action. (forbidden)"})


def not_connected() -> Refusal:
    return Refusal(403, {"errors": ["App is not connected to this company."]})


def not_found() -> Refusal:
    return Refusal(404, {"reason": "The resource does not exist or you have no access to it.", "error": "Not Found"})


def conflict() -> Refusal:
    return Refusal(409, {"reason": "This action does not support concurrent requests.", "error": "Conflict"})


def missing_company_header(status: int) -> Refusal:
    return Refusal(status, "Missing Procore-Company-Id header! Send the id of the company this request is about.")


def in_v2(refusal: Refusal) -> Refusal:
    """The same in the one shape that all endpoints of v2 share; plain text, which comes from before them, stays."""
    if isinstance(refusal.body, str):
        return refusal
    code, message = HTTPStatus(refusal.status).name, _sentence(refusal.body)
    reason_code = {401: "INVALID_TOKEN", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}.get(refusal.status, code)
    error = {"code": code, "message": message, "details": [{"reason_code": reason_code, "message": message}]}
    return Refusal(refusal.status, {"error": error}, refusal.headers)


def _sentence(body: Any) -> str:
    if isinstance(body, dict):
        known = next((body[name] for name in ("errors", "reason", "message", "error") if name in body), None)
        return _sentence(known) if known is not None else "; ".join(f"{name} {_sentence(body[name])}" for name in body)
    return "; ".join(map(_sentence, body)) if isinstance(body, list) else str(body)
