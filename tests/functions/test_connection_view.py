"""What the page is told of both sides: as last seen, and when it asks afresh."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.pex.founding import add_admin
from tests.flow.story import Story
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN
from tests.functions.test_setup_credentials import check_problem


def look(story: Story) -> dict[str, Any]:
    shown: dict[str, Any] = story.ask("GET", "/v1/connection", check="now")
    return shown


def codes(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["code"], one["side"]) for one in shown["attention"]]


def tool(shown: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in shown["procore"]["tools"] if one["name"] == name)
    return found


def test_the_steps_of_the_set_up_are_ticked_off_one_by_one(story: Story) -> None:
    def done() -> list[str]:
        return [name for name, yes in story.ask("GET", "/v1/connection")["set_up"].items() if yes]

    assert done() == ["tags"]
    story.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    assert done() == ["credentials", "tags"]
    story.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID})
    assert done() == ["credentials", "company", "tags"]
    story.set(vendor_id=story.names.vendor_id, automatic_sync=False)
    assert done() == ["credentials", "company", "tags", "settings"], "nothing was turned on yet"
    story.set(automatic_sync=True)
    assert done() == ["credentials", "company", "tags", "settings", "active"]
    story.sync()
    story.set(automatic_sync=False)
    assert "active" in done(), "switching automatic sync off is no reason to set up again"


def test_a_connection_for_tags_alone_needs_no_vendor(story: Story) -> None:
    story.ask("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    story.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID})
    story.set(sync_expenses=False)
    shown = story.ask("GET", "/v1/connection")
    assert (shown["status"], shown["set_up"]["active"], shown["schedule"]["next_transactions_at"]) == (
        "active",
        True,
        None,
    )
    assert shown["schedule"]["next_tags_at"] is not None
    answer = story.api("PATCH", "/v1/settings", {"sync_expenses": True})
    check_problem(answer, 422, "vendor_missing", "vendor_id")
    story.set(sync_expenses=True, vendor_id=story.names.vendor_id)


def test_a_cheap_look_asks_neither_vendor(connected: Story) -> None:
    connected.ask("GET", "/v1/connection")
    assert (connected.pex.requests.all(), connected.procore.requests.all()) == ([], [])


def test_a_fresh_look_at_a_healthy_connection_finds_everything_in_order_and_is_remembered(connected: Story) -> None:
    shown = look(connected)
    assert shown["attention"] == []
    assert {one["status"] for one in shown["pex"]["permissions"]} == {"ok"}
    assert {shown["tags"][kind]["status"] for kind in ("project", "cost_code", "cost_type")} == {"found"}
    assert shown["tags"]["project"]["options"] == 3
    assert {one["name"]: one["status"] for one in shown["procore"]["tools"]} == {
        "projects": "ok",
        "directory": "ok",
        "direct_costs": "ok",
        "work_breakdown_structure": "ok",
        "webhooks": "ok",
    }
    assert shown["quota"]["limit"] == 600
    assert 500 < shown["quota"]["remaining"] < 600
    assert len(connected.procore.requests.all()) <= 12, "one look is a fiftieth of the hour's calls"
    connected.clock.forward(minutes=3)
    again = connected.ask("GET", "/v1/connection")
    for side, name in (("pex", "permissions"), ("pex", "checked_at"), ("procore", "tools"), ("procore", "checked_at")):
        assert again[side][name] == shown[side][name]


def test_each_tool_says_the_least_that_is_enough(connected: Story) -> None:
    connected.procore.act_set_level("read_only", "direct_costs", connected.names.projects["Bridge"])
    shown = look(connected)
    direct_costs = tool(shown, "direct_costs")
    assert direct_costs["status"] == "missing"
    assert "Create Direct Cost" in direct_costs["needs"]
    assert "Bridge" in direct_costs["message"]
    assert "Library" not in direct_costs["message"]
    assert codes(shown) == [("procore_permission_missing", "procore")]
    assert "Direct Costs" in shown["attention"][0]["text"]
    connected.procore.act_set_level("standard", "direct_costs")
    assert look(connected)["attention"] == [], "Standard with the granular permissions is enough"


def test_a_tool_that_is_off_and_a_directory_that_is_closed_are_missing(connected: Story) -> None:
    connected.procore.act_set_tool(connected.names.projects["Library"], active=False)
    connected.procore.act_set_level("none", "directory")
    shown = look(connected)
    assert (tool(shown, "direct_costs")["status"], tool(shown, "directory")["status"]) == ("missing", "missing")
    assert tool(shown, "projects")["status"] == "ok"


def test_no_permitted_project_is_told(connected: Story) -> None:
    for project_id in connected.names.projects.values():
        connected.procore.act_permit_project(project_id, False)
    shown = look(connected)
    assert tool(shown, "projects")["status"] == "missing"
    assert tool(shown, "direct_costs")["status"] == "unknown"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda story: story.pex.act_delete_tag(story.names.tags["cost_type"]), "missing"),
        (lambda story: disable_tag(story, "cost_type"), "disabled"),
    ],
    ids=["deleted", "disabled"],
)
def test_a_tag_that_is_gone_or_off_is_told_with_its_name(connected: Story, change: Any, status: str) -> None:
    change(connected)
    shown = look(connected)
    assert shown["tags"]["cost_type"]["status"] == status
    assert codes(shown) == [("tag_missing", "tags")]
    assert "Procore Cost Types" in shown["attention"][0]["text"]
    assert shown["set_up"]["tags"] is False


def disable_tag(story: Story, kind: str) -> None:
    business = next(iter(story.pex.world.businesses.values()))
    business.tags[story.names.tags[kind]].is_enabled = False


def test_missing_tags_are_made_only_of_the_kinds_asked_for(story: Story) -> None:
    story.sign_in()
    for kind in ("project", "cost_code"):
        story.pex.act_delete_tag(story.names.tags[kind])
    made = story.ask("POST", "/v1/pex/tags", {"kinds": ["project"]})["created"]
    assert [one["name"] for one in made] == ["Procore Projects"]
    shown = look(story)
    assert (shown["tags"]["project"]["status"], shown["tags"]["cost_code"]["status"]) == ("found", "missing")
    assert [one["name"] for one in story.ask("POST", "/v1/pex/tags")["created"]] == ["Procore Cost Codes"]
    check_problem(story.api("POST", "/v1/pex/tags", {"kinds": ["colour"]}), 422, "literal_error", "kinds.0")


def test_a_dead_token_and_a_rotated_secret_are_found_by_a_look_and_mended_by_one(connected: Story) -> None:
    connected.pex.act_expire_token(PEX_TOKEN)
    connected.procore.act_rotate_secret(CLIENT_ID, "a-new-secret", revoke_tokens=True)
    shown = look(connected)
    assert codes(shown) == [("pex_token_rejected", "pex"), ("procore_secret_rejected", "procore")]
    assert {one["status"] for one in shown["pex"]["permissions"]} == {"unknown"}
    assert connected.ask("GET", "/v1/connection")["attention"] == shown["attention"]
    connected.procore.act_rotate_secret(CLIENT_ID, CLIENT_SECRET)
    token = connected.pex.act_make_token()["token"]
    assert connected.sign_in(token).status == 201
    assert look(connected)["attention"] == []


def test_a_vendor_that_was_deactivated_is_found_by_a_look(connected: Story) -> None:
    connected.procore.act_set_vendor_active(connected.names.vendor_id, False)
    assert codes(look(connected)) == [("vendor_inactive", "settings")]
    connected.cloud.care()
    assert [subject for subject, _ in connected.cloud.notices()] == [
        "Procore sync has stopped: The chosen vendor was removed or deactivated in Procore."
    ]
    connected.procore.act_set_vendor_active(connected.names.vendor_id, True)
    assert look(connected)["attention"] == []


def test_a_side_that_does_not_answer_keeps_its_former_look_and_the_other_is_asked(connected: Story) -> None:
    before = look(connected)
    connected.clock.forward(minutes=1)
    connected.procore.faults.add({"kind": "drop_before"})
    shown = look(connected)
    assert codes(shown) == [("busy", "procore")]
    assert shown["procore"]["checked_at"] == before["procore"]["checked_at"]
    assert shown["pex"]["checked_at"] > before["pex"]["checked_at"]
    assert connected.ask("GET", "/v1/connection")["attention"] == [], "only the look itself failed"


def test_counts_say_how_many_wait_and_how_many_are_in_procore(connected: Story) -> None:
    connected.purchase()
    connected.purchase(project=None)
    connected.sync()
    shown = connected.ask("GET", "/v1/connection")
    assert (shown["counts"]["complete"], shown["counts"]["waiting"]) == (
        {"n": 1, "more": False},
        {"n": 1, "more": False},
    )
    assert shown["running"] is None
    assert shown["last_runs"][0]["counts"] == {"posted": 1, "waiting": 1}


def test_another_company_forgets_what_the_former_ones_tools_allowed(connected: Story) -> None:
    look(connected)
    world = connected.procore.world
    world.companies[9_000_001] = type(world.companies[COMPANY_ID])(9_000_001, "Other Builders")
    connected.procore.act_install_app(CLIENT_ID, 9_000_001)
    connected.ask("PUT", "/v1/connection/company", {"company_id": 9_000_001, "confirm": True})
    assert connected.ask("GET", "/v1/connection")["procore"]["tools"] == []
    connected.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID, "confirm": True})


def test_whose_login_works_and_who_is_signed_in_are_told_apart(connected: Story) -> None:
    business = next(iter(connected.pex.world.businesses.values()))
    helper = add_admin(connected.pex.world, business, "Sam", "Helper", "sam@small.example")
    helper.permissions["ManageCardholder"] = False
    token = connected.pex.act_make_token(admin_id=helper.admin_id)["token"]
    assert connected.sign_in(token).status == 201
    shown = connected.ask("GET", "/v1/connection")
    assert (shown["session"]["username"], shown["pex"]["username"]) == ("sam@small.example", "pat.lee@small.example")
    assert shown["pex"]["problem"] is None
    helper.permissions["ManageCardholder"] = True
    connected.sign_in(token)
    shown = connected.ask("GET", "/v1/connection")
    assert (shown["pex"]["username"], shown["status"]) == ("sam@small.example", "active")
