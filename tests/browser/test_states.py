"""What the page shows in states that are hard to bring about, with answers told beforehand."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.canned import (
    DRY_RUN,
    PURCHASES,
    at,
    attention,
    connection,
    item,
    problem,
    projects,
    run_detail,
    transaction,
)
from tests.browser.conftest import Alone

pytestmark = pytest.mark.browser
SCREENS = [
    ("", "Overview"), ("transactions", "Transactions"), ("transactions/419082235", "FASTENAL COMPANY01"),
    ("transactions/419082236", "LOWE'S PRO 1120"), ("history", "History"), ("history/r-3", "Transactions"),
    ("compare", "Compare PEX with Procore"), ("settings", "Settings"), ("help", "Help"),
    ("setup/pex", "PEX permissions"), ("setup/tags", "PEX tags"), ("setup/procore", "Procore sign-in"),
    ("setup/company", "Procore company"), ("setup/tools", "Procore permissions"), ("setup/choices", "What to sync"),
    ("setup/start", "Start date"), ("setup/summary", "Summary"),
]  # fmt: skip


@pytest.mark.parametrize("surroundings", [{}, {"dark": True, "phone": True}], ids=["desktop", "phone in the dark"])
def test_every_screen_can_be_read_by_everybody_and_fits_its_window(alone: Alone, surroundings: dict[str, bool]) -> None:
    visitor, canned = alone(**surroundings)
    canned.answers["POST", "runs"] = (200, DRY_RUN)
    visitor.open()
    for screen, heading in SCREENS:
        visitor.go(screen)
        visitor.sees_heading(heading)
        expect(visitor.page.get_by_text("Loading…")).to_have_count(0)
        visitor.judge(screen)


@pytest.mark.parametrize("surroundings", [{}, {"dark": True, "phone": True}], ids=["desktop", "phone in the dark"])
def test_open_forms_and_dialogs_can_be_read_by_everybody_too(alone: Alone, surroundings: dict[str, bool]) -> None:
    visitor, canned = alone(**surroundings, settings={"sync_projects": False, "project_ids": [2310001, 9]})
    canned.answers["GET", "procore/projects"] = (200, projects(1000))
    visitor.open("settings")
    for title in ("What to sync", "Expenses in Procore", "Projects", "Tags and defaults", "Start date", "Reference"):
        visitor.press(f"Edit: {title}")
    visitor.press("Enter credentials")
    visitor.press("Sign in to PEX again")
    visitor.sees("Search by number or name")
    visitor.sees("PEX API token")
    visitor.judge("open forms")
    visitor.press("Disconnect…")
    visitor.judge("dialog")


@pytest.mark.parametrize(
    ("code", "side", "press", "leads_to"),
    [
        ("pex_token_rejected", "pex", "Sign in to PEX again", "#/settings/pex"),
        ("pex_token_expires_soon", "pex", "Sign in to PEX again", "#/settings/pex"),
        ("pex_permission_missing", "pex", "See the permissions", "#/settings/pex"),
        ("tags_disabled", "pex", "See the PEX side", "#/settings/pex"),
        ("tag_missing", "tags", "See the tags", "#/settings/tags"),
        ("procore_secret_rejected", "procore", "Enter the credentials", "#/settings/procore"),
        ("procore_app_not_connected", "procore", "See the company", "#/settings/procore"),
        ("procore_permission_missing", "procore", "See the permissions", "#/settings/tools"),
        ("direct_costs_tool_off", "procore", "See the permissions", "#/settings/tools"),
        ("vendor_missing", "settings", "Choose a vendor", "#/settings/expenses"),
        ("vendor_inactive", "settings", "Choose another vendor", "#/settings/expenses"),
        ("selected_project_gone", "settings", "Choose the projects", "#/settings/projects"),
    ],
)
def test_what_is_broken_is_said_first_with_the_way_to_mend_it(
    alone: Alone, code: str, side: str, press: str, leads_to: str
) -> None:
    visitor, _ = alone(attention=[attention(code, side)])
    visitor.open()
    first = visitor.page.locator("h1 ~ .note, .heading + .note").first
    expect(first).to_contain_text(attention(code, side)["text"])
    expect(first).to_contain_text(attention(code, side)["what_to_do"])
    first.get_by_role("link", name=press).click()
    visitor.sees_heading("Settings")
    assert visitor.page.url.endswith(leads_to)
    expect(visitor.page.locator(leads_to.replace("#/settings/", "#"))).to_be_in_viewport()


def test_a_list_that_shrank_is_confirmed_by_a_person_once(alone: Alone) -> None:
    visitor, canned = alone(attention=[attention("source_shrank", "tags")])
    visitor.open()
    visitor.press("Confirm the change")
    visitor.press("Refresh the tags")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    assert ("POST", "runs", {"kind": "tags", "confirm": True}) in canned.asked


def test_a_used_up_quota_says_until_when_and_that_nothing_is_to_be_done(alone: Alone) -> None:
    visitor, _ = alone(quota={"remaining": 0, "limit": 600, "resets_at": at(31)})
    visitor.open()
    visitor.sees("Procore's hourly limit is used up")
    visitor.sees(re.compile(r"goes on by itself at \d+:\d\d [AP]M ET"))


def test_before_anything_happened_every_list_says_what_will_fill_it(alone: Alone) -> None:
    visitor, canned = alone(counts={}, last_runs=[])
    canned.answers["GET", "transactions"] = canned.answers["GET", "runs"] = (200, {"items": [], "next": None})
    visitor.open()
    visitor.sees("No purchases yet.")
    visitor.sees("Nothing has run yet.")
    visitor.judge("nothing yet")
    visitor.go("transactions")
    visitor.sees("Purchases appear here once they settle in PEX, or after you press Sync now on the overview.")
    visitor.go("history")
    visitor.sees("or wait for the schedule")


def test_while_it_loads_the_page_says_so(alone: Alone) -> None:
    visitor, canned = alone()
    answered = threading.Event()
    held: list[Route] = []

    def hold(route: Route) -> None:
        canned.answer(route) if answered.is_set() else held.append(route)

    visitor.context.route("**/v1/connection", hold)
    visitor.open()
    visitor.sees("Looking at both sides…")
    visitor.judge("loading")
    answered.set()
    for route in held:
        canned.answer(route)
    visitor.sees_heading("Overview")


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(alone: Alone) -> None:
    broken = {"attention": [attention("procore_permission_missing", "procore")]}
    visitor, canned = alone(**broken)
    told = visitor.page.get_by_text("See the permissions")
    visitor.page.clock.install()
    visitor.open()
    expect(told).to_have_count(1)
    held: list[Route] = []
    visitor.context.route("**/v1/connection", lambda route: held.append(route))
    with visitor.page.expect_request("**/v1/connection"):
        visitor.page.clock.run_for(61_000)
    canned.answers["GET", "connection"] = (200, connection())
    visitor.press("Check now")
    expect(told).to_have_count(0)
    canned.answers["GET", "connection"] = (200, connection(**broken))
    with visitor.page.expect_response("**/v1/connection") as answered:
        canned.answer(held[0])
    answered.value.finished()
    visitor.page.clock.run_for(1_000)
    expect(told).to_have_count(0)


def test_offline_it_keeps_what_it_shows_and_comes_back_by_itself(alone: Alone) -> None:
    visitor, _ = alone()
    visitor.open()
    visitor.sees_heading("Overview")
    visitor.context.set_offline(True)
    visitor.sees("You are offline")
    visitor.sees("Bluestone Contracting LLC")
    visitor.judge("offline")
    visitor.context.set_offline(False)
    expect(visitor.page.get_by_text("You are offline")).to_have_count(0)


def test_when_the_connector_cannot_be_reached_the_page_says_so_and_tries_again(alone: Alone) -> None:
    visitor, _ = alone()
    visitor.context.route("**/v1/connection", lambda route: route.abort())
    visitor.open()
    visitor.sees("The connector cannot be reached.")
    visitor.judge("out of reach")
    visitor.context.unroute("**/v1/connection")
    visitor.press("Try again")
    visitor.sees_heading("Overview")


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, "<html>Bad gateway: TypeError at 0x7f</html>"), (500, '{"message": "Traceback (most recent call last)"}')],
)
def test_an_answer_that_is_none_of_ours_is_never_shown_raw(alone: Alone, status: int, body: str) -> None:
    visitor, _ = alone()
    visitor.context.route("**/v1/transactions?*", lambda route: route.fulfill(status=status, body=body))
    visitor.open("transactions")
    visitor.sees("The connector did not answer as expected.")
    assert not re.search("Traceback|TypeError|Bad gateway", visitor.page.inner_text("body"))


def test_a_sign_in_that_ended_leads_back_to_the_sign_in(alone: Alone) -> None:
    visitor, canned = alone()
    visitor.open()
    visitor.sees_heading("Overview")
    canned.answers["GET", "transactions"] = problem(401, "not_signed_in", "You are not signed in.")
    visitor.go("transactions")
    visitor.sees_heading("Sign in")
    visitor.judge("sign in")


def test_help_can_be_read_before_anybody_signed_in(alone: Alone) -> None:
    visitor, canned = alone()
    canned.answers["GET", "connection"] = problem(401, "not_signed_in", "You are not signed in.")
    canned.answers["GET", "reasons"] = canned.answers["GET", "connection"]
    visitor.open()
    visitor.page.get_by_role("link", name="Help: what is needed on both sides").click()
    visitor.sees_heading("Create a Procore service account")
    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    visitor.page.get_by_role("link", name="← Sign in").click()
    visitor.sees_heading("Sign in")


def test_words_of_others_stay_words(alone: Alone) -> None:
    visitor, canned = alone()
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    row = transaction(1, "exception", "refused_by_procore", 1.0, evil, "=HYPERLINK(1)")
    canned.answers["GET", "transactions"] = (200, {"items": [row], "next": None})
    visitor.open("transactions")
    visitor.sees(evil)
    assert visitor.page.title().startswith("Transactions")


def test_a_sync_started_here_is_followed_to_its_end(alone: Alone) -> None:
    visitor, canned = alone()

    def at_work(done: int, **progress: Any) -> None:
        told = {
            "done": done,
            "total": 40,
            "quota_remaining": 388,
            "waits_until": None,
            "estimated_end": None,
        } | progress
        canned.answers["GET", "runs/r-9"] = (
            200,
            run_detail("r-9", status="running", counts={"posted": done}, progress=told),
        )

    at_work(3, estimated_end=at(4))
    visitor.open()
    visitor.press("Sync now")
    visitor.sees("Expenses: 3 of 40")
    visitor.sees(re.compile("388 Procore calls left this hour"))
    visitor.sees(re.compile("About ready at"))
    expect(visitor.button("Sync now")).to_be_disabled()
    visitor.judge("progress")
    at_work(25, waits_until=at(12))
    visitor.sees(re.compile("Procore's limit is reached for now. It goes on by itself at"))
    canned.answers["GET", "runs/r-9"] = (200, run_detail("r-9", counts={"posted": 40}))
    visitor.sees("40 expenses posted")
    expect(visitor.button("Sync now")).to_be_enabled()


def test_a_second_sync_shows_the_one_that_runs(alone: Alone) -> None:
    visitor, canned = alone()
    canned.answers["POST", "runs"] = problem(409, "already_running", "A run is at work.", run_id="r-9")
    canned.answers["GET", "runs/r-9"] = (
        200,
        run_detail("r-9", status="running", progress={"done": 1, "total": 2}),
    )
    visitor.open()
    visitor.press("Sync now")
    visitor.sees("Expenses: 1 of 2")


def test_a_long_run_shows_all_its_purchases_page_by_page(alone: Alone) -> None:
    visitor, canned = alone()
    rows = [item(transaction(*one), "waiting") for one in PURCHASES[2:4]]

    def page(query: Any) -> tuple[int, Any]:
        first = "next" not in query
        return 200, run_detail("r-3", rows[:1] if first else rows[1:], next="more" if first else None)

    canned.answers["GET", "runs/r-3"] = page
    visitor.open("history/r-3")
    visitor.sees("WAWA 8121")
    visitor.press("Show more")
    visitor.sees("SUNBELT RENTALS #0231")
    visitor.sees("WAWA 8121")
    expect(visitor.button("Show more")).to_have_count(0)


def test_a_retry_of_a_failed_item_says_what_comes_next(alone: Alone) -> None:
    visitor, canned = alone()
    canned.answers["POST", "transactions/419082235/retry"] = (200, transaction(*PURCHASES[4]))
    visitor.open("history/r-3")
    visitor.press("Retry: FASTENAL COMPANY01")
    visitor.sees("It is tried again with the next sync, in a moment.")
    assert ("POST", "transactions/419082235/retry", {}) in canned.asked


def test_help_tells_every_reason_with_who_can_mend_it(alone: Alone) -> None:
    visitor, canned = alone()
    visitor.open("help")
    visitor.sees("The split does not add up to the amount.")
    rows = visitor.page.locator("#reasons tbody tr")
    expect(rows).to_have_count(len(canned.answers["GET", "reasons"][1]["items"]))  # type: ignore[index]
    visitor.sees("What “Required” means for a tag")


def test_the_session_id_of_a_launch_leaves_the_address_at_once(alone: Alone) -> None:
    visitor, canned = alone()
    visitor.page.goto(visitor.url + "?jwt=eyJ.a.launch")
    visitor.sees_heading("Overview")
    assert visitor.page.url == visitor.url
    assert ("POST", "sessions", {"pex_jwt": "eyJ.a.launch"}) in canned.asked
    assert visitor.page.evaluate("history.length") <= 2
