"""The webhook's door: who may come in, and that an event only marks what is stale."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pex_procore.runtime.wiring import Business, wiring
from pex_procore.store.keys import sweep_shard
from tests.flow.story import Story
from tests.flow.worlds import COMPANY_ID
from tests.functions.events import load_event

KEY, SECRET = "hook-key-of-the-test", "hook-secret-of-the-test"


def business(story: Story) -> Business:
    return wiring().business(story.names.business_id, "tags")


@pytest.fixture
def listening(connected: Story) -> Story:
    """As if Procore had been given our address; what the connecting put on the schedule is done."""
    connections = business(connected).connections
    connections.save_hook(KEY, "procore")
    connections.set_callback_secret(SECRET, "procore")
    connections.schedule_sweep(None, "tags")
    return connected


def call(story: Story, said: Any, *, key: str = KEY, secret: str = SECRET) -> dict[str, Any]:
    body = said if isinstance(said, str) else json.dumps(said)
    event = load_event("receive_procore_event", body=body)
    event["pathParameters"] = {"hook_key": key}
    event["headers"] = {**event["headers"], "Authorization": f"Bearer {secret}"}
    answer: dict[str, Any] = story.cloud.invoke("ReceiveProcoreEvent", event)
    return answer


def v4(resource: str, resource_id: int = 7, project_id: int | None = None, company_id: int = COMPANY_ID) -> Any:
    return {
        "id": "01J00000000000000000000000",
        "reason": "update",
        "company_id": str(company_id),
        "project_id": str(project_id) if project_id else None,
        "resource_type": resource,
        "resource_id": str(resource_id),
    }


def due_kinds(story: Story) -> set[str]:
    return {one.kind for one in wiring().sweeps.due(story.clock(), 10, sweep_shard(story.names.business_id))}


@pytest.mark.parametrize(
    ("said", "marks"),
    [
        (v4("Projects", 9), frozenset()),
        (v4("Line Item Types"), frozenset()),
        (v4("Cost Codes", project_id=12), frozenset({"codes:12"})),
        (v4("Cost Codes"), frozenset({"codes"})),
        (
            {
                "resource_name": "Cost Codes",
                "event_type": "delete",
                "resource_id": 3,
                "project_id": 12,
                "api_version": "v2",
            },
            frozenset({"codes:12"}),
        ),
    ],
)
def test_news_mark_what_is_stale_and_bring_the_next_refresh_forward(
    listening: Story, said: Any, marks: frozenset[str]
) -> None:
    assert call(listening, said)["statusCode"] == 200
    assert business(listening).cache.stale() == marks
    assert "tags" in due_kinds(listening)


def test_that_procore_tells_is_noted_once_in_a_while(listening: Story) -> None:
    call(listening, v4("Projects"))
    heard = business(listening).connection
    listening.clock.forward(minutes=1)
    call(listening, v4("Projects"))
    assert business(listening).connection == heard, "no write for every event"
    listening.clock.forward(minutes=15)
    call(listening, v4("Projects"))
    again = business(listening).connection
    assert heard.heard_at is not None
    assert again.heard_at is not None
    assert again.heard_at > heard.heard_at


@pytest.mark.parametrize("said", [v4("Direct Costs"), v4("Cost Codes", project_id=12, company_id=COMPANY_ID + 1)])
def test_news_that_do_not_concern_the_tags_change_nothing(listening: Story, said: Any) -> None:
    assert call(listening, said)["statusCode"] == 200
    assert business(listening).cache.stale() == frozenset()
    assert "tags" not in due_kinds(listening)


@pytest.mark.parametrize(
    ("said", "how", "status", "code"),
    [
        (v4("Projects"), {"key": "never-given-out"}, 404, "unknown_hook"),
        (v4("Projects"), {"secret": "wrong"}, 401, "wrong_secret"),
        (v4("Projects"), {"secret": ""}, 401, "wrong_secret"),
        ("not json", {}, 400, "not_a_callback"),
        ("[]", {}, 400, "not_a_callback"),
        ("x" * 200_000, {}, 413, "too_large"),
        ("not json", {"secret": "wrong"}, 401, "wrong_secret"),
    ],
)
def test_what_is_not_ours_is_refused_without_a_trace(
    listening: Story, said: Any, how: dict[str, str], status: int, code: str
) -> None:
    answer = call(listening, said, **how)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    assert "tags" not in due_kinds(listening)


def test_a_key_that_pex_was_given_opens_nothing_here(listening: Story) -> None:
    key = listening.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    assert call(listening, v4("Projects"), key=key)["statusCode"] == 404
