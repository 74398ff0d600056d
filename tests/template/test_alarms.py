"""Whatever may go wrong unseen has an alarm, and every alarm a section of the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pex_procore.runtime.metrics import NAMES, NAMESPACE
from tests.template.cfn import ROOT, folder_of, functions, resources, translated
from tests.template.test_house_rules import dead_letter_queues

ALARMS = resources("AWS::CloudWatch::Alarm")
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
TRAIL = (ROOT / "layers/common/pex_procore/runtime/trail.py").read_text()


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Namespace, MetricName and Dimensions, as one alarm or the parts of a sum have them."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def watched() -> Iterator[tuple[str, str, str]]:
    """Namespace, metric and the logical id of what it is measured at."""
    for alarm in ALARMS.values():
        for metric in metrics_of(alarm):
            for dimension in metric.get("Dimensions", []):
                yield metric["Namespace"], metric["MetricName"], target(dimension["Value"])


def target(value: Any) -> str:
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    return str(value["Ref"])


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_reaches_people_and_says_where_to_read_on(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmDescription"].endswith(f"docs/runbook.md#{name.lower()}")


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    assert set(re.findall(r"^### (\w+Alarm)$", RUNBOOK, re.MULTILINE)) == set(ALARMS)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_section_tells_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    text = RUNBOOK.split(f"### {name}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]
    for part in ("**It means**", "**Look**", "**Do**"):
        assert part in text, part


def test_every_function_is_watched() -> None:
    """By its errors; or, where a state machine repeats it and catches what it raises, by how the machine's runs end."""
    by_errors = {where for _, metric, where in watched() if metric == "Errors"}
    machines = resources("AWS::Serverless::StateMachine")
    steps = {
        value["Fn::GetAtt"][0]
        for machine in machines.values()
        for value in machine["DefinitionSubstitutions"].values()
        if isinstance(value, dict)
    }
    assert not by_errors & steps, "TryLater of a step is no alarm"
    assert by_errors | steps == set(functions())
    ends = {(metric, where) for namespace, metric, where in watched() if namespace == "AWS/States"}
    assert ends == {(metric, name) for name in machines for metric in ("ExecutionsFailed", "ExecutionsTimedOut")}
    assert (NAMESPACE, "BrokenRuns", "CloseRun") in set(watched())


def test_every_queue_of_dead_letters_and_every_table_is_watched() -> None:
    assert {where for _, metric, where in watched() if metric == "ApproximateNumberOfMessagesVisible"} == (
        dead_letter_queues()
    )
    throttled = {where for namespace, _, where in watched() if namespace == "AWS/DynamoDB"}
    assert throttled == set(resources("AWS::DynamoDB::Table"))


def test_an_alarm_watches_figures_its_function_writes() -> None:
    for namespace, metric, where in watched():
        if namespace == NAMESPACE:
            assert metric in NAMES
            assert f'"{metric}"' in TRAIL + (ROOT / "functions" / folder_of(where) / "app.py").read_text(), (
                metric,
                where,
            )


def test_every_sum_names_its_parts_once() -> None:
    for name, alarm in ALARMS.items():
        ids = [one["Id"] for one in alarm.get("Metrics", [])]
        assert len(ids) == len(set(ids)) <= 10, name
        parts = [json.dumps(metric, sort_keys=True) for metric in metrics_of(alarm)]
        assert len(parts) == len(set(parts)), name


def test_the_dashboard_shows_every_figure_of_ours() -> None:
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    text = dashboard["DashboardBody"]["Fn::Sub"]
    shown = [
        metric
        for widget in json.loads(text)["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == NAMESPACE
    ]
    assert {metric[1] for metric in shown} == NAMES
    for name in re.findall(r"\$\{(\w+)", text):
        assert name == "AWS" or name in translated(), name
    assert {metric[2] for metric in shown} == {"Function"}
