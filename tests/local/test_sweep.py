from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

import pytest

from local.deploy import Deployment
from local.sweep import NoSweep, Sweeper, schedule_inputs


def template(**events: Any) -> dict[str, Any]:
    return {"Resources": {"StartRuns": {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}}}


SCHEDULED = template(
    Hints={"Type": "SQS", "Properties": {"Queue": "q"}},
    Beat0={"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 minute)", "Input": '{"shard": "0"}'}},
    Beat1={"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 minute)", "Input": '{"shard": "1"}'}},
)


def test_the_beat_sends_what_the_schedules_send() -> None:
    sent: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    clients = lambda service: SimpleNamespace(invoke=lambda **named: sent.put(named))  # noqa: E731
    deployment = Deployment({}, {"StartRuns": "connector-StartRuns-1"}, "api", "local", SCHEDULED, changed=True)
    sweeper = Sweeper(clients, deployment, 0.02)
    first, second, third = (sent.get(timeout=5) for _ in range(3))
    sweeper.close()
    assert first == third
    assert (first["FunctionName"], first["InvocationType"]) == ("connector-StartRuns-1", "Event")
    assert [one["Payload"] for one in (first, second)] == [b'{"shard": "0"}', b'{"shard": "1"}']


def test_a_separate_schedule_resource_is_found_by_its_target() -> None:
    separate = template()
    separate["Resources"]["Beat"] = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"Target": {"Arn": {"Fn::GetAtt": ["StartRuns", "Arn"]}, "Input": '{"a": 1}'}},
    }
    assert schedule_inputs(separate, "StartRuns") == ['{"a": 1}']


def test_a_template_without_a_schedule_is_told() -> None:
    with pytest.raises(NoSweep, match="no schedule for StartRuns"):
        schedule_inputs(template(), "StartRuns")
