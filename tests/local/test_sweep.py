from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

import pytest

from local.deploy import Deployment
from local.sweep import NoSweep, Sweeper, schedule_input


def template(**events: Any) -> dict[str, Any]:
    return {"Resources": {"StartRuns": {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}}}


SCHEDULED = template(
    Hints={"Type": "SQS", "Properties": {"Queue": "q"}},
    Beat={"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 minute)", "Input": '{"beat": "sweeps"}'}},
)


def test_the_beat_sends_what_the_schedule_sends() -> None:
    sent: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    clients = lambda service: SimpleNamespace(invoke=lambda **named: sent.put(named))  # noqa: E731
    deployment = Deployment({}, {"StartRuns": "connector-StartRuns-1"}, "api", "local", SCHEDULED, changed=True)
    sweeper = Sweeper(clients, deployment, 0.02)
    first, second = sent.get(timeout=5), sent.get(timeout=5)
    sweeper.close()
    assert first == second
    assert (first["FunctionName"], first["InvocationType"]) == ("connector-StartRuns-1", "Event")
    assert first["Payload"] == b'{"beat": "sweeps"}'


def test_a_separate_schedule_resource_is_found_by_its_target() -> None:
    separate = template()
    separate["Resources"]["Beat"] = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"Target": {"Arn": {"Fn::GetAtt": ["StartRuns", "Arn"]}, "Input": '{"a": 1}'}},
    }
    assert schedule_input(separate, "StartRuns") == '{"a": 1}'


def test_a_template_without_a_schedule_is_told() -> None:
    with pytest.raises(NoSweep, match="no schedule for StartRuns"):
        schedule_input(template(), "StartRuns")
