"""One invocation of a function as Lambda would run it, and the ways its process may die."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.flow.clock import FlowClock
from tests.flow.roles import refuse_unless_granted
from tests.template.cfn import ROOT

REGION, ACCOUNT = "us-east-1", "123456789012"
READING = ("Get", "BatchGet", "Query", "Decrypt", "Describe")


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, and no except clause of ours sees it."""


class FunctionFailed(Exception):
    """What the runtime reports of an invocation that did not end well."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message


@lru_cache
def load_app(folder: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"app_of_{folder}", ROOT / "functions" / folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class LambdaContext:
    function_name: str
    clock: FlowClock
    timeout_seconds: int
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = ""

    def __post_init__(self) -> None:
        self.invoked_function_arn = function_arn(self.function_name)
        self._began_at = self.clock()

    def get_remaining_time_in_millis(self) -> int:
        passed = self.clock() - self._began_at
        return max(0, int(self.timeout_seconds * 1000 - passed.total_seconds() * 1000))


@dataclass
class Crash:
    name: str
    when: Callable[[Invocation], bool]
    how: str


@dataclass
class Invocation:
    name: str
    crashes: list[Crash]  # those that wait for their moment, of all functions
    writes: list[str] = field(default_factory=list)  # "dynamodb.PutItem" …
    dead: str = ""

    def before_call(self, service: str, operation: str) -> None:
        if self.dead:
            raise Killed
        if not operation.startswith(READING):
            self.writes.append(f"{service}.{operation}")
        crash = next((one for one in self.crashes if one.name == self.name), None)
        if crash is not None and crash.when(self):
            self.crashes.remove(crash)
            self.dead = crash.how
            raise Killed


here = threading.local()  # .invocation: what this thread runs


def before_aws_call(model: Any, params: Any, **_: Any) -> Any:
    invocation: Invocation | None = getattr(here, "invocation", None)
    if invocation is None:
        return None
    invocation.before_call(model.service_model.service_name, model.name)
    refuse_unless_granted(invocation.name, model.service_model.service_name, model.name, params["body"])
    return _get_item(json.loads(params["body"])) if model.name == "GetItem" else None


def _get_item(request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Half of all calls are this one, and moto's way to answer it is long: its table is read here and now."""
    table = dynamodb_backends[ACCOUNT][REGION].get_table(request["TableName"])
    item = table.get_item(*(DynamoType(request["Key"][name]) for name in ("pk", "sk")))
    found = {"Item": {name: value.to_regular_json() for name, value in item.attrs.items()}} if item else {}
    return SimpleNamespace(status_code=200), found


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
