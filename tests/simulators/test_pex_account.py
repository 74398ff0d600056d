from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, request

from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import TOKEN, TOKEN_CARDHOLDER, TOKEN_NO_PERMISSIONS, small_pex
from local.simulators.switchboard import UnknownSwitch
from local.simulators.web import Server
from tests.simulators.pex_client import Now, Pex


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sim(now: Now) -> Iterator[PexSimulator]:
    running = PexSimulator(small_pex(clock=now), clock=now).start()
    yield running
    running.stop()


@pytest.fixture
def pex(sim: PexSimulator) -> Pex:
    return Pex(sim)


APP = {"AppId": "demo-pex-app", "AppSecret": "demo-pex-app-secret"}
BASIC = {"Authorization": "basic " + base64.b64encode(b"demo-pex-app:demo-pex-app-secret").decode()}
ADMIN = {"Username": "pat.lee@smallbuildersllc.example", "Password": "demo-password"}
JUNE = {"StartDate": "2026-06-01T00:00:00", "EndDate": "2026-06-30T23:59:59"}
DEAD = "Token expired or does not exist"


class Listener:
    """Somebody's server: keeps what it is sent, and may do something while it is asked."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.meanwhile: list[Any] = []
        flask = Flask("listener")

        @flask.post("/session")
        def session() -> Any:
            self.bodies.append((request.args.to_dict(), request.get_json()))
            for each in self.meanwhile:
                each()
            return "", 204

        self.server = Server(flask)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    made.server.start()
    yield made
    made.server.stop()


@pytest.mark.parametrize("path", ["/v4/Token/Current", "/V4/token/CURRENT", "/v4/TOKEN/current/"])
def test_the_spelling_of_a_path_does_not_matter(pex: Pex, path: str) -> None:
    answer = pex.get(path)
    assert answer.status == 200
    assert answer.json == {
        "AppId": "demo-pex-app",
        "BusinessAccountId": answer.json["BusinessAccountId"],
        "BusinessAccountName": "Small Builders LLC",
        "CardholderAccountId": None,
        "UserType": "Admin",
        "Username": "pat.lee@smallbuildersllc.example",
        "Token": TOKEN,
        "TokenExpiration": "2026-12-15T12:00:00",
    }


def test_the_spelling_of_a_query_name_does_not_matter(sim: PexSimulator, pex: Pex) -> None:
    sim.act_purchase()
    query = {"STARTDATE": JUNE["StartDate"], "endDate": JUNE["EndDate"], "includependings": "TRUE"}
    assert len(pex.get("/v4/details/allcardholdertransactions", **query).json["TransactionList"]) == 1


@pytest.mark.parametrize("scheme", ["token", "Token", "TOKEN", "Bearer", "bearer"])
def test_every_scheme_with_a_token_is_taken(sim: PexSimulator, scheme: str) -> None:
    client = Pex(sim)
    client.authorization = f"{scheme} {TOKEN}"
    assert client.get("/v4/Token/Current").status == 200


@pytest.mark.parametrize("header", [None, "", TOKEN, "Basic abc"])
def test_a_call_without_a_token_never_gets_past_the_gateway_which_speaks_no_json(
    sim: PexSimulator, header: str | None
) -> None:
    client = Pex(sim, token=None)
    client.authorization = header
    answer = client.get("/v4/Business/Profile")
    assert (answer.status, answer.text, answer.headers["Content-Type"][:10]) == (403, "Unauthorized", "text/plain")


def test_an_unknown_token_is_dead_and_the_status_of_the_dead_is_a_switch(sim: PexSimulator) -> None:
    client = Pex(sim, "never-issued")
    assert (client.get("/v4/Business/Profile").status, client.get("/v4/Business/Profile").message) == (401, DEAD)
    assert (client.get("/v4/Token/Current").status, client.get("/v4/Token/Current").message) == (400, DEAD)
    sim.switches.change(dead_token_status=403, dead_token_current_status=401)
    assert client.get("/v4/Business/Profile").status == 403
    assert client.get("/v4/Token/Current").status == 401


@pytest.mark.parametrize(
    ("message", "status"), [("Password has changed", 401), ("User is not active", 403), (DEAD, 401)]
)
def test_a_token_dies_with_its_message_once_and_is_then_unknown(
    sim: PexSimulator, pex: Pex, message: str, status: int
) -> None:
    sim.act_expire_token(TOKEN, message)
    first, second = pex.get("/v4/Business/Profile"), pex.get("/v4/Business/Profile")
    assert (first.status, first.message) == (status, message)
    assert (second.status, second.message) == (401, DEAD)


def test_a_token_ends_after_six_months(pex: Pex, now: Now) -> None:
    now.pass_time(days=182)
    assert pex.get("/v4/Business/Profile").status == 200
    now.pass_time(days=2)
    assert pex.get("/v4/Business/Profile").message == DEAD


def test_renewal_waits_for_the_last_month_and_leaves_the_old_token_alive(sim: PexSimulator, pex: Pex) -> None:
    refused = pex.call("POST", "/v4/Token/Renew")
    assert (refused.status, refused.message) == (403, "Cannot renew token")
    sim.act_age_token(TOKEN, 20)
    renewed = pex.call("POST", "/v4/Token/Renew").json
    assert renewed["TokenExpiration"] == "2026-12-15T12:00:00"
    assert renewed["Token"] != TOKEN
    assert Pex(sim, renewed["Token"]).get("/v4/Business/Profile").status == 200
    assert pex.get("/v4/Token/Current").json["TokenExpiration"] == "2026-07-05T12:00:00"
    listed = pex.get("/v4/Token/GetAuthTokens").json["Tokens"]
    assert {each["Token"]: each["SecondsUntilExpire"] for each in listed}[TOKEN] == 20 * 86_400


def test_renewal_may_be_had_at_any_time_or_never_and_may_cost_the_old_token(sim: PexSimulator, pex: Pex) -> None:
    sim.switches.change(renewal="never")
    sim.act_age_token(TOKEN, 20)
    assert pex.call("POST", "/v4/Token/Renew").message == "Cannot renew token"
    sim.switches.change(renewal="any_time", renewed_token_dies=True)
    sim.act_age_token(TOKEN, 100)
    renewed = pex.call("POST", "/v4/Token/Renew").json["Token"]
    assert pex.get("/v4/Business/Profile").message == DEAD
    assert Pex(sim, renewed).get("/v4/Business/Profile").status == 200


def test_a_deleted_token_is_unknown(pex: Pex) -> None:
    assert pex.call("DELETE", "/v4/Token").status == 200
    assert pex.get("/v4/Business/Profile").message == DEAD


def test_a_cardholder_sees_only_the_own_card(sim: PexSimulator, pex: Pex) -> None:
    mine, other = list(sim.world.business().cardholders)
    sim.act_purchase(mine, settle=True)
    sim.act_purchase(other, settle=True)
    client = Pex(sim, TOKEN_CARDHOLDER)
    assert client.get("/v4/Token/Current").json["UserType"] == "Cardholder"
    rows = client.get("/v4/Details/TransactionDetails", **JUNE).json["TransactionList"]
    assert [row["AcctId"] for row in rows] == [mine]
    assert client.get(f"/v4/Details/TransactionDetails/{other}", **JUNE).message == "Invalid card account ID"
    assert client.get(f"/v4/Details/AccountDetails/{other}").message == "Invalid card account ID"
    assert client.get("/v4/Details/AllCardholderTransactions", **JUNE).status == 403
    assert client.get("/v4/Business/MyProfile").status == 403


def test_an_administrator_without_permissions_can_read_little_more_than_the_own_profile(sim: PexSimulator) -> None:
    client = Pex(sim, TOKEN_NO_PERMISSIONS)
    profile = client.get("/v4/Business/MyProfile").json["Admin"]
    assert {name for name, allowed in profile["Permissions"].items() if allowed} == {"ViewAdministration"}
    for path in ("/v4/Business/Configuration/Tags", "/v4/Callback-Subscription"):
        assert client.get(path).message == "Admin does not have permission"
    assert client.get("/v4/Details/AllCardholderTransactions", **JUNE).message == "Admin does not have permission"


def test_the_connector_permissions_are_those_of_the_demo_administrator(pex: Pex) -> None:
    permissions = pex.get("/v4/Business/MyProfile").json["Admin"]["Permissions"]
    allowed = {name for name, allowed in permissions.items() if allowed}
    assert allowed == {"EditBusinessProfile", "ManageCardholder", "ViewCardTransactions"}


def test_the_business_and_its_cards_are_described(sim: PexSimulator, pex: Pex) -> None:
    details = pex.get("/v4/Details/AccountDetails").json
    assert [each["FirstName"] for each in details["CHAccountList"]] == ["Dana", "Luis"]
    account_id = details["CHAccountList"][0]["AccountId"]
    sim.act_close_card(account_id)
    one = pex.get(f"/v4/Details/AccountDetails/{account_id}").json
    assert (one["ProfileAddress"]["ContactName"], one["AccountStatus"]) == ("Dana Whitaker", "CLOSED")
    assert pex.get("/v4/Details/AccountDetails").json["OpenCardholdersCount"] == 1
    sim.act_set_business_status("Closed")
    assert (pex.get("/v4/Business/Profile").status, pex.get("/v4/Business/Profile").message) == (
        403,
        "Business is not open",
    )


def test_ping_and_version_ask_nobody(sim: PexSimulator) -> None:
    client = Pex(sim, token=None)
    assert client.get("/v4/Ping").status == 200
    assert isinstance(client.get("/v4/Details/Version").json, str)


def test_unknown_paths_and_methods_answer_in_the_shape_of_the_framework(pex: Pex) -> None:
    assert pex.get("/v4/Nothing").message.startswith("No HTTP resource was found")
    assert (pex.call("PATCH", "/v4/Ping").status, pex.call("PATCH", "/v4/Ping").message[:22]) == (
        405,
        "The requested resource",
    )


def test_name_and_password_make_a_token(sim: PexSimulator) -> None:
    client = Pex(sim, token=None)
    made = client.call("POST", "/v4/Token", ADMIN, headers=BASIC)
    assert made.status == 201
    assert Pex(sim, made.json["Token"]).get("/v4/Token/Current").json["Username"] == ADMIN["Username"]
    assert client.call("POST", "/v4/Token", ADMIN | {"Password": "no"}, headers=BASIC).status == 401
    assert client.call("POST", "/v4/Token", ADMIN).status == 401
    with_agent = ADMIN | {"UserAgentString": "connector"}
    assert client.call("POST", "/token", with_agent, host=sim.oauth_url, headers=BASIC).json["Token"]
    assert client.call("POST", "/token", ADMIN, host=sim.oauth_url, headers=BASIC).status == 400


def test_a_launch_token_is_exchanged_for_a_bare_json_string(sim: PexSimulator) -> None:
    jwt = sim.act_launch()["jwt"]
    client = Pex(sim, token=None)
    path, headers = "/Internal/V4/Account/Token/Exchange", {"Authorization": f"Bearer {jwt}"}
    answer = client.call("POST", path, APP, headers=headers)
    assert answer.text == f'"{answer.json}"'
    assert Pex(sim, answer.json).get("/v4/Token/Current").json["UserType"] == "Admin"
    assert client.call("POST", path, APP, headers={"Authorization": "Bearer a.b.c"}).status == 401
    assert client.call("POST", path, APP | {"AppSecret": "no"}, headers=headers).status == 401


def test_partner_sign_in_hands_the_token_to_the_server_and_the_browser_back(
    sim: PexSimulator, listener: Listener
) -> None:
    client = Pex(sim, token=None)
    where = {
        "ServerCallbackUrl": f"{listener.server.url}/session?sessionId=abc",
        "BrowserClosingUrl": f"{listener.server.url}/finish/abc",
    }
    url = client.call("POST", "/Auth/Partner", APP | where, host=sim.oauth_url).json["OAuthUrl"]
    path, _, session_id = url.removeprefix(sim.oauth_url).partition("?sessionid=")
    assert "password" in client.call("GET", path, host=sim.oauth_url, sessionid=session_id).text
    listener.meanwhile.append(lambda: Pex(sim, listener.bodies[-1][1]["Token"]).get("/v4/Token/Current"))

    def submit(password: str) -> Any:
        form = urlencode({"sessionid": session_id, "username": ADMIN["Username"], "password": password}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return client.call("POST", path, form, host=sim.oauth_url, headers=headers)

    assert submit("wrong").status == 401
    answer = submit("demo-password")
    assert (answer.status, answer.headers["Location"]) == (302, where["BrowserClosingUrl"])
    ((query, body),) = listener.bodies
    assert query == {"sessionId": "abc"}
    assert Pex(sim, body["Token"]).get("/v4/Token/Current").status == 200
    assert submit("demo-password").status == 400
    revoked = client.call("DELETE", "/Auth/Token", APP | body, host=sim.oauth_url)
    assert revoked.status == 200
    assert Pex(sim, body["Token"]).get("/v4/Business/Profile").message == DEAD


def test_a_sign_in_lives_one_hour_and_needs_the_app(sim: PexSimulator, now: Now) -> None:
    client = Pex(sim, token=None)
    where = {"ServerCallbackUrl": "http://127.0.0.1:9/s", "BrowserClosingUrl": "http://127.0.0.1:9/b"}
    wrong = APP | where | {"AppSecret": "no"}
    assert client.call("POST", "/Auth/Partner", wrong, host=sim.oauth_url).status == 401
    url = client.call("POST", "/Auth/Partner", APP | where, host=sim.oauth_url).json["OAuthUrl"]
    now.pass_time(minutes=61)
    assert client.call("GET", url.removeprefix(sim.oauth_url), host=sim.oauth_url).status == 400


def test_the_call_after_the_limit_is_refused_until_a_minute_has_gone(sim: PexSimulator, pex: Pex, now: Now) -> None:
    sim.switches.change(overall_per_minute=5)
    assert [pex.get("/v4/Business/Settings").status for _ in range(6)] == [200] * 5 + [429]
    refused = pex.get("/v4/Business/Settings")
    assert (refused.message, "Retry-After" in refused.headers) == ("Usage Limits Exceeded", False)
    sim.switches.change(retry_after=True)
    assert pex.get("/v4/Business/Settings").headers["Retry-After"] == "60"
    now.pass_time(seconds=61)
    assert pex.get("/v4/Business/Settings").status == 200
    assert sim.books()["refused"] == {"Usage Limits Exceeded": 3}


def test_the_old_limits_of_single_endpoints_are_a_switch(sim: PexSimulator, pex: Pex, now: Now) -> None:
    assert [pex.get("/v4/Details/AccountDetails").status for _ in range(11)] == [200] * 11
    sim.switches.change(limits_of_2018=True)
    assert [pex.get("/v4/Details/AccountDetails").status for _ in range(11)] == [200] * 10 + [429]
    now.pass_time(minutes=5)
    assert pex.get("/v4/Details/AccountDetails").status == 429
    assert pex.get("/v4/Business/Settings").status == 200


def test_books_count_calls_by_endpoint_and_hide_tokens(sim: PexSimulator, pex: Pex) -> None:
    pex.get("/V4/business/settings")
    pex.get("/v4/Business/Settings")
    books = sim.books()
    assert books["calls"] == {"GET /v4/Business/Settings": 2}
    assert TOKEN not in json.dumps(books)
    assert "demo-callback-secret" not in json.dumps(books)


def test_an_unknown_switch_or_value_is_refused_and_changes_nothing(sim: PexSimulator) -> None:
    with pytest.raises(UnknownSwitch):
        sim.switches.change(page_size=2, colour="red")
    with pytest.raises(TypeError, match="takes one of"):
        sim.switches.change(page_size=2, old_range="sometimes")
    assert sim.switches.page_size == 30_000
