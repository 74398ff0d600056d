"""One failure of each kind, brought about in the simulators: what the page says, and that it can be mended there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.customer import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, Customer, sync
from tests.browser.visitor import Visitor
from tests.whole_stack.program import Life

pytestmark = pytest.mark.browser


@pytest.fixture
def procore_mended(life: Life) -> Iterator[None]:
    yield
    life.act("procore", "rotate_secret", client_id=CLIENT_ID, secret=CLIENT_SECRET)
    life.act("procore", "set_level", level="admin")


def test_a_dead_pex_token_is_told_and_another_one_takes_over(
    signed_in: Visitor, customer: Customer, life: Life
) -> None:
    life.act("pex", "expire_token", token=customer.token)
    signed_in.sees_heading("Overview")
    signed_in.press("Check now")
    signed_in.sees("PEX no longer accepts the token.")
    signed_in.page.get_by_role("link", name="Sign in to PEX again").click()
    signed_in.press("Sign in to PEX again")
    signed_in.fill("PEX API token", customer.new_token())
    signed_in.press("Sign in")
    expect(signed_in.page.get_by_text("PEX no longer accepts the token.")).to_have_count(0)
    signed_in.go("")
    signed_in.sees("Works with the login of")
    expect(signed_in.page.get_by_text("Connected", exact=True)).to_have_count(2)


@pytest.mark.usefixtures("procore_mended")
def test_a_changed_procore_secret_is_told_and_entered_anew(signed_in: Visitor, life: Life) -> None:
    life.act("procore", "rotate_secret", client_id=CLIENT_ID, secret="another-secret", revoke_tokens=True)
    signed_in.press("Check now")
    signed_in.sees("Procore rejected the client id or secret.")
    signed_in.page.get_by_role("link", name="Enter the credentials").click()
    signed_in.press("Enter credentials")
    signed_in.fill("Client ID", CLIENT_ID)
    signed_in.fill("Client Secret", "another-secret")
    signed_in.press("Check and save")
    signed_in.press("Use this company")
    expect(signed_in.page.get_by_text("Procore rejected the client id or secret.")).to_have_count(0)


@pytest.mark.usefixtures("procore_mended")
def test_a_missing_procore_tool_is_named_with_the_least_that_is_enough(signed_in: Visitor, life: Life) -> None:
    life.act("procore", "set_level", level="none", tool="direct_costs")
    signed_in.press("Check now")
    signed_in.sees(re.compile(r"The Procore service account lacks a permission\. \(Direct Costs"))
    signed_in.page.get_by_role("link", name="See the permissions").click()
    signed_in.sees(re.compile("Needs Admin, or Read Only or Standard with Create Direct Cost and Update Direct Cost"))
    life.act("procore", "set_level", level="admin", tool="direct_costs")
    signed_in.card("Procore").get_by_role("button", name="Check again").click()
    expect(signed_in.page.get_by_text("Needs Admin, or Read Only")).to_have_count(0)


def test_a_vendor_that_went_is_told_and_another_one_chosen(signed_in: Visitor, customer: Customer, life: Life) -> None:
    gone = life.act("procore", "add_vendor", company_id=COMPANY_ID, name="Card Vendor")["id"]
    customer.change(vendor_id=gone)
    life.act("procore", "set_vendor_active", vendor_id=gone, active=False)
    customer.purchase("33.10", "FASTENAL COMPANY01")
    sync(signed_in, lambda: bool(customer.stranger.ask("GET", "/v1/connection").json()["attention"]))
    signed_in.sees("The chosen vendor was removed or deactivated in Procore.")
    assert customer.expenses() == []
    signed_in.page.get_by_role("link", name="Choose another vendor").click()
    signed_in.sees("The vendor chosen so far is not active in Procore any more.")
    signed_in.choose("PEX Card Purchases")
    signed_in.press("Save")
    signed_in.sees("Saved. It applies from the next sync on.")
    sync(signed_in, lambda: bool(customer.expenses()))
    expect(signed_in.page.get_by_text("The chosen vendor was removed")).to_have_count(0)


def test_a_deleted_tag_is_told_and_made_again(signed_in: Visitor, customer: Customer, life: Life) -> None:
    life.act("pex", "delete_tag", tag="Procore Cost Codes", business_id=customer.business_id)
    signed_in.press("Check now")
    signed_in.sees(re.compile(r"A mapped PEX tag does not exist.*Procore Cost Codes"))
    signed_in.go("settings/pex")
    signed_in.press("Create it for me")
    expect(signed_in.card("PEX").get_by_text("Found", exact=True)).to_have_count(3)


def test_a_tag_of_the_wrong_type_is_told_and_another_one_chosen(
    visitor: Visitor, newcomer: Customer, life: Life
) -> None:
    business = {"business_id": newcomer.business_id}
    life.act("pex", "delete_tag", tag="Procore Projects", **business)
    life.act("pex", "create_tag", name="Procore Projects", type="Text", **business)
    life.act("pex", "create_tag", name="Jobs", **business)
    newcomer.stranger.sign_in(newcomer.token)
    newcomer.sign_in(visitor).open("setup/tags")
    visitor.sees("Not a drop-down")
    visitor.page.get_by_text("Choose among the tags you have").click()
    visitor.page.get_by_label("PEX tag for projects").select_option(label="Jobs")
    visitor.press("Use these tags")
    expect(visitor.page.get_by_text("Found", exact=True)).to_have_count(3)


def test_what_procore_refused_is_retried_from_its_run(signed_in: Visitor, customer: Customer, life: Life) -> None:
    refused = {"status": 422, "answer": {"errors": {"base": ["The budget is locked."]}}}
    life.fault("procore", kind="status", method="POST", path=r"/direct_costs$", body="76.02", times=1, **refused)
    id = customer.purchase("76.02", "GRAINGER 8421")
    customer.stranger.transaction(id, "exception", 120)
    signed_in.go("history")
    signed_in.page.get_by_role("row", name=re.compile("1 failed")).get_by_role("link").first.click()
    signed_in.sees(re.compile("The budget is locked"))
    signed_in.press("Retry: GRAINGER 8421")
    signed_in.sees("It is tried again with the next sync, in a moment.")
    sync(signed_in, lambda: bool(customer.expenses()))
    assert [one["grand_total"] for one in customer.expenses()] == ["76.02"]


def test_what_was_deleted_in_procore_is_posted_again(signed_in: Visitor, customer: Customer, life: Life) -> None:
    id = customer.purchase("18.40", "LOWE'S PRO 1120")
    customer.stranger.transaction(id, "complete", 120)
    (posted,) = customer.expenses()
    life.act("procore", "change_direct_cost", direct_cost_id=posted["id"], delete=True)
    life.act("pex", "create_tag", name="Split", type="Allocation", business_id=customer.business_id)
    parts = [{"amount": part, **customer.coding} for part in ("8.40", "10.00")]
    life.act("pex", "split", transaction_id=id, parts=parts)  # what changed is compared with its expense
    sync(signed_in, lambda: any(customer.stranger.ask("GET", f"/v1/transactions/{id}").json()["actions"]))
    signed_in.go(f"transactions/{id}")
    signed_in.sees("The expense was deleted in Procore.")
    signed_in.press("Post it again")
    signed_in.page.get_by_role("dialog").get_by_role("button", name="Post it again").click()
    signed_in.sees("It is posted again with the next sync, in a moment.")
    sync(signed_in, lambda: bool(customer.expenses()))
    (again,) = customer.expenses()
    assert (again["grand_total"], again["id"] != posted["id"]) == ("18.40", True)
