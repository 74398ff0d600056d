"""The callback's door: who may come in, what is taken from them, and how little is loaded for it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.flow.story import Story
from tests.flow.worlds import CALLBACK_SECRET
from tests.functions.events import load_event


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(secret.encode()).decode()


def call(story: Story, *, key: str | None = None, secret: str = CALLBACK_SECRET, **changes: Any) -> dict[str, Any]:
    if key is None:
        key = story.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    event = load_event("receive_callback", **changes)
    event["pathParameters"] = {"hook_key": key}
    event["headers"] = {**event["headers"], "Authorization": basic(secret)}
    answer: dict[str, Any] = story.cloud.invoke("ReceiveCallback", event)
    return answer


def queued(story: Story) -> list[dict[str, Any]]:
    found = story.cloud.sqs.receive_message(QueueUrl=story.cloud.queue_url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in found.get("Messages", [])]


def test_a_settlement_is_acknowledged_and_queued_as_a_hint(connected: Story) -> None:
    assert call(connected)["statusCode"] == 200
    assert queued(connected) == [
        {
            "business_id": connected.names.business_id,
            "hint": {
                "transaction_id": 419080003,
                "account_id": 660703,
                "network_type": "Settlement",
                "happened_at": "2026-05-04T12:00:00",
            },
        }
    ]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"key": "never-given-out"}, 404, "unknown_hook"),
        ({"key": ""}, 404, "unknown_hook"),
        ({"key": "../../HOOK"}, 404, "unknown_hook"),
        ({"secret": "wrong"}, 401, "wrong_secret"),
        ({"secret": ""}, 401, "wrong_secret"),
        ({"secret": CALLBACK_SECRET + "\n"}, 401, "wrong_secret"),
        ({"body": "not json"}, 400, "not_a_callback"),
        ({"body": None}, 400, "not_a_callback"),
        ({"body": "[]"}, 400, "not_a_callback"),
        ({"body": '{"Data": 7}'}, 400, "not_a_callback"),
        ({"body": "[" * 30_000}, 400, "not_a_callback"),
        ({"body": "x" * 200_000}, 413, "too_large"),
        ({"body": json.dumps({"Data": {"Note": "x" * 66_000}})}, 413, "too_large"),
        ({"body": "%%%", "isBase64Encoded": True}, 400, "not_a_callback"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_nothing_behind(
    connected: Story, how: dict[str, Any], status: int, code: str
) -> None:
    answer = call(connected, **how)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    assert queued(connected) == []


def test_nobody_without_the_secret_learns_what_is_wrong_with_a_body(connected: Story) -> None:
    assert call(connected, secret="wrong", body="not json")["statusCode"] == 401


def test_a_body_in_base64_is_read(connected: Story) -> None:
    body = load_event("receive_callback")["body"]
    encoded = base64.b64encode(body.encode()).decode()
    assert call(connected, body=encoded, isBase64Encoded=True)["statusCode"] == 200
    assert queued(connected)[0]["hint"]["transaction_id"] == 419080003


def test_unknown_fields_are_ignored_and_cannot_name_another_business(connected: Story) -> None:
    data = {"TransactionId": "419080003", "AcctId": 1, "NewField": {"a": [1]}, "BusinessId": 1, "business_id": 1}
    body = json.dumps({"Data": data, "business_id": 1, "Other": None})
    assert call(connected, body=body)["statusCode"] == 200
    assert queued(connected)[0]["business_id"] == connected.names.business_id


def test_header_names_count_in_any_case(connected: Story) -> None:
    key = connected.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    event = load_event("receive_callback", headers={"authorization": basic(CALLBACK_SECRET)})
    event["pathParameters"] = {"hook_key": key}
    assert connected.cloud.invoke("ReceiveCallback", event)["statusCode"] == 200


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !!!", "Bearer abc", "Basic " + "QQ=="])
def test_odd_authorization_headers_are_a_wrong_secret(connected: Story, header: str | None) -> None:
    key = connected.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    event = load_event("receive_callback", headers={"Authorization": header} if header is not None else {})
    event["pathParameters"] = {"hook_key": key}
    assert connected.cloud.invoke("ReceiveCallback", event)["statusCode"] == 401


def test_without_a_secret_on_record_nobody_is_let_in(story: Story) -> None:
    story.connect()
    stage = story.cloud.stage
    key = {"pk": {"S": f"B#{story.names.business_id}"}, "sk": {"S": "CALLBACK"}}
    stage.dynamodb.update_item(TableName=stage.connections, Key=key, UpdateExpression="REMOVE secret_hash, salt")
    assert call(story)["statusCode"] == 401
    assert call(story, secret="")["statusCode"] == 401
