"""The ways in beside a pasted token: launched from PEX's dashboard, and PEX's own page."""

from __future__ import annotations

import pytest

from tests.flow.story import Story
from tests.flow.worlds import PEX_APP_SECRET, PEX_TOKEN
from tests.functions.browsers import Browser
from tests.functions.test_setup_credentials import check_problem


def without_partnership(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEX_APP_SECRET_ARN", "")
    story.cloud.forget_warm_state()


def test_the_page_is_told_which_ways_there_are(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    assert story.cloud.request("GET", "/v1/sessions/options").json == {"pex_token": True, "pex_login": True}
    without_partnership(story, monkeypatch)
    assert story.cloud.request("GET", "/v1/sessions/options").json == {"pex_token": True, "pex_login": False}


def test_a_launch_from_pexs_dashboard_signs_in_and_its_token_is_ours(story: Story) -> None:
    jwt = story.pex.act_launch()["jwt"]
    answer = story.cloud.request("POST", "/v1/sessions", {"pex_jwt": jwt})
    assert (answer.status, answer.json["business_id"]) == (201, story.names.business_id)
    story.cookie = answer.cookies[0].split(";")[0]
    made = set(story.pex.world.tokens) - {PEX_TOKEN}
    assert len(made) == 1
    story.ask("DELETE", "/v1/connection")
    assert not made & set(story.pex.world.tokens), "PEX made it for us, so disconnecting takes it away"


@pytest.mark.parametrize("jwt", ["no-such-launch", "two words", "eyJ.eyJ.xyz"])
def test_a_launch_that_pex_does_not_know_is_sent_back_to_pex(story: Story, jwt: str) -> None:
    answer = story.cloud.request("POST", "/v1/sessions", {"pex_jwt": jwt})
    body = check_problem(answer, 401, "pex_launch_rejected", "pex_jwt")
    assert "Apps page" in body["what_to_do"]
    assert jwt not in answer.text
    assert answer.cookies == []


def test_a_launch_counts_once_its_time_is_not_over(story: Story) -> None:
    jwt = story.pex.act_launch()["jwt"]
    story.clock.forward(minutes=6)
    check_problem(story.cloud.request("POST", "/v1/sessions", {"pex_jwt": jwt}), 401, "pex_launch_rejected", "pex_jwt")


def test_where_we_are_no_partner_both_ways_say_what_to_do_instead(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_partnership(story, monkeypatch)
    for path, body in (("/v1/sessions", {"pex_jwt": "x"}), ("/v1/sessions/pex-login", {})):
        told = check_problem(story.cloud.request("POST", path, body), 409, "pex_login_off")
        assert "API token" in told["what_to_do"]


def test_an_app_secret_that_pex_does_not_take_is_our_fault_and_stays_unsaid(story: Story) -> None:
    story.pex.world.apps["flow-pex-app"] = "another"
    answer = story.cloud.request("POST", "/v1/sessions/pex-login")
    check_problem(answer, 502, "pex_app_rejected")
    assert PEX_APP_SECRET not in answer.text


def test_signing_in_at_pexs_page_ends_in_the_browser_that_began(story: Story) -> None:
    browser = Browser(story)
    begun = browser.begin()
    assert browser.finish(begun["id"]).status == 202
    back = browser.log_in_at_pex(begun["authorize_url"])
    assert browser.finish(begun["id"]).status == 202, "PEX's token came, the browser is not back yet"
    page = browser.ask("GET", back)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    answer = browser.finish(begun["id"])
    assert (answer.status, answer.json["business_name"]) == (200, "Small Builders LLC")
    shown = browser.ask("GET", "/v1/connection").json
    assert shown["session"]["username"] == shown["pex"]["username"] == "pat.lee@small.example"
    check_problem(browser.finish(begun["id"]), 404, "pex_login_over")


def test_a_link_to_pexs_page_that_somebody_sends_does_not_hand_over_who_follows_it(story: Story) -> None:
    """The sender began, the victim signs in at PEX: the sender must not get the victim's session."""
    sender, victim = Browser(story), Browser(story)
    begun = sender.begin()
    back = victim.log_in_at_pex(begun["authorize_url"])
    assert victim.ask("GET", back).status == 404
    assert victim.cookies == {}
    assert sender.finish(begun["id"]).status == 202
    made_up = f"/v1/sessions/pex-login/{begun['id']}/{'x' * 32}"
    assert sender.ask("GET", made_up).status == 404
    assert sender.finish(begun["id"]).status == 202


def test_a_link_to_us_that_somebody_sends_signs_nobody_in(story: Story) -> None:
    """The sender signed in as himself: who follows his links must not become him."""
    sender, victim = Browser(story), Browser(story)
    begun = sender.begin()
    back = sender.log_in_at_pex(begun["authorize_url"])
    for path in (back, f"/v1/sessions/pex-login/{begun['id']}"):
        assert victim.ask("GET", path).status == 404
    victim.begin()  # a cookie of its own does not help either
    for path in (back, f"/v1/sessions/pex-login/{begun['id']}"):
        assert victim.ask("GET", path).status == 404
    assert "pex_connector_session" not in victim.cookies


def test_only_the_first_token_counts_and_none_is_stored_open(story: Story) -> None:
    browser = Browser(story)
    begun = browser.begin()
    browser.ask("GET", browser.log_in_at_pex(begun["authorize_url"]))
    (token,) = set(story.pex.world.tokens) - {PEX_TOKEN}
    assert token not in story.everything_stored()
    other = story.pex.act_add_business("Another Builder LLC")
    path = f"/v1/sessions/pex-login/{begun['id']}"
    assert story.cloud.request("POST", path, {"Token": other["token"]}).status == 200
    assert browser.finish(begun["id"]).json["business_id"] == story.names.business_id


def test_no_secret_of_the_ways_in_is_stored_logged_or_put_into_an_address_at_pex(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    jwt = story.pex.act_launch()["jwt"]
    assert story.cloud.request("POST", "/v1/sessions", {"pex_jwt": jwt}).status == 201
    browser = Browser(story)
    begun = browser.begin()
    back = browser.log_in_at_pex(begun["authorize_url"])
    login_key = browser.cookies["pex_connector_login"]
    browser.ask("GET", back)
    assert browser.finish(begun["id"]).status == 200
    closing_key = back.rsplit("/", 1)[-1]
    made = set(story.pex.world.tokens) - {PEX_TOKEN}
    assert len(made) == 2
    browser_session = browser.cookies["pex_connector_session"]
    secrets = {PEX_APP_SECRET, jwt, begun["id"], login_key, closing_key, browser_session, *made}
    addresses = " ".join(f"{one.path}?{one.query}" for one in story.pex.requests.all())
    logs = "".join(capfd.readouterr())
    for place in (story.everything_stored(), logs, addresses):
        assert [secret for secret in secrets if secret in place] == []


def test_a_fault_of_ours_during_a_sign_in_tells_no_key_to_the_log(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(story)
    begun = browser.begin()
    stage = story.cloud.stage
    (item,) = (one for one in stage.dynamodb.scan(TableName=stage.connections)["Items"] if "closing_hash" in one)
    del item["closing_hash"]
    stage.dynamodb.put_item(TableName=stage.connections, Item=item)
    check_problem(browser.finish(begun["id"]), 500, "internal_error")
    logs = "".join(capfd.readouterr())
    assert "/v1/sessions/pex-login/{login_id}" in logs
    assert begun["id"] not in logs


def test_a_sign_in_is_over_after_an_hour_and_a_made_up_one_never_was(story: Story) -> None:
    browser = Browser(story)
    begun = browser.begin()
    story.clock.forward(minutes=61)
    check_problem(browser.finish(begun["id"]), 404, "pex_login_over")
    for login_id in (begun["id"], "x" * 32, "%00"):
        answer = story.cloud.request("POST", f"/v1/sessions/pex-login/{login_id}", {"Token": "t"})
        check_problem(answer, 404, "pex_login_over")


def test_pexs_post_must_have_a_token(story: Story) -> None:
    begun = Browser(story).begin()
    path = f"/v1/sessions/pex-login/{begun['id']}"
    assert story.cloud.request("POST", path, {"token": "spelt otherwise"}).status == 200
    for body, code in (({}, "missing"), ({"Token": ""}, "string_too_short"), ({"Token": 7}, "string_type")):
        check_problem(story.cloud.request("POST", path, body), 422, code, "Token")


def test_a_cardholder_who_signs_in_at_pex_does_not_get_in(story: Story) -> None:
    business = next(iter(story.pex.world.businesses.values()))
    cardholder = next(iter(business.cardholders.values()))
    browser = Browser(story)
    begun = browser.begin()
    browser.ask("GET", browser.log_in_at_pex(begun["authorize_url"], cardholder.email))
    check_problem(browser.finish(begun["id"]), 403, "pex_permission_missing", "pex_token")
    assert "pex_connector_session" not in browser.cookies
