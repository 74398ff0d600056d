"""From the options a cardholder chose to the records they stand for, and what is said when there are none."""

from __future__ import annotations

from local.simulators.procore.world import LineItemType
from tests.flow.story import Story
from tests.flow.worlds import COMPANY_ID, CONCRETE, SETUP


def test_a_cost_code_deleted_in_procore_stops_only_its_own_transaction(connected: Story) -> None:
    connected.procore.act_remove_cost_code(connected.names.projects["Library"], CONCRETE)
    gone, fine = connected.purchase("10.00", code=CONCRETE), connected.purchase("20.00")
    run = connected.sync()
    row = connected.row(gone)
    assert (row["state"], row["reason"]) == ("waiting", "cost_code_not_in_project")
    assert CONCRETE in row["detail"]
    assert connected.costs_of(gone) == []
    assert connected.costs_of(fine)
    assert run["counts"] == {"posted": 1, "waiting": 1}


def test_a_cost_code_deleted_behind_our_cache_stops_only_its_own_transaction(connected: Story) -> None:
    connected.purchase("5.00", code=CONCRETE)
    connected.sync()
    connected.procore.act_remove_cost_code(connected.names.projects["Library"], CONCRETE)
    gone, fine = connected.purchase("10.00", code=CONCRETE), connected.purchase("20.00")
    connected.sync()
    assert connected.costs_of(gone) == []
    assert connected.costs_of(fine)
    assert connected.row(gone)["state"] in ("waiting", "exception")
    assert CONCRETE in connected.row(gone)["detail"]


def test_a_mapped_tag_that_was_deleted_holds_every_purchase_and_says_which(connected: Story) -> None:
    connected.set(tags={"cost_type": connected.names.tags["cost_type"]})
    transaction_id = connected.purchase()
    connected.pex.act_delete_tag(connected.names.tags["cost_type"])
    run = connected.sync()
    row = connected.row(transaction_id)
    assert (row["reason"], row["detail"]) == ("tag_missing", "Procore Cost Types")
    assert (run["status"], connected.costs()) == ("finished", [])


def test_an_option_made_by_hand_is_matched_by_its_name(connected: Story) -> None:
    connected.pex.act_edit_option(connected.names.tags["project"], "Library", name="Library")
    transaction_id = connected.purchase(project=None)
    connected.pex.act_tag(transaction_id, project="Library")
    connected.sync()
    assert connected.cost()["project_name"] == "Library"


def test_of_two_projects_with_one_name_only_an_id_tells(connected: Story) -> None:
    connected.procore.act_change_project(connected.names.projects["Bridge"], name="Library", number="25-199")
    named, numbered = connected.purchase("10.00", project=None), connected.purchase("20.00", project="Library")
    connected.pex.act_tag(named, project="Library")
    connected.sync()
    assert connected.row(named)["reason"] == "option_ambiguous"
    assert connected.cost()["project_id"] == connected.names.projects["Library"]
    assert connected.costs_of(numbered)


def test_a_cost_code_of_another_project_is_named_in_the_refusal(connected: Story) -> None:
    transaction_id = connected.purchase(project="Bridge", code=CONCRETE)
    connected.sync()
    row = connected.row(transaction_id)
    assert row["reason"] == "cost_code_not_in_project"
    assert CONCRETE in row["detail"]
    assert "Bridge" in row["detail"]
    assert connected.costs() == []


def test_a_closed_project_holds_its_purchases_until_it_is_opened(connected: Story) -> None:
    transaction_id = connected.purchase(project="Old Mill")
    connected.sync()
    assert connected.row(transaction_id)["reason"] == "project_closed"
    connected.procore.act_change_project(connected.names.projects["Old Mill"], active=True)
    connected.sweep()
    assert connected.cost()["project_name"] == "Old Mill"


def test_a_missing_budget_code_is_made_once(connected: Story) -> None:
    connected.purchase("10.00", code=CONCRETE, type="L")
    connected.purchase("20.00", code=CONCRETE, type="L")
    connected.sync()
    assert [cost["line_items"][0]["cost_type"] for cost in connected.costs()] == ["L", "L"]
    assert connected.procore.books()["wbs_codes_made"] == 1


def test_an_inactive_budget_code_is_not_used(connected: Story) -> None:
    connected.procore.act_set_wbs_code(connected.names.budget_codes["Library", SETUP, "M"], "inactive")
    transaction_id = connected.purchase()
    connected.sync()
    assert (connected.row(transaction_id)["reason"], connected.costs()) == ("budget_code_inactive", [])


def test_a_cost_type_nobody_knows_is_named(connected: Story) -> None:
    transaction_id = connected.purchase(type="999999")
    connected.sync()
    row = connected.row(transaction_id)
    assert (row["reason"], row["detail"]) == ("option_unknown", "999999")


def test_a_cost_type_added_after_the_last_look_is_found(connected: Story) -> None:
    connected.purchase("10.00")
    connected.sync()
    world = connected.procore.world
    id = world.next_id("line_item_type")
    world.line_item_types[id] = LineItemType(id, COMPANY_ID, "E", "Equipment", "equipment", connected.procore.now())
    connected.clock.forward(minutes=5)
    transaction_id = connected.purchase("20.00", type=str(id))
    connected.sync()
    assert [cost["line_items"][0]["cost_type"] for cost in connected.costs_of(transaction_id)] == ["E"]


def test_a_purchase_without_a_merchant_goes_under_the_chosen_vendor(connected: Story) -> None:
    connected.purchase(merchant="")
    connected.sync()
    assert connected.cost()["vendor_id"] == connected.names.vendor_id


def test_a_deactivated_vendor_stops_the_run_before_anything_is_posted(connected: Story) -> None:
    connected.procore.act_set_vendor_active(connected.names.vendor_id, False)
    connected.purchase()
    run = connected.sync()
    assert (run["verdict"], run["reasons"], connected.creates()) == ("failed", {"vendor_inactive": 1}, 0)
    assert connected.ask("GET", "/v1/connection")["procore"]["problem"] == "vendor_inactive"


def test_a_vendor_missing_from_the_project_is_put_into_its_directory(connected: Story) -> None:
    connected.procore.world.vendors[connected.names.vendor_id].project_ids.clear()
    connected.purchase()
    connected.sync()
    assert connected.cost()["vendor_id"] == connected.names.vendor_id


def test_a_long_note_is_cut_between_characters_and_the_reference_survives(connected: Story) -> None:
    builder = "\N{CONSTRUCTION WORKER}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}\N{ZERO WIDTH JOINER}\N{FEMALE SIGN}"
    transaction_id = connected.purchase(note=f"line one\nline two\0 {builder * 200}")
    connected.sync()
    description = connected.cost()["description"]
    text, _, token = description.rpartition(" ")
    assert len(description) <= 255
    assert token == f"[pex:{connected.names.business_id}-{transaction_id}]"
    assert "line one line two" in text
    assert text.endswith(builder)


def test_a_default_fills_what_the_cardholder_left_open(connected: Story) -> None:
    connected.set(defaults={"cost_type": str(connected.names.types["L"])})
    connected.purchase(type=None)
    connected.sync()
    assert connected.cost()["line_items"][0]["cost_type"] == "L"
