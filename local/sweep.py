"""Schedules on AWS cannot go under a minute. For a faster sweep the launcher gives the beat itself."""

from __future__ import annotations

import sys
import threading
from itertools import cycle
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import Clients, Deployment, Template

SWEEP_FUNCTION = "StartRuns"
FASTEST_SCHEDULE_SECONDS = 60


class NoSweep(RuntimeError):
    """The template has no schedule whose input the beat could repeat."""


class Sweeper:
    """Invokes the sweep's function with the schedules' own inputs, each every `seconds`, until closed. One after the
    other: each at once would be a process of its own."""

    def __init__(self, clients: Clients, deployment: Deployment, seconds: float) -> None:
        self._invoke = clients("lambda").invoke
        self._function = deployment.resources[SWEEP_FUNCTION]
        self._inputs = schedule_inputs(deployment.template, SWEEP_FUNCTION)
        self._seconds = seconds
        self._closed = threading.Event()
        threading.Thread(target=self._beat, name="sweep", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _beat(self) -> None:
        inputs = cycle(self._inputs)
        while not self._closed.wait(self._seconds / len(self._inputs)):
            try:
                self._invoke(FunctionName=self._function, InvocationType="Event", Payload=next(inputs).encode())
            except (BotoCoreError, ClientError) as error:
                if not self._closed.is_set():
                    print(f"The sweep could not be started: {error}", file=sys.stderr)


def schedule_inputs(template: Template, function: str) -> list[str]:
    """What the schedules of a function in the SAM template send to it."""
    resource: dict[str, Any] = template["Resources"].get(function, {})
    schedules = [
        event["Properties"]
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] in ("Schedule", "ScheduleV2")
    ]
    for other in template["Resources"].values():
        target = other.get("Properties", {}).get("Target", {})
        if other["Type"] == "AWS::Scheduler::Schedule" and target.get("Arn") == {"Fn::GetAtt": [function, "Arn"]}:
            schedules.append(target)
    if not schedules:
        raise NoSweep(f"template.yaml has no schedule for {function}, so --sweep-seconds has nothing to repeat.")
    return [str(one.get("Input", "{}")) for one in schedules]
