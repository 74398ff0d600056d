"""Nobody could tell us how the vendors do these things. Whichever way it is, the books come out the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.flow.story import COSTS, Story
from tests.flow.worlds import CALLBACK_SECRET, CONCRETE, SETUP

PEX: list[tuple[str, Any]] = [
    ("attachment_content", "data_uri"),
    ("attachment_content", "link"),
    ("check_concurrency_key", True),
    ("dead_token_status", 403),
    ("duplicate_subscriptions", "refused"),
    ("list_deleted_tags", True),
    ("no_notes", "null"),
    ("old_range", "empty"),
    ("pin_settles", True),
    ("put_omitted_options", "kept"),
    ("split_amounts", "number"),
    ("split_values", "object"),
    ("strict_bodies", False),
    ("time_filter", "settlement"),
    ("untagged", "initial"),
]
PROCORE: list[tuple[str, Any]] = [
    ("actions_as_objects", True),
    ("attachments_replace", True),
    ("company_lists_project_resources", True),
    ("default_status", "pending"),
    ("honour_idempotency_token", True),
    ("keep_invoice_number_on_expense", True),
    ("lines_create_wbs_codes", False),
    ("link_drops_params", False),
    ("list_deleted_direct_costs", True),
    ("multipart_lines", "refuse"),
    ("origin_id_free_after_delete", True),
    ("page_cap", 1),
    ("projects_page_cap", 1),
    ("range_end_inclusive", True),
    ("refuse_duplicate_origin_id", False),
    ("refuse_null", False),
    ("segment_items_share_ids", False),
    ("shuffle_sync_entities", False),
    ("strict", False),
    ("sync_errors_name_rows", False),
    ("v2_page_headers", True),
    ("vendor_must_be_on_project", False),
]
OTHERWISE = [*(("pex", *one) for one in PEX), *(("procore", *one) for one in PROCORE)]
WEEKS = len(OTHERWISE).bit_length()


def otherwise(week: int) -> list[tuple[str, str, Any]]:
    """What is not as the simulators do it by themselves: nothing in the last week. Each switch has a number, and each
    week a bit of it, so that the weeks that fail spell the number of the switch to look at."""
    return [one for number, one in enumerate(OTHERWISE, start=1) if number >> week & 1]


def test_every_answer_is_lived_through() -> None:
    lived = [{f"{vendor} {switch}": value for vendor, switch, value in otherwise(week)} for week in range(WEEKS)]
    for vendor, switch, value in OTHERWISE:
        assert any(week.get(f"{vendor} {switch}") == value for week in lived), (switch, value)


@pytest.mark.parametrize("week", range(WEEKS + 1))
def test_an_ordinary_week_ends_the_same_whichever_way_it_is(story: Story, week: int) -> None:
    for vendor, switch, value in otherwise(week):
        getattr(story, vendor).switches.change(**{switch: value})
    story.procore.world.vendors[story.names.vendor_id].project_ids.remove(story.names.projects["Library"])
    story.connect(sync_projects=True, sync_cost_codes=True, sync_cost_types=True)
    story.set(expense_status="draft")  # subscribes and hooks once more, where something is missing
    story.procore.faults.add({"method": "POST", "path": COSTS, "kind": "drop_after", "nth": 2})
    bought = [
        story.purchase("120.50", receipts=("jpg", "pdf")),
        story.purchase("60.00", project="Bridge"),
        story.purchase("100.00", split=[("40.00", "Library", SETUP), ("60.00", "Bridge", SETUP)]),
        story.purchase("30.00", code=CONCRETE, type="L"),  # a budget code nobody made yet
        story.refund("25.25"),
    ]
    by_pin: int = story.pex.act_purchase(story.names.account_ids[1], "15.00", pin=True)["transaction_id"]
    story.tag(by_pin, "Library", SETUP, "M")
    untagged = story.purchase("9.99", project=None, code=None, type=None)
    story.deliver()
    story.sync()
    story.sweep()
    totals = Counter(cost["grand_total"] for cost in story.costs())
    assert totals == Counter(["120.50", "60.00", "40.00", "60.00", "30.00", "-25.25", "15.00"])
    assert {story.row(one)["state"] for one in [*bought, by_pin]} == {"complete"}
    assert story.row(untagged)["state"] == "waiting"
    assert len(story.costs_of(bought[0])[0]["attachments"]) == 2
    types = Counter(one["CallbackType"] for one in story.pex.books()["subscriptions"])
    assert set(types.values()) == {1}
    assert {cost["status"] for cost in story.costs()} == {"draft"}
    story.check_books()


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("reference", ["origin_id", "description"])
def test_a_deleted_expense_stays_deleted_whether_procore_still_lists_it_or_not(
    connected: Story, reference: str, listed: bool
) -> None:
    connected.procore.switches.change(list_deleted_direct_costs=listed)
    connected.set(reference=reference)
    one = connected.purchase("100.00")
    connected.sync()
    connected.procore.act_change_direct_cost(connected.cost()["id"], delete=True)
    connected.tag(one, "Library", CONCRETE, "M")
    connected.sync()
    assert connected.costs() == []
    assert connected.row(one)["reason"] == "deleted_in_procore"
    connected.ask("POST", f"/v1/transactions/{one}/post-again")
    connected.sync()
    assert connected.cost()["grand_total"] == "100.00"


def test_a_secret_that_travels_with_a_user_is_stored_as_it_travels(connected: Story) -> None:
    connected.pex.switches.change(callback_secret_form="user_and_secret", callback_delays=[])
    connected.purchase("10.00")
    connected.receive()
    assert (connected.cloud.pump(), connected.runs()) == (0, [])
    connected.ask("PUT", "/v1/connection/pex-callback", {"secret": f"pex:{CALLBACK_SECRET}"})
    connected.purchase("20.00")
    connected.deliver()
    assert len(connected.costs()) == 2  # the first is found beside the one that was told of
