"""Runs by API: trying out, a window, progress, and what a run did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.flow.story import Story
from tests.functions.test_setup_credentials import check_problem


def try_out(story: Story, **order: Any) -> dict[str, Any]:
    answer = story.api("POST", "/v1/runs", {"kind": "transactions", "dry_run": True, **order})
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json["dry_run"]
    return found


def outcomes(found: dict[str, Any]) -> dict[int, tuple[str, str | None]]:
    return {one["transaction_id"]: (one["outcome"], one["reason"]) for one in found["items"]}


def stored(story: Story) -> list[Any]:
    """Both tables, but for what is counted: the vendors' limits, and how often somebody asked."""
    stage = story.cloud.stage
    items = [one for name in (stage.connections, stage.history) for one in stage.dynamodb.scan(TableName=name)["Items"]]
    return [one for one in items if not one["pk"]["S"].startswith(("LIMIT#", "CAP#"))]


def test_a_dry_run_tells_what_a_run_then_does(connected: Story) -> None:
    settled = connected.purchase("120.50")
    split = connected.purchase("30.00", split=[("10.00", "Library", "01-500"), ("20.00", "Bridge", "01-500")])
    bare = connected.purchase("9.99", project=None)
    closed = connected.purchase("5.00", project="Old Mill")
    found = try_out(connected)
    assert outcomes(found) == {
        settled: ("would_post", None),
        split: ("would_post", None),
        bare: ("waiting", "missing_project"),
        closed: ("waiting", "project_closed"),
    }
    assert found["counts"] == {"would_post": 3, "waiting": 2}, "expenses, of which a split makes two; and purchases"
    assert (found["amount"], found["more"]) == (150.5, False)
    first = next(one for one in found["items"] if one["transaction_id"] == bare)
    assert first["help"]["actor"] == "cardholder"
    assert (first["merchant"], first["cardholder"], first["amount"]) == ("HOME DEPOT #4512", "Dana Whitaker", 9.99)
    connected.sync()
    states = {row["transaction_id"]: row["state"] for row in connected.rows()}
    assert states == {settled: "complete", split: "complete", bare: "waiting", closed: "waiting"}
    again = try_out(connected)
    assert again["counts"] == {"would_post": 0, "already_posted": 2, "waiting": 2}
    assert again["amount"] == 0


def test_a_dry_run_writes_nothing_anywhere(connected: Story) -> None:
    connected.purchase("120.50", type="L", project="Bridge")  # a budget code that a real run would make
    before = stored(connected)
    found = try_out(connected)
    assert [one["outcome"] for one in found["items"]] == ["would_post"]
    assert stored(connected) == before
    assert connected.costs() == []
    for vendor in (connected.procore, connected.pex):
        assert {one.method for one in vendor.requests.all() if "oauth" not in one.path} == {"GET"}


def test_a_dry_run_is_about_the_days_that_are_asked_for(connected: Story) -> None:
    connected.set(start_date=(connected.clock() - timedelta(days=200)).date().isoformat())
    old = connected.purchase()
    connected.clock.forward(12 * 86_400)
    new = connected.purchase()
    assert set(outcomes(try_out(connected))) == {new}, "a week, unless a day is named"
    day = (connected.clock() - timedelta(days=13)).date().isoformat()
    assert set(outcomes(try_out(connected, **{"from": day}))) == {old, new}
    assert try_out(connected, **{"from": (connected.clock() - timedelta(days=90)).date().isoformat()})["more"]


def test_a_dry_run_knows_what_an_administrator_decided(connected: Story) -> None:
    transaction_id = connected.purchase(project=None)
    connected.sync()
    connected.ask("POST", f"/v1/transactions/{transaction_id}/ignore")
    found = try_out(connected)
    assert outcomes(found) == {transaction_id: ("refused", "ignored")}


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2027-01-01"}, "from"),
        ({"from": 20260504}, "from"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"dry_run": True, "kind": "tags"}, "dry_run"),
        ({"kind": "everything"}, "kind"),
    ],
)
def test_an_order_that_does_not_fit_is_named(connected: Story, order: dict[str, Any], field: str) -> None:
    answer = connected.api("POST", "/v1/runs", order)
    assert (answer.status, answer.json["field"]) == (422, field)


def test_a_dry_run_says_what_the_settings_lack(connected: Story) -> None:
    connected.purchase()
    connected.set(sync_expenses=False)
    answer = connected.api("POST", "/v1/runs", {"dry_run": True})
    check_problem(answer, 422, "expenses_off")


def test_a_run_from_a_day_on_reads_no_older_day_and_leaves_the_first_full_look_to_do(connected: Story) -> None:
    connected.set(start_date=(connected.clock() - timedelta(days=200)).date().isoformat())
    old = connected.purchase()
    connected.clock.forward(40 * 86_400)
    new = connected.purchase()
    day = (connected.clock() - timedelta(days=5)).date().isoformat()
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions", "from": day})["run_id"]
    run = connected.finish(run_id)
    assert run["since"] == day
    assert [one["transaction_id"] for one in run["items"]] == [new]
    assert {row["transaction_id"] for row in connected.rows()} == {new}
    connected.sweep()
    assert {row["transaction_id"] for row in connected.rows()} == {old, new}


def test_a_day_long_ago_is_as_good_as_the_first_that_pex_lists(connected: Story) -> None:
    connected.set(start_date="0001-01-01")
    transaction_id = connected.purchase()
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions", "from": "0001-01-01"})["run_id"]
    assert connected.finish(run_id)["verdict"] == "success"
    assert connected.row(transaction_id)["state"] == "complete"
    assert connected.sweep()["verdict"] == "success"


def test_a_run_tells_merchant_amount_and_help_of_each_transaction_page_by_page(connected: Story) -> None:
    made = sorted([connected.purchase(f"{number}.00", project=None) for number in range(1, 6)])
    run = connected.sync()
    assert {one["merchant"] for one in run["items"]} == {"HOME DEPOT #4512"}
    assert [one["amount"] for one in run["items"]] == [1, 2, 3, 4, 5]
    assert {one["help"]["what_to_do"] for one in run["items"]} == {"Choose a project tag in PEX."}
    assert (run["progress"], run["next"]) == (None, None)
    path, seen, after = f"/v1/runs/{run['run_id']}", [], {}
    while True:
        page = connected.ask("GET", path, limit="2", **after)
        seen += [one["transaction_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"next": page["next"]}
    assert seen == made
    other = connected.api("GET", "/v1/runs", next=after["next"])
    check_problem(other, 422, "invalid", "next")


def test_a_run_at_work_tells_how_far_it_is_and_what_quota_is_left(connected: Story) -> None:
    for _ in range(12):
        connected.purchase()
    seen: list[dict[str, Any]] = []
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]

    def look() -> None:
        seen.append(connected.run(run_id)["progress"])

    for step in ("PostTransactions", "StageReceipts", "CloseRun"):
        connected.cloud.before(step, look)
    connected.finish(run_id)
    assert [(one["done"], one["total"]) for one in seen] == [(0, 12), (12, 12), (12, 12)]
    assert all(isinstance(one["quota_remaining"], int) for one in seen[1:])
    assert connected.run(run_id)["progress"] is None
