from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from botocore.exceptions import ClientError

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Kind, Run, Trigger
from pex_procore.services.start_port import Executions
from pex_procore.store.executions import StepFunctionsExecutions
from tests.store.mischief import BusyClient

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class StepFunctions:
    """What was started; a name is accepted once, as STANDARD state machines do."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []

    def start_execution(self, **request: Any) -> dict[str, Any]:
        if any(request["name"] == one["name"] for one in self.started):
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")
        self.started.append(request)
        return {"executionArn": "arn"}


def executions_of(client: Any) -> StepFunctionsExecutions:
    executions = StepFunctionsExecutions(client, "arn:short", "arn:long", "arn:tags")
    _: Executions = executions
    return executions


def a_run(trigger: Trigger, kind: Kind = "transactions") -> Run:
    return Run(run_id="20260504T120000000000-0a1b2c", kind=kind, trigger=trigger, started_at=NOON)


@pytest.mark.parametrize(("long", "machine"), [(False, "arn:short"), (True, "arn:long")])
def test_a_run_of_transactions_goes_where_it_has_the_time_it_needs(long: bool, machine: str) -> None:
    client = StepFunctions()
    executions_of(client).start(a_run("sweep"), 42, long=long)
    assert [one["stateMachineArn"] for one in client.started] == [machine]


def test_an_execution_is_named_after_its_run_and_told_what_to_read() -> None:
    client = StepFunctions()
    executions_of(client).start(a_run("callback"), 42, [9, 7, 9], NOON)
    (started,) = client.started
    assert started["name"] == "20260504T120000000000-0a1b2c"
    assert json.loads(started["input"]) == {
        "business_id": 42,
        "run_id": "20260504T120000000000-0a1b2c",
        "kind": "transactions",
        "trigger": "callback",
        "account_ids": [7, 9],
        "since": "2026-05-04T12:00:00+00:00",
    }


@pytest.mark.parametrize("trigger", get_args(Trigger))
def test_a_run_of_tags_goes_to_its_own_machine_whatever_started_it(trigger: Trigger) -> None:
    client = StepFunctions()
    executions_of(client).start(a_run(trigger, "tags"), 42, [7], NOON)
    (started,) = client.started
    assert started["stateMachineArn"] == "arn:tags"
    assert json.loads(started["input"]) == {
        "business_id": 42,
        "run_id": "20260504T120000000000-0a1b2c",
        "kind": "tags",
        "trigger": trigger,
    }


def test_without_hints_nothing_is_narrowed() -> None:
    client = StepFunctions()
    executions_of(client).start(a_run("sweep"), 42)
    work = json.loads(client.started[0]["input"])
    assert (work["account_ids"], work["since"]) == ([], None)


def test_starting_the_same_run_again_is_no_error() -> None:
    client = StepFunctions()
    executions_of(client).start(a_run("manual"), 42)
    executions_of(client).start(a_run("manual"), 42)
    assert len(client.started) == 1


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("ExecutionLimitExceeded", 400), ("ServiceUnavailable", 503)]
)
def test_a_busy_step_functions_asks_to_try_later(code: str, status: int) -> None:
    with pytest.raises(TryLater):
        executions_of(BusyClient(code, status)).start(a_run("manual"), 42)


def test_a_mistake_of_ours_is_not_called_busy() -> None:
    with pytest.raises(ClientError):
        executions_of(BusyClient("InvalidArn")).start(a_run("manual"), 42)
