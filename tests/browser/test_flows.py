"""What an administrator does, in a real browser against the whole local stack; money is judged by Procore's books."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from local.demo.books import EASTERN
from tests.browser.customer import CLIENT_ID, CLIENT_SECRET, PASSWORD, Customer, sync
from tests.browser.visitor import Visitor
from tests.whole_stack.program import Life

pytestmark = pytest.mark.browser
COMPANY = "Hudson & Vale Builders, Inc."


def next_step(visitor: Visitor, heading: str) -> None:
    visitor.press("Next")
    visitor.sees_heading(heading)


def test_from_the_sign_in_to_the_first_expense(visitor: Visitor, newcomer: Customer, life: Life) -> None:
    life.act("pex", "delete_tag", tag="Procore Cost Types", business_id=newcomer.business_id)
    visitor.open()
    visitor.fill("PEX API token", "somebody else's token")
    visitor.press("Sign in")
    expect(visitor.page.get_by_label("PEX API token")).to_have_accessible_description(
        re.compile("PEX did not accept this token.")
    )
    visitor.fill("PEX API token", newcomer.token)
    visitor.press("Sign in")

    visitor.sees_heading("PEX permissions")
    expect(visitor.page.get_by_text("Allowed", exact=True)).to_have_count(3)
    next_step(visitor, "PEX tags")
    visitor.press("Create it for me")
    expect(visitor.page.get_by_text("Found", exact=True)).to_have_count(3)
    bought = newcomer.purchase("120.50", "HOME DEPOT PRO 6401")
    newcomer.purchase("48.17", "WAWA 8121", coded=False)
    next_step(visitor, "Procore sign-in")
    visitor.fill("Client ID", CLIENT_ID)
    visitor.fill("Client Secret", "mistyped")
    visitor.press("Check and go on")
    visitor.sees("Procore rejected the client id or secret.")
    visitor.fill("Client Secret", CLIENT_SECRET)
    visitor.press("Check and go on")
    visitor.sees_heading("Procore company")
    expect(visitor.button("Next")).to_be_disabled()
    visitor.choose(COMPANY)
    next_step(visitor, "Procore permissions")
    visitor.sees("Direct Costs (projects)")
    next_step(visitor, "What to sync")
    expect(visitor.button("Next")).to_be_disabled()
    visitor.page.get_by_role("switch", name="Keep the Cost codes tag equal to Procore").uncheck()
    visitor.fill("Search vendors", "pex card")
    visitor.choose("PEX Card Purchases")
    visitor.choose("Only those approved in PEX")
    next_step(visitor, "Start date")
    week_ago = datetime.now(EASTERN).date() - timedelta(days=7)
    visitor.fill("Start date (Eastern time)", week_ago.isoformat())
    next_step(visitor, "Summary")
    visitor.sees(re.compile("1 expense of \\$120.50 would be posted"))
    visitor.sees("WAWA 8121")
    assert newcomer.expenses() == []
    visitor.page.get_by_text("Sync within seconds (optional)").click()
    visitor.fill("PEX callback secret", "demo-callback-secret")
    visitor.press("Save the secret")
    expect(visitor.page.get_by_text("Sync within seconds (optional)")).to_have_count(0)
    visitor.press("Turn on")

    visitor.sees_heading("Overview")
    sync(visitor, lambda: bool(newcomer.expenses()))
    (expense,) = newcomer.expenses()
    assert (expense["grand_total"], str(bought) in f"{expense['origin_id']}{expense['description']}") == (
        "120.50",
        True,
    )
    visitor.go("transactions")
    visitor.sees("No project is chosen.")


def test_a_purchase_is_ignored_and_taken_back(signed_in: Visitor, customer: Customer) -> None:
    id = customer.purchase("9.99", "STARBUCKS 11042", coded=False)
    customer.stranger.transaction(id, "waiting", 120)
    signed_in.go(f"transactions/{id}")
    signed_in.press("Never import it")
    signed_in.press("Cancel")
    signed_in.press("Never import it")
    signed_in.page.get_by_role("dialog").get_by_role("button", name="Never import it").click()
    signed_in.sees("It will not be imported.")
    customer.stranger.transaction(id, "ignored")
    signed_in.press("Try again")
    signed_in.sees("It is tried again with the next sync, in a moment.")


def test_transactions_are_searched_filtered_and_exported(signed_in: Visitor, customer: Customer) -> None:
    waiting = customer.purchase("41.00", "SUNBELT RENTALS", coded=False)
    posted = customer.purchase("62.17", "WHITE CAP 214")
    customer.stranger.transaction(waiting, "waiting", 120)
    customer.stranger.transaction(posted, "complete", 120)
    signed_in.go("transactions")
    signed_in.sees("WHITE CAP 214")
    signed_in.fill("Search merchant, amount or number", "sunbelt")
    signed_in.press("Search")
    expect(signed_in.page.get_by_role("link", name="WHITE CAP 214")).to_have_count(0)
    signed_in.sees("SUNBELT RENTALS")
    signed_in.page.get_by_label("State").select_option(label="In Procore")
    signed_in.sees("No transaction matches.")
    signed_in.page.get_by_role("link", name="Show all").click()
    signed_in.sees("WHITE CAP 214")
    with signed_in.page.expect_download() as download:
        signed_in.page.get_by_role("link", name="Download as CSV").click()
    text = download.value.path().read_text()
    assert "WHITE CAP 214" in text
    assert "SUNBELT RENTALS" in text


def test_two_administrators_never_overwrite_each_other(signed_in: Visitor, customer: Customer) -> None:
    signed_in.go("settings")
    signed_in.press("Edit: Expenses in Procore")
    signed_in.choose("Pending")
    customer.change(write_notes=False)
    signed_in.press("Save")
    signed_in.sees("The settings were changed meanwhile.")
    signed_in.press("Save")
    signed_in.sees("Saved. It applies from the next sync on.")
    now = customer.stranger.ask("GET", "/v1/settings").json()
    assert (now["expense_status"], now["write_notes"]) == ("pending", False)


def test_project_sync_is_switched_off_and_two_projects_picked(signed_in: Visitor, customer: Customer) -> None:
    customer.change(sync_projects=True)
    signed_in.page.reload()
    signed_in.page.get_by_role("switch", name="Project sync").uncheck()
    signed_in.page.get_by_role("link", name="Pick projects").click()
    signed_in.fill("Search by number or name", "library")
    signed_in.page.get_by_role("checkbox").first.check()
    signed_in.fill("Search by number or name", "")
    signed_in.page.get_by_role("checkbox", checked=False).first.check()
    signed_in.press("Save")
    signed_in.sees("2 picked projects")
    now = customer.stranger.ask("GET", "/v1/settings").json()
    assert (now["sync_projects"], len(now["project_ids"])) == (False, 2)


def test_tags_are_refreshed_with_progress(signed_in: Visitor, customer: Customer, life: Life) -> None:
    customer.change(sync_projects=True)
    signed_in.press("Refresh tags now")
    expect(signed_in.page.get_by_role("progressbar", name="Progress of the sync")).to_be_visible()
    signed_in.page.get_by_role("link", name="See this run").click()
    expect(signed_in.page.get_by_role("heading", level=1, name=re.compile("^Tags, "))).to_be_visible()
    tags = [one for one in life.books("pex")["tags"] if one["business_id"] == customer.business_id]
    assert all(len(one["options"]) > 1 for one in tags if one["name"] == "Procore Projects")


def test_comparing_the_books_finds_no_difference(signed_in: Visitor, customer: Customer) -> None:
    customer.stranger.transaction(customer.purchase("62.17", "WHITE CAP 214"), "complete", 120)
    signed_in.go("compare")
    signed_in.page.locator("form").get_by_role("button", name="Compare").click()
    signed_in.sees("None: the books agree.")
    signed_in.sees("$62.17")


def test_disconnecting_asks_first_and_ends_everything(signed_in: Visitor, customer: Customer, life: Life) -> None:
    def subscriptions() -> list[str]:
        rows = life.books("pex")["subscriptions"]
        return [one["Id"] for one in rows if one["BusinessAccountId"] == customer.business_id]

    assert subscriptions()
    signed_in.go("settings")
    signed_in.press("Disconnect…")
    signed_in.press("No, stay connected")
    assert subscriptions()
    signed_in.press("Disconnect…")
    signed_in.press("Yes, disconnect")
    signed_in.sees("Nothing is synced any more.")
    assert not subscriptions()
    signed_in.page.get_by_role("link", name="Go to the set-up").click()
    signed_in.sees(re.compile("The connector has no PEX login"))
    signed_in.fill("PEX API token", customer.token)
    signed_in.press("Sign in")
    expect(signed_in.page.get_by_text("Allowed", exact=True)).to_have_count(3)


def test_signing_out_ends_the_session_for_everybody_who_has_it(signed_in: Visitor, customer: Customer) -> None:
    signed_in.press("Sign out")
    signed_in.sees_heading("Sign in")
    assert customer.stranger.ask("GET", "/v1/connection").status_code == 401
    signed_in.page.reload()
    signed_in.sees_heading("Sign in")


def test_signing_in_at_pex_own_page(visitor: Visitor, newcomer: Customer) -> None:
    visitor.open()
    with visitor.context.expect_page() as opened:
        visitor.press("Sign in with PEX")
    pex = opened.value
    visitor.sees("Waiting for PEX…")
    pex.get_by_label("User name").fill(newcomer.admin["email"])
    pex.get_by_label("Password").fill(PASSWORD)
    pex.get_by_role("button", name="Log in to PEX").click()
    expect(pex.get_by_role("heading", name="You are signed in")).to_be_visible()
    visitor.sees_heading("PEX permissions")
    visitor.sees(newcomer.name)


def test_launched_from_pex_nobody_signs_in_again(visitor: Visitor, newcomer: Customer, life: Life) -> None:
    jwt = life.act("pex", "launch", admin_id=newcomer.admin["admin_id"])["jwt"]
    visitor.page.goto(f"{visitor.url}?jwt={jwt}")
    visitor.sees_heading("PEX permissions")
    assert visitor.page.url == visitor.url
    visitor.page.goto(f"{visitor.url}?jwt={jwt}x")  # nobody's; the session of before goes on
    visitor.sees_heading("PEX permissions")


def test_a_launch_that_fails_says_so_where_one_can_sign_in(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.url}?jwt=made.up.words")
    visitor.sees_heading("Sign in")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert visitor.page.url == visitor.url


def test_everything_can_be_done_without_a_mouse(visitor: Visitor, customer: Customer) -> None:
    id = customer.purchase("9.99", "STARBUCKS 11042", coded=False)
    customer.stranger.transaction(id, "waiting", 120)
    keys = visitor.page.keyboard
    visitor.open()
    visitor.tab_to("PEX API token")
    keys.type(customer.token)
    keys.press("Enter")
    visitor.sees_heading("Overview")
    visitor.tab_to("Transactions")
    keys.press("Enter")
    visitor.sees_heading("Transactions")
    visitor.tab_to("STARBUCKS 11042")
    keys.press("Enter")
    visitor.sees_heading("STARBUCKS 11042")
    visitor.tab_to("Never import it")
    keys.press("Enter")
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    visitor.tab_to("Never import it")
    keys.press("Enter")
    visitor.tab_to("Never import it")
    keys.press("Enter")
    visitor.sees("It will not be imported.")
    visitor.tab_to("Settings")
    keys.press("Enter")
    visitor.tab_to("Edit: Start date")
    keys.press("Enter")
    visitor.tab_to("Save")
    keys.press("Enter")
    visitor.sees("Saved. It applies from the next sync on.")
    visitor.tab_to("Sign out")
    keys.press("Enter")
    visitor.sees_heading("Sign in")
