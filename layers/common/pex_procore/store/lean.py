"""AWS's JSON services with the standard library alone, for the callback's path: botocore takes 290 modules and
200 ms before it says anything.

Signed as AWS's 'Create a signed AWS API request' says. The methods are called as boto3's of the same names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

CONTENT_TYPE = "application/x-amz-json-1.0"
TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}
TIMEOUT_SECONDS = 1.5  # three calls, each made twice, fit into the ten seconds that PEX waits
PAUSE_SECONDS = 0.05
TRIES = 2  # what is called here may arrive twice


class AwsFailed(Exception):
    """AWS refused, or gave no answer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of the function's role, as Lambda hands them to its process."""

    region: str
    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


class LeanAws:
    def __init__(
        self,
        service: str,
        credentials: Credentials,
        endpoint: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`endpoint`: where to ask instead of AWS itself, as http://127.0.0.1:4566."""
        url = urlsplit(endpoint or f"https://{service}.{credentials.region}.amazonaws.com")
        self._service, self._credentials, self._clock, self._sleep = service, credentials, clock, sleep
        self._host = url.netloc
        self._connection = (
            HTTPSConnection(self._host, timeout=TIMEOUT_SECONDS, context=_trust())
            if url.scheme == "https"
            else HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
        )

    def get_item(self, **request: Any) -> dict[str, Any]:
        return self._call("GetItem", request)

    def send_message(self, **request: Any) -> dict[str, Any]:
        return self._call("SendMessage", request)

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(request).encode()
        problem = ""
        for number in range(TRIES):
            if number:
                self._sleep(PAUSE_SECONDS)
            try:
                status, text = self._send(operation, body)
            except (OSError, HTTPException) as error:  # also a kept connection that was closed meanwhile
                self._connection.close()
                problem = type(error).__name__
                continue
            if status == 200:
                answer: dict[str, Any] = json.loads(text)
                return answer
            problem = f"{status} {_kind(text)}".strip()
            if status < 500 and status != 429 and "Throttl" not in problem and "Exceeded" not in problem:
                break
        raise AwsFailed(f"{self._service} {operation}: {problem}")

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        headers = {
            "content-type": CONTENT_TYPE,
            "host": self._host,
            "x-amz-target": f"{TARGETS[self._service]}.{operation}",
        }
        signed = sign(self._service, self._credentials, headers, body, self._clock())
        self._connection.request("POST", "/", body, signed)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@cache
def _trust() -> ssl.SSLContext:
    """Reading the list of authorities takes longer than all the rest."""
    return ssl.create_default_context()


def _kind(text: bytes) -> str:
    """The error's name. Its sentence may repeat what was sent, so it goes nowhere."""
    try:
        return str(json.loads(text).get("__type", "")).rpartition("#")[2]
    except (ValueError, AttributeError):
        return ""


def sign(
    service: str, credentials: Credentials, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """The headers with those that prove who sends them. All are signed; their names are in small letters."""
    at = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{at[:8]}/{credentials.region}/{service}/aws4_request"
    every = {**headers, "x-amz-date": at}
    if credentials.token:
        every["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name]}\n" for name in sorted(every))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    proof = hmac.digest(key, text.encode(), "sha256").hex()
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={proof}"
    )
    return every
