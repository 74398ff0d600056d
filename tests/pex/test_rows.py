from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pex_procore.domain.transactions import Allocation
from pex_procore.net.messages import Answer
from pex_procore.pex.rows import parse_time, read_transaction
from pex_procore.pex.wire import read_page

SAMPLES = Path(__file__).parent / "samples"
PROJECT = "aaaaaaaaaaaaaaaaaaaaaaa1"


def sample(name: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(), parse_float=Decimal)
    return row | changes


def test_a_purchase_is_read_whole() -> None:
    read = read_transaction(sample("purchase"))
    assert (read.transaction_id, read.account_id, read.kind) == (500100, 7001, "purchase")
    assert read.amount == Decimal("120.50"), "PEX says spent money with a minus"
    assert read.transacted_at == datetime(2026, 6, 3, 15, 11, 12, tzinfo=UTC)
    assert read.settled_at == datetime(2026, 6, 4, 6, 10, 0, 123456, tzinfo=UTC)
    assert (read.merchant, read.place) == ("BOLT & BEAM SUPPLY", "DENVER, CO")
    assert read.notes == ("Anchors for level 3", "PO 77")
    assert read.system_notes == ("Synced by something",)
    assert read.approved
    assert read.settled
    assert read.foreign_currency is None


def test_plain_tags_are_one_allocation_of_the_whole_amount() -> None:
    (whole,) = read_transaction(sample("purchase")).allocations
    assert whole.amount == Decimal("120.50")
    assert whole.tags == {
        PROJECT: "2310401",
        "aaaaaaaaaaaaaaaaaaaaaaa2": "01-500",
        "aaaaaaaaaaaaaaaaaaaaaaa9": "True",
        "ffffffffffffffffffffffff": "12.5",
    }


@pytest.mark.parametrize("tags", [None, {}, {"Tags": None}, {"Tags": []}, {"State": "Initial", "Tags": ["?"]}, "?"])
def test_a_row_without_tags_is_one_allocation_without_choices(tags: object) -> None:
    row = sample("purchase", TransactionTags=tags)
    assert read_transaction(row).allocations == (Allocation(amount=Decimal("120.50"), tags={}),)


def test_a_split_is_read_from_strings_and_objects_alike() -> None:
    read = read_transaction(sample("split"))
    assert [one.amount for one in read.allocations] == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    assert [one.tags for one in read.allocations] == [{PROJECT: "2310401"}, {PROJECT: "2310402"}, {}]
    assert read.merchant == "Bolt & Beam"
    assert not read.approved


@pytest.mark.parametrize("amount", ["?", None, "0.333", True])
def test_a_split_that_makes_no_sense_never_adds_up(amount: object) -> None:
    row = sample("split")
    row["TransactionTags"]["Tags"][2]["Value"]["Amount"] = amount
    assert read_transaction(row).allocations == ()


@pytest.mark.parametrize(
    ("sent", "amount"), [(-0.5, "0.50"), ("40", "-40.00"), (Decimal("-8.08"), "8.08"), (0, "0.00"), ("-0.00", "0.00")]
)
def test_amounts_come_as_numbers_or_strings_and_refunds_are_negative(sent: object, amount: str) -> None:
    assert str(read_transaction(sample("purchase", TransactionAmount=sent)).amount) == amount


@pytest.mark.parametrize("sent", ["-8.085", None, "?", [], Decimal("NaN")])
def test_an_amount_that_is_none_never_adds_up(sent: object) -> None:
    read = read_transaction(sample("purchase", TransactionAmount=sent))
    total = sum((one.amount for one in read.allocations), Decimal())
    assert read.amount == 0 or total != abs(read.amount)


@pytest.mark.parametrize(
    ("kind", "category", "ours"),
    [
        ("Network", "Spend", "purchase"),
        ("NETWORK", None, "purchase"),
        (2, None, "purchase"),
        ("Transfer", "Dispute", "dispute"),
        ("transfer", "DISPUTE", "dispute"),
        ("Transfer", "CardAccountFee", "other"),
        ("Load", "Dispute", "other"),
        ("Invalid", None, "other"),
        ("SomethingNew", "SomethingNew", "other"),
        (None, None, "other"),
    ],
)
def test_only_network_rows_and_dispute_transfers_count_as_spending(kind: object, category: object, ours: str) -> None:
    assert read_transaction(sample("purchase", TransactionType=kind, TransactionTypeCategory=category)).kind == ours


def test_pending_and_declined_rows_are_told_apart_from_settled_ones() -> None:
    assert read_transaction(sample("purchase", IsPending=True, SettlementTime=None)).pending
    assert not read_transaction(sample("purchase", IsPending="True")).settled
    assert read_transaction(sample("purchase", IsDecline=1)).declined


def test_a_foreign_currency_is_named() -> None:
    row = sample("purchase", SourceCurrencyCodeDescription="Canadian Dollar ", SourceCurrencyNumericCode="124")
    assert read_transaction(row).foreign_currency == "Canadian Dollar"


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-06-03T11:00:00", "2026-06-03T15:00:00+00:00"),
        ("2026-12-03T11:00:00", "2026-12-03T16:00:00+00:00"),
        ("2026-03-08T02:30:00", "2026-03-08T07:30:00+00:00"),
        ("2026-11-01T01:30:00", "2026-11-01T05:30:00+00:00"),
        ("2026-11-01T02:30:00", "2026-11-01T07:30:00+00:00"),
        ("2026-02-28T23:59:59.9999999", "2026-03-01T04:59:59.999999+00:00"),
        ("2026-06-03T11:00:00Z", "2026-06-03T11:00:00+00:00"),
        ("2026-06-03T11:00:00-07:00", "2026-06-03T18:00:00+00:00"),
    ],
)
def test_pex_times_are_eastern(local: str, utc: str) -> None:
    moment = parse_time(local)
    assert moment is not None
    assert moment.isoformat() == utc


@pytest.mark.parametrize("none", [None, "", "0001-01-01T00:00:00", "soon", 5])
def test_a_time_that_is_none_is_none(none: object) -> None:
    assert parse_time(none) is None


def test_in_the_hour_that_comes_twice_a_settlement_is_not_before_its_purchase() -> None:
    row = sample("purchase", TransactionTime="2026-11-01T01:40:00", SettlementTime="2026-11-01T01:10:00")
    read = read_transaction(row)
    assert read.settled_at is not None
    assert read.transacted_at == datetime(2026, 11, 1, 5, 40, tzinfo=UTC)
    assert read.settled_at == datetime(2026, 11, 1, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize("missing", ["TransactionId", "AcctId"])
def test_a_row_without_an_id_cannot_be_read(missing: str) -> None:
    row = sample("purchase")
    del row[missing]
    with pytest.raises((KeyError, ValueError)):
        read_transaction(row)


def test_an_unreadable_row_costs_no_other_row_of_its_page() -> None:
    broken: list[Any] = [sample("purchase", TransactionId=None), sample("purchase", AcctId="x"), {}]
    page = read_page(
        Answer(200, {}, json.dumps({"TransactionList": [*broken, sample("purchase")]}, default=str).encode())
    )
    assert ([row.transaction_id for row in page.rows], page.unreadable) == ([500100], 3)


def test_a_row_without_any_time_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="500100 has no time"):
        read_transaction(sample("purchase", TransactionTime=None, SettlementTime=None, HoldTime=None))
