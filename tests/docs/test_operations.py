"""What can be set, called and run stands in docs/operations.md, and what stands there exists."""

from __future__ import annotations

import ast
import re

import pytest

from local.__main__ import main
from pex_procore.domain.settings import Settings
from tests.docs.markdown import ROOT, names_in_first_column, page, section
from tests.template.cfn import load_template, routes

OPERATIONS = page("docs/operations.md")
RUNTIME = ROOT / "layers" / "common" / "pex_procore" / "runtime"


def environment_names() -> set[str]:
    """Texts in capitals, which in these two files are names of the environment; Lambda's own aside."""
    return {
        node.value
        for name in ("settings.py", "webhook.py")
        for node in ast.walk(ast.parse((RUNTIME / name).read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(?!AWS_)[A-Z_]{4,}", node.value)
    }


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+):.*## ", page("Makefile"), re.MULTILINE))


def function_routes() -> set[tuple[str, str]]:
    return {
        (method.upper(), re.sub(r"<(\w+)>", r"{\1}", path))
        for app in (ROOT / "functions").glob("*/app.py")
        for method, path in re.findall(r'^@api\.(\w+)\("([^"]+)"\)', app.read_text(), re.MULTILINE)
    }


def told_routes() -> set[tuple[str, str]]:
    return {(name.split()[0], name.split()[1]) for name in names_in_first_column(section(OPERATIONS, "## HTTP"))}


def test_every_environment_name_is_told() -> None:
    table = section(OPERATIONS, "## Deploying").split("Environment of the functions")[1]
    assert set(names_in_first_column(table)) == environment_names()


def test_every_parameter_of_the_template_is_told_with_its_default() -> None:
    table = section(OPERATIONS, "## Deploying").split("Environment of the functions")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", table, re.MULTILINE))
    declared = load_template()["Parameters"]
    assert told.keys() == declared.keys()
    for name, default in told.items():
        value = str(declared[name]["Default"])
        expected = {"": "empty"}.get(value, "production" if value.startswith("https:") else f"`{value}`")
        assert default == expected, name


def test_every_route_is_told_and_deployed() -> None:
    deployed = {(route.method, route.path) for route in routes()}
    assert told_routes() == deployed
    assert function_routes() == {route for route in deployed if route[1].startswith("/v1/")}


def test_every_function_is_told() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(names_in_first_column(section(OPERATIONS, "## Functions"))) == folders


def test_every_setting_is_told() -> None:
    assert set(names_in_first_column(section(OPERATIONS, "## Settings"))) == Settings.model_fields.keys()


def test_every_make_target_is_told() -> None:
    told = {name.removeprefix("make ") for name in names_in_first_column(section(OPERATIONS, "## On one machine"))}
    assert told == make_targets()


def test_every_make_command_of_the_pages_exists() -> None:
    commands = {
        target
        for name in ("README.md", "docs/operations.md", "docs/architecture.md")
        for target in re.findall(r"(?:^|`)make ([a-z0-9.-]+)", page(name), re.MULTILINE)
    }
    assert {"demo", "test", "up", "build"} <= commands <= make_targets()


def test_every_option_of_up_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--help"])
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    told = set(re.findall(r"--[a-z][a-z-]+", section(OPERATIONS, "## On one machine"))) - {"--exit"}
    assert told == options
