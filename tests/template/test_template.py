"""template.yaml agrees with the code it deploys."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from tests.flow.process import load_app
from tests.store.tables import SCHEMA, TIME_TO_LIVE
from tests.template.cfn import (
    ROOT,
    Route,
    environment_of,
    every_environment,
    folder_of,
    functions,
    load_template,
    resource_of,
    resources,
    routes,
)

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
NAMES = sorted(functions())
LOOKS_SECRET = re.compile(r"SECRET(?!_ARN$)|PASSWORD|TOKEN|PRIVATE|API_?KEY", re.IGNORECASE)


def test_every_function_folder_is_a_function_of_that_name() -> None:
    assert sorted(map(resource_of, FOLDERS)) == NAMES
    for name in NAMES:
        assert functions()[name]["CodeUri"] == f"functions/{folder_of(name)}/"


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_time_limit_and_a_log_that_forgets(name: str) -> None:
    assert 0 < functions()[name]["Timeout"] <= 900
    logs = resources("AWS::Logs::LogGroup")[f"{name}Logs"]
    assert logs["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{{name}}}"}
    assert logs["RetentionInDays"] > 0


def names_read_by(path: str) -> set[str]:
    """Capital-letter names that the module takes from its environment, but for those that Lambda itself sets."""
    tree = ast.parse((ROOT / "layers/common/pex_procore/runtime" / path).read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    names = {text for text in texts if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", text)}
    return {name for name in names if not name.startswith("AWS_")}


def test_every_environment_name_the_code_reads_is_given_and_every_given_one_is_read() -> None:
    assert names_read_by("settings.py") | names_read_by("webhook.py") == set(every_environment())


def test_nothing_but_these_two_modules_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT / "layers/common/pex_procore"))
        for path in (ROOT / "layers/common/pex_procore").rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text())
    }
    assert readers == {"runtime/settings.py", "runtime/webhook.py"}
    assert not [folder for folder in FOLDERS if "environ" in (ROOT / "functions" / folder / "app.py").read_text()]


@pytest.mark.parametrize("name", NAMES)
def test_a_function_that_starts_runs_knows_every_machine(name: str) -> None:
    source = (ROOT / "functions" / folder_of(name) / "app.py").read_text()
    machines = {variable for variable in environment_of(name) if variable.endswith("_MACHINE_ARN")}
    assert bool(machines) == (".executions" in source)
    assert not machines or machines == {one for one in every_environment() if one.endswith("_MACHINE_ARN")}


def test_no_environment_looks_like_a_secret() -> None:
    for name in NAMES:
        for variable, value in environment_of(name).items():
            assert not LOOKS_SECRET.search(variable), variable
            assert not isinstance(value, str) or len(value) < 40, f"{variable} of {name}"


def registered(folder: str) -> list[tuple[str, str]]:
    api = getattr(load_app(folder), "api", None)
    if api is None:
        return []
    every = [*api._static_routes, *api._dynamic_routes]
    return [(one.method, re.sub(r"<(\w+)>", r"{\1}", one.path)) for one in every]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_route_of_the_code_has_one_event_and_every_event_a_route(folder: str) -> None:
    name = resource_of(folder)
    mine = sorted((one.method, one.path) for one in routes() if one.function == name)
    if folder.startswith("receive_"):
        assert [method for method, _ in mine] == ["POST"]
        return
    if folder == "dashboard":
        assert mine == [("GET", "/"), ("GET", "/static/{proxy+}")]
        return
    assert sorted(registered(folder)) == mine


def test_no_two_functions_answer_one_route() -> None:
    every = [(one.method, one.path) for one in routes()]
    assert len(every) == len(set(every))
    assert all(isinstance(one, Route) and one.method != "ANY" for one in routes())


@pytest.mark.parametrize("name", sorted(SCHEMA))
def test_the_tables_have_the_keys_the_stores_use(name: str) -> None:
    declared = resources("AWS::DynamoDB::Table")[name]
    assert {key: declared[key] for key in SCHEMA[name]} == SCHEMA[name]
    assert declared["TimeToLiveSpecification"] == TIME_TO_LIVE
    assert declared["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    whole = load_template()["Resources"][name]
    assert (whole["DeletionPolicy"], whole["UpdateReplacePolicy"]) == ("Retain", "Retain")


def statements(name: str) -> list[dict[str, Any]]:
    found = [one for policy in functions()[name].get("Policies", []) for one in policy.get("Statement", [])]
    return [one for one in found if one["Effect"] == "Allow"]


def test_the_callback_function_can_neither_open_seals_nor_read_history() -> None:
    allowed = {action for one in statements("ReceiveCallback") for action in one["Action"]}
    assert allowed == {"dynamodb:GetItem", "sqs:SendMessage"}


def test_only_three_errors_leave_a_step_and_none_is_subclassed() -> None:
    assert [one.__subclasses__() for one in (TryLater, Unsure, NeedsAttention)] == [[], [], []]
    texts = "".join(path.read_text() for path in (ROOT / "statemachines").glob("*.yaml"))
    assert "TryLater" in texts


def test_every_stage_of_samconfig_gives_only_parameters_the_template_has() -> None:
    import tomllib

    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    known = set(load_template()["Parameters"])
    for stage, tables in config.items():
        if isinstance(tables, dict):
            given = {one.split("=", 1)[0] for one in tables["deploy"]["parameters"]["parameter_overrides"]}
            assert given <= known, stage
