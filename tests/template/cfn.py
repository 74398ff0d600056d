"""template.yaml as plain data, its short tags spelled out, and what the tests ask of it."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """Short forms become long ones: `!GetAtt A.B` → {"Fn::GetAtt": ["A", "B"]}."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@lru_cache
def load_template() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
    return found


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Properties by logical id of one type, such as "AWS::Serverless::Function"."""
    every = load_template()["Resources"].items()
    return {name: one.get("Properties", {}) for name, one in every if one["Type"] == kind}


@lru_cache
def beats() -> list[dict[str, str]]:
    """What the schedules send to start_runs."""
    events = resources("AWS::Serverless::Function")["StartRuns"]["Events"].values()
    return [json.loads(one["Properties"]["Input"]) for one in events if one["Type"] == "ScheduleV2"]


@lru_cache
def translated() -> dict[str, dict[str, Any]]:
    """Every resource by logical id as CloudFormation gets it, SAM's own among them. `local.translate` runs where SAM's
    translator is installed."""
    command = [str(ROOT / ".venv-local/bin/python"), "-m", "local.translate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["Resources"]
    return found


def translated_of(kind: str) -> dict[str, dict[str, Any]]:
    """Properties by logical id."""
    return {name: one.get("Properties", {}) for name, one in translated().items() if one["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    return resources("AWS::Serverless::Function")


def folder_of(name: str) -> str:
    """ReceiveCallback → receive_callback"""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def resource_of(folder: str) -> str:
    """receive_callback → ReceiveCallback"""
    return "".join(part.capitalize() for part in folder.split("_"))


def environment_of(name: str) -> dict[str, Any]:
    shared = load_template()["Globals"]["Function"]["Environment"]["Variables"]
    own = functions()[name].get("Environment", {}).get("Variables", {})
    return {**shared, **own}


def every_environment() -> dict[str, Any]:
    """What any function is given; a name means the same everywhere."""
    found: dict[str, Any] = {}
    for name in functions():
        for variable, value in environment_of(name).items():
            assert found.setdefault(variable, value) == value, f"{variable} has two meanings"
    return found


@dataclass(frozen=True)
class Route:
    function: str  # logical id
    method: str
    path: str


@lru_cache
def routes() -> tuple[Route, ...]:
    """Every Api event of the template."""
    return tuple(
        Route(name, event["Properties"]["Method"], event["Properties"]["Path"])
        for name, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    )


@lru_cache
def load_machine(path: str = "statemachines/sync_transactions.asl.yaml") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return found
