"""docs/openapi.json is what the code says, and what the real handlers do: whatever is sent, no answer is a failure of
ours or of another shape than the document tells. `make fuzz` sends more."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.flow.story import Saved, Story
from tests.flow.worlds import CALLBACK_SECRET
from tests.template.cfn import routes
from tools.openapi.document import PAGE, document, written
from tools.openapi.routes import OPERATIONS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMATHESIS = {one.label: one for one in (result.ok() for result in SCHEMA.get_all_operations())}


def test_the_committed_document_is_what_the_code_says() -> None:
    assert PAGE.read_text() == written(), "make openapi"


def test_every_route_of_the_api_stands_in_it_and_no_other() -> None:
    deployed = {(one.method, one.path) for one in routes() if one.function != "Dashboard"}
    assert OPERATIONS.keys() == deployed


def test_every_reference_leads_somewhere_and_no_schema_is_left_over() -> None:
    text = PAGE.read_text()
    named = set(json.loads(text)["components"]["schemas"])
    used = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == used


@pytest.fixture(scope="module")
def at_work(vendors: Any, cloud: Any, when_connected: Saved) -> Saved:
    """Connected, with purchases of every fate."""
    story = Story(vendors, cloud)
    story.restore(when_connected)
    story.purchase(receipts=("jpg",))
    story.purchase("9.99", project=None)
    story.purchase("5.00", project="Old Mill")
    story.sync()
    return story.save()


@pytest.mark.parametrize("label", SCHEMATHESIS)
def test_whatever_is_sent_the_answer_is_as_documented(label: str, story: Story, at_work: Saved) -> None:
    operation = SCHEMATHESIS[label]
    changes = operation.method.upper() != "GET"
    story.restore(at_work)

    @settings(
        max_examples=EXAMPLES or (6 if changes else 8),
        deadline=None,
        database=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def hold(case: schemathesis.Case) -> None:
        if changes:
            story.restore(at_work)
        story.clock.forward(10)  # so that no vendor's limit answers in its place
        case.headers = {**(case.headers or {}), "Cookie": story.cookie}
        case.call_and_validate(base_url=story.cloud.server.url, checks=CHECKS, timeout=60)
        if changes:
            story.cloud.finish()

    hold()


@pytest.mark.parametrize("path", [one for method, one in OPERATIONS if method == "GET" and "{" not in one])
def test_what_is_asked_for_without_parameters_is_answered_as_documented(
    path: str, story: Story, at_work: Saved
) -> None:
    story.restore(at_work)
    operation = SCHEMATHESIS[f"GET {path}"]
    answer = operation.Case(headers={"Cookie": story.cookie}).call_and_validate(
        base_url=story.cloud.server.url, checks=CHECKS, timeout=60
    )
    assert answer.status_code == 200


def test_a_row_a_run_and_a_dry_run_are_answered_as_documented(story: Story, at_work: Saved) -> None:
    story.restore(at_work)
    run_id = story.runs()[0]["run_id"]
    transaction_id = story.rows()[0]["transaction_id"]
    asked = [
        ("GET /v1/runs/{run_id}", {"path_parameters": {"run_id": run_id}}, 200),
        ("GET /v1/transactions/{transaction_id}", {"path_parameters": {"transaction_id": transaction_id}}, 200),
        ("POST /v1/runs", {"body": {"dry_run": True}}, 200),
        ("POST /v1/transactions/{transaction_id}/ignore", {"path_parameters": {"transaction_id": 1}}, 404),
        ("PATCH /v1/settings", {"body": {"expense_status": "paid"}}, 422),
        ("POST /v1/sessions", {"body": {"pex_token": "wrong"}}, 401),
    ]
    for label, parts, status in asked:
        media = {"media_type": "application/json"} if "body" in parts else {}
        case = SCHEMATHESIS[label].Case(headers={"Cookie": story.cookie}, **media, **parts)
        answer = case.call_and_validate(base_url=story.cloud.server.url, checks=CHECKS, timeout=60)
        assert answer.status_code == status, label


def test_a_callback_of_pex_is_answered_as_documented(story: Story, at_work: Saved) -> None:
    story.restore(at_work)
    operation = SCHEMATHESIS["POST /callbacks/pex/{hook_key}"]
    case = operation.Case(path_parameters={"hook_key": "nobody"}, headers={"Authorization": CALLBACK_SECRET})
    answer = case.call_and_validate(base_url=story.cloud.server.url, checks=CHECKS, timeout=60)
    assert answer.status_code == 404
