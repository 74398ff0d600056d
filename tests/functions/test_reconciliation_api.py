"""PEX, our ledger and Procore side by side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.flow.story import Saved, Story
from tests.functions.test_setup_credentials import check_problem


@pytest.fixture
def apart(story: Story, when_connected: Saved) -> Story:
    """Connected; and in the end the books need not agree."""
    story.restore(when_connected)
    return story


def compare(story: Story, **days: str) -> dict[str, Any]:
    found: dict[str, Any] = story.ask("GET", "/v1/reconciliation", **days)
    return found


def kinds(found: dict[str, Any]) -> dict[int, str]:
    return {one["transaction_id"]: one["kind"] for one in found["differences"]}


def drift(capsys: pytest.CaptureFixture[str]) -> bool:
    return '"ReconcileDrift"' in capsys.readouterr().out


def test_books_that_agree_have_no_difference(connected: Story, capsys: pytest.CaptureFixture[str]) -> None:
    connected.purchase("120.50")
    connected.purchase("30.00", split=[("10.00", "Library", "01-500"), ("20.00", "Bridge", "01-500")])
    connected.refund("20.10")
    connected.sync()
    capsys.readouterr()
    found = compare(connected)
    assert found["differences"] == []
    assert found["totals"] == {
        "pex": {"n": 3, "amount": 130.4},
        "ledger": {"n": 3, "amount": 130.4},
        "procore": {"n": 4, "amount": 130.4},
    }
    assert found["more"] is False
    assert found["to"] == connected.clock().date().isoformat()
    assert not drift(capsys)


def test_each_kind_of_difference_is_told_with_its_amounts(apart: Story, capsys: pytest.CaptureFixture[str]) -> None:
    deleted, changed, waiting = apart.purchase("1.00"), apart.purchase("2.00"), apart.purchase("3.00", None)
    apart.sync()
    fresh = apart.purchase("4.00")
    ids = {one: apart.costs_of(one)[0]["id"] for one in (deleted, changed)}
    apart.procore.act_change_direct_cost(ids[deleted], delete=True)
    apart.procore.act_change_direct_cost(ids[changed], amount="2.50")
    capsys.readouterr()
    found = compare(apart)
    assert kinds(found) == {
        deleted: "deleted_in_procore",
        changed: "different_amount",
        waiting: "waiting",
        fresh: "missing_in_procore",
    }
    one = next(one for one in found["differences"] if one["transaction_id"] == changed)
    assert (one["amount_pex"], one["amount_procore"], one["direct_cost_id"]) == (2.0, 2.5, ids[changed])
    assert found["totals"]["pex"] == {"n": 4, "amount": 10.0}
    assert found["totals"]["ledger"] == {"n": 2, "amount": 3.0}
    assert found["totals"]["procore"] == {"n": 1, "amount": 2.5}
    assert drift(capsys)


def test_our_own_ledger_is_not_believed_about_procore(connected: Story) -> None:
    transaction_id = connected.purchase("5.00")
    connected.sync()
    stage = connected.cloud.stage
    rows = [one for one in stage.dynamodb.scan(TableName=stage.history)["Items"] if "state_key" in one]
    for row in rows:
        stage.dynamodb.delete_item(TableName=stage.history, Key={"pk": row["pk"], "sk": row["sk"]})
    found = compare(connected)
    assert kinds(found) == {transaction_id: "surplus_in_procore"}
    assert found["totals"]["procore"] == {"n": 1, "amount": 5.0}
    assert found["totals"]["ledger"] == {"n": 0, "amount": 0}
    connected.sync()  # the lost row is found in Procore again


def test_what_was_not_read_yet_is_a_difference_and_no_drift(
    connected: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    transaction_id = connected.purchase()
    capsys.readouterr()
    assert kinds(compare(connected)) == {transaction_id: "missing_in_procore"}
    assert not drift(capsys)


def test_what_an_administrator_left_out_is_no_difference(connected: Story) -> None:
    transaction_id = connected.purchase(project=None)
    connected.sync()
    connected.ask("POST", f"/v1/transactions/{transaction_id}/ignore")
    assert compare(connected)["differences"] == []


def test_only_the_days_that_are_asked_for_are_compared(connected: Story) -> None:
    connected.purchase("1.00")
    connected.clock.forward(5 * 86_400)
    connected.purchase("2.00")
    connected.sync()
    day = connected.clock().date().isoformat()
    assert compare(connected, **{"from": day, "to": day})["totals"]["pex"] == {"n": 1, "amount": 2.0}
    assert compare(connected)["totals"]["pex"] == {"n": 2, "amount": 3.0}


def test_it_writes_nothing_to_either_vendor_and_takes_a_call_per_project(connected: Story) -> None:
    connected.purchase()
    connected.purchase(project="Bridge")
    connected.sync()
    for vendor in (connected.pex, connected.procore):
        vendor.requests.clear()
    compare(connected)
    calls = [*connected.pex.requests.all(), *connected.procore.requests.all()]
    assert {one.method for one in calls if "oauth" not in one.path} == {"GET"}
    assert sum("direct_costs" in one.path for one in connected.procore.requests.all()) == 2


def test_a_project_that_cannot_be_read_costs_its_differences_and_is_told(connected: Story) -> None:
    connected.purchase()
    bridge = connected.purchase(project="Bridge")
    connected.sync()
    connected.procore.act_set_tool(connected.names.projects["Bridge"], active=False)
    found = compare(connected)
    assert found["more"] is True
    assert bridge not in kinds(found)


@pytest.mark.parametrize(
    ("days", "field"),
    [
        ({"to": "0001-01-01"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "2020-01-01", "to": "2020-01-31"}, "to"),
        ({"from": "9999-12-31"}, "from"),
        ({"from": "2026-13-01"}, "from"),
        ({"from": "2026-05-04T00:00:00Z"}, "from"),
    ],
)
def test_days_that_pex_does_not_list_are_refused(connected: Story, days: dict[str, str], field: str) -> None:
    check_problem(connected.api("GET", "/v1/reconciliation", **days), 422, "invalid", field)


def test_more_days_than_fit_one_look_are_refused(connected: Story) -> None:
    today = connected.clock().date()
    first = (today - timedelta(days=93)).isoformat()
    answer = connected.api("GET", "/v1/reconciliation", **{"from": first, "to": today.isoformat()})
    check_problem(answer, 422, "invalid", "from")
