"""Figures as CloudWatch reads them out of the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pex_procore.runtime.metrics import LEVELS, MILLISECONDS, NAMES, count, measured, observe


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_numbers_are_added_up_and_values_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with measured("connector-PostTransactions", business_id=7, run_id="run"):
        count("Posted")
        count("Posted", 2)
        observe("EligibleToPosted", 1500.0)
        observe("EligibleToPosted", 900.0)
    (line,) = lines(capsys)
    assert (line["Posted"], line["EligibleToPosted"]) == (3, [1500.0, 900.0])
    assert (line["Function"], line["business_id"], line["run_id"]) == ("connector-PostTransactions", 7, "run")


def test_the_function_is_the_only_dimension_and_every_metric_has_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    with measured("F", business_id=7):
        for name in NAMES:
            count(name)
    (line,) = lines(capsys)
    (told,) = line["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == ("PexProcore", [["Function"]])
    units = {one["Name"]: one["Unit"] for one in told["Metrics"]}
    assert units.keys() == NAMES
    assert {name for name, unit in units.items() if unit == "Milliseconds"} == MILLISECONDS
    assert LEVELS < NAMES
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_a_line_holds_at_most_as_many_values_as_cloudwatch_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with measured("F"):
        count("Posted", 250)
        for number in range(250):
            observe("QueueAge", number)
    told = lines(capsys)
    assert [len(line["QueueAge"]) for line in told] == [100, 100, 50]
    assert [line.get("Posted") for line in told] == [250, None, None]


def test_figures_are_written_also_when_the_function_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with measured("F"):
            count("Posted")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert lines(capsys)[0]["Posted"] == 1


def test_nothing_to_tell_is_no_line_and_nothing_is_kept_for_the_next_invocation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count("Posted")
    with measured("F"):
        pass
    assert lines(capsys) == []


def test_a_metric_nobody_knows_is_a_mistake() -> None:
    with measured("F"), pytest.raises(ValueError, match="Postd"):
        count("Postd")
