"""One thing goes wrong, whatever it is: soon afterwards the purchase is one expense, with its receipt."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.flow.story import Story

FAULTS: dict[str, dict[str, Any]] = {
    "connection refused before it arrived": {"kind": "drop_before"},
    "answer lost": {"kind": "drop_after"},
    "reset in mid-answer": {"kind": "reset_mid_answer"},
    "500 before": {"kind": "status", "status": 500},
    "500 after": {"kind": "status", "status": 500, "commit": True},
    "502 with a page": {"kind": "html_502"},
    "503 with Retry-After": {"kind": "status", "status": 503, "headers": {"Retry-After": "7"}},
    "504 and a late commit": {"kind": "late_commit", "seconds": 3600},
    "half an answer": {"kind": "truncate"},
    "no body": {"kind": "empty"},
    "a redirect to another host": {"kind": "redirect", "status": 302, "location": "https://elsewhere.example/"},
    "a byte order mark and a wrong character set": {
        "kind": "status",
        "status": 500,
        "body_text": "\ufeff<html>caf\xe9",
        "headers": {"Content-Type": "text/html; charset=utf-16"},
    },
    "429 with a time": {"kind": "limit_429", "reset_in": 9},
    "429 without a word": {"kind": "limit_429", "headers": False},
    "429 with a time that has passed": {"kind": "limit_429", "reset_in": -30},
}
CALLS = {
    "PEX's list": ("pex", {"path": "/Details/"}),
    "PEX's receipts": ("pex", {"path": "/Attachments$"}),
    "PEX's file": ("pex", {"path": "/Attachment/"}),
    "the note": ("pex", {"path": "/Note$"}),
    "Procore's login": ("procore", {"path": "/oauth/token$"}),
    "Procore's budget codes": ("procore", {"path": "/wbs_codes$"}),
    "the create": ("procore", {"path": "/direct_costs$", "method": "POST"}),
    "the upload": ("procore", {"path": r"/direct_costs/\d+$", "method": "PATCH"}),
}


def ends_well(story: Story, transaction_id: int, sweeps: int = 3) -> None:
    for _ in range(sweeps):
        if transaction_id in {row["transaction_id"] for row in story.rows(state="complete")}:
            break
        story.sweep()
    assert story.row(transaction_id)["state"] == "complete"
    (cost,) = story.costs_of(transaction_id)
    assert (cost["grand_total"], len(cost["attachments"])) == ("120.50", 1)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_answer_that_goes_wrong_costs_time_and_nothing_else(connected: Story, fault: str, call: str) -> None:
    vendor, where = CALLS[call]
    faults = connected.pex.faults if vendor == "pex" else connected.procore.faults
    if call == "Procore's login":
        connected.procore.act_expire_tokens()
    faults.add({**FAULTS[fault], **where, "times": 1})
    connected.clock.later(20, faults.settle)
    one = connected.purchase(receipts=("jpg",))
    connected.sync()
    ends_well(connected, one)
    assert connected.creates() <= 2


@pytest.mark.parametrize("hours", [0.25, 13])
@pytest.mark.parametrize("vendor", ["pex", "procore"])
def test_a_vendor_that_is_down_for_long_costs_time_and_nothing_else(
    connected: Story, vendor: str, hours: float
) -> None:
    one = connected.purchase(receipts=("jpg",))
    faults = connected.pex.faults if vendor == "pex" else connected.procore.faults
    faults.add({"kind": "drop_before", "path": "."})
    connected.sweep()
    connected.sweep()
    connected.clock.forward(hours=hours)
    faults.clear()
    ends_well(connected, one)


def busy(name: str) -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, name)


def refusing(name: str) -> ClientError:
    metadata: Any = {"HTTPStatusCode": 503}
    return ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}, "ResponseMetadata": metadata}, name)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("trouble", ["throttled", "refusing", "answers lost"])
def test_aws_itself_stumbling_loses_and_doubles_nothing(
    connected: Story, monkeypatch: pytest.MonkeyPatch, trouble: str, seed: int
) -> None:
    """DynamoDB, S3, KMS and SQS, in one call of eight."""
    dice = random.Random(seed)
    real: Callable[..., Any] = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, name: str, request: Any) -> Any:
        ours = client.meta.service_model.service_name in ("dynamodb", "s3", "kms")
        if not ours or dice.random() > 0.125:
            return real(client, name, request)
        if trouble == "answers lost":
            real(client, name, request)
            raise ReadTimeoutError(endpoint_url="https://aws.example")
        raise busy(name) if trouble == "throttled" else refusing(name)

    one = connected.purchase(receipts=("jpg",))
    connected.receive()
    with monkeypatch.context() as patched:
        patched.setattr(botocore.client.BaseClient, "_make_api_call", call)
        connected.cloud.pump(limit=3)
        connected.cloud.finish()
    connected.clock.forward(minutes=5)
    ends_well(connected, one)
    assert connected.creates() <= 2


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
            "2026-11-01",
        ),  # 23:30 in California
        (datetime(2026, 11, 1, 3, 59, tzinfo=UTC), "2026-10-31"),
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026-11-01"),  # the first 01:30
    ],
)
def test_a_purchase_on_the_night_the_clocks_change_bears_its_eastern_day(
    connected: Story, moment: datetime, day: str
) -> None:
    connected.clock.forward((moment - connected.clock()).total_seconds())
    one = connected.purchase()
    connected.clock.forward(hours=2)
    connected.sync()
    assert connected.row(one)["state"] == "complete"
    assert connected.cost()["direct_cost_date"] == day


NOTES = ["😀" * 400, "مرحبا بالعالم " * 60, "a\x00b\x07c", "line\r\nbreak\ttab", "x" * 1000, "</script><b>&amp;"]


@pytest.mark.parametrize("note", NOTES, ids=repr)
def test_whatever_people_write_the_reference_survives(connected: Story, note: str) -> None:
    one = connected.purchase(note=note)
    connected.sync()
    cost = connected.cost()
    assert connected.transaction_of(cost) == one
    assert len(cost["description"]) <= 255
    assert "\x00" not in cost["description"]


@pytest.mark.parametrize("amount", ["999999999.99", "0.01", "-123456789.10"])
def test_large_and_small_amounts_arrive_to_the_cent(connected: Story, amount: str) -> None:
    if amount.startswith("-"):
        connected.refund(amount.removeprefix("-"))
    else:
        connected.purchase(amount)
    connected.sync()
    assert connected.cost()["grand_total"] == amount


def test_thirty_receipts_an_empty_one_and_a_wrong_extension(connected: Story) -> None:
    one = connected.purchase(receipts=("jpg",) * 15 + ("pdf",) * 15)
    connected.pex.act_receipt(one, "jpg", content="")
    run = connected.sync()
    assert len(connected.cost()["attachments"]) == 30
    assert run["reasons"] == {"receipt_type_unsupported": 1}
    assert connected.row(one)["state"] == "complete"
