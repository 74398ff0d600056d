"""Who is not signed in is told nothing, and another site's page may change nothing."""

from __future__ import annotations

import pytest

from tests.flow.story import Story
from tests.functions.test_setup_credentials import check_problem
from tests.isolation.routes import changing, closed, path_of
from tests.template.cfn import Route

ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.fixture
def bad_cookies(connected: Story) -> dict[str, str | None]:
    """Each kind of session that must not be taken. The connection behind the last two is real."""
    connected.sign_in()
    signed_out = connected.cookie
    connected.api("DELETE", "/v1/sessions/current")
    connected.sign_in()
    expired = connected.cookie
    connected.clock.forward(hours=10, minutes=1)
    name = "pex_connector_session"
    made_up = {"wrong": f"{name}=guess", "empty": f"{name}=", "odd": f"{name}=%00; x", "cut": signed_out[:-1]}
    return {"none": None, **made_up, "signed out": signed_out, "expired": expired}


@pytest.mark.parametrize("route", closed(), ids=lambda route: f"{route.method} {route.path}")
def test_no_wrong_expired_or_ended_session_is_taken(
    connected: Story, bad_cookies: dict[str, str | None], route: Route
) -> None:
    for cookie in bad_cookies.values():
        headers = {"Cookie": cookie} if cookie is not None else {}
        body = {} if route.method != "GET" else None
        check_problem(connected.cloud.request(route.method, path_of(route), body, headers), 401, "not_signed_in")


@pytest.mark.parametrize("route", changing(), ids=lambda route: f"{route.method} {route.path}")
def test_a_change_that_another_sites_page_asks_for_is_refused(connected: Story, route: Route) -> None:
    before = connected.everything_stored()
    for headers in ELSEWHERE:
        answer = connected.cloud.request(route.method, path_of(route), {}, {"Cookie": connected.cookie, **headers})
        check_problem(answer, 403, "wrong_origin")
    assert connected.everything_stored() == before


def test_our_own_page_and_programs_without_a_browser_may_change(connected: Story) -> None:
    own = {"Origin": connected.cloud.server.url, "Sec-Fetch-Site": "same-origin"}
    for headers in (own, {"Sec-Fetch-Site": "none"}, {}):
        answer = connected.cloud.request("PATCH", "/v1/settings", {}, {"Cookie": connected.cookie, **headers})
        assert answer.status == 200


@pytest.mark.parametrize("https", [True, False], ids=["over https", "on a developer's machine"])
def test_cookies_are_out_of_scripts_and_other_sites_reach(
    story: Story, monkeypatch: pytest.MonkeyPatch, https: bool
) -> None:
    if https:
        monkeypatch.setenv("PUBLIC_URL", "https://connector.example.com")
        story.cloud.forget_warm_state()
    session = story.sign_in().cookies[0]
    login = story.cloud.request("POST", "/v1/sessions/pex-login").cookies[0]
    for cookie, seconds in ((session, 36_000), (login, 3_600)):
        name, *attributes = [part.strip().lower() for part in cookie.split(";")]
        assert len(name.partition("=")[2]) >= 32
        secure = ["secure"] if https else []
        assert sorted(attributes) == sorted(["httponly", "samesite=lax", "path=/", f"max-age={seconds}", *secure])


def test_signing_in_anew_gives_a_new_session_whatever_cookie_came(story: Story) -> None:
    planted = f"pex_connector_session={'x' * 43}"
    answer = story.cloud.request("POST", "/v1/sessions", {"pex_token": "flow-pex-token"}, {"Cookie": planted})
    assert answer.status == 201
    assert answer.cookies[0].split(";")[0] != planted
    assert story.cloud.request("GET", "/v1/connection", headers={"Cookie": planted}).status == 401
