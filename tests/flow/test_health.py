"""One side breaks: the run says which, nothing is posted wrongly, and mending it is enough."""

from __future__ import annotations

import pytest

from tests.flow.story import COSTS, Story
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN


def problem(story: Story, side: str) -> str | None:
    found: str | None = story.ask("GET", "/v1/connection")[side]["problem"]
    return found


def test_an_access_token_that_expires_in_mid_run_is_renewed(connected: Story) -> None:
    connected.purchase("10.00")
    connected.purchase("20.00")
    connected.procore.faults.add(
        {"method": "POST", "path": COSTS, "kind": "status", "status": 401, "nth": 2, "answer": {"error": "expired"}}
    )
    connected.cloud.before("PostTransactions", connected.procore.act_expire_tokens)
    run = connected.sync()
    assert run["counts"] == {"posted": 2}


def test_a_rotated_secret_fails_the_run_and_asks_to_reconnect(connected: Story) -> None:
    connected.purchase()
    connected.procore.act_rotate_secret(CLIENT_ID, "a-new-secret", revoke_tokens=True)
    run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("failed", {"procore_secret_rejected": 1})
    assert problem(connected, "procore") == "procore_secret_rejected"
    connected.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": "a-new-secret"})
    connected.sync()
    assert len(connected.costs()) == 1
    assert problem(connected, "procore") is None


def test_a_rotated_secret_is_told_once_and_again_after_it_was_mended(connected: Story) -> None:
    def later(hours: float) -> list[tuple[str, str]]:
        connected.sync()
        connected.clock.forward(hours=hours)
        connected.cloud.care()
        return connected.cloud.notices()

    connected.purchase()
    assert later(0) == []
    connected.purchase()
    connected.procore.act_rotate_secret(CLIENT_ID, "a-new-secret", revoke_tokens=True)
    ((subject, text),) = later(0)
    assert subject == "Procore sync has stopped: Procore rejected the client id or secret."
    assert str(connected.names.business_id) in text
    assert not any(secret in text for secret in (CLIENT_ID, CLIENT_SECRET, PEX_TOKEN))
    assert [len(later(hours)) for hours in (0.25, 24, 24)] == [1, 1, 1]
    connected.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": "a-new-secret"})
    assert len(later(0)) == 1
    connected.purchase()
    connected.procore.act_rotate_secret(CLIENT_ID, "another-secret", revoke_tokens=True)
    assert len(later(0)) == 2
    connected.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": "another-secret"})
    connected.sync()
    assert len(connected.costs()) == 3


def test_a_secret_rotated_in_mid_run_leaves_nothing_half_posted(connected: Story) -> None:
    connected.purchase("10.00")
    connected.purchase("20.00")
    connected.cloud.after(
        "ListTransactions", lambda: connected.procore.act_rotate_secret(CLIENT_ID, "a-new-secret", revoke_tokens=True)
    )
    connected.sync()
    connected.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": "a-new-secret"})
    connected.sweep()
    assert sorted(cost["grand_total"] for cost in connected.costs()) == ["10.00", "20.00"]
    assert connected.creates() == 2


def test_an_app_taken_out_of_the_company_is_named(connected: Story) -> None:
    connected.purchase()
    connected.procore.act_install_app(CLIENT_ID, COMPANY_ID, installed=False)
    run = connected.sync()
    assert (run["verdict"], problem(connected, "procore")) == ("failed", "procore_app_not_connected")
    connected.procore.act_install_app(CLIENT_ID, COMPANY_ID)
    connected.sync()
    assert len(connected.costs()) == 1


def test_a_project_that_is_gone_when_its_expense_is_posted_holds_only_its_own_purchase(connected: Story) -> None:
    """404 to the create, though our list still has the project."""
    bridge = connected.names.projects["Bridge"]
    gone = {"kind": "status", "status": 404, "path": f"/projects/{bridge}/direct_costs$", "method": "POST"}
    connected.procore.faults.add(gone)
    held, posted = connected.purchase("10.00", project="Bridge"), connected.purchase("20.00")
    connected.sync()
    assert (connected.row(held)["state"], connected.row(held)["reason"]) == ("waiting", "direct_costs_tool_off")
    assert connected.costs_of(posted)
    connected.procore.faults.clear()
    connected.sweep()
    assert [cost["grand_total"] for cost in connected.costs_of(held)] == ["10.00"]


@pytest.mark.parametrize("closed_by", ["permit", "tool", "level"])
def test_one_forbidden_project_holds_only_its_own_purchases(connected: Story, closed_by: str) -> None:
    bridge = connected.names.projects["Bridge"]
    acts = connected.procore
    close = {
        "permit": lambda: acts.act_permit_project(bridge, False),
        "tool": lambda: acts.act_set_tool(bridge, active=False),
        "level": lambda: acts.act_set_level("read_only", project_id=bridge),
    }
    reopen = {
        "permit": lambda: acts.act_permit_project(bridge),
        "tool": lambda: acts.act_set_tool(bridge),
        "level": lambda: acts.act_set_level("admin", project_id=bridge),
    }
    close[closed_by]()
    held, posted = connected.purchase("10.00", project="Bridge"), connected.purchase("20.00")
    run = connected.sync()
    assert connected.row(held)["state"] == "waiting"
    assert connected.row(held)["reason"] in ("project_not_permitted", "direct_costs_tool_off")
    assert connected.costs_of(posted)
    assert run["counts"] == {"posted": 1, "waiting": 1}
    reopen[closed_by]()
    connected.sweep()
    assert len(connected.costs_of(held)) == 1


@pytest.mark.parametrize("death", ["Token expired or does not exist", "Password has changed", "User is not active"])
def test_a_dead_pex_token_stops_the_run_and_another_admins_token_goes_on(connected: Story, death: str) -> None:
    connected.purchase()
    connected.pex.act_expire_token(PEX_TOKEN, death)
    run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("failed", {"pex_token_rejected": 1})
    assert problem(connected, "pex") == "pex_token_rejected"
    settings = connected.ask("GET", "/v1/settings")
    assert connected.sign_in(connected.pex.act_make_token()["token"]).status == 201
    connected.sync()
    assert len(connected.costs()) == 1
    assert connected.ask("GET", "/v1/settings") == settings
    assert problem(connected, "pex") is None


def test_a_permission_taken_away_at_pex_is_named(connected: Story) -> None:
    connected.purchase()
    connected.pex.act_set_permission("ViewCardTransactions", False)
    run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("failed", {"pex_permission_missing": 1})


@pytest.mark.parametrize(("vendor", "trouble"), [("pex", "html_502"), ("procore", "drop_before")])
def test_a_vendor_out_of_reach_for_a_while_costs_only_time(connected: Story, vendor: str, trouble: str) -> None:
    simulator = getattr(connected, vendor)
    simulator.faults.add({"kind": trouble})
    connected.clock.later(15 * 60, simulator.faults.clear)
    transaction_id = connected.purchase(receipts=("jpg",))
    connected.sync()
    connected.sweep()
    assert connected.row(transaction_id)["state"] == "complete"
    assert len(connected.cost()["attachments"]) == 1


def test_disconnecting_stops_a_running_sync_at_its_next_step(connected: Story) -> None:
    connected.purchase()
    connected.cloud.before("PostTransactions", lambda: connected.ask("DELETE", "/v1/connection"))
    run_id = connected.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
    connected.cloud.finish()
    assert connected.run(run_id)["reasons"] == {"disconnected": 1}
    assert connected.costs() == []
    assert connected.pex.books()["subscriptions"] == []
    connected.clock.forward(hours=1)
    connected.pex.requests.clear()
    connected.procore.requests.clear()
    connected.cloud.beat()
    connected.cloud.finish()
    assert len(connected.pex.requests) + len(connected.procore.requests) == 0


def test_reconnecting_imports_nothing_again(connected: Story) -> None:
    connected.purchase("10.00")
    connected.sync()
    connected.ask("DELETE", "/v1/connection")
    connected.sign_in()
    connected.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    connected.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID})
    connected.purchase("20.00")
    connected.sync()
    assert sorted(cost["grand_total"] for cost in connected.costs()) == ["10.00", "20.00"]
    assert connected.creates() == 2
