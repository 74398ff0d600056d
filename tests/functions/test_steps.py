"""The steps, each on its own: what it answers, and the three names of what it may raise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.process import FunctionFailed
from tests.flow.story import Story
from tests.functions.events import load_event

STEPS = ["list_transactions", "post_transactions", "stage_receipts", "attach_receipts"]
NAMES = {name: "".join(part.capitalize() for part in name.split("_")) for name in [*STEPS, "open_run", "close_run"]}


def run_step(story: Story, name: str, **changes: Any) -> Any:
    changes.setdefault("business_id", story.names.business_id)
    return story.cloud.invoke(NAMES[name], load_event(name, **changes))


def test_a_run_step_by_step(connected: Story) -> None:
    transaction_id = connected.purchase(receipts=("jpg",))
    opened = run_step(connected, "open_run")
    assert opened == {"outcome": "opened", "deadline_at": opened["deadline_at"]}
    listed = run_step(connected, "list_transactions")
    assert (listed["transaction_ids"], listed["cursor"]) == ([transaction_id], None)
    for name in STEPS[1:]:
        answer = run_step(connected, name, transaction_ids=[transaction_id])
        assert (answer["outcome"], answer["remaining"], answer["resume_at"]) == ("done", [], None)
    assert run_step(connected, "close_run", announced=listed["announced"]) == {"outcome": "closed"}
    assert connected.row(transaction_id)["state"] == "complete"


def test_a_second_run_is_told_that_one_is_at_work(connected: Story) -> None:
    run_step(connected, "open_run")
    answer = run_step(connected, "open_run", run_id="20260504T160000000001-0a1b2c3d", execution="another")
    assert answer["outcome"] == "already_running"


def test_the_same_execution_may_open_again_another_one_of_that_name_may_not(connected: Story) -> None:
    assert run_step(connected, "open_run")["outcome"] == "opened"
    assert run_step(connected, "open_run")["outcome"] == "opened"
    assert run_step(connected, "open_run", execution="another")["outcome"] == "already_running"


def test_closing_reopens_when_a_hint_came_since_the_listing(connected: Story) -> None:
    run_step(connected, "open_run")
    listed = run_step(connected, "list_transactions")
    connected.purchase()
    connected.receive()
    connected.cloud.pump_once()
    connected.cloud.finish()
    assert run_step(connected, "close_run", announced=listed["announced"]) == {"outcome": "reopened"}


def test_closing_twice_is_closing_once(connected: Story) -> None:
    run_step(connected, "open_run")
    run_step(connected, "close_run")
    assert run_step(connected, "close_run") == {"outcome": "closed"}
    assert connected.ask("GET", "/v1/connection")["running"] is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"Error": "Paused", "Cause": ""}, "paused"),
        ({"Error": "TryLater", "Cause": '{"errorMessage": "PEX is busy"}'}, "busy"),
        ({"Error": "NeedsAttention", "Cause": '{"errorMessage": "vendor_inactive: vendor 7"}'}, "vendor_inactive"),
        ({"Error": "Sandbox.Timedout", "Cause": "not json"}, "internal_error"),
        ({"Error": "States.Timeout", "Cause": ""}, "internal_error"),
        ({"Error": "Runtime.ExitError", "Cause": "null"}, "internal_error"),
    ],
)
def test_closing_names_what_stopped_the_run(connected: Story, error: dict[str, str], reason: str) -> None:
    run_step(connected, "open_run")
    run_step(connected, "close_run", error=error)
    run = connected.runs()[0]
    assert (run["status"], run["verdict"], run["reasons"]) == ("finished", "failed", {reason: 1})


@pytest.mark.parametrize("name", STEPS)
def test_a_step_whose_lease_went_to_another_run_does_nothing(connected: Story, name: str) -> None:
    run_step(connected, "open_run")
    connected.clock.forward(minutes=10)
    run_step(connected, "open_run", run_id="20260504T161000000000-0a1b2c3d", execution="another")
    with pytest.raises(FunctionFailed, match="NeedsAttention: interrupted"):
        run_step(connected, name)
    assert len(connected.procore.requests) == 0


@pytest.mark.parametrize("name", ["open_run", *STEPS])
def test_a_step_of_a_disconnected_business_does_nothing(connected: Story, name: str) -> None:
    if name != "open_run":
        run_step(connected, "open_run")
    connected.ask("DELETE", "/v1/connection")
    connected.pex.requests.clear()
    connected.procore.requests.clear()
    with pytest.raises(FunctionFailed, match="NeedsAttention: disconnected"):
        run_step(connected, name)
    assert len(connected.procore.requests) + len(connected.pex.requests) == 0


def test_a_fault_of_ours_leaves_as_one_of_the_three_names_without_its_text(connected: Story) -> None:
    run_step(connected, "open_run")
    with pytest.raises(FunctionFailed) as raised:
        run_step(connected, "post_transactions", transaction_ids=["not a number at all"])
    assert raised.value.error_type == "NeedsAttention"
    assert raised.value.message.startswith("internal_error: ")
    assert "not a number" not in raised.value.message


def test_a_step_stops_in_good_order_before_its_time_is_up(connected: Story) -> None:
    ids = [connected.purchase(f"{number + 1}.00") for number in range(30)]
    run_step(connected, "open_run")
    run_step(connected, "list_transactions")
    done: list[int] = []
    remaining = ids
    for _ in range(10):
        answer = run_step(connected, "post_transactions", transaction_ids=remaining)
        done.append(len(remaining) - len(answer["remaining"]))
        remaining = answer["remaining"]
        if answer["outcome"] == "done":
            break
        connected.clock.forward(seconds=10)
    assert remaining == []
    assert len(connected.costs()) == 30


def test_no_page_is_begun_past_the_runs_deadline(connected: Story) -> None:
    connected.purchase()
    run_step(connected, "open_run")
    connected.pex.requests.clear()
    answer = run_step(connected, "list_transactions", deadline_at="2026-05-04T15:59:00Z", announced=7)
    assert (answer["outcome"], answer["announced"], answer["transaction_ids"]) == ("later", 7, [])
    assert answer["resume_at"] > "2026-05-04T15:59:00Z", "which pauses the run"
    assert len(connected.pex.requests) == 0


def test_a_step_past_the_runs_deadline_posts_nothing_more(connected: Story) -> None:
    transaction_id = connected.purchase()
    run_step(connected, "open_run")
    run_step(connected, "list_transactions")
    answer = run_step(
        connected, "post_transactions", transaction_ids=[transaction_id], deadline_at="2026-05-04T15:59:00Z"
    )
    assert (answer["outcome"], answer["remaining"]) == ("later", [transaction_id])
    assert connected.creates() == 0
