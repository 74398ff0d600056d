"""API Gateway's part: a request becomes a proxy event, a function's answer becomes a reply."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@lru_cache
def pattern_of(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def proxy_event(
    method: str,
    path: str,
    resource: str,
    parameters: dict[str, str],
    body: str | None,
    headers: dict[str, str],
    query: dict[str, str],
) -> dict[str, Any]:
    """As API Gateway's REST proxy integration hands it to a function."""
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "stage": "dev",
            "requestId": "00000000-0000-4000-8000-000000000001",
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def reply_of(answer: dict[str, Any]) -> Reply:
    multi = answer.get("multiValueHeaders") or {}
    headers = {**(answer.get("headers") or {}), **{name: values[-1] for name, values in multi.items()}}
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    return Reply(answer["statusCode"], headers, multi.get("Set-Cookie", []), body)
