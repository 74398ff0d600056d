"""Signing in and connecting: who gets in, what is proved, and what a person is told when it is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.gateway import Reply
from tests.flow.story import Story
from tests.flow.worlds import CALLBACK_SECRET, CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN
from tests.functions.events import load_event

CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def check_problem(answer: Reply, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """A problem a person can act on, in the shape programs know."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert (answer.status, body["status"], body["code"], body["field"]) == (status, status, code, field), answer.text
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert isinstance(body["what_to_do"], str)
    assert "Traceback" not in answer.text
    return body


def test_signing_in_answers_the_business_and_sets_the_cookie(story: Story) -> None:
    answer = story.sign_in()
    assert (answer.status, answer.json["business_name"]) == (201, "Small Builders LLC")
    cookie = answer.cookies[0]
    assert cookie.startswith("pex_connector_session=")
    for flag in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=36000"):
        assert flag.lower() in cookie.lower()
    assert "domain" not in cookie.lower()
    assert story.api("GET", "/v1/connection").json["business_id"] == story.names.business_id


def test_the_cookie_is_secure_where_we_are_served_over_https(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secure" not in story.sign_in().cookies[0].lower()
    monkeypatch.setenv("PUBLIC_URL", "https://connector.example.com")
    story.cloud.forget_warm_state()
    assert "secure" in story.sign_in().cookies[0].lower()


def test_the_event_file_signs_in_with_its_token(story: Story) -> None:
    story.pex.act_make_token(token="the-pex-token")
    assert story.cloud.invoke("SetupCredentials", load_event("setup_credentials"))["statusCode"] == 201


@pytest.mark.parametrize(
    ("token", "status", "code", "field"),
    [
        ("no-such-token", 401, "pex_token_rejected", "pex_token"),
        ("two words", 401, "pex_token_rejected", "pex_token"),
        ("t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken", 401, "pex_token_rejected", "pex_token"),
        ("", 422, "string_too_short", "pex_token"),
        ("   ", 422, "string_too_short", "pex_token"),
        ("x" * 5000, 422, "string_too_long", "pex_token"),
        (None, 422, "string_type", "pex_token"),
        (12, 422, "string_type", "pex_token"),
    ],
)
def test_a_token_that_is_none_is_refused(story: Story, token: Any, status: int, code: str, field: str) -> None:
    answer = story.cloud.request("POST", "/v1/sessions", {"pex_token": token})
    body = check_problem(answer, status, code, field)
    assert answer.cookies == []
    assert body["what_to_do"]
    if isinstance(token, str) and len(token.strip()) > 3:
        assert token not in answer.text


def test_a_cardholder_does_not_get_in(story: Story) -> None:
    cardholder = story.pex.act_make_token(account_id=story.names.account_ids[0])["token"]
    body = check_problem(story.sign_in(cardholder), 403, "pex_permission_missing", "pex_token")
    assert "cardholder" in body["detail"]


def test_an_administrator_who_lacks_a_permission_gets_in_and_is_shown_which(story: Story) -> None:
    story.pex.act_set_permission("ManageCardholder", False)
    assert story.sign_in().status == 201
    shown = story.ask("GET", "/v1/connection")
    told = {one["name"]: one["status"] for one in shown["pex"]["permissions"]}
    assert told == {"EditBusinessProfile": "ok", "ManageCardholder": "missing", "ViewCardTransactions": "ok"}
    assert "Manage cardholder" in next(
        one["where"] for one in shown["pex"]["permissions"] if one["status"] == "missing"
    )
    (attention,) = shown["attention"]
    assert (attention["code"], attention["side"]) == ("pex_permission_missing", "pex")
    assert "Manage cardholder" in attention["text"]


def test_a_business_without_tags_is_told_to_turn_them_on(story: Story) -> None:
    story.pex.act_change_settings({"TagsEnabled": False})
    story.sign_in()
    shown = story.ask("GET", "/v1/connection")
    assert [one["code"] for one in shown["attention"]] == ["tags_disabled"]
    assert shown["tags"]["project"]["status"] == "unknown"


def test_pex_out_of_reach_is_a_503_with_a_time(story: Story) -> None:
    story.pex.faults.add({"kind": "drop_before"})
    answer = story.sign_in()
    check_problem(answer, 503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", '"text"', "{", '{"pex_token": NaN'])
def test_a_body_that_is_no_json_object_is_a_400(story: Story, body: str) -> None:
    check_problem(story.cloud.request("POST", "/v1/sessions", body), 400, "not_json")


def test_signing_out_ends_the_session(story: Story) -> None:
    story.sign_in()
    cookie = story.cookie
    answer = story.api("DELETE", "/v1/sessions/current")
    assert "max-age=0" in answer.cookies[0].lower()
    check_problem(story.cloud.request("GET", "/v1/connection", headers={"Cookie": cookie}), 401, "not_signed_in")


def test_a_session_ends_by_itself_ten_hours_after_its_last_use(story: Story) -> None:
    story.sign_in()
    cookie = story.cookie
    for _ in range(3):
        story.clock.forward(hours=9, minutes=59)
        answer = story.cloud.request("GET", "/v1/connection", headers={"Cookie": cookie})
        assert answer.status == 200
        assert [one.split(";")[0] for one in answer.cookies] == [cookie], "or the browser would forget it"
    story.clock.forward(hours=10, minutes=1)
    assert story.cloud.request("GET", "/v1/connection", headers={"Cookie": cookie}).status == 401


def test_using_a_session_often_does_not_write_it_often(story: Story) -> None:
    story.sign_in()
    answers = [story.api("GET", "/v1/connection") for _ in range(3)]
    assert [one.cookies for one in answers] == [[], [], []]


@pytest.mark.parametrize(
    "cookie", [None, "", "pex_connector_session=", "pex_connector_session=guess", "pex_connector_session=%00; x"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/connection"),
        ("PUT", "/v1/connection/procore"),
        ("PUT", "/v1/connection/company"),
        ("PUT", "/v1/connection/pex-callback"),
        ("DELETE", "/v1/connection"),
    ],
)
def test_without_a_session_every_route_says_so(story: Story, method: str, path: str, cookie: str | None) -> None:
    headers = {"Cookie": cookie} if cookie is not None else {}
    check_problem(story.cloud.request(method, path, {"company_id": 1}, headers), 401, "not_signed_in")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_changes_asked_for_by_other_sites_are_refused(connected: Story, headers: dict[str, str]) -> None:
    for method, path in (
        ("DELETE", "/v1/connection"),
        ("PUT", "/v1/connection/procore"),
        ("POST", "/v1/sessions"),
        ("PATCH", "/v1/settings"),
        ("POST", "/v1/runs"),
    ):
        answer = connected.cloud.request(method, path, {}, {"Cookie": connected.cookie, **headers})
        check_problem(answer, 403, "wrong_origin")
    assert connected.ask("GET", "/v1/connection")["status"] == "active"


def test_our_own_page_may_ask_for_changes(connected: Story) -> None:
    headers = {"Cookie": connected.cookie, "Origin": connected.cloud.server.url, "Sec-Fetch-Site": "same-origin"}
    assert connected.cloud.request("PATCH", "/v1/settings", {"write_notes": False}, headers).status == 200


def test_good_credentials_answer_the_companies_they_see(story: Story) -> None:
    assert story.ask("PUT", "/v1/connection/procore", CREDENTIALS) == {
        "companies": [{"id": COMPANY_ID, "name": "Small Builders LLC"}]
    }


def test_a_wrong_secret_is_named_and_nothing_is_kept(story: Story) -> None:
    answer = story.api("PUT", "/v1/connection/procore", {"client_id": CLIENT_ID, "client_secret": "wrong-secret"})
    body = check_problem(answer, 422, "procore_secret_rejected", "client_secret")
    assert body["what_to_do"]
    assert "wrong-secret" not in answer.text
    assert story.ask("GET", "/v1/connection")["procore"]["has_credentials"] is False


def test_credentials_that_see_no_company_are_told_to_install_the_app(story: Story) -> None:
    story.procore.act_install_app(CLIENT_ID, COMPANY_ID, installed=False)
    answer = story.api("PUT", "/v1/connection/procore", CREDENTIALS)
    check_problem(answer, 422, "procore_app_not_connected", "company_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"client_id": "x"}, "client_secret"),
        ({"client_id": 7, "client_secret": "x"}, "client_id"),
        ({"client_id": "", "client_secret": "x"}, "client_id"),
        ({**CREDENTIALS, "company_id": "4"}, "company_id"),
        ({**CREDENTIALS, "company_id": -4}, "company_id"),
    ],
)
def test_a_field_that_does_not_fit_is_named(story: Story, body: dict[str, Any], field: str) -> None:
    answer = story.api("PUT", "/v1/connection/procore", body)
    assert (answer.status, answer.json["field"]) == (422, field)
    assert CLIENT_SECRET not in answer.text


def test_a_company_the_app_does_not_see_cannot_be_chosen(story: Story) -> None:
    story.ask("PUT", "/v1/connection/procore", CREDENTIALS)
    answer = story.api("PUT", "/v1/connection/company", {"company_id": 12345})
    check_problem(answer, 422, "procore_app_not_connected", "company_id")


def test_a_company_needs_credentials_first(story: Story) -> None:
    answer = story.api("PUT", "/v1/connection/company", {"company_id": COMPANY_ID})
    check_problem(answer, 422, "procore_secret_rejected", "client_secret")


def test_another_company_is_taken_only_when_confirmed(connected: Story) -> None:
    world = connected.procore.world
    world.companies[9_000_001] = type(world.companies[COMPANY_ID])(9_000_001, "Other Builders")
    connected.procore.act_install_app(CLIENT_ID, 9_000_001)
    connected.purchase("10.00")
    connected.sync()
    answer = connected.api("PUT", "/v1/connection/company", {"company_id": 9_000_001})
    check_problem(answer, 409, "company_change", "company_id")
    assert len(connected.rows()) == 1
    connected.ask("PUT", "/v1/connection/company", {"company_id": 9_000_001, "confirm": True})
    assert connected.rows() == []
    connected.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID, "confirm": True})


def test_connecting_subscribes_at_pex_once_and_a_second_time_replaces(connected: Story) -> None:
    connected.set(write_notes=False)
    subscriptions = connected.pex.books()["subscriptions"]
    assert sorted(one["CallbackType"] for one in subscriptions) == ["PinRealtime", "SettlementPostedRealtime"]
    assert {one["Url"].rsplit("/", 1)[0] for one in subscriptions} == {f"{connected.cloud.server.url}/callbacks/pex"}


def test_the_connection_shows_health_and_no_secret(connected: Story) -> None:
    answer = connected.api("GET", "/v1/connection")
    shown = answer.json
    assert shown["status"] == "active"
    assert shown["pex"]["has_callback_secret"] is True
    assert shown["procore"]["company_name"] == "Small Builders LLC"
    assert answer.headers["Cache-Control"] == "no-store"
    for secret in (PEX_TOKEN, CLIENT_SECRET, CALLBACK_SECRET, connected.cookie.partition("=")[2]):
        assert secret not in answer.text


def test_a_callback_secret_must_be_long_enough(story: Story) -> None:
    answer = story.api("PUT", "/v1/connection/pex-callback", {"secret": "short"})
    assert (answer.status, answer.json["field"]) == (422, "secret")
    assert "short" not in answer.json["detail"].replace("too short", "")
