"""The callbacks' own thin entrance: standard library only, no boto3, no pydantic, no requests."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pex_procore.store.hooks import HookDirectory
from pex_procore.store.lean import Credentials, LeanAws
from pex_procore.store.queue import HintQueue

T = TypeVar("T")
MAX_BODY_BYTES = 64 * 1024  # the vendors' own callbacks are about 1 KB
Problem = tuple[int, str, str]


@cache
def door() -> tuple[HookDirectory, HintQueue]:
    return (
        HookDirectory(aws("dynamodb"), os.environ["CONNECTIONS_TABLE"]),
        HintQueue(aws("sqs"), os.environ["QUEUE_URL"]),
    )


def aws(service: str) -> LeanAws:
    role = Credentials(
        os.environ["AWS_REGION"],
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
        os.environ.get("AWS_SESSION_TOKEN", ""),
    )
    return LeanAws(service, role, os.environ.get("AWS_ENDPOINT_URL", ""))


@dataclass(frozen=True, slots=True)
class Callback(Generic[T]):
    """What is wrong with the body is only told to who knows the secret."""

    key: str = field(repr=False)
    authorization: str = field(repr=False)
    said: T | None
    problem: Problem = (400, "not_a_callback", "")  # counts when nothing readable was said


def read_callback(event: Mapping[str, Any], parse: Callable[[bytes], T]) -> Callback[T]:
    """From an API Gateway proxy event. `parse` raises ValueError with a sentence."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    key = (event.get("pathParameters") or {}).get("hook_key") or ""
    authorization = headers.get("authorization") or ""
    text = event.get("body") or ""
    try:
        if len(text) > MAX_BODY_BYTES * 4 // 3:
            raise OverflowError
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        if len(body) > MAX_BODY_BYTES:
            raise OverflowError
        return Callback(key, authorization, parse(body))
    except OverflowError:
        problem = (413, "too_large", f"A callback is at most {MAX_BODY_BYTES} bytes.")
    except ValueError as error:
        problem = (400, "not_a_callback", str(error))
    return Callback(key, authorization, None, problem)


def answer(status: int, code: str = "", message: str = "") -> dict[str, Any]:
    problem = {"type": "about:blank", "status": status, "code": code, "title": message} if code else {}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/problem+json" if code else "application/json"},
        "body": json.dumps(problem),
    }
