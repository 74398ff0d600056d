from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from pex_procore.domain.connection import Subscription
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.tags import TagOption
from pex_procore.domain.transactions import Receipt
from pex_procore.net.messages import Answer
from pex_procore.pex import wire
from pex_procore.pex.auth import authorization


def answer(document: object) -> Answer:
    return Answer(200, {}, json.dumps(document).encode())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "local"),
    [
        ("2026-06-01T04:00", "2026-06-15T03:59:59", ("2026-06-01T00:00:00", "2026-06-14T23:59:59")),
        ("2026-12-01T05:00", "2026-12-15T05:00:00.5", ("2026-12-01T00:00:00", "2026-12-15T00:00:01")),
        ("2026-11-01T05:30", "2026-11-01T06:10", ("2026-11-01T01:00:00", "2026-11-01T01:59:59")),
        ("2026-03-08T06:59", "2026-03-08T07:01", ("2026-03-08T01:59:00", "2026-03-08T03:01:00")),
    ],
)
def test_windows_are_asked_for_in_eastern_time_and_never_too_narrow(
    start: str, end: str, local: tuple[str, str]
) -> None:
    assert wire.local_window(moment(start), moment(end)) == local


def test_transactions_are_asked_for_without_pending_and_declined_ones() -> None:
    request = wire.transactions(moment("2026-06-01T04:00"), moment("2026-06-02T04:00"))
    assert request.target() == (
        "/v4/Details/AllCardholderTransactions?IncludePendings=False&IncludeDeclines=False&IncludeVendorBillPay=True"
        "&StartDate=2026-06-01T00%3A00%3A00&EndDate=2026-06-02T00%3A00%3A00"
    )


def test_a_note_is_marked_as_ours_and_cut_to_what_pex_takes() -> None:
    request = wire.note(5, "é" * 400)
    assert request.body is not None
    assert not request.repeatable, "a second one would be a second note"
    assert json.loads(request.body) == {
        "TransactionId": 5,
        "NoteText": "é" * 255,
        "Pending": False,
        "VisibleToCardholder": True,
        "SystemGenerated": True,
    }


def test_a_subscription_is_asked_for_by_number() -> None:
    request = wire.subscribe("SettlementPostedRealtime", "https://x/hook")
    assert request.body is not None
    sent = json.loads(request.body)
    assert (sent["CallbackType"], sent["Status"], sent["Url"]) == (9, 1, "https://x/hook")
    assert json.loads(wire.subscribe("PinRealtime", "u").body or b"")["CallbackType"] == 6
    with pytest.raises(ValueError, match="no callback type"):
        wire.subscribe("Nonsense", "u")


def test_subscriptions_are_read_by_name_or_number() -> None:
    read = wire.read_subscriptions(
        answer(
            [
                {"Id": 1, "CallbackType": "SettlementPostedRealtime", "Status": "Active", "Url": "u"},
                {"Id": 2, "CallbackType": 6, "Status": 2, "Url": None},
                {"Id": 3, "CallbackType": "SomethingNew", "Status": "Inactive"},
            ]
        )
    )
    assert read == [
        Subscription(subscription_id=1, type="SettlementPostedRealtime", url="u"),
        Subscription(subscription_id=2, type="PinRealtime", url="", active=False),
        Subscription(subscription_id=3, type="SomethingNew", url="", active=False),
    ]


def test_tags_are_read_with_their_options() -> None:
    (tag, other) = wire.read_tags(
        answer(
            [
                {
                    "Id": "a1",
                    "Type": "Dropdown",
                    "Name": "Procore Projects",
                    "IsEnabled": True,
                    "IsDeleted": False,
                    "IsRequired": True,
                    "Options": [
                        {"Name": "Test", "Value": "Test", "Order": 0, "IsEnabled": False},
                        {"Name": None, "Value": "2310401", "Order": 1},
                    ],
                },
                {"Id": "a2", "Type": "SomethingNew", "Name": "x", "IsDeleted": True, "Options": None},
            ]
        )
    )
    assert (tag.usable, tag.required) == (True, True)
    assert tag.options == (
        TagOption(value="Test", name="Test", enabled=False),
        TagOption(value="2310401", name="2310401"),
    )
    assert not other.usable


def test_a_permission_pex_does_not_name_is_unknown_and_not_missing() -> None:
    profile = wire.read_profile(
        answer(
            {
                "Admin": {
                    "FirstName": "Pat",
                    "LastName": "Lee",
                    "Email": "p@x",
                    "Permissions": {"EditBusinessProfile": True, "ManageCardholder": False, "ViewCardUsage": None},
                }
            }
        )
    )
    assert (profile.name, profile.email) == ("Pat Lee", "p@x")
    assert profile.missing_permissions() == ["Manage cardholder"]


def test_receipts_are_ready_once_pex_has_scanned_them_and_broken_when_it_refused_them() -> None:
    cards = [
        {"AttachmentId": "r1", "Size": 10, "UploadStatus": "Loaded"},
        {"AttachmentId": "r2", "Size": None, "UploadStatus": "NotLoaded"},
        {"AttachmentId": "r3", "UploadStatus": "HasMalware"},
        {"AttachmentId": "r4", "UploadStatus": "Deleted"},
        {"AttachmentId": "r5"},
    ]
    assert wire.read_receipts(answer({"Attachments": cards, "ApprovalStatus": "Approved"})) == [
        Receipt(receipt_id="r1", size=10),
        Receipt(receipt_id="r2", ready=False),
        Receipt(receipt_id="r3", broken=True),
        Receipt(receipt_id="r5"),
    ]
    assert wire.read_receipts(answer({"Attachments": None})) == []


PICTURE = b"\xff\xd8\xff\xfb\xef\xbe picture"


@pytest.mark.parametrize(
    "content",
    [
        base64.b64encode(PICTURE).decode(),
        base64.encodebytes(PICTURE * 20).decode(),
        base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
        "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode(),
    ],
)
def test_receipts_are_decoded_in_every_dress_of_base64(content: str) -> None:
    assert wire.decode_content(content).startswith(PICTURE)


@pytest.mark.parametrize("content", ["not base64!", "abcde"])
def test_what_is_not_base64_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="not base64"):
        wire.decode_content(content)


@pytest.mark.parametrize("receipt_id", ["../../Token", "a/b", "", "a?b", "a%2Fb"])
def test_a_receipt_id_cannot_leave_its_place_in_the_path(receipt_id: str) -> None:
    with pytest.raises(ValueError, match="Not a receipt id"):
        wire.attachment(1, receipt_id, 100)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"Message": "Token expired or does not exist"}', "Token expired or does not exist"),
        (b'{"Message": "The request is invalid.", "ModelState": {}}', "The request is invalid."),
        (b"Unauthorized", "Unauthorized"),
        (b"<html>502</html>", "<html>502</html>"),
        (b'{"Other": 1}', '{"Other": 1}'),
        (b"", ""),
    ],
)
def test_the_message_of_an_error_is_found_in_every_body(body: bytes, message: str) -> None:
    assert wire.read_error(Answer(400, {}, body)) == message


@pytest.mark.parametrize("url", ["https://coreapi.example", "https://coreapi.example/", "https://coreapi.example/v4/"])
def test_the_address_may_come_with_its_version(url: str) -> None:
    assert wire.base_url(url) == "https://coreapi.example"


def test_the_scheme_follows_the_kind_of_token() -> None:
    assert authorization(" d5fd44 ") == "token d5fd44"
    assert authorization("eyJhbGci.eyJzdWIi.c2ln") == "Bearer eyJhbGci.eyJzdWIi.c2ln"


@pytest.mark.parametrize("token", ["", "  ", "two words", "a\r\nX-Evil: 1", "tökén"])
def test_what_no_header_can_carry_is_no_token(token: str) -> None:
    with pytest.raises(NeedsAttention) as caught:
        authorization(token)
    assert caught.value.reason == "pex_token_rejected"
