"""Executions of state machines outlive the emulated AWS, as they outlive a developer's machine on the real one."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack import Stack
from tests.local.conftest import FIXTURE_APP
from tests.local.conftest import NOWHERE as NO_VENDORS
from tests.local.launched import NOWHERE, Launcher, emulated, outputs_of

pytestmark = pytest.mark.whole_stack

Clients = Callable[[str], Any]
LONG, SHORT = "LongMachine", "ShortMachine"  # STANDARD and EXPRESS
WAITS = {"wait_seconds": 100, "openings_that_wait": 1}


def until(found: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return result


def start(clients: Clients, machine: str, name: str, **message: Any) -> None:
    arn = outputs_of(clients)[machine]
    clients("stepfunctions").start_execution(stateMachineArn=arn, name=name, input=json.dumps(message))


def executions(clients: Clients, machine: str, name: str, status: str) -> list[dict[str, Any]]:
    states = clients("stepfunctions")
    listed = states.list_executions(stateMachineArn=outputs_of(clients)[machine])["executions"]
    return [
        states.describe_execution(executionArn=one["executionArn"])
        for one in sorted(listed, key=lambda one: str(one["executionArn"]))
        if (one["name"], one["status"]) == (name, status)
    ]


def succeeded(clients: Clients, machine: str, name: str, number: int = 1) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        found = executions(clients, machine, name, "SUCCEEDED")
        return found if len(found) >= number else None

    return list(until(look))


def openings(clients: Clients, name: str) -> tuple[int, list[str]]:
    """How often an execution of this name made its first step, and the start times it was told."""
    item = clients("dynamodb").get_item(
        TableName=outputs_of(clients)["ItemsTable"], Key={"pk": {"S": name}, "sk": {"S": "attempts"}}
    )
    found = item.get("Item", {"attempts": {"N": "0"}, "started_at": {"SS": []}})
    return int(found["attempts"]["N"]), sorted(found["started_at"]["SS"])


def test_executions_that_waited_when_it_was_killed_end_and_those_that_had_ended_stay_so(
    running: list[Launcher], tmp_path: Path
) -> None:
    launcher = Launcher(*NOWHERE, "--state", str(tmp_path))
    running.append(launcher)
    clients = emulated(tmp_path)
    for machine in (LONG, SHORT):
        start(clients, machine, f"ended-{machine}")
    ended = {machine: succeeded(clients, machine, f"ended-{machine}") for machine in (LONG, SHORT)}
    start(clients, LONG, f"waits-{LONG}", **WAITS)
    for _ in range(2):
        start(clients, SHORT, f"waits-{SHORT}", **WAITS | {"openings_that_wait": 2})
        time.sleep(0.01)  # start times count milliseconds
    until(lambda: openings(clients, f"waits-{LONG}")[0] == 1 and openings(clients, f"waits-{SHORT}")[0] == 2)
    waiting = {machine: executions(clients, machine, f"waits-{machine}", "RUNNING") for machine in (LONG, SHORT)}
    assert [len(found) for found in waiting.values()] == [1, 2]

    launcher.end(signal.SIGKILL)
    running.append(Launcher(*NOWHERE, "--state", str(tmp_path)))

    for machine, before in waiting.items():
        name = f"waits-{machine}"
        after = succeeded(clients, machine, name, len(before))
        identity = ("executionArn", "name", "input", "startDate")
        assert [[one[key] for key in identity] for one in after] == [[one[key] for key in identity] for one in before]
        times, started_at = openings(clients, name)
        assert times == 2 * len(before)
        assert len(started_at) == len(before)
    for machine, before in ended.items():
        name = f"ended-{machine}"
        after = executions(clients, machine, name, "SUCCEEDED")
        assert [(one["stopDate"], one["output"]) for one in after] == [
            (one["stopDate"], one["output"]) for one in before
        ]
        assert openings(clients, name)[0] == 1
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(clients, LONG, f"ended-{LONG}")


def test_after_a_stop_in_good_order_they_go_on_too_unless_their_state_machine_is_gone(tmp_path: Path) -> None:
    app, state = tmp_path / "app", tmp_path / "state"
    shutil.copytree(FIXTURE_APP, app)
    told: list[str] = []
    with Stack(port=0, vendor_urls=NO_VENDORS, root=app, state=state) as stack:
        for machine in (LONG, SHORT):
            start(stack.clients, machine, machine, **WAITS)
        until(lambda: openings(stack.clients, LONG)[0] == openings(stack.clients, SHORT)[0] == 1)
        start(stack.clients, LONG, "stopped", **WAITS)
        [stopped] = executions(stack.clients, LONG, "stopped", "RUNNING")
        stack.clients("stepfunctions").stop_execution(executionArn=stopped["executionArn"])
        start(stack.clients, LONG, "busy", items=[{"n": 1, "sleep": 8}])
        until(lambda: openings(stack.clients, "busy")[0] == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 6  # though a function is at work for longer
    template = app / "template.yaml"
    template.write_text(template.read_text().replace("ShortWork", "BriefWork"))
    with Stack(port=0, vendor_urls=NO_VENDORS, root=app, state=state, progress=told.append) as stack:
        assert "2 state machine executions go on that had not ended the last time." in told
        succeeded(stack.clients, LONG, LONG)
        succeeded(stack.clients, LONG, "busy")
        assert openings(stack.clients, SHORT)[0] == 1
        assert executions(stack.clients, LONG, "stopped", "ABORTED")
        log = (state / "run" / "logs" / "emulator.log").read_text()
    [dropped] = [line for line in log.splitlines() if "its state machine is no more" in line]
    assert f":{SHORT}:" in dropped
    with Stack(port=0, vendor_urls=NO_VENDORS, root=app, state=state, progress=told.append) as stack:
        assert "had not ended" not in "".join(told[-4:])
        assert openings(stack.clients, LONG)[0] == 2
