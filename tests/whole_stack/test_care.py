"""With roles enforced, the function that looks after businesses may do all it has to: table, key and topic."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from local.stack import Stack
from pex_procore.store import keys
from tests.whole_stack.program import SECRETS

pytestmark = pytest.mark.whole_stack
TOKEN = SECRETS[0]


def act(stack: Stack, name: str, **arguments: Any) -> None:
    requests.post(f"{stack.control_url}/pex/act/{name}", json=arguments, timeout=30).raise_for_status()


def sign_in(stack: Stack, token: str) -> int:
    answer = requests.post(f"{stack.url}/v1/sessions", json={"pex_token": token}, timeout=60)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["business_id"])


def look_after(stack: Stack, business_id: int) -> None:
    """As if its time had come."""
    due_at = {":due_at": {"S": "2020-01-01T00:00:00.000000Z"}}
    stack.clients("dynamodb").update_item(
        TableName=stack.deployment.outputs["ConnectionsTable"],
        Key={name: {"S": text} for name, text in keys.care(business_id).items()},
        UpdateExpression="SET sweep_due_at = :due_at",
        ExpressionAttributeValues=due_at,
    )
    function = stack.deployment.resources["RenewTokens"]
    answer = stack.clients("lambda").invoke(FunctionName=function, Payload=b'{"beat": "care"}')
    told = json.loads(answer["Payload"].read())
    assert told == {"looked_after": 1, "more": False}, told


def tokens(stack: Stack) -> set[str]:
    answer = requests.get(
        f"{stack.urls['pex_api_url']}/v4/Token/GetAuthTokens", headers={"Authorization": f"token {TOKEN}"}, timeout=30
    )
    return {one["Token"] for one in answer.json()["Tokens"]}


def test_a_token_is_renewed_and_people_are_told() -> None:
    with Stack(port=0) as stack:
        act(stack, "age_token", token=TOKEN, days_left=20)
        business_id = sign_in(stack, TOKEN)
        before = tokens(stack)
        look_after(stack, business_id)
        assert len(tokens(stack) - before) == 1
        requests.post(f"{stack.control_url}/pex/switches", json={"renewal": "never"}, timeout=30).raise_for_status()
        act(stack, "age_token", token=TOKEN, days_left=2)
        sign_in(stack, TOKEN)
        look_after(stack, business_id)
        assert len(tokens(stack) - before) == 1
