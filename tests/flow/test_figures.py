"""What the logs of a whole story tell: every move of every row once, and the figures the alarms wait for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.flow.story import COSTS, Story


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Everything told since the last time."""
    return [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]


def figures(told: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Sums by function and metric."""
    sums: Counter[tuple[str, str]] = Counter()
    for line in told:
        for metric in line.get("_aws", {}).get("CloudWatchMetrics", [{}])[0].get("Metrics", []):
            value = line[metric["Name"]]
            sums[line["Function"], metric["Name"]] += sum(value) if isinstance(value, list) else value
    return sums


def test_every_move_of_every_row_is_one_line(connected: Story, capfd: pytest.CaptureFixture[str]) -> None:
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "drop_after", "nth": 2})
    made = [connected.purchase(receipts=("jpg",)), connected.purchase(), connected.purchase(project=None)]
    connected.deliver()
    connected.sync()
    connected.tag(made[2], "Library", "01-500", "M")
    connected.sweep()
    moves = Counter(
        (line["transaction_id"], line["to"], line["cause"]) for line in lines(capfd) if line.get("event") == "row moved"
    )
    kept = Counter(
        (transaction_id, entry["to"], entry["cause"])
        for transaction_id in made
        for entry in connected.row(transaction_id)["timeline"]
    )
    assert moves == kept
    assert len(moves) > 10


def test_the_line_of_a_posting_tells_run_answer_and_quota(connected: Story, capfd: pytest.CaptureFixture[str]) -> None:
    connected.purchase()
    run = connected.sync()
    (posted,) = [line for line in lines(capfd) if line.get("event") == "row moved" and line["to"] == "posted"][:1]
    assert (posted["run_id"], posted["from"], posted["step"]) == (run["run_id"], "posting", "PostTransactions")
    assert posted["procore"]["status"] == 201
    assert posted["procore"]["quota_left"] > 0
    assert posted["direct_cost_ids"] == [connected.cost()["id"]]


def test_the_figures_of_an_ordinary_day(connected: Story, capfd: pytest.CaptureFixture[str]) -> None:
    connected.purchase()
    connected.deliver()
    connected.purchase(project=None)
    connected.sweep()
    told = figures(lines(capfd))
    assert told["PostTransactions", "Posted"] == 1
    assert told["PostTransactions", "EligibleToPosted"] > 0
    assert told["ReceiveCallback", "CallbackAck"] > 0
    assert told["StartRuns", "SweepsStarted"] == told["CloseRun", "SweepsDone"] == 1
    assert sum(number for (_, name), number in told.items() if name == "Waiting") == 1
    calls = sum(number for (_, name), number in told.items() if name == "ProcoreCalls")
    logins = sum("/oauth/token" in one.path for one in connected.procore.requests.all())
    assert calls == len(connected.procore.requests.all()) - logins
    assert not {name for _, name in told} & {"Duplicates", "ReconcileDrift", "Throttled429", "BrokenRuns"}


def test_a_doubt_is_counted(connected: Story, capfd: pytest.CaptureFixture[str]) -> None:
    connected.purchase()
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "drop_after", "times": 1})
    connected.sync()
    assert figures(lines(capfd))["PostTransactions", "UnknownOutcome"] == 1


def test_refused_credentials_are_counted_where_the_run_ends(
    connected: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    connected.procore.world.clients.clear()
    connected.procore.world.tokens.clear()
    connected.cloud.forget_warm_state()
    connected.purchase()
    run = connected.sync()
    assert "procore_secret_rejected" in run["reasons"]
    assert figures(lines(capfd))["CloseRun", "AuthFailures"] == 1


def test_a_refused_sign_in_is_counted(connected: Story, capfd: pytest.CaptureFixture[str]) -> None:
    assert connected.cloud.request("POST", "/v1/sessions", {"pex_token": "guessed"}).status == 401
    assert figures(lines(capfd))["SetupCredentials", "AuthFailures"] == 1


def test_a_step_that_fails_as_nobody_foresaw_is_a_broken_run(
    connected: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    connected.purchase()
    connected.cloud.crash("ListTransactions", when=lambda: True, times=5)
    connected.ask("POST", "/v1/runs", {"kind": "transactions"})
    connected.cloud.finish()
    connected.cloud.forget_crashes()
    assert figures(lines(capfd))["CloseRun", "BrokenRuns"] == 1
