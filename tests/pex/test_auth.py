"""Our standing as a partner's app, against the simulated PEX."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import APP_ID, APP_SECRET, small_pex
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.net.session import Session
from pex_procore.pex.auth import PexApp
from pex_procore.services.door_ports import PexApp as PexAppPort

SERVER, BROWSER = "https://connector.example/server", "https://connector.example/browser"


@pytest.fixture(scope="module")
def running() -> Iterator[PexSimulator]:
    started = PexSimulator(small_pex()).start()
    yield started
    started.stop()


@pytest.fixture
def sim(running: PexSimulator) -> PexSimulator:
    running.faults.clear()
    running.requests.clear()
    return running


def app_of(sim: PexSimulator, secret: str = APP_SECRET) -> PexApp:
    app = PexApp(APP_ID, secret, api=Session(sim.api_url), oauth=Session(sim.oauth_url))
    _: PexAppPort = app
    return app


def test_a_launch_becomes_a_token_that_pex_knows(sim: PexSimulator) -> None:
    token = app_of(sim).exchange(sim.act_launch()["jwt"])
    assert sim.world.tokens[token].app_id == APP_ID


def test_a_page_to_sign_in_at_is_named_and_knows_both_addresses(sim: PexSimulator) -> None:
    url = app_of(sim).begin_login(SERVER, BROWSER)
    assert url.startswith(f"{sim.oauth_url}/Home/Auth?sessionid=")
    login = sim.world.logins[url.partition("sessionid=")[2]]
    assert (login["server"], login["browser"]) == (SERVER, BROWSER)


@pytest.mark.parametrize("name", ["OAuthUrl", "OauthUrl", "oauthurl"])
def test_the_pages_address_may_be_spelt_in_any_way(sim: PexSimulator, name: str) -> None:
    url = f"{sim.oauth_url}/x"
    sim.faults.add({"path": "/Auth/Partner", "kind": "status", "status": 200, "answer": {name: url}})
    assert app_of(sim).begin_login(SERVER, BROWSER) == url


@pytest.mark.parametrize("answer", [{}, [], "x", {"OAuthUrl": 7}, {"OAuthUrl": "javascript:alert(1)"}])
def test_an_answer_without_a_page_is_told(sim: PexSimulator, answer: object) -> None:
    sim.faults.add({"path": "/Auth/Partner", "kind": "status", "status": 200, "answer": answer})
    with pytest.raises(NeedsAttention) as told:
        app_of(sim).begin_login(SERVER, BROWSER)
    assert told.value.reason == "vendor_answer_unreadable"


def test_a_secret_that_pex_does_not_take_is_told_and_not_quoted(sim: PexSimulator) -> None:
    with pytest.raises(NeedsAttention) as told:
        app_of(sim, "wrong-secret").begin_login(SERVER, BROWSER)
    assert told.value.reason == "pex_app_rejected"
    assert "wrong-secret" not in str(told.value)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_pex_out_of_reach_is_for_later(sim: PexSimulator, kind: str) -> None:
    sim.faults.add({"kind": kind})
    app = app_of(sim)
    for act in (lambda: app.exchange("jwt"), lambda: app.begin_login(SERVER, BROWSER)):
        with pytest.raises(TryLater):
            act()


@pytest.mark.parametrize("status", [429, 500, 503, 302])
def test_an_answer_that_says_nothing_of_us_is_for_later(sim: PexSimulator, status: int) -> None:
    sim.faults.add({"kind": "status", "status": status})
    with pytest.raises(TryLater):
        app_of(sim).exchange("jwt")
