"""What happens to a purchase after it was posted; the verdict is read from Procore's books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.flow.story import COST, Story
from tests.flow.worlds import CONCRETE, SETUP


def lines(cost: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((line["cost_code"], line["cost_type"], line["amount"]) for line in cost["line_items"])


@pytest.fixture
def posted(connected: Story) -> int:
    one = connected.purchase("100.00", receipts=("jpg",))
    connected.sync()
    return one


def test_a_purchase_recoded_later_changes_its_expense_in_one_call(connected: Story, posted: int) -> None:
    before = connected.cost()
    connected.procore.requests.clear()
    connected.tag(posted, "Library", CONCRETE, "L")
    run = connected.sync()
    after = connected.cost()
    assert (after["id"], after["origin_id"]) == (before["id"], before["origin_id"])
    assert lines(after) == [(CONCRETE, "L", "100.00")]
    assert after["grand_total"] == "100.00"
    assert len(after["attachments"]) == 1
    assert connected.procore.requests.count("PATCH") == 1
    assert (run["verdict"], run["counts"]) == ("success", {"updated": 1})
    assert connected.row(posted)["state"] == "complete"


def test_a_split_made_later_reaches_both_projects_and_the_sum_stays(connected: Story, posted: int) -> None:
    parts = [("60.00", "Library", SETUP), ("40.00", "Bridge", SETUP)]
    connected.pex.act_split(
        posted, [{"amount": amount, **connected.tags(project, code, "M")} for amount, project, code in parts]
    )
    connected.sync()
    assert sorted(cost["grand_total"] for cost in connected.costs_of(posted)) == ["40.00", "60.00"]
    assert connected.row(posted)["state"] == "complete"


@pytest.mark.parametrize(
    "fault", [{"kind": "drop_after"}, {"kind": "drop_before"}, {"kind": "late_commit", "seconds": 20}]
)
def test_a_lost_answer_to_a_change_is_looked_at_and_nothing_is_changed_twice(
    connected: Story, posted: int, fault: dict[str, Any]
) -> None:
    connected.tag(posted, "Library", CONCRETE, "L")
    connected.procore.faults.add({**fault, "method": "PATCH", "path": COST, "times": 1})
    connected.sync()
    connected.sweep()
    assert connected.cost()["grand_total"] == "100.00"
    assert len(connected.cost()["line_items"]) == 1
    row = connected.row(posted)
    assert (row["state"], row["reason"]) == ("complete", None)


def test_where_procore_locks_records_with_our_reference_the_administrator_is_told(
    connected: Story, posted: int
) -> None:
    connected.procore.switches.change(origin_id_locks_record=True)
    before = lines(connected.cost())
    connected.tag(posted, "Library", CONCRETE, "L")
    run = connected.sync()
    assert lines(connected.cost()) == before
    row = connected.row(posted)
    assert (row["state"], row["reason"], run["reasons"]) == (
        "complete",
        "changed_after_sync",
        {"changed_after_sync": 1},
    )
    assert row["detail"]


def test_a_person_in_procore_has_the_last_word(connected: Story, posted: int) -> None:
    cost = connected.cost()
    connected.procore.act_change_direct_cost(cost["id"], amount="99.00")
    connected.tag(posted, "Library", CONCRETE, "L")
    connected.sync()
    assert connected.cost()["grand_total"] == "99.00"
    assert connected.row(posted)["reason"] == "edited_in_procore"
    connected.procore.act_change_direct_cost(cost["id"], amount="100.00")


def test_an_expense_deleted_in_procore_stays_deleted_until_a_person_posts_it_again(
    connected: Story, posted: int
) -> None:
    connected.procore.act_change_direct_cost(connected.cost()["id"], delete=True)
    connected.tag(posted, "Library", CONCRETE, "L")
    connected.sync()
    connected.sweep()
    assert connected.costs() == []
    assert connected.row(posted)["reason"] == "deleted_in_procore"
    connected.ask("POST", f"/v1/transactions/{posted}/post-again")
    connected.sync()
    cost = connected.cost()
    assert (cost["grand_total"], cost["origin_id"].endswith(":r2"), len(cost["attachments"])) == ("100.00", True, 1)
    (former,) = connected.row(posted)["former_direct_costs"]
    assert former["reference"] + ":r2" == cost["origin_id"]


def test_an_expense_that_only_its_description_tells_is_posted_again_too(connected: Story) -> None:
    connected.set(reference="description")
    one = connected.purchase("100.00")
    connected.sync()
    connected.procore.act_change_direct_cost(connected.cost()["id"], delete=True)
    connected.tag(one, "Library", CONCRETE, "M")
    connected.sync()
    connected.ask("POST", f"/v1/transactions/{one}/post-again")
    connected.sync()
    cost = connected.cost()
    assert (cost["grand_total"], cost["origin_id"], cost["description"][-4:]) == ("100.00", None, "-r2]")
    assert connected.row(one)["state"] == "complete"


def test_an_expense_that_turns_out_to_be_alive_is_followed_not_doubled(connected: Story, posted: int) -> None:
    connected.procore.switches.change(origin_id_locks_record=True)
    connected.tag(posted, "Library", CONCRETE, "M")
    connected.sync()
    connected.procore.switches.change(origin_id_locks_record=False)
    connected.ask("POST", f"/v1/transactions/{posted}/post-again")
    connected.sync()
    assert lines(connected.cost()) == [(CONCRETE, "M", "100.00")]
    assert len(connected.cost()["attachments"]) == 1
    assert connected.row(posted)["state"] == "complete"


def test_an_amount_that_pex_corrects_is_corrected_in_procore(connected: Story, posted: int) -> None:
    connected.pex.transaction(posted).amount = Decimal("-90.00")
    connected.tag(posted, "Library", CONCRETE, "M")
    connected.sync()
    assert (lines(connected.cost()), connected.cost()["grand_total"]) == ([(CONCRETE, "M", "90.00")], "90.00")


def test_a_project_that_leaves_the_purchase_keeps_its_expense_and_the_administrator_is_told(
    connected: Story, posted: int
) -> None:
    connected.tag(posted, "Bridge", SETUP, "M")
    connected.sync()
    (cost,) = connected.costs()
    row = connected.row(posted)
    assert (cost["project_id"], row["reason"]) == (connected.names.projects["Library"], "changed_after_sync")
    assert f"{cost['id']} in project {cost['project_id']}" in row["detail"]
    connected.procore.act_change_direct_cost(cost["id"], delete=True)
    connected.ask("POST", f"/v1/transactions/{posted}/post-again")
    connected.sync()
    assert connected.cost()["project_id"] == connected.names.projects["Bridge"]


def test_with_updates_off_a_change_is_only_told(connected: Story, posted: int) -> None:
    connected.set(update_expenses=False)
    connected.tag(posted, "Library", CONCRETE, "M")
    connected.sync()
    assert lines(connected.cost()) == [(SETUP, "M", "100.00")]
    assert connected.row(posted)["reason"] == "changed_after_sync"


@pytest.mark.parametrize("locks", [False, True])
def test_an_approved_expense_is_left_alone_whether_procore_would_let_us_or_not(
    connected: Story, posted: int, locks: bool
) -> None:
    connected.procore.switches.change(approved_locks_record=locks)
    connected.procore.act_change_direct_cost(connected.cost()["id"], status="approved")
    connected.tag(posted, "Library", CONCRETE, "M")
    connected.sync()
    assert lines(connected.cost()) == [(SETUP, "M", "100.00")]
    assert connected.row(posted)["reason"] == "changed_after_sync"


@pytest.mark.parametrize("go", [False, True])
def test_lines_that_are_right_stay_whatever_procore_does_with_those_left_out(connected: Story, go: bool) -> None:
    connected.procore.switches.change(lines_left_out_go=go)
    one = connected.purchase(
        "100.00", split=[("50.00", "Library", SETUP), ("30.00", "Library", CONCRETE), ("20.00", "Library", CONCRETE)]
    )
    connected.sync()
    parts = [("50.00", SETUP), ("40.00", CONCRETE), ("10.00", SETUP)]
    connected.pex.act_split(one, [{"amount": amount, **connected.tags("Library", code, "M")} for amount, code in parts])
    connected.sync()
    assert lines(connected.cost()) == sorted((code, "M", amount) for amount, code in parts)


@pytest.mark.parametrize("number", [101, 250])
def test_a_split_of_more_than_a_hundred_lines_is_one_expense(connected: Story, number: int) -> None:
    connected.procore.faults.add({"kind": "drop_after", "method": "PATCH", "path": COST, "times": 1})
    one = connected.purchase(f"{number}.00", split=[("1.00", "Library", SETUP)] * number)
    connected.sync()
    connected.sweep()
    cost = connected.cost()
    assert (len(cost["line_items"]), cost["grand_total"]) == (number, f"{number}.00")
    assert connected.row(one)["state"] == "complete"


def test_an_approval_taken_back_is_a_warning_and_nothing_is_taken_out(connected: Story) -> None:
    connected.set(transactions="approved")
    one = connected.purchase("100.00", approve=True)
    connected.sync()
    connected.pex.act_reset_approval(one)
    connected.sync()
    assert connected.cost()["grand_total"] == "100.00"
    assert connected.row(one)["reason"] == "changed_after_sync"
    connected.pex.act_approve(one)
    connected.sync()
    assert connected.row(one)["reason"] is None
