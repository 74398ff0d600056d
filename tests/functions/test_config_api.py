"""Settings, pick-lists, runs and transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.story import Story
from tests.functions.events import load_event
from tests.functions.test_setup_credentials import check_problem
from tests.template.cfn import routes


def test_the_event_file_reads_settings_with_its_cookie(connected: Story) -> None:
    event = load_event("config_api")
    event["headers"]["Cookie"] = event["headers"]["Cookie"].replace(
        "pex_connector_session=the-session", connected.cookie
    )
    assert connected.cloud.invoke("ConfigApi", event)["statusCode"] == 200


@pytest.mark.parametrize("route", [one for one in routes() if one.function == "ConfigApi"], ids=str)
def test_without_a_session_nothing_but_health_is_shown(story: Story, route: Any) -> None:
    path = route.path.replace("{run_id}", "1").replace("{transaction_id}", "1")
    answer = story.cloud.request(route.method, path, {})
    if path == "/v1/health":
        assert answer.status == 200
    else:
        check_problem(answer, 401, "not_signed_in")


def test_settings_change_field_by_field_and_carry_a_version(connected: Story) -> None:
    first = connected.api("GET", "/v1/settings")
    changed = connected.api("PATCH", "/v1/settings", {"expense_status": "pending", "defaults": {"cost_type": "7"}})
    again = connected.api("PATCH", "/v1/settings", {"defaults": {"project": "8"}})
    assert changed.status == 200
    assert again.json["expense_status"] == "pending"
    assert again.json["defaults"] == {"project": "8", "cost_code": None, "cost_type": "7"}
    assert len({first.headers["ETag"], changed.headers["ETag"], again.headers["ETag"]}) == 3


def test_a_change_on_top_of_a_stale_version_is_refused(connected: Story) -> None:
    stale = connected.api("GET", "/v1/settings").headers["ETag"]
    headers = {"Cookie": connected.cookie, "If-Match": stale}
    assert connected.cloud.request("PATCH", "/v1/settings", {"write_notes": False}, headers).status == 200
    answer = connected.cloud.request("PATCH", "/v1/settings", {"write_notes": True}, headers)
    check_problem(answer, 409, "stale")
    assert connected.ask("GET", "/v1/settings")["write_notes"] is False
    any_version = {"Cookie": connected.cookie, "if-match": "*"}
    assert connected.cloud.request("PATCH", "/v1/settings", {"write_notes": True}, any_version).status == 200


def test_what_is_no_setting_is_ignored(connected: Story) -> None:
    before = connected.ask("GET", "/v1/settings")
    connection = connected.ask("GET", "/v1/connection")
    patch = {
        "business_id": 1,
        "company_id": 999,
        "status": "disconnected",
        "syncing": True,
        "verified": True,
        "version": 99,
        "generation": 9,
        "__class__": "x",
        "tags": {"surprise": "x"},
    }
    assert connected.ask("PATCH", "/v1/settings", patch) == before
    schedule = {"schedule": None}  # a save brings the next sweep forward
    assert connected.ask("GET", "/v1/connection") | schedule == connection | schedule


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"vendor_id": "7"}, "vendor_id"),
        ({"vendor_id": -7}, "vendor_id"),
        ({"transactions": "some"}, "transactions"),
        ({"expense_status": "paid"}, "expense_status"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"sync_expenses": "yes"}, "sync_expenses"),
        ({"tags": {"project": 7}}, "tags.project"),
        ({"tags": "x"}, "tags"),
        ({"project_ids": ["x"]}, "project_ids.0"),
        ({"reference": None}, "reference"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_nothing_is_saved(
    connected: Story, patch: dict[str, Any], field: str
) -> None:
    before = connected.ask("GET", "/v1/settings")
    answer = connected.api("PATCH", "/v1/settings", {**patch, "write_notes": False})
    assert (answer.status, answer.json["field"]) == (422, field)
    assert answer.json["problems"][0]["message"]
    assert answer.json["what_to_do"]
    assert connected.ask("GET", "/v1/settings") == before


def test_a_vendor_that_does_not_exist_or_is_inactive_is_refused(connected: Story) -> None:
    check_problem(connected.api("PATCH", "/v1/settings", {"vendor_id": 12}), 422, "vendor_inactive", "vendor_id")


def test_a_mapped_tag_must_be_a_living_dropdown(connected: Story) -> None:
    allocation = next(one["id"] for one in connected.ask("GET", "/v1/pex/tags")["items"] if one["type"] == "Allocation")
    for tag_id in (allocation, "0" * 24):
        answer = connected.api("PATCH", "/v1/settings", {"tags": {"project": tag_id}})
        check_problem(answer, 422, "tag_missing", "tags.project")


def test_a_missing_tag_is_named_when_the_connection_would_start(story: Story) -> None:
    story.pex.act_delete_tag(story.names.tags["cost_type"])
    story.ask("PUT", "/v1/connection/procore", {"client_id": "flow-client", "client_secret": "flow-client-secret"})
    story.ask("PUT", "/v1/connection/company", {"company_id": 4_000_001})
    answer = story.api("PATCH", "/v1/settings", {"vendor_id": story.names.vendor_id})
    check_problem(answer, 422, "tag_missing", "tags.cost_type")
    assert story.ask("GET", "/v1/connection")["status"] == "setting_up"


def test_a_start_date_stays_that_date_after_ten_edits(connected: Story) -> None:
    for number in range(10):
        shown = connected.ask("PATCH", "/v1/settings", {"start_date": "2026-03-08", "write_notes": bool(number % 2)})
        assert shown["start_date"] == "2026-03-08"
        assert connected.ask("PATCH", "/v1/settings", shown)["start_date"] == "2026-03-08"


def test_pick_lists_name_what_the_vendors_have(connected: Story) -> None:
    projects = connected.ask("GET", "/v1/procore/projects")["items"]
    assert {(one["name"], one["active"]) for one in projects} == {
        ("Library", True),
        ("Bridge", True),
        ("Old Mill", False),
    }
    assert {one["code"] for one in connected.ask("GET", "/v1/procore/cost-types")["items"]} == {"M", "L"}
    assert connected.ask("GET", "/v1/procore/vendors", q="pex")["items"][0]["id"] == connected.names.vendor_id
    assert connected.ask("GET", "/v1/procore/vendors", q="nobody")["items"] == []
    tags = connected.ask("GET", "/v1/pex/tags")["items"]
    assert {one["name"] for one in tags if one["usable"]} == {
        "Procore Projects",
        "Procore Cost Codes",
        "Procore Cost Types",
    }


@pytest.mark.parametrize(
    ("body", "field"), [({"kind": "everything"}, "kind"), ({"kind": None}, "kind"), ({"kind": 1}, "kind")]
)
def test_a_run_of_an_unknown_kind_is_refused(connected: Story, body: dict[str, Any], field: str) -> None:
    answer = connected.api("POST", "/v1/runs", body)
    assert (answer.status, answer.json["field"]) == (422, field)
    assert connected.runs() == []


def test_a_run_needs_an_active_connection(story: Story) -> None:
    check_problem(story.api("POST", "/v1/runs", {"kind": "transactions"}), 409, "disconnected")


def test_lists_come_in_pages_with_a_mark_that_is_sent_back(connected: Story) -> None:
    ids = [connected.purchase(f"{number + 1}.00", project=None) for number in range(5)]
    connected.sync()
    seen: list[int] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = connected.ask("GET", "/v1/transactions", **query)
        seen += [row["transaction_id"] for row in page["items"]]
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert seen == sorted(ids, reverse=True)
    waiting = connected.ask("GET", "/v1/transactions", state="waiting", limit="500")["items"]
    assert sorted(row["transaction_id"] for row in waiting) == ids


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "all"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"state": "lost"}, "state"),
        ({"next": "rubbish"}, "next"),
        ({"next": "WyJCIzEjTDEiLCJUIzEiXQ"}, "next"),
    ],
)
def test_a_query_that_does_not_fit_is_named(connected: Story, query: dict[str, str], field: str) -> None:
    check_problem(connected.api("GET", "/v1/transactions", **query), 422, "invalid", field)


def test_a_mark_of_one_list_is_none_of_another(connected: Story) -> None:
    for number in range(3):
        connected.purchase(f"{number + 1}.00", project=None)
    connected.sync()
    mark = connected.ask("GET", "/v1/transactions", limit="1")["next"]
    check_problem(connected.api("GET", "/v1/transactions", state="waiting", next=mark), 422, "invalid", "next")
    check_problem(connected.api("GET", "/v1/runs", next=mark), 422, "invalid", "next")


def test_every_reason_comes_with_its_help(connected: Story) -> None:
    transaction_id = connected.purchase(project=None)
    connected.sync()
    shown = connected.row(transaction_id)["help"]
    assert (shown["actor"], shown["what_to_do"]) == ("cardholder", "Choose a project tag in PEX.")


@pytest.mark.parametrize("transaction_id", ["1", "99999999999999999999999", "abc", "-1", "1.5", "%C2%B2"])
def test_a_transaction_that_is_not_there_is_a_404(connected: Story, transaction_id: str) -> None:
    for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/ignore"), ("POST", "/post-again")):
        answer = connected.api(method, f"/v1/transactions/{transaction_id}{path}")
        check_problem(answer, 404, "not_found")


@pytest.mark.parametrize("run_id", ["nope", "20260504T160000000000-00000000", "a" * 80, "..%2f", "B#1"])
def test_a_run_that_is_not_there_is_a_404(connected: Story, run_id: str) -> None:
    check_problem(connected.api("GET", f"/v1/runs/{run_id}"), 404, "not_found")


def test_what_is_done_cannot_be_retried_or_ignored(connected: Story) -> None:
    transaction_id = connected.purchase()
    connected.sync()
    for act, code in (
        ("retry", "nothing_to_retry"),
        ("ignore", "nothing_to_ignore"),
        ("post-again", "nothing_to_post_again"),
    ):
        check_problem(connected.api("POST", f"/v1/transactions/{transaction_id}/{act}"), 409, code)


def test_an_unknown_path_or_method_is_a_404(connected: Story) -> None:
    assert connected.api("GET", "/v1/nothing").status == 404
    event = load_event("config_api", path="/v1/secrets", httpMethod="GET")
    assert connected.cloud.invoke("ConfigApi", event)["statusCode"] == 404


def test_another_businesses_runs_and_transactions_are_out_of_reach(connected: Story) -> None:
    transaction_id = connected.purchase()
    run = connected.sync()
    other = connected.pex.act_add_business("Another Builder LLC")
    mine = connected.cookie
    assert connected.sign_in(other["token"]).json["business_id"] == other["business_id"]
    check_problem(connected.api("GET", f"/v1/transactions/{transaction_id}"), 404, "not_found")
    check_problem(connected.api("POST", f"/v1/transactions/{transaction_id}/retry"), 404, "not_found")
    check_problem(connected.api("GET", f"/v1/runs/{run['run_id']}"), 404, "not_found")
    query = {"business_id": str(connected.names.business_id)}
    assert connected.ask("GET", "/v1/transactions", **query)["items"] == []
    assert connected.ask("GET", "/v1/connection", **query)["business_id"] == other["business_id"]
    patched = connected.ask("PATCH", "/v1/settings", {"business_id": connected.names.business_id, "write_notes": False})
    assert patched["write_notes"] is False
    connected.cookie = mine
    assert connected.ask("GET", "/v1/settings")["write_notes"] is True


def test_a_fault_of_ours_is_a_500_without_a_trace(connected: Story) -> None:
    stage = connected.cloud.stage
    key = {"pk": {"S": f"B#{connected.names.business_id}"}, "sk": {"S": "SETTINGS"}}
    stage.dynamodb.put_item(
        TableName=stage.connections, Item={**key, "settings": {"S": "{"}, "version": {"N": "x1"[1:]}}
    )
    answer = connected.api("GET", "/v1/settings")
    body = check_problem(answer, 500, "internal_error")
    assert "settings" not in body["detail"].lower()
    stage.dynamodb.delete_item(TableName=stage.connections, Key=key)
