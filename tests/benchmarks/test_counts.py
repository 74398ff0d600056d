"""What an expense may cost, in calls, transitions and units; seconds are no test (`make bench` tells them)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from benchmarks import load
from benchmarks.books import Verdict, judge
from benchmarks.costs import callback, connected, counted
from benchmarks.load import Purchase
from benchmarks.market import NOON, SMALL, Market
from benchmarks.rivals.ours import Library
from tests.flow.story import Story

CATALOG_CALLS = 8  # to read the lists once: projects, types, vendor, currency, two projects with their budget codes


@dataclass(frozen=True)
class Day:
    verdict: Verdict
    posting_calls: int  # whatever touches direct costs
    quiet_calls: int  # to Procore, in three hours after the last purchase


def lived(purchases: list[Purchase], *, faults: bool, seed: int = 1, sweep_first: bool = True) -> Day:
    market = Market(seed=seed, preset=SMALL, faults=faults)
    try:
        market.play(purchases)
        ours = Library(market)
        if not sweep_first:
            ours.sweep_at(NOON + timedelta(minutes=15))
        last = timedelta(seconds=max(one.at + one.coded_after for one in purchases))
        ours.live(NOON + last + timedelta(hours=2))
        before = market.procore.books()["calls_total"]
        ours.live(NOON + last + timedelta(hours=5))
        calls = market.procore.requests.all()
        posting = sum("/direct_costs" in one.path for one in calls)
        return Day(judge(market, NOON), posting, market.procore.books()["calls_total"] - before)
    finally:
        market.close()


def is_right(verdict: Verdict) -> bool:
    wrong = (verdict.duplicates, verdict.lost, verdict.wrong, verdict.receipts_missing, verdict.receipts_doubled)
    return wrong == (0, 0, 0, 0, 0)


def test_without_faults_an_expense_costs_one_call_and_its_receipts_another() -> None:
    day = lived(load.day(1, 20, hours=3), faults=False)
    assert is_right(day.verdict)
    assert day.posting_calls == day.verdict.due + day.verdict.with_receipts
    assert day.verdict.refused == 0
    assert day.quiet_calls == 0, "nothing new costs no call"


def test_with_faults_the_books_are_right_and_a_call_in_ten_is_one_more() -> None:
    days = [lived(load.day(seed, 15, hours=2), faults=True, seed=seed) for seed in (1, 2, 3)]
    assert all(is_right(day.verdict) for day in days)
    floor = sum(day.verdict.due + day.verdict.with_receipts for day in days)
    answered = sum(day.posting_calls for day in days)
    assert answered <= 1.25 * floor, "of which the faults themselves are 6 %, and each is looked into"


def test_a_burst_of_callbacks_is_a_few_calls_and_its_receipts() -> None:
    burst = lived(load.backlog(1, 40), faults=False, sweep_first=False)
    assert is_right(burst.verdict)
    assert burst.posting_calls - burst.verdict.with_receipts <= burst.verdict.due // 2
    assert burst.verdict.refused == 0


@pytest.fixture(scope="module")
def warm() -> Iterator[Story]:
    with connected() as (_, again):
        yield again()


def test_a_purchase_told_by_a_callback_costs_no_more_than_it_did(warm: Story) -> None:
    bill = callback(warm, 1, ("jpg",))
    assert (bill["procore calls"], bill["executions express"]) == (2, 1)
    known = {"pex calls": 5, "transitions express": 18, "invocations": 8, "items put": 14, "s3 puts": 1, "s3 gets": 1}
    assert {name: bill[name] for name in known if bill[name] > known[name]} == {}
    assert bill["dynamodb write units"] <= 40
    assert bill["dynamodb read units"] <= 60
    assert bill["decryptions"] <= 2


def test_a_sweep_that_finds_nothing_asks_procore_nothing(warm: Story) -> None:
    warm.sweep()  # the first one reads everything
    bill = counted(warm, warm.sweep)
    assert bill["procore calls"] == 0
    assert "transitions standard" not in bill, "an ordinary sweep pays by the second"
    assert bill["items put"] <= 8, "two of them how long to rest"
