"""boto3 clients whose answers get lost, that are busy, that stop halfway, that somebody else comes between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


class LosingClient:
    """Does the named operation, then loses the answer `times` times: raises, or sends again as botocore would."""

    def __init__(self, client: Any, operation: str, *, times: int = 1, resend: bool = False) -> None:
        self._client = client
        self._operation = operation
        self._resend = resend
        self.left = times

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        return self._lose(operation) if name == self._operation else operation

    def _lose(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if not self.left:
                return operation(**request)
            self.left -= 1
            operation(**request)
            if self._resend:
                return operation(**request)
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1/")

        return call


class BusyClient:
    """Does nothing at all: every operation fails with this code."""

    def __init__(self, code: str, status: int = 400) -> None:
        self.calls = 0
        self._answer = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls += 1
            raise ClientError(self._answer, name)

        return call


class StoppingClient:
    """Does the named operation `times` times, then the process is gone."""

    def __init__(self, client: Any, operation: str, times: int) -> None:
        self._client = client
        self._operation = operation
        self.left = times

    def __getattr__(self, name: str) -> Any:
        if name == self._operation:
            if not self.left:
                raise Stopped
            self.left -= 1
        return getattr(self._client, name)


class Stopped(BaseException):
    pass


class Rival:
    """A client that lets somebody else act just before the next `operation`."""

    def __init__(self, client: Any, operation: str, act: Callable[[], object]) -> None:
        self._client = client
        self._operation = operation
        self._act: Callable[[], object] | None = act

    def __getattr__(self, name: str) -> Any:
        if name == self._operation and self._act is not None:
            act, self._act = self._act, None
            act()
        return getattr(self._client, name)
