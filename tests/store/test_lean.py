"""The client of the callback's path: signs as AWS's own library does, and asks once more where that is safe."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.store.lean import AwsFailed, Credentials, LeanAws, sign
from tests.net.scripted import Act, answer, hang_up, scripted

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ROLE = Credentials("us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token")
KEY = {"pk": {"S": "HOOK#1"}, "sk": {"S": "HOOK"}}


def answered(status: int, body: object) -> Act:
    return answer(status, json.dumps(body).encode())


@given(
    body=st.binary(max_size=200),
    token=st.sampled_from(["", "a-session-token"]),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
)
def test_it_signs_as_botocore_does(body: bytes, token: str, moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    role = Credentials(ROLE.region, ROLE.key_id, ROLE.secret, token)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": "sqs.us-east-1.amazonaws.com",
        "x-amz-target": "A.B",
    }
    ours = sign("sqs", role, headers, body, moment)
    request = AWSRequest("POST", "https://sqs.us-east-1.amazonaws.com/", headers=headers, data=body)
    theirs = SigV4Auth(BotoCredentials(role.key_id, role.secret, token or None), "sqs", role.region)
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["x-amz-date"] = ours["x-amz-date"]
    if token:
        request.headers["x-amz-security-token"] = token
    signed: HTTPHeaders = theirs.headers_to_sign(request)
    names = theirs.signed_headers(signed)
    signature = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"SignedHeaders={names}, Signature={signature}")


def test_what_is_asked_and_answered_is_what_boto3_would_say() -> None:
    with scripted(answered(200, {"Item": KEY})) as server:
        item = LeanAws("dynamodb", ROLE, server.url).get_item(TableName="t", Key=KEY, ConsistentRead=True)
    (seen,) = server.requests
    assert item == {"Item": KEY}
    assert (seen.method, seen.target, seen.headers["x-amz-target"]) == ("POST", "/", "DynamoDB_20120810.GetItem")
    assert json.loads(seen.body) == {"TableName": "t", "Key": KEY, "ConsistentRead": True}


def test_one_connection_serves_many_callbacks() -> None:
    with scripted(answered(200, {})) as server:
        client = LeanAws("sqs", ROLE, server.url)
        for _ in range(3):
            client.send_message(QueueUrl="q", MessageBody="{}")
    assert [one.connection for one in server.requests] == [1, 1, 1]


@pytest.mark.parametrize(
    "first",
    [
        hang_up,
        answered(500, {"__type": "InternalServerError"}),
        answered(429, {}),
        answered(400, {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}),
        answered(400, {"__type": "com.amazon.coral.availability#ThrottlingException"}),
        answer(503, b"<html>"),
    ],
)
def test_what_passes_by_itself_is_asked_once_more(first: Act) -> None:
    pauses: list[float] = []
    with scripted(first, answered(200, {"MessageId": "m"})) as server:
        client = LeanAws("sqs", ROLE, server.url, sleep=pauses.append)
        assert client.send_message(QueueUrl="q", MessageBody="{}") == {"MessageId": "m"}
    assert len(server.requests) == 2
    assert len(pauses) == 1


def test_a_connection_closed_while_the_function_slept_costs_nothing() -> None:
    with scripted(answered(200, {}), hang_up, answered(200, {"MessageId": "m"})) as server:
        client = LeanAws("sqs", ROLE, server.url)
        client.send_message(QueueUrl="q", MessageBody="{}")
        assert client.send_message(QueueUrl="q", MessageBody="{}") == {"MessageId": "m"}


def test_what_will_not_pass_is_told_once_and_without_what_was_sent() -> None:
    refusal = {"__type": "com.amazonaws#AccessDeniedException", "message": f"no {ROLE.secret}"}
    with scripted(answered(400, refusal)) as server, pytest.raises(AwsFailed) as told:
        LeanAws("sqs", ROLE, server.url).send_message(QueueUrl="q", MessageBody="private")
    assert str(told.value) == "sqs SendMessage: 400 AccessDeniedException"
    assert len(server.requests) == 1


def test_without_an_answer_it_fails_in_time_for_pex_to_call_again() -> None:
    with scripted(hang_up) as server, pytest.raises(AwsFailed):
        LeanAws("dynamodb", ROLE, server.url, sleep=lambda seconds: None).get_item(TableName="t", Key=KEY)
    assert len(server.requests) == 2


def test_secrets_are_not_in_what_is_printed_of_a_role() -> None:
    assert ROLE.secret not in repr(ROLE)
    assert ROLE.token not in repr(ROLE)
