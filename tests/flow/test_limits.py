"""Quota is capacity: what the vendors ask for is waited for, and nothing is asked twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.story import COSTS, Story


@pytest.mark.parametrize("reset_in", [8, 2400])
def test_procores_reset_is_waited_for_and_no_purchase_fails(connected: Story, reset_in: int) -> None:
    connected.set(reference="description")
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "limit_429", "reset_in": reset_in, "nth": 2})
    amounts = ["10.00", "20.00", "30.00"]
    for amount in amounts:
        connected.purchase(amount)
    began = connected.clock()
    run = connected.sync()
    assert run["counts"] == {"posted": 3}
    assert [cost["grand_total"] for cost in connected.costs()] == amounts, "in the order of the purchases"
    assert (connected.clock() - began).total_seconds() >= reset_in
    assert connected.creates() == 4


@pytest.mark.parametrize(
    "refusal", [{"headers": False}, {"reset_in": -30}, {"headers": False, "retry_after": 15}], ids=str
)
def test_a_refusal_that_names_no_usable_time_is_waited_out(connected: Story, refusal: dict[str, object]) -> None:
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "limit_429", "times": 1, **refusal})
    connected.purchase()
    run = connected.sync()
    assert (run["counts"], connected.creates()) == ({"posted": 1}, 2)


@pytest.mark.parametrize("path", ["AllCardholderTransactions", "/Tags$", "/Note", "/Attachments$"])
def test_pex_asking_for_patience_is_waited_for(connected: Story, path: str) -> None:
    connected.pex.faults.add({"path": path, "kind": "limit_429", "headers": False, "times": 2})
    transaction_id = connected.purchase(receipts=("jpg",))
    run = connected.sync()
    assert (run["verdict"], run["counts"]) == ("success", {"posted": 1, "receipts_attached": 1})
    assert connected.row(transaction_id)["state"] == "complete"
    assert len(connected.notes(transaction_id)) == 1


def test_a_burst_stays_inside_both_of_procores_windows(connected: Story) -> None:
    for number in range(30):
        connected.purchase(f"{number + 1}.00")
    began = connected.clock()
    run = connected.sync()
    assert run["counts"] == {"posted": 30}
    assert connected.procore.books()["refused_429"] == 0
    assert (connected.clock() - began).total_seconds() < 90, "smoothed, not stopped"


def test_one_expense_costs_one_call_and_its_receipts_one_more(connected: Story) -> None:
    connected.purchase("1.00")
    connected.sync()
    connected.procore.requests.clear()
    connected.purchase("2.00")
    connected.purchase("3.00", receipts=("jpg", "png"))
    connected.sync()
    calls = [(one.method, one.path.rsplit("/", 1)[-1]) for one in connected.procore.requests.all()]
    creates = [call for call in calls if call == ("POST", "direct_costs")]
    uploads = [call for call in calls if call[0] == "PATCH"]
    assert (len(creates), len(uploads), len(calls)) == (2, 1, 3)


def test_a_night_without_news_costs_a_handful_of_calls(connected: Story) -> None:
    connected.purchase()
    connected.sync()
    connected.sweep()
    connected.pex.requests.clear()
    connected.procore.requests.clear()
    for _ in range(2):
        run = connected.sweep()
        assert (run["verdict"], run["counts"].get("posted", 0)) == ("success", 0)
    assert len(connected.procore.requests) == 0
    assert len(connected.pex.requests) <= 2 * 4


def machines(story: Story) -> list[str]:
    """Of the executions of transactions, in the order in which they were started."""
    return [one.state_machine_arn.rsplit(":", 1)[-1] for one in syncs(story)]


def syncs(story: Story) -> list[Any]:
    found = [one for one in story.cloud.executions() if "TagsRun" not in one.state_machine_arn]
    return sorted(found, key=lambda one: str(one.start_date))


def test_a_sweep_that_would_wait_too_long_goes_on_in_one_that_has_hours(connected: Story) -> None:
    connected.sweep()
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "limit_429", "reset_in": 2400, "times": 1})
    transaction_id = connected.purchase()
    begun = len(machines(connected))
    paused = connected.sweep()
    assert (paused["trigger"], paused["reasons"]) == ("sweep", {"paused": 1})
    connected.cloud.beat()
    connected.cloud.finish()
    assert connected.row(transaction_id)["state"] == "complete"
    assert connected.creates() == 2, "the one that was turned away, and the one that waited"
    connected.sweep()
    assert machines(connected)[begun:] == ["ShortRun", "LongRun", "ShortRun"]


def test_a_sweep_whose_start_arrived_twice_is_one_sweep(connected: Story) -> None:
    connected.sweep()
    connected.purchase()
    connected.cloud.before("PostTransactions", lambda: start_again(connected))
    connected.sweep()
    assert sum(run["kind"] == "transactions" for run in connected.runs()) == 2
    assert (connected.creates(), [row["state"] for row in connected.rows()]) == (1, ["complete"])


def start_again(story: Story) -> None:
    """Another execution of the newest one's name and input, as EXPRESS machines take it."""
    newest, at_work = syncs(story)[-1], story.cloud.executions()
    story.clock.forward(1)
    story.cloud.states.start_execution(
        stateMachineArn=newest.state_machine_arn, name=f"{newest.name}-again", input=newest.execution_input
    )
    story.cloud.finish(but=at_work)


def test_a_callback_run_that_would_wait_too_long_leaves_the_rest_to_the_next_sweep(connected: Story) -> None:
    connected.procore.faults.add({"method": "POST", "path": COSTS, "kind": "limit_429", "reset_in": 2400, "times": 1})
    transaction_id = connected.purchase()
    connected.deliver()
    run = connected.runs()[0]
    assert (run["trigger"], run["reasons"]) == ("callback", {"paused": 1})
    connected.cloud.beat()
    connected.cloud.finish()
    assert connected.row(transaction_id)["state"] == "complete"
    assert connected.creates() == 2
