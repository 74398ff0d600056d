"""PEX's requests and answers. Pure: no clock, no network. Transaction rows are read in `rows`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pex_procore.domain.connection import AdminProfile, PexIdentity, Subscription
from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.tags import TagDefinition, TagOption
from pex_procore.domain.text import cut
from pex_procore.domain.transactions import Receipt, Transaction
from pex_procore.net.messages import MEGABYTE, Answer, Request
from pex_procore.pex.rows import flag, objects, parse_time, read_transaction, text

NOTE_LIMIT = 255  # characters; PEX names no limit for these notes, and 255 for another kind
DEAD_TOKEN = ("token expired or does not exist", "password has changed", "user is not active")
NOT_RENEWABLE = "cannot renew"
UNKNOWN_ACCOUNT = "invalid card account"
CALLBACK_TYPES = {
    1: "Card",
    2: "Cardorder",
    3: "CardOrderVirtual",
    4: "CardTokenCreated",
    5: "AuthRealtime",
    6: "PinRealtime",
    7: "DeclineRealtime",
    8: "ReversalRealtime",
    9: "SettlementPostedRealtime",
}
ACTIVE = 1
LIST_BYTES = 60 * MEGABYTE  # a full page has 30,000 rows


def base_url(url: str) -> str:
    """The API's address with or without the version that every path brings along."""
    return url.rstrip("/").removesuffix("/v4").removesuffix("/V4")


def current_token() -> Request:
    return _get("/v4/Token/Current", "say whose token this is")


def my_profile() -> Request:
    return _get("/v4/Business/MyProfile", "show the administrator's profile")


def business_settings() -> Request:
    return _get("/v4/Business/Settings", "show the business settings")


def account_details() -> Request:
    return _get("/v4/Details/AccountDetails", "list the cardholders")


def tags() -> Request:
    return _get("/v4/Business/Configuration/Tags", "list the tags")


def tag(tag_id: str) -> Request:
    """With every option, also those that only some cards or groups may choose."""
    path = f"/v4/Business/Configuration/Tag/{_segment(tag_id)}"
    return Request("GET", path, "show a tag", (("OverrideRestrictions", "true"),), repeatable=True)


def update_tag(tag: TagDefinition) -> Request:
    """The whole tag: an option left out may be removed, so none ever is."""
    body = _tag_body(tag)
    if tag.concurrency_key:
        body["ConcurrencyKey"] = tag.concurrency_key
    path = f"/v4/Business/Configuration/Tag/Dropdown/{_segment(tag.tag_id)}"
    return Request("PUT", path, f'update the tag "{tag.name}"', body=_json(body))


def create_tag(tag: TagDefinition) -> Request:
    return Request(
        "POST", "/v4/Business/Configuration/Tag/Dropdown", f'create the tag "{tag.name}"', body=_json(_tag_body(tag))
    )


def _tag_body(tag: TagDefinition) -> dict[str, Any]:
    return {
        "Name": tag.name,
        "Description": tag.description,
        "Order": tag.order,
        "IsRequired": tag.required,
        "IsEnabled": tag.enabled,
        "Options": [
            {"Name": option.name, "Value": option.value, "Order": number, "IsEnabled": option.enabled}
            for number, option in enumerate(tag.options)
        ],
    }


def transactions(start: datetime, end: datetime) -> Request:
    """Settled rows of all cards."""
    return _transactions("/v4/Details/AllCardholderTransactions", start, end, (("IncludeVendorBillPay", "True"),))


def account_transactions(account_id: int, start: datetime, end: datetime) -> Request:
    return _transactions(f"/v4/Details/TransactionDetails/{account_id}", start, end, ())


def attachments(transaction_id: int) -> Request:
    return _get(f"/v4/Transactions/{transaction_id}/Attachments", f"list the receipts of transaction {transaction_id}")


def attachment(transaction_id: int, receipt_id: str, max_bytes: int) -> Request:
    return Request(
        "GET",
        f"/v4/Transactions/{transaction_id}/Attachment/{_segment(receipt_id)}",
        f"send a receipt of transaction {transaction_id}",
        (("AttachmentLinkType", "Full"),),
        repeatable=True,
        seconds=60,
        max_bytes=max_bytes * 4 // 3 + 100_000,  # base64, and the fields around it
    )


def note(transaction_id: int, note_text: str) -> Request:
    body = {
        "TransactionId": transaction_id,
        "NoteText": cut(note_text, NOTE_LIMIT),
        "Pending": False,
        "VisibleToCardholder": True,
        "SystemGenerated": True,
    }
    return Request("POST", "/v4/Note", f"add a note to transaction {transaction_id}", body=_json(body))


def subscriptions() -> Request:
    return _get("/v4/Callback-Subscription", "list the callback subscriptions")


def subscribe(type_name: str, url: str) -> Request:
    """Numbers rather than names: PEX's own clients send those. Raises ValueError for an unknown type."""
    numbers = {name: number for number, name in CALLBACK_TYPES.items()}
    if type_name not in numbers:
        raise ValueError(f"PEX has no callback type {type_name!r}.")
    body = {
        "CallbackType": numbers[type_name],
        "Status": ACTIVE,
        "Url": url,
        "Name": "Procore connector",
        "Description": "Tells the PEX Connector for Procore that a card transaction was made",
    }
    return Request("POST", "/v4/Callback-Subscription", "subscribe to callbacks", body=_json(body))


def unsubscribe(subscription_id: int) -> Request:
    path = f"/v4/Callback-Subscription/{subscription_id}"
    return Request("DELETE", path, "end a callback subscription", repeatable=True)


def renew_token() -> Request:
    """Makes a new token; the one we call with lives on to its own end."""
    return Request("POST", "/v4/Token/Renew", "renew the token")


def read_renewed(answer: Answer) -> str:
    token = text(answer.json()["Token"])
    if not token:
        raise ValueError("there is no token in it")
    return token


def delete_token() -> Request:
    return Request("DELETE", "/v4/Token", "delete the token", repeatable=True)


def read_error(answer: Answer) -> str:
    """The message of `{"Message": …}`, or the text of whatever a gateway said instead."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text()
    return text(said["Message"]) if isinstance(said, dict) and said.get("Message") else answer.text()


def is_dead_token(message: str) -> bool:
    lowered = message.casefold()
    return any(sign in lowered for sign in DEAD_TOKEN)


def read_identity(answer: Answer) -> PexIdentity:
    found = answer.json()
    return PexIdentity(
        business_id=int(found["BusinessAccountId"]),
        business_name=text(found.get("BusinessAccountName")),
        username=text(found.get("Username")),
        is_admin=text(found.get("UserType")).casefold() == "admin",
        expires_at=parse_time(found.get("TokenExpiration")),
    )


def read_profile(answer: Answer) -> AdminProfile:
    admin = answer.json()["Admin"]
    name = " ".join(filter(None, (text(admin.get("FirstName")), text(admin.get("LastName")))))
    granted = {name: flag(value) for name, value in (admin.get("Permissions") or {}).items() if value is not None}
    return AdminProfile(email=text(admin.get("Email")), name=name, permissions=granted)


def read_tags_enabled(answer: Answer) -> bool:
    return flag(answer.json()["TagsEnabled"])


def read_cardholders(answer: Answer) -> dict[int, str]:
    accounts = objects(answer.json().get("CHAccountList"))
    return {
        int(one["AccountId"]): " ".join(filter(None, (text(one.get("FirstName")), text(one.get("LastName")))))
        for one in accounts
    }


def read_tag(answer: Answer) -> TagDefinition:
    return _read_tag(answer.json())


def read_tags(answer: Answer) -> list[TagDefinition]:
    return [_read_tag(one) for one in _list(answer.json())]


@dataclass(frozen=True, slots=True)
class Page:
    """`next_start`: where the next page begins, None on the last one; as PEX wrote it, Eastern without offset.
    `unreadable`: rows without an id, an account or a time."""

    rows: list[Transaction]
    next_start: str | None
    unreadable: int = 0


def read_page(answer: Answer) -> Page:
    document = answer.json()
    rows: list[Transaction] = []
    unreadable = 0
    for one in _list(document["TransactionList"]):
        try:
            rows.append(read_transaction(one))
        except (KeyError, TypeError, ValueError):
            unreadable += 1
    pages = document.get("Pages")
    if not isinstance(pages, dict) or int(pages.get("NumberOfPages") or 1) <= 1:
        return Page(rows, None, unreadable)
    return Page(rows, text(pages["LastTimeRetrieved"]), unreadable)


def read_receipts(answer: Answer) -> list[Receipt]:
    return [
        Receipt(
            receipt_id=text(one["AttachmentId"]),
            size=int(one["Size"]) if one.get("Size") is not None else None,
            ready=text(one.get("UploadStatus")).casefold() != "notloaded",
            broken=text(one.get("UploadStatus")).casefold() in ("hasmalware", "loadfailed"),
        )
        for one in objects(answer.json().get("Attachments"))
        if text(one.get("UploadStatus")).casefold() != "deleted"
    ]


def read_content(answer: Answer) -> str:
    """Base64 of the file, or a link to it."""
    return str(answer.json()["Content"]).strip()


def decode_content(content: str) -> bytes:
    """Raises ValueError. Accepts a `data:` prefix, line breaks, the URL alphabet and missing padding."""
    if content.startswith("data:"):
        content = content.partition(",")[2]
    squeezed = "".join(content.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(squeezed + "=" * (-len(squeezed) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def read_subscriptions(answer: Answer) -> list[Subscription]:
    return [
        Subscription(
            subscription_id=int(one["Id"]),
            type=_type_name(one.get("CallbackType")),
            url=text(one.get("Url")),
            active=text(one.get("Status")).casefold() in ("active", str(ACTIVE)),
        )
        for one in _list(answer.json())
    ]


def local_window(start: datetime, end: datetime) -> tuple[str, str]:
    """Both ends as PEX reads them. PEX compares local times as text would, so in the hour that autumn has twice the
    window is widened to the whole hour."""
    first, last = start.astimezone(EASTERN), (end + timedelta(microseconds=999_999)).astimezone(EASTERN)
    if _happens_twice(first):
        first = first.replace(minute=0, second=0)
    if _happens_twice(last):
        last = last.replace(minute=59, second=59)
    return _local(first), _local(last)


def _happens_twice(moment: datetime) -> bool:
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _transactions(path: str, start: datetime, end: datetime, extra: tuple[tuple[str, str], ...]) -> Request:
    first, last = local_window(start, end)
    flags = (("IncludePendings", "False"), ("IncludeDeclines", "False"))
    query = (*flags, *extra, ("StartDate", first), ("EndDate", last))
    return Request("GET", path, "list transactions", query, repeatable=True, seconds=90, max_bytes=LIST_BYTES)


def _get(path: str, doing: str) -> Request:
    return Request("GET", path, doing, repeatable=True)


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _segment(receipt_id: str) -> str:
    """Ids are PEX's, but one must never climb out of its place in the path."""
    if not receipt_id or not all(char.isalnum() or char in "-_" for char in receipt_id):
        raise ValueError(f"Not a receipt id: {receipt_id!r}.")
    return receipt_id


def _list(document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise ValueError("not a list of objects")
    return document


def _read_tag(raw: Mapping[str, Any]) -> TagDefinition:
    options = tuple(
        TagOption(
            value=str(one["Value"]),
            name=str(one.get("Name") or one["Value"]),
            enabled=one.get("IsEnabled") is None or flag(one["IsEnabled"]),
        )
        for one in sorted(objects(raw.get("Options")), key=lambda one: int(one.get("Order") or 0))
        if one.get("Value") is not None
    )
    return TagDefinition(
        tag_id=text(raw["Id"]),
        name=str(raw.get("Name") or ""),
        type=text(raw.get("Type")),
        enabled=raw.get("IsEnabled") is None or flag(raw["IsEnabled"]),
        deleted=flag(raw.get("IsDeleted")),
        required=flag(raw.get("IsRequired")),
        order=int(raw.get("Order") or 0),
        description=None if raw.get("Description") is None else str(raw["Description"]),
        concurrency_key=text(raw.get("ConcurrencyKey")),
        options=options,
    )


def _type_name(raw: object) -> str:
    named = text(raw)
    return CALLBACK_TYPES.get(int(named), named) if named.isdecimal() else named
