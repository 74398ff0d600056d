"""The state machines read like the requirement, and use nothing that AWS and the emulator do not share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.cfn import ROOT, functions, load_machine, resources

MACHINES = resources("AWS::Serverless::StateMachine")
FILES = sorted({one["DefinitionUri"] for one in MACHINES.values()})
FORBIDDEN = ("ItemBatcher", "ResultWriter", ".sync:2", "aws-sdk:s3:putObject", "JSONata", "{%", "QueryLanguage")
TURNED_AWAY = "Lambda.TooManyRequestsException"
DIED = {"Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"}


def states_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of branches and iterators too."""
    for name, state in document["States"].items():
        yield name, state
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor"), state.get("Iterator")])]:
            yield from states_of(inner)


def every(kind: str) -> list[Any]:
    return [
        pytest.param(path, name, state, id=f"{path.split('/')[-1].split('.')[0]}-{name}")
        for path in FILES
        for name, state in states_of(load_machine(path))
        if state["Type"] == kind
    ]


def called_by(state: dict[str, Any]) -> str:
    """The placeholder of the function a task calls."""
    found = re.fullmatch(r"\$\{(\w+)\}", state["Parameters"]["FunctionName"])
    assert found, state["Parameters"]["FunctionName"]
    return found[1]


def test_every_machine_file_is_deployed() -> None:
    assert sorted(str(path.relative_to(ROOT)) for path in (ROOT / "statemachines").glob("*.asl.yaml")) == FILES


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_every_placeholder_is_bound_and_every_binding_used(name: str) -> None:
    machine = MACHINES[name]
    text = (ROOT / machine["DefinitionUri"]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_a_function_placeholder_is_bound_to_the_function_of_that_name_and_may_be_invoked(name: str) -> None:
    machine = MACHINES[name]
    bound = {key: value for key, value in machine["DefinitionSubstitutions"].items() if isinstance(value, dict)}
    assert bound == {key: {"Fn::GetAtt": [key, "Arn"]} for key in bound}
    statements = [one for policy in machine["Policies"] for one in policy["Statement"]]
    (allowed,) = [one["Resource"] for one in statements if one["Action"] == ["lambda:InvokeFunction"]]
    assert sorted(one["Fn::GetAtt"][0] for one in allowed) == sorted(bound)


@pytest.mark.parametrize(("path", "name", "state"), every("Task"))
def test_a_task_is_called_like_the_function_it_calls(path: str, name: str, state: dict[str, Any]) -> None:
    """Or, where one function serves several states, begins and ends like it: RefreshProjectTag calls RefreshTag."""
    function = called_by(state)
    assert function in functions()
    words = re.findall("[A-Z][a-z]+", function)
    assert name == function or (name.startswith(words[0]) and name.endswith(words[-1]))


@pytest.mark.parametrize(("path", "name", "state"), every("Task"))
def test_a_task_has_a_time_limit_beyond_its_functions_own(path: str, name: str, state: dict[str, Any]) -> None:
    assert state["TimeoutSeconds"] > functions()[called_by(state)]["Timeout"]


@pytest.mark.parametrize(("path", "name", "state"), every("Task"))
def test_a_task_is_tried_again_when_turned_away_or_dead(path: str, name: str, state: dict[str, Any]) -> None:
    retried = {error: one for one in state["Retry"] for error in one["ErrorEquals"]}
    assert {TURNED_AWAY, "TryLater", *DIED} <= set(retried)
    assert retried[TURNED_AWAY]["JitterStrategy"] == "FULL"
    assert all(one["MaxAttempts"] >= 1 and isinstance(one["BackoffRate"], float) for one in state["Retry"])
    assert not {"NeedsAttention", "Unsure", "States.ALL", "States.TaskFailed"} & set(retried)


@pytest.mark.parametrize(("path", "name", "state"), every("Task"))
def test_whatever_fails_the_run_is_closed(path: str, name: str, state: dict[str, Any]) -> None:
    if called_by(state) == "CloseRun":
        assert "Catch" not in state, "nobody would notice that the lease stays"
        return
    assert [one["ErrorEquals"] for one in state["Catch"]] == [["States.ALL"]]
    assert all(one["ResultPath"].startswith("$.") for one in state["Catch"])
    assert reaches(load_machine(path)["States"], state["Catch"][0]["Next"], "CloseRun")


def reaches(states: dict[str, Any], start: str, goal: str) -> bool:
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        state = states[name]
        todo += [state[key] for key in ("Next", "Default") if key in state]
        todo += [one["Next"] for one in state.get("Choices", [])]
    return goal in seen


@pytest.mark.parametrize(("path", "name", "state"), every("Choice"))
def test_a_choice_has_a_default(path: str, name: str, state: dict[str, Any]) -> None:
    assert state["Default"] in load_machine(path)["States"]


@pytest.mark.parametrize("path", FILES)
def test_every_state_is_reached_and_every_next_exists(path: str) -> None:
    machine = load_machine(path)
    states = machine["States"]
    named = {machine["StartAt"]}
    for state in states.values():
        named |= {state[key] for key in ("Next", "Default") if key in state}
        named |= {one["Next"] for key in ("Choices", "Catch") for one in state.get(key, [])}
    assert named == set(states)


@pytest.mark.parametrize("path", FILES)
def test_only_the_shared_part_of_the_language_is_used(path: str) -> None:
    text = (ROOT / path).read_text()
    assert [word for word in FORBIDDEN if word in text] == []


def test_an_express_run_ends_inside_its_five_minutes() -> None:
    """Past its budget a run begins no new work; its last step and its closing still fit."""
    for machine in MACHINES.values():
        if machine["Type"] != "EXPRESS":
            continue
        tasks = [state for _, state in states_of(load_machine(machine["DefinitionUri"])) if state["Type"] == "Task"]
        longest = max(functions()[called_by(state)]["Timeout"] for state in tasks)
        closing = functions()["CloseRun"]["Timeout"]
        assert int(machine["DefinitionSubstitutions"]["BudgetSeconds"]) + longest + closing <= 300


def test_no_step_outlives_its_lease() -> None:
    from pex_procore.runtime.step import LEASE_NEEDED, TIME_TO_STOP

    tasks = [state for path in FILES for _, state in states_of(load_machine(path)) if state["Type"] == "Task"]
    assert max(state["TimeoutSeconds"] for state in tasks) < LEASE_NEEDED
    chunked = [functions()[called_by(state)]["Timeout"] for state in tasks if "deadline_at.$" in str(state)]
    assert min(chunked) > TIME_TO_STOP / 1000
