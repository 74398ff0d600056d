"""The drill reads what CloudWatch would."""

from __future__ import annotations

import json

import pytest

from pex_procore.runtime.metrics import NAMES, NAMESPACE, count, measured, observe
from tests.template.test_alarms import watched
from tests.whole_stack.drill import WATCHED, Outage, figures_of, table


def test_figures_are_summed_and_errors_of_steps_are_apart(capsys: pytest.CaptureFixture[str]) -> None:
    with measured("CloseRun"):
        count("SweepsDone")
    with measured("PostTransactions"):
        count("UnknownOutcome", 2)
        observe("EligibleToPosted", 12.0)
    lines = [("PostTransactions", line) for line in capsys.readouterr().out.splitlines()]
    failed = json.dumps({"type": "platform.report", "failed": True})
    lines += [("OpenRun", failed), ("StartRuns", failed), ("StartRuns", "no JSON")]
    assert figures_of(iter(lines)) == {"SweepsDone": 1, "UnknownOutcome": 2, "Errors of steps": 1, "Errors": 1}


def test_the_drill_watches_figures_that_alarms_watch() -> None:
    ours = {metric for namespace, metric, _ in watched() if namespace == NAMESPACE}
    assert set(WATCHED) - {"UnknownOutcome", "Exceptions"} <= ours
    assert set(WATCHED) <= NAMES


def test_what_did_not_move_is_not_in_the_table() -> None:
    told = Outage("PEX down", figures_of(iter([])), 12.4)
    assert table([told]).splitlines()[-1] == "| PEX down |  | 12 s |"
