"""Choosing, changing and being refused, with answers told beforehand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.canned import Canned, connection, problem, projects, tag
from tests.browser.conftest import Alone
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
NEW = {"tags": False, "credentials": False, "company": False, "settings": False, "active": False}


def pick_list(alone: Alone, **more: Any) -> tuple[Visitor, Canned]:
    visitor, canned = alone(settings={"sync_projects": False, **more})
    canned.answers["GET", "procore/projects"] = (200, projects(1000))
    visitor.open("setup/projects")
    visitor.sees("Procore projects (1,000)")
    return visitor, canned


def test_of_a_thousand_projects_the_wanted_ones_are_found_by_their_words(alone: Alone) -> None:
    visitor, canned = pick_list(alone)
    search = visitor.page.get_by_label("Search by number or name")
    search.fill("school 25-07")
    found = visitor.page.get_by_role("checkbox")
    expect(found).to_have_count(10)
    visitor.press("Pick these")
    search.fill("25-0990")
    found.first.check()
    search.fill("")
    expect(visitor.card("Picked projects").get_by_role("listitem")).to_have_count(11)
    visitor.press("Remove 25-0711 · School 72")
    visitor.press("Next")
    visitor.sees_heading("Start date")
    ids = canned.settings["project_ids"]
    assert (len(ids), 2310990 in ids, 2310711 in ids) == (10, True, False)


def test_a_thousand_projects_are_picked_with_the_keyboard_alone(alone: Alone) -> None:
    visitor, canned = pick_list(alone)
    keys = visitor.page.keyboard
    visitor.page.get_by_label("Search by number or name").focus()
    keys.type("25-0500")
    expect(visitor.page.get_by_role("checkbox")).to_have_count(1)
    keys.press("Tab")  # Pick these
    keys.press("Tab")  # the only one found
    keys.press("Space")
    expect(visitor.card("Picked projects").get_by_role("listitem")).to_have_count(1)
    assert visitor.page.evaluate("document.activeElement.type") == "checkbox"
    keys.press("Enter")
    visitor.sees_heading("Start date")
    assert canned.settings["project_ids"] == [2310500]


def test_a_long_list_draws_no_more_rows_than_a_person_can_read(alone: Alone) -> None:
    visitor, _ = pick_list(alone, project_ids=[2310000 + n for n in range(1, 1001)])
    expect(visitor.page.get_by_role("checkbox")).to_have_count(300)
    visitor.sees("…and 700 more.")
    visitor.sees("The first 300 are shown. Search to see others.")


def test_a_picked_project_that_is_gone_is_flagged_and_can_be_removed(alone: Alone) -> None:
    visitor, canned = pick_list(alone, project_ids=[2310001, 77])
    visitor.sees("Some picked projects are gone from Procore")
    visitor.press("Remove 77")
    visitor.press("Next")
    visitor.sees_heading("Start date")
    assert canned.settings["project_ids"] == [2310001]


def test_a_rivals_change_is_never_overwritten_and_the_own_words_stay(alone: Alone) -> None:
    visitor, canned = alone()
    save = canned.answers["PATCH", "settings"]
    visitor.open("settings")
    visitor.press("Edit: Expenses in Procore")
    visitor.choose("Pending")
    canned.settings = canned.settings | {"write_notes": False}
    canned.answers["PATCH", "settings"] = problem(409, "stale", "The settings were changed meanwhile.")
    visitor.press("Save")
    visitor.sees("The settings were changed meanwhile.")
    expect(visitor.page.get_by_role("radio", name="Pending")).to_be_checked()
    expect(visitor.page.get_by_role("switch", name="Write a note in PEX")).not_to_be_checked()
    canned.answers["PATCH", "settings"] = save
    visitor.press("Save")
    visitor.sees("Saved. It applies from the next sync on.")
    assert (canned.settings["expense_status"], canned.settings["write_notes"]) == ("pending", False)


def test_a_refused_setting_is_told_at_its_field(alone: Alone) -> None:
    visitor, canned = alone()
    one = {"field": "vendor_id", "code": "vendor_inactive", "message": "The vendor is not active in Procore."}
    canned.answers["PATCH", "settings"] = problem(422, "vendor_inactive", one["message"], "vendor_id", problems=[one])
    visitor.open("settings")
    visitor.press("Edit: Expenses in Procore")
    visitor.press("Save")
    field = visitor.page.get_by_label("Search vendors")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(one["message"])


def test_the_start_date_is_the_same_day_wherever_it_is_edited(alone: Alone) -> None:
    visitor, canned = alone()  # the browser's clock is Nepal's
    visitor.open("settings")
    visitor.sees("May 4, 2026")
    for _ in range(3):
        visitor.press("Edit: Start date")
        expect(visitor.page.get_by_label("Start date (Eastern time)")).to_have_value("2026-05-04")
        visitor.press("Save")
        visitor.sees("Saved. It applies from the next sync on.")
    assert canned.settings["start_date"] == "2026-05-04"


def test_approved_expenses_come_with_a_warning_about_the_owners_invoice(alone: Alone) -> None:
    visitor, _ = alone()
    visitor.open("setup/choices")
    visitor.choose("Approved")
    visitor.sees("Approved expenses reach the owner's invoice")


def test_of_several_companies_one_is_chosen_and_another_one_later_asks_first(alone: Alone) -> None:
    visitor, canned = alone(procore=connection()["procore"])
    canned.answers["PUT", "connection/procore"] = (
        200,
        {
            "companies": [
                {"id": 4267118, "name": "Bluestone Contracting"},
                {"id": 562949953508586, "name": "Bluestone West"},
            ]
        },
    )
    canned.answers["PUT", "connection/company"] = (
        200,
        {"company_id": 562949953508586, "company_name": "Bluestone West"},
    )
    visitor.open("setup/procore")
    visitor.fill("Client ID", "an id")
    visitor.fill("Client Secret", "a secret nobody may see")
    visitor.press("Check and go on")
    visitor.choose("Bluestone West")
    visitor.press("Next")
    visitor.sees("A new history begins.")
    visitor.press("Change the company")
    visitor.sees_heading("Procore permissions")
    assert ("PUT", "connection/company", {"company_id": 562949953508586, "confirm": True}) in canned.asked
    assert "a secret nobody may see" not in visitor.page.content()


def test_wrong_procore_credentials_are_told_at_their_field(alone: Alone) -> None:
    visitor, canned = alone(set_up=NEW)
    canned.answers["PUT", "connection/procore"] = problem(422, "procore_secret_rejected", field="client_secret")
    visitor.open("setup/procore")
    visitor.fill("Client ID", "an id")
    visitor.fill("Client Secret", "wrong")
    visitor.press("Check and go on")
    visitor.sees("Procore rejected the client id or secret.")
    expect(visitor.page.get_by_label("Client Secret")).to_have_accessible_description("Check the Client Secret.")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("wrong_type", "Only drop-down tags can hold Procore's list."),
        ("disabled", "Switch it on in PEX: Business settings → Tag Manager."),
        ("deleted", "Choose another tag; or choose the usual one, and let us create it."),
    ],
)
def test_a_tag_that_will_not_do_says_how_to_mend_it(alone: Alone, status: str, advice: str) -> None:
    tags = connection()["tags"] | {"project": tag("11", "Procore Projects", status)}
    visitor, _ = alone(tags=tags, set_up=NEW)
    visitor.open("setup/tags")
    visitor.sees(re.compile(re.escape(advice)))


def test_missing_tags_are_made_for_the_administrator(alone: Alone) -> None:
    found = connection()["tags"]
    missing = found | {kind: tag(None, "", "missing") for kind in ("project", "cost_type")}
    visitor, canned = alone(tags=missing, set_up=NEW)

    def create(body: Any) -> tuple[int, Any]:
        canned.answers["GET", "connection"] = (200, connection(set_up=NEW))
        return 201, {"created": []}

    canned.answers["POST", "pex/tags"] = create
    visitor.open("setup/tags")
    visitor.press("Create them for me")
    expect(visitor.page.get_by_text("Found", exact=True)).to_have_count(3)
    assert ("POST", "pex/tags", {"kinds": ["project", "cost_type"]}) in canned.asked


def test_the_wizard_stops_at_a_missing_pex_permission_and_says_where_to_switch_it_on(alone: Alone) -> None:
    pex = connection()["pex"]
    pex["permissions"][1] |= {"status": "missing", "where": "My Profile → Permissions → Manage cardholder"}
    visitor, _ = alone(pex=pex, set_up=NEW)
    visitor.open("setup/pex")
    visitor.sees("My Profile → Permissions → Manage cardholder")
    expect(visitor.button("Next")).to_be_disabled()
