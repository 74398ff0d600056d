"""Transaction rows of PEX as our transactions. Pure.

Everything is read leniently: unknown fields, enums and tags are no error, and numbers may be strings. A row whose
amount or split makes no sense comes without allocations: it cannot add up, so it is listed with that reason and never
posted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.money import parse_amount
from pex_procore.domain.text import clean
from pex_procore.domain.transactions import Allocation, Kind, Transaction
from pex_procore.net.redaction import hide_cards

US_DOLLAR = "840"  # ISO 4217


def text(value: object) -> str:
    """PEX pads merchants' fields with spaces."""
    return "" if value is None else clean(str(value))


def flag(value: object) -> bool:
    return value is True or text(value).casefold() in ("true", "1", "yes")


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list that may be null or absent."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def parse_time(raw: object, not_before: datetime | None = None) -> datetime | None:
    """PEX's times are US Eastern without offset. In the hour that autumn has twice, the later one is meant if the
    earlier would be before `not_before`."""
    try:
        moment = datetime.fromisoformat(text(raw))
    except ValueError:
        return None
    if moment.year < 1900:  # .NET's way to write "none"
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    first, second = (moment.replace(tzinfo=EASTERN, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if not_before is not None and first < not_before <= second else first


def read_transaction(row: Mapping[str, Any]) -> Transaction:
    """Raises KeyError or ValueError when the row has no id, account or time."""
    transacted_at = parse_time(row.get("TransactionTime"))
    settled_at = parse_time(row.get("SettlementTime"), not_before=transacted_at)
    happened_at = transacted_at or settled_at or parse_time(row.get("HoldTime"))
    if happened_at is None:
        raise ValueError(f"transaction {row['TransactionId']} has no time")
    amount = _amount(row.get("TransactionAmount"))
    currency = text(row.get("SourceCurrencyCodeDescription"))
    return Transaction(
        transaction_id=int(row["TransactionId"]),
        account_id=int(row["AcctId"]),
        kind=_kind(row),
        amount=-amount + 0,
        transacted_at=happened_at,
        settled_at=settled_at,
        pending=flag(row.get("IsPending")),
        declined=flag(row.get("IsDecline")),
        approved=text(row.get("MetadataApprovalStatus")).casefold() == "approved",
        merchant=hide_cards(text(row.get("MerchantName")) or text(row.get("MerchantNameNormalized"))),
        place=", ".join(filter(None, (text(row.get("MerchantCity")), text(row.get("MerchantState"))))),
        description=hide_cards(text(row.get("Description"))),
        notes=_notes(row.get("TransactionNotes"), system=False),
        system_notes=_notes(row.get("TransactionNotes"), system=True),
        allocations=_allocations(row.get("TransactionTags"), amount),
        foreign_currency=currency if currency and text(row.get("SourceCurrencyNumericCode")) != US_DOLLAR else None,
    )


def _kind(row: Mapping[str, Any]) -> Kind:
    kind = text(row.get("TransactionType")).casefold()
    if kind in ("network", "2"):
        return "purchase"
    category = text(row.get("TransactionTypeCategory")).casefold()
    return "dispute" if kind in ("transfer", "1") and category == "dispute" else "other"


def _amount(raw: object) -> Decimal:
    """Also an amount that is not in whole cents, as it stands; 0 when there is none."""
    try:
        return parse_amount(raw)
    except ValueError:
        try:
            amount = Decimal(text(raw))
        except InvalidOperation:
            return Decimal()
        return amount if amount.is_finite() else Decimal()


def _notes(raw: object, *, system: bool) -> tuple[str, ...]:
    chosen = (note for note in objects(raw) if flag(note.get("SystemGenerated")) is system)
    return tuple(filter(None, (hide_cards(text(note.get("NoteText"))) for note in chosen)))


def _allocations(raw: object, amount: Decimal) -> tuple[Allocation, ...]:
    tags = objects(raw.get("Tags")) if isinstance(raw, dict) else []
    splits = [split for tag in tags if (split := _split(tag.get("Value"))) is not None]
    try:
        if splits:
            return tuple(
                Allocation(amount=parse_amount(split["Amount"]), tags=_options(split["Allocation"], "TagId"))
                for split in splits
            )
        return (Allocation(amount=parse_amount(abs(amount)), tags=_options(tags, "FieldId")),)
    except ValueError:
        return ()


def _split(value: object) -> dict[str, Any] | None:
    """A share of a split is known by its shape, so that it is recognised even when its tag was deleted."""
    share = _unpack(value)
    return share if isinstance(share, dict) and {"Allocation", "Amount"} <= share.keys() else None


def _options(raw: object, id_field: str) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for tag in objects(_unpack(raw)):
        tag_id, value = text(tag.get(id_field)), tag.get("Value")
        if tag_id and value is not None and (option := str(value).strip()):
            chosen.setdefault(tag_id, option)
    return chosen


def _unpack(value: object) -> object:
    """JSON in a string, as PEX sends it today, or the value itself."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return value
    return value
