"""Identity comes from the session alone: another business's ids in a path, a query or a body reach nothing of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.flow.gateway import Reply
from tests.flow.worlds import COMPANY_ID
from tests.isolation.conftest import Scene
from tests.isolation.routes import IDS, OPEN, closed, key, path_of, with_ids, without_ids
from tests.template.cfn import Route, routes


def test_every_open_route_is_in_the_template_and_the_ids_in_paths_are_known() -> None:
    assert {key(route) for route in routes()} >= OPEN
    named = {name for route in closed() for name in re.findall(r"\{(\w+)\}", route.path)}
    assert named <= set(IDS), "an id in a path belongs to somebody: tell these tests how to try another's"
    assert len(closed()) > 20


def intrude(scene: Scene, route: Route) -> Reply:
    """As the intruder, naming the victim wherever something can be named."""
    victim = scene.victim
    named: dict[str, Any] = {
        "business_id": victim.business_id,
        "company_id": COMPANY_ID,
        "transaction_id": victim.transaction_id,
        "run_id": victim.run_id,
        "generation": COMPANY_ID,
        "client_id": "guess",
        "client_secret": "guess",
        "secret": "another-callback-secret",
        "from": "2026-05-01",
        "to": "2026-05-04",
    }
    query = {name: str(value) for name, value in named.items() if name not in ("client_secret", "secret")}
    path = path_of(route, victim.run_id, victim.transaction_id)
    headers = {"Cookie": scene.intruder, "X-Business-Id": str(victim.business_id)}
    body = named if route.method != "GET" else None
    return scene.story.cloud.request(route.method, path, body, headers, query)


def check_nothing_told(scene: Scene, answer: Reply) -> None:
    told = [mark for mark in scene.victim.marks if mark in answer.text]
    assert told == [], answer.text[:2000]
    shown = answer.json.get("business_id") if answer.text.startswith("{") else None
    assert shown in (None, scene.intruder_id)


@pytest.mark.parametrize("route", with_ids(), ids=lambda route: f"{route.method} {route.path}")
def test_an_id_of_another_business_in_the_path_is_a_404_and_changes_nothing(scene: Scene, route: Route) -> None:
    before = scene.stored()
    answer = intrude(scene, route)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    check_nothing_told(scene, answer)
    assert scene.stored() == before


@pytest.mark.parametrize("route", without_ids(), ids=lambda route: f"{route.method} {route.path}")
def test_ids_of_another_business_in_query_and_body_are_ignored(scene: Scene, route: Route) -> None:
    before = scene.stored()
    answer = intrude(scene, route)
    assert answer.status < 500, answer.text
    check_nothing_told(scene, answer)
    assert scene.stored() == before


def test_the_intruders_own_disconnection_leaves_the_victim_at_work(scene: Scene) -> None:
    answer = scene.story.cloud.request("DELETE", "/v1/connection", None, {"Cookie": scene.intruder})
    assert answer.json["status"] == "disconnected"
    assert scene.story.ask("GET", "/v1/connection")["status"] == "active"
    assert scene.story.sync()["verdict"] == "success"


def test_the_victim_itself_gets_what_the_intruder_did_not(scene: Scene) -> None:
    """Or the tests above would hold for routes that answer nobody."""
    for path in (f"/v1/transactions/{scene.victim.transaction_id}", f"/v1/runs/{scene.victim.run_id}"):
        assert scene.story.api("GET", path).status == 200
    told = scene.story.api("GET", "/v1/connection").text + scene.story.api("GET", "/v1/transactions").text
    assert [mark for mark in scene.victim.marks[:5] if mark not in told] == []
