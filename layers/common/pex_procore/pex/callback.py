"""Reading PEX's callbacks. Standard library only: the function that takes them must start fast.

    hint = parse_callback(body)
    secret = secret_from(headers.get("authorization"))

A callback is a hint that something settled. Nothing in it decides money.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hint:
    """`transaction_id` is only given by settlements; times are as PEX wrote them, US Eastern without offset."""

    transaction_id: int | None
    account_id: int | None
    network_type: str
    happened_at: str | None


def parse_callback(body: bytes) -> Hint:
    """Raises ValueError with a sentence; unknown fields are ignored."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("The callback is not JSON.") from None
    if not isinstance(envelope, dict):
        raise ValueError("The callback is not a JSON object.")
    data = envelope.get("Data")
    if not isinstance(data, dict):
        raise ValueError("The callback has no Data object.")
    return Hint(
        transaction_id=_id(data.get("TransactionId")),
        account_id=_id(data.get("AcctId")),
        network_type=_text(data.get("NetworkType")) or "",
        happened_at=_text(data.get("SettlementTime")) or _text(data.get("TransactionTime")),
    )


def secret_from(authorization: str | None) -> str | None:
    """PEX sends `Basic` and the base64 of the bare shared secret, without user name or colon."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode() or None
    except (binascii.Error, ValueError):
        return None


def _id(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
