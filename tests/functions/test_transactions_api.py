"""Purchases by API: what is shown, what is searched by, and what may be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.flow.story import Story
from tests.functions.test_setup_credentials import check_problem


def found(story: Story, **query: str) -> list[int]:
    return [one["transaction_id"] for one in story.rows(**query)]


def test_a_row_tells_day_cardholder_amount_and_where_its_expense_is_seen(connected: Story) -> None:
    transaction_id = connected.purchase("120.50", receipts=("jpg",))
    connected.sync()
    (row,) = connected.rows()
    cost = connected.cost()
    assert (row["transaction_id"], row["state"], row["help"]) == (transaction_id, "complete", None)
    assert (row["date"], row["cardholder"]) == (connected.clock().date().isoformat(), "Dana Whitaker")
    assert (row["amount"], row["merchant"]) == (120.5, "HOME DEPOT #4512")
    (shown,) = row["direct_costs"]
    assert shown["project_name"] == "25-101 - Library"
    assert shown["url"] == f"https://us02.procore.com/{cost['project_id']}/project/direct_costs/{cost['id']}"
    assert [one["state"] for one in row["receipts"]] == ["attached"]


def test_a_purchase_tells_its_coding_its_timeline_and_what_may_be_done(connected: Story) -> None:
    connected.purchase("30.00", split=[("10.00", "Library", "01-500"), ("20.00", "Bridge", "01-500")])
    waiting = connected.purchase("9.99", project=None)
    connected.sync()
    split = next(one for one in connected.rows() if one["amount"] == 30)
    shown = connected.row(split["transaction_id"])
    assert [one["amount"] for one in shown["allocations"]] == [10, 20]
    assert [one["tags"]["project"] for one in shown["allocations"]] == ["Library", "Bridge"]
    assert shown["allocations"][0]["tags"]["cost_code"] == "01-500 Temporary Facilities"
    assert shown["actions"] == []
    assert [one["to"] for one in shown["timeline"]][-1] == "complete"
    row = connected.row(waiting)
    assert row["allocations"][0]["tags"]["project"] is None
    assert row["actions"] == ["retry", "ignore"]


def test_every_listed_purchase_that_is_not_posted_says_why_and_who_can_help(connected: Story) -> None:
    connected.purchase(project=None)
    connected.purchase(project="Old Mill")
    connected.pex.act_fee(connected.names.account_ids[0], "3.00")
    connected.sync()
    ignored = connected.rows(state="waiting")[0]["transaction_id"]
    connected.ask("POST", f"/v1/transactions/{ignored}/ignore")
    rows = connected.rows()
    assert {one["reason"] for one in rows} >= {"ignored", "not_a_purchase"}
    assert all(one["help"]["text"] and one["help"]["what_to_do"] and one["help"]["actor"] for one in rows)
    retried = connected.ask("POST", f"/v1/transactions/{ignored}/retry")
    assert (retried["state"], retried["help"]["text"]) == ("announced", "It is imported with the next sync.")


def test_filters_hold_together_over_pages(connected: Story) -> None:
    mine = [connected.purchase(f"{number}.00", project=None) for number in range(1, 6)]
    connected.purchase("50.00", card=1, project=None, merchant="SHELL OIL 5741")
    posted = connected.purchase("60.00", project="Bridge")
    connected.sync()
    assert set(found(connected, state="waiting", cardholder="whitaker")) == set(mine)
    assert found(connected, q="shell oil") == found(connected, cardholder="Ortega")
    assert found(connected, project_id=str(connected.names.projects["Bridge"])) == [posted]
    assert found(connected, q="$60.00") == [posted]
    assert found(connected, reason="missing_project", q=str(mine[0])) == [mine[0]]
    assert found(connected, cardholder="nobody of that name") == []
    seen: list[int] = []
    query = {"state": "waiting", "cardholder": "Dana", "limit": "2"}
    while True:
        page = connected.ask("GET", "/v1/transactions", **query)
        assert len(page["items"]) <= 2
        seen += [one["transaction_id"] for one in page["items"]]
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert seen == sorted(mine, reverse=True)


def test_days_are_eastern(connected: Story) -> None:
    connected.purchase()
    connected.clock.forward(2 * 86_400)
    late = connected.purchase()
    connected.sync()
    today = connected.clock().date()
    assert found(connected, **{"from": today.isoformat()}) == [late]
    assert found(connected, **{"from": today.isoformat(), "to": today.isoformat()}) == [late]
    assert late not in found(connected, to=(today - timedelta(days=1)).isoformat())


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"reason": "bad_luck"}, "reason"),
        ({"project_id": "x"}, "project_id"),
        ({"project_id": "²"}, "project_id"),
        ({"from": "04/05/2026"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-05-05", "to": "2026-05-04"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"next": "nonsense"}, "next"),
    ],
)
def test_a_filter_that_does_not_fit_is_named(connected: Story, query: dict[str, str], field: str) -> None:
    check_problem(connected.api("GET", "/v1/transactions", **query), 422, "invalid", field)


def test_a_mark_is_good_for_its_own_listing_only(connected: Story) -> None:
    for _ in range(3):
        connected.purchase(project=None)
    connected.sync()
    mark = connected.ask("GET", "/v1/transactions", limit="1")["next"]
    check_problem(connected.api("GET", "/v1/transactions", state="waiting", next=mark), 422, "invalid", "next")
    check_problem(connected.api("GET", "/v1/transactions", to="2026-01-01", next=mark), 422, "invalid", "next")


def test_names_that_no_vendor_tells_now_cost_no_answer(connected: Story) -> None:
    connected.purchase(project=None)
    connected.sync()
    connected.clock.forward(32 * 86_400)  # by then what is remembered of them is forgotten
    connected.sign_in()
    for vendor in (connected.pex, connected.procore):
        vendor.faults.add({"kind": "drop_before", "path": "."})
    (row,) = connected.rows()
    assert (row["cardholder"], row["amount"]) == (None, 120.5)
    connected.pex.faults.clear()
    connected.procore.faults.clear()
    assert connected.rows()[0]["cardholder"] == "Dana Whitaker"


def test_the_reasons_are_those_of_the_docs(connected: Story) -> None:
    from pex_procore.domain.reasons import REASONS

    items: list[dict[str, Any]] = connected.ask("GET", "/v1/reasons")["items"]
    assert {one["code"]: (one["text"], one["actor"], one["what_to_do"]) for one in items} == {
        code: (one.text, one.actor, one.todo) for code, one in REASONS.items()
    }
