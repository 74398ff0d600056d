"""Which transactions become expenses, and with what in them."""

from __future__ import annotations

import pytest

from tests.flow.story import Story
from tests.flow.worlds import CONCRETE, SETUP


def test_a_settled_purchase_becomes_one_expense_with_its_coding_date_and_amount(connected: Story) -> None:
    transaction_id = connected.purchase("120.50", approve=True)
    run = connected.sync()
    cost = connected.cost()
    line = cost["line_items"][0]
    assert (cost["grand_total"], cost["direct_cost_date"], cost["status"]) == ("120.50", "2026-05-04", "draft")
    assert (cost["project_name"], line["cost_code"], line["cost_type"]) == ("Library", SETUP, "M")
    assert (cost["direct_cost_type"], cost["vendor_id"]) == ("expense", connected.names.vendor_id)
    assert "HOME DEPOT #4512" in cost["description"]
    assert "Dana Whitaker" in cost["description"]
    row = connected.row(transaction_id)
    assert row["state"] == "complete"
    assert [one["direct_cost_id"] for one in row["direct_costs"]] == [cost["id"]]
    assert (run["verdict"], run["counts"]) == ("success", {"posted": 1})


def test_a_run_after_a_run_posts_nothing_again(connected: Story) -> None:
    connected.purchase()
    connected.sync()
    again = connected.sync()
    assert again["counts"] == {"already_posted": 1}
    assert connected.creates() == 1


def test_a_refund_is_a_negative_expense_on_every_line(connected: Story) -> None:
    connected.refund("40.00")
    connected.sync()
    cost = connected.cost()
    assert cost["grand_total"] == "-40.00"
    assert [line["amount"] for line in cost["line_items"]] == ["-40.00"]
    assert cost["line_items"][0]["cost_code"] == SETUP


def test_a_split_becomes_one_expense_per_project_to_the_cent(connected: Story) -> None:
    split = [("33.33", "Library", SETUP), ("33.33", "Library", CONCRETE), ("33.34", "Bridge", SETUP)]
    transaction_id = connected.purchase("100.00", split=split)
    connected.sync()
    found = {cost["project_name"]: cost for cost in connected.costs_of(transaction_id)}
    lines = {name: [(line["amount"], line["cost_code"]) for line in cost["line_items"]] for name, cost in found.items()}
    assert lines == {"Library": [("33.33", SETUP), ("33.33", CONCRETE)], "Bridge": [("33.34", SETUP)]}


def test_a_split_that_does_not_add_up_is_listed_and_not_posted(connected: Story) -> None:
    transaction_id = connected.purchase("100.00")
    parts = [{"amount": share, **connected.tags("Library", SETUP, "M")} for share in ("50.00", "49.99")]
    connected.pex.act_split(transaction_id, parts, force=True)
    connected.sync()
    row = connected.row(transaction_id)
    assert (row["state"], row["reason"]) == ("waiting", "allocations_do_not_add_up")
    assert "99.99" in row["detail"]
    assert connected.costs() == []


def test_nothing_is_posted_for_zero_dollars(connected: Story) -> None:
    transaction_id = connected.purchase("0.00")
    run = connected.sync()
    assert connected.row(transaction_id)["reason"] == "zero_amount"
    assert (run["verdict"], run["reasons"], connected.costs()) == ("success", {"zero_amount": 1}, [])


def test_only_the_settled_amount_is_posted_whatever_was_authorized(connected: Story) -> None:
    pending = connected.pex.act_purchase(amount="50.00")["transaction_id"]
    connected.tag(pending, "Library", SETUP, "M")
    connected.sync()
    assert connected.costs() == []
    settled = connected.pex.act_settle(pending, amount="62.17")["transaction_id"]
    assert settled != pending
    connected.sync()
    connected.sync()
    assert connected.cost()["grand_total"] == "62.17"


def test_one_authorization_settled_in_two_shipments_is_two_expenses(connected: Story) -> None:
    pending = connected.pex.act_purchase(amount="90.00")["transaction_id"]
    connected.tag(pending, "Library", SETUP, "M")
    connected.pex.act_settle(pending, parts=["60.00", "30.00"])
    connected.sync()
    assert sorted(cost["grand_total"] for cost in connected.costs()) == ["30.00", "60.00"]


def test_a_part_that_is_reversed_after_settlement_is_an_expense_of_its_own(connected: Story) -> None:
    one = connected.purchase("100.00")
    connected.sync()
    back = connected.pex.act_reverse(one, "30.00")["transaction_id"]
    connected.tag(back, "Library", SETUP, "M")
    connected.sync()
    assert [cost["grand_total"] for cost in connected.costs_of(one)] == ["100.00"]
    assert [cost["grand_total"] for cost in connected.costs_of(back)] == ["-30.00"]


def test_a_declined_and_a_reversed_authorization_become_nothing(connected: Story) -> None:
    connected.pex.act_decline(amount="75.00")
    connected.pex.act_reverse(connected.pex.act_purchase(amount="50.00")["transaction_id"])
    connected.sync()
    assert (connected.costs(), connected.rows()) == ([], [])


def test_an_approval_ninety_days_later_is_still_picked_up(connected: Story) -> None:
    connected.set(transactions="approved")
    transaction_id = connected.purchase()
    connected.sync()
    assert connected.row(transaction_id)["reason"] == "not_approved"
    connected.clock.forward(days=90)
    connected.pex.act_approve(transaction_id)
    connected.sweep()
    assert connected.cost()["direct_cost_date"] == "2026-05-04"


def test_tags_edited_after_posting_make_no_second_expense(connected: Story) -> None:
    transaction_id = connected.purchase("120.50", "Library")
    connected.sync()
    connected.tag(transaction_id, "Bridge", SETUP, "M")
    connected.pex.act_reset_approval(transaction_id)
    connected.sync()
    connected.sweep()
    assert connected.cost()["project_name"] == "Library"


def test_a_dispute_credit_is_posted_under_the_default_coding(connected: Story) -> None:
    disputed = connected.purchase("120.50")
    connected.set(defaults=connected.tags("Library", SETUP, "M"))
    credit = connected.pex.act_dispute(disputed)["transaction_id"]
    connected.sync()
    assert [cost["grand_total"] for cost in connected.costs_of(credit)] == ["-120.50"]


def test_a_dispute_credit_without_coding_waits_for_it(connected: Story) -> None:
    credit = connected.pex.act_dispute(connected.purchase("120.50"))["transaction_id"]
    connected.sync()
    assert (connected.row(credit)["state"], connected.row(credit)["reason"]) == ("waiting", "missing_project")
    assert connected.costs_of(credit) == []


def test_fees_transfers_rebates_and_bills_are_no_purchases(connected: Story) -> None:
    account_id = connected.names.account_ids[0]
    connected.pex.act_fee(account_id, "10.00")
    connected.pex.act_fee(None, "15.00")
    connected.pex.act_transfer(account_id, "500.00")
    connected.pex.act_rebate("25.00")
    connected.pex.act_bill_pay("1800.00")
    connected.set(defaults=connected.tags("Library", SETUP, "M"))
    connected.sync()
    assert connected.costs() == []
    assert {row["reason"] for row in connected.rows()} == {"not_a_purchase"}


def test_a_purchase_without_a_project_is_held_by_name_and_posted_once_tagged(connected: Story) -> None:
    transaction_id = connected.purchase("88.00", project=None, merchant="LOWES #77")
    run = connected.sync()
    row = connected.row(transaction_id)
    assert (row["state"], row["reason"], row["amount"], row["merchant"]) == (
        "waiting", "missing_project", 88.0, "LOWES #77",
    )  # fmt: skip
    assert (run["counts"], run["reasons"]) == ({"waiting": 1}, {"missing_project": 1})
    connected.tag(transaction_id, project="Library")
    connected.sync()
    assert connected.cost()["grand_total"] == "88.00"


def test_purchases_before_the_start_date_are_left_alone(connected: Story) -> None:
    connected.pex.act_purchase(settle=True, at="2026-04-20T10:00:00")
    connected.purchase("12.00")
    connected.sync()
    assert [cost["grand_total"] for cost in connected.costs()] == ["12.00"]
    assert len(connected.rows()) == 1


@pytest.mark.parametrize(("reference", "carried_by"), [("origin_id", "origin_id"), ("description", "description")])
def test_the_reference_is_kept_where_the_admin_wants_it(connected: Story, reference: str, carried_by: str) -> None:
    connected.set(reference=reference)
    transaction_id = connected.purchase()
    connected.sync()
    cost = connected.cost()
    assert str(transaction_id) in cost[carried_by]
    assert (cost["origin_id"] is None) == (reference == "description")


def test_a_project_under_an_erp_connector_keeps_its_origin_id_to_itself(connected: Story) -> None:
    connected.procore.world.projects[connected.names.projects["Library"]].is_erp_integrated = True
    connected.purchase()
    connected.sync()
    assert connected.cost()["origin_id"] is None


def test_statuses_and_dates_follow_the_settings(connected: Story) -> None:
    connected.set(expense_status="approved", post_date="transaction")
    pending = connected.pex.act_purchase(amount="50.00")["transaction_id"]
    connected.tag(pending, "Library", SETUP, "M")
    connected.clock.forward(days=2)
    connected.pex.act_settle(pending)
    connected.sync()
    assert (connected.cost()["status"], connected.cost()["direct_cost_date"]) == ("approved", "2026-05-04")
