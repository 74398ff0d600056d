"""Whatever happens to a create or to the process that sends it: one expense, and it is known."""

from __future__ import annotations

import pytest

from tests.flow.story import COSTS, Story

CREATE = {"method": "POST", "path": COSTS}
COMMITTED = [
    {"kind": "drop_after"},
    {"kind": "reset_mid_answer"},
    {"kind": "status", "status": 500, "commit": True},
    {"kind": "status", "status": 504, "commit": True},
    {"kind": "status", "status": 503, "commit": True},
    {"kind": "html_502", "commit": True},
    {"kind": "truncate"},
    {"kind": "empty"},
]
NOT_COMMITTED = [
    {"kind": "drop_before"},
    {"kind": "status", "status": 500},
    {"kind": "html_502"},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "20"}},
    {"kind": "status", "status": 409, "answer": {"error": "Concurrent update"}},
]


@pytest.mark.parametrize(("reference", "troubles"), [("origin_id", COMMITTED), ("description", COMMITTED[:1])])
def test_a_create_that_arrived_is_found_and_adopted(
    connected: Story, reference: str, troubles: list[dict[str, object]]
) -> None:
    connected.set(reference=reference)
    for trouble in troubles:
        connected.procore.faults.add({**CREATE, **trouble, "times": 1})
        transaction_id = connected.purchase()
        creates = connected.creates()
        run = connected.sync()
        row = connected.row(transaction_id)
        found = [cost["id"] for cost in connected.costs_of(transaction_id)]
        assert [one["direct_cost_id"] for one in row["direct_costs"]] == found, trouble
        assert "adopted" in str(row["timeline"]), trouble
        assert (run["counts"]["posted"], connected.creates() - creates) == (1, 1), trouble


def test_a_create_that_never_arrived_is_made_after_a_look(connected: Story) -> None:
    for trouble in NOT_COMMITTED:
        connected.procore.faults.add({**CREATE, **trouble, "times": 1})
        transaction_id = connected.purchase()
        creates = connected.creates()
        run = connected.sync()
        assert (run["counts"]["posted"], connected.creates() - creates) == (1, 2), trouble
        assert len(connected.costs_of(transaction_id)) == 1, trouble


@pytest.mark.parametrize("reference", ["origin_id", "description"])
def test_a_create_that_commits_after_its_504_is_adopted(connected: Story, reference: str) -> None:
    connected.set(reference=reference)
    connected.procore.faults.add({**CREATE, "kind": "late_commit", "seconds": 3600, "times": 1})
    connected.clock.later(20, connected.procore.faults.settle)
    connected.purchase()
    run = connected.sync()
    assert (run["counts"], connected.creates()) == ({"posted": 1}, 1)
    assert connected.cost()["grand_total"] == "120.50"
    assert connected.clock.waits, "the machine waits for the second look, no function sleeps through it"


def test_a_record_that_lists_do_not_show_for_twenty_seconds_is_still_found(connected: Story) -> None:
    connected.procore.switches.change(list_lag_seconds=20.0)
    connected.procore.faults.add({**CREATE, "kind": "drop_after", "times": 1})
    connected.purchase()
    connected.sync()
    assert (len(connected.costs()), connected.creates()) == (1, 1)


def test_a_reference_already_taken_is_adopted(connected: Story) -> None:
    """Our ledger was lost, Procore's books were not."""
    transaction_id = connected.purchase()
    connected.sync()
    stage = connected.cloud.stage
    for item in stage.dynamodb.scan(TableName=stage.history)["Items"]:
        key = {name: item[name] for name in ("pk", "sk")}
        if item["sk"]["S"].startswith("T#"):
            stage.dynamodb.delete_item(TableName=stage.history, Key=key)
    connected.sync()
    assert connected.row(transaction_id)["direct_costs"][0]["direct_cost_id"] == connected.cost()["id"]


def test_a_split_interrupted_between_its_projects_is_completed(connected: Story) -> None:
    connected.procore.faults.add({**CREATE, "kind": "drop_after", "nth": 1})
    connected.procore.faults.add({**CREATE, "kind": "status", "status": 500, "nth": 2})
    split = [("60.00", "Library", "01-500"), ("40.00", "Bridge", "01-500")]
    transaction_id = connected.purchase("100.00", split=split)
    connected.sync()
    found = sorted((cost["project_name"], cost["grand_total"]) for cost in connected.costs_of(transaction_id))
    assert found == [("Bridge", "40.00"), ("Library", "60.00")]


def test_two_records_with_one_reference_stop_the_row_for_a_person(connected: Story) -> None:
    connected.set(reference="description")
    other = connected.purchase("120.50")
    connected.sync()
    twin = connected.cost()["id"]
    transaction_id = connected.purchase("120.50")
    connected.procore.faults.add({**CREATE, "kind": "drop_after", "times": 1})
    connected.procore.faults.add({"method": "GET", "path": COSTS, "kind": "status", "status": 500})

    connected.sync()
    assert connected.row(transaction_id)["state"] == "unknown"
    token = f"[pex:{connected.names.business_id}-{transaction_id}]"
    connected.procore.act_change_direct_cost(twin, description=f"copied by hand {token}")
    connected.procore.faults.clear()
    connected.sweep()
    row = connected.row(transaction_id)
    assert (row["state"], row["reason"]) == ("exception", "reference_found_twice")
    assert str(twin) in row["detail"]
    assert connected.creates() == 2
    token = f"[pex:{connected.names.business_id}-{other}]"
    connected.procore.act_change_direct_cost(twin, description=f"corrected {token}")
    connected.ask("POST", f"/v1/transactions/{transaction_id}/retry")
    connected.sync()
    assert connected.row(transaction_id)["state"] == "complete"
    assert connected.creates() == 2


@pytest.mark.parametrize("step", ["PostTransactions", "StageReceipts", "AttachReceipts"])
def test_a_step_killed_before_any_of_its_writes_is_continued(connected: Story, step: str) -> None:
    """Write by write, until the step makes no further one."""
    at, died = 0, True
    while died:
        at += 1
        connected.cloud.crash(step, at=at, how="Runtime.ExitError" if at % 2 else "Sandbox.Timedout")
        split = [("60.00", "Library", "01-500"), ("40.00", "Bridge", "01-500")]
        transaction_id = connected.purchase("100.00", split=split, receipts=("jpg",))
        run = connected.sync()
        died = connected.cloud.forget_crashes() == 0
        found = connected.costs_of(transaction_id)
        assert [len(cost["attachments"]) for cost in found] == [1, 1], f"killed before write {at}"
        assert len(connected.notes(transaction_id)) == 1, f"killed before write {at}"
        assert connected.row(transaction_id)["state"] == "complete", f"killed before write {at}"
        assert run["verdict"] == "success", f"killed before write {at}"
    assert at > 4


def test_a_step_that_dies_again_and_again_ends_the_run_and_the_next_one_goes_on(connected: Story) -> None:
    connected.cloud.crash("PostTransactions", when=lambda: connected.creates() > 0, times=3)
    transaction_id = connected.purchase()
    run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("failed", {"internal_error": 1})
    connected.sweep()
    assert connected.row(transaction_id)["state"] == "complete"
    assert connected.creates() == 1
