from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.simulators.pex import PexSimulator
from local.simulators.pex.times import months_after
from local.simulators.seed_pex import small_pex
from tests.simulators.pex_client import Now, Pex


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sim(now: Now) -> Iterator[PexSimulator]:
    running = PexSimulator(small_pex(clock=now), clock=now).start()
    yield running
    running.stop()


@pytest.fixture
def pex(sim: PexSimulator) -> Pex:
    return Pex(sim)


LIST = "/v4/Details/AllCardholderTransactions"
JUNE = {"StartDate": "2026-06-01T00:00:00", "EndDate": "2026-06-30T23:59:59"}


def buy(sim: PexSimulator, amount: str = "20.00", **more: Any) -> int:
    return int(sim.act_purchase(amount=amount, settle=True, **more)["transaction_id"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "StartDate"),
        ({"StartDate": "2026-06-01T00:00:00"}, "EndDate"),
        ({**JUNE, "StartDate": "2026-06-01"}, "StartDate"),
        ({**JUNE, "StartDate": "2026-06-01T00:00:00Z"}, "StartDate"),
        ({**JUNE, "StartDate": "2026-06-01T00:00:00-04:00"}, "StartDate"),
        ({**JUNE, "EndDate": "2026-06-30T23:59:59.000"}, "EndDate"),
        ({**JUNE, "EndDate": "2026-05-30T23:59:59"}, "EndDate"),
        ({**JUNE, "StartDate": "2025-06-14T23:59:59"}, "StartDate"),
        ({**JUNE, "IncludePendings": "yes"}, "IncludePendings"),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused_by_field(pex: Pex, query: dict[str, str], field: str) -> None:
    answer = pex.get(LIST, **query)
    assert (answer.status, answer.message) == (400, "The request is invalid.")
    assert list(answer.json["ModelState"]) == [field]


def test_exactly_twelve_months_back_is_still_answered(pex: Pex) -> None:
    assert pex.get(LIST, StartDate="2025-06-15T00:00:00", EndDate="2025-06-16T00:00:00").status == 200


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [((2026, 8, 31), 6, (2027, 2, 28)), ((2028, 2, 29), -12, (2027, 2, 28)), ((2026, 1, 15), -1, (2025, 12, 15))],
)
def test_months_end_on_a_day_that_exists(day: tuple[int, int, int], months: int, result: tuple[int, int, int]) -> None:
    assert months_after(datetime(*day, 12, tzinfo=UTC), months) == datetime(*result, 12, tzinfo=UTC)


def test_an_older_range_can_be_empty_instead(sim: PexSimulator, pex: Pex) -> None:
    sim.switches.change(old_range="empty")
    buy(sim)
    answer = pex.get(LIST, StartDate="2024-01-01T00:00:00", EndDate="2026-06-30T00:00:00")
    assert (answer.status, answer.json["TransactionList"]) == (200, [])


@pytest.mark.parametrize(("text", "shown"), [("True", 1), ("true", 1), ("1", 1), ("False", 0), ("0", 0)])
def test_every_documented_spelling_of_a_boolean_counts(sim: PexSimulator, pex: Pex, text: str, shown: int) -> None:
    sim.act_purchase()
    assert len(pex.list(IncludePendings=text)) == shown


def test_settling_replaces_the_row_and_keeps_what_people_added(sim: PexSimulator, pex: Pex, now: Now) -> None:
    auth = sim.act_purchase(amount="50.00", merchant="SUNBELT RENTALS")
    sim.act_tag(auth["transaction_id"], "101", "01-500", "11")
    sim.act_note(auth["transaction_id"], "PO 77")
    receipt = sim.act_receipt(auth["transaction_id"], "pdf")
    sim.act_approve(auth["transaction_id"])
    now.pass_time(days=2)
    settled = sim.act_settle(auth["transaction_id"], "62.17")
    (row,) = pex.list(IncludePendings="True", IncludeDeclines="True")
    assert row["TransactionId"] == settled["transaction_id"] != auth["transaction_id"]
    assert row["AuthTransactionId"] == auth["transaction_id"]
    assert row["NetworkTransactionId"] == auth["network_transaction_id"]
    assert str(row["TransactionAmount"]) == "-62.17"
    assert (row["TransactionTime"], row["SettlementTime"]) == ("2026-06-15T12:00:00", "2026-06-17T12:00:00")
    assert (row["IsPending"], row["Description"], row["TransactionType"]) == (False, "Settlement", "Network")
    assert [note["NoteText"] for note in row["TransactionNotes"]] == ["PO 77"]
    assert [tag["Value"] for tag in row["TransactionTags"]["Tags"]] == ["101", "01-500", "11"]
    assert row["MetadataApprovalStatus"] == "Approved"
    (kept,) = pex.get(f"/v4/Transactions/{row['TransactionId']}/Attachments").json["Attachments"]
    assert (kept["Type"], kept["Size"]) == ("Pdf", receipt["size"])
    assert pex.get(f"/v4/Transactions/{auth['transaction_id']}/Attachments").status == 404


def test_one_authorization_settles_in_parts_of_one_chain(sim: PexSimulator, pex: Pex) -> None:
    auth = sim.act_purchase(amount="100.00")
    sim.act_settle(auth["transaction_id"], parts=["60.00", "40.00"])
    rows = pex.list()
    assert sorted(str(row["TransactionAmount"]) for row in rows) == ["-40.0", "-60.0"]
    assert {row["NetworkTransactionId"] for row in rows} == {auth["network_transaction_id"]}


def test_a_settlement_without_a_match_names_no_authorization(sim: PexSimulator, pex: Pex) -> None:
    sim.act_settle(sim.act_purchase()["transaction_id"], matched=False)
    assert pex.list()[0]["AuthTransactionId"] == 0


def test_pendings_declines_and_bill_pay_come_only_when_asked_for(sim: PexSimulator, pex: Pex) -> None:
    sim.act_purchase()
    sim.act_decline()
    sim.act_bill_pay()
    assert pex.list() == []
    assert pex.list(IncludePendings="True")[0]["SettlementTime"] is None
    assert pex.list(IncludeDeclines="True")[0]["HoldTime"] is None
    assert pex.list(IncludeVendorBillPay="True")[0]["TransactionTypeCategory"] == "VendorBillPay"
    count = pex.get("/v4/Details/AllCardholderTransactionCount", **JUNE, IncludePendings="True", IncludeDeclines="True")
    assert count.text == "2"


def test_a_reversed_hold_disappears_and_a_reversed_pin_purchase_is_credited(sim: PexSimulator, pex: Pex) -> None:
    sim.act_reverse(sim.act_purchase(amount="30.00")["transaction_id"])
    assert pex.list(IncludePendings="True") == []
    sim.act_reverse(sim.act_purchase(amount="15.00", pin=True)["transaction_id"])
    assert [str(row["TransactionAmount"]) for row in pex.list()] == ["-15.0", "15.0"]


def test_the_business_account_has_a_feed_of_its_own(sim: PexSimulator, pex: Pex) -> None:
    account_id = next(iter(sim.world.business().cardholders))
    sim.act_fee(amount="10.00")
    sim.act_transfer(amount="500.00")
    sim.act_rebate(amount="25.00")
    sim.act_fee(account_id, amount="3.00")
    own = pex.get("/v4/Details/TransactionDetails", **JUNE).json["TransactionList"]
    assert [(row["TransactionTypeCategory"], str(row["TransactionAmount"])) for row in own] == [
        ("BusinessAccountFee", "-10.0"),
        ("BusinessFunding", "500.0"),
        ("BusinessRebate", "25.0"),
    ]
    assert [row["TransactionTypeCategory"] for row in pex.list()] == ["CardAccountFee"]
    of_card = pex.get(f"/v4/Details/TransactionDetails/{account_id}", **JUNE).json["TransactionList"]
    assert [row["AcctId"] for row in of_card] == [account_id]
    assert pex.get("/v4/Details/TransactionDetails/1", **JUNE).message == "Invalid card account ID"


def test_a_dispute_credit_is_a_transfer_and_a_refund_is_positive(sim: PexSimulator, pex: Pex) -> None:
    transaction_id = buy(sim, "80.00")
    sim.act_dispute(transaction_id)
    sim.act_refund(amount="40.00")
    shown = [
        (row["TransactionType"], row["TransactionTypeCategory"], str(row["TransactionAmount"])) for row in pex.list()
    ]
    assert shown == [("Network", "Spend", "-80.0"), ("Transfer", "Dispute", "80.0"), ("Network", "Spend", "40.0")]


def test_times_are_eastern_without_offset_on_both_sides_of_the_clock_change(sim: PexSimulator, pex: Pex) -> None:
    buy(sim, at="2026-03-08T06:59:00+00:00")
    buy(sim, at="2026-03-08T07:01:00+00:00")
    rows = pex.list("2026-03-08T00:00:00", "2026-03-08T23:59:59")
    assert [row["TransactionTime"] for row in rows] == ["2026-03-08T01:59:00", "2026-03-08T03:01:00"]


def test_pages_repeat_their_last_row_and_lose_none(sim: PexSimulator, pex: Pex, now: Now) -> None:
    ids = []
    for _ in range(7):
        now.pass_time(minutes=1)
        ids.append(buy(sim))
    sim.switches.change(page_size=3)
    seen: list[int] = []
    start = JUNE["StartDate"]
    for _ in range(9):
        answer = pex.get(LIST, StartDate=start, EndDate=JUNE["EndDate"]).json
        page = [row["TransactionId"] for row in answer["TransactionList"]]
        assert not seen or page[0] == seen[-1]
        seen += page
        if answer["Pages"]["NumberOfPages"] == 1:
            break
        start = answer["Pages"]["LastTimeRetrieved"]
    assert list(dict.fromkeys(seen)) == ids
    assert len(seen) == 7 + 2


def test_the_range_can_mean_settlement(sim: PexSimulator, pex: Pex, now: Now) -> None:
    auth = sim.act_purchase()
    now.pass_time(days=3)
    sim.act_settle(auth["transaction_id"])
    late = {"start": "2026-06-18T00:00:00", "end": "2026-06-18T23:59:59"}
    assert pex.list(**late) == []
    sim.switches.change(time_filter="settlement")
    assert len(pex.list(**late)) == 1


def test_merchant_fields_arrive_padded_and_absent_things_arrive_as_documented(sim: PexSimulator, pex: Pex) -> None:
    buy(sim, merchant="GRAINGER", zip="91601")
    (row,) = pex.list()
    assert row["MerchantName"] == "GRAINGER".ljust(25)
    assert row["MerchantZip"] == "91601 "
    assert row["TerminalId"].endswith(" ")
    assert (row["TransactionTags"], row["TransactionNotes"]) == (None, [])
    sim.switches.change(untagged="initial", no_notes="null")
    (row,) = pex.list()
    assert (row["TransactionTags"]["State"], row["TransactionTags"]["Tags"], row["TransactionNotes"]) == (
        "Initial",
        [],
        None,
    )


def test_tags_are_gone_from_rows_when_the_business_turned_tags_off(sim: PexSimulator, pex: Pex) -> None:
    sim.act_tag(buy(sim), "101")
    sim.act_change_settings({"TagsEnabled": False})
    assert pex.list()[0]["TransactionTags"] is None


def test_a_row_written_a_moment_ago_can_be_invisible(sim: PexSimulator, pex: Pex, now: Now) -> None:
    sim.faults.add({"kind": "hide_fresh", "path": "AllCardholder", "seconds": 30})
    buy(sim)
    assert pex.list() == []
    now.pass_time(seconds=31)
    assert len(pex.list()) == 1


def test_network_transactions_repeat_the_callbacks(sim: PexSimulator, pex: Pex) -> None:
    made = sim.act_purchase(amount="12.50")
    sim.act_settle(made["transaction_id"])
    events = pex.get("/v4/Details/NetworkTransactions", **JUNE).json["TransactionList"]
    assert [(event["NetworkType"], event["TransactionId"] is None) for event in events] == [
        ("Auth", True),
        ("Settlement", False),
    ]
    assert {event["NetworkTransactionId"] for event in events} == {made["network_transaction_id"]}
    account = pex.get(f"/v4/Details/{made['account_id']}/NetworkTransactions", **JUNE).json["TransactionList"]
    assert account == events


def test_another_business_is_never_seen(sim: PexSimulator, pex: Pex) -> None:
    other = sim.act_add_business(token="other-token-000000")
    theirs = buy(sim, account_id=other["account_id"])
    assert pex.list() == []
    assert pex.get(f"/v4/Transactions/{theirs}/Attachments").status == 404
    assert pex.get(f"/v4/Details/TransactionDetails/{other['account_id']}", **JUNE).status == 403
    assert [row["TransactionId"] for row in Pex(sim, "other-token-000000").list()] == [theirs]
