"""Every call we make goes wrong once, or two of them do, each in its own way: the purchase, split again and again, ends
as one expense with the lines of PEX's last word."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.flow.story import Story
from tests.flow.test_faults import FAULTS

PEX_CALLS = [
    ("GET", "/Business/Configuration/Tags"),
    ("GET", "/Details/AllCardholderTransactions"),
    ("GET", "/Details/AccountDetails"),
    ("POST", "/Note$"),
    ("GET", "/Attachments$"),
    ("GET", "/Attachment/"),
]
PROCORE_CALLS = [
    ("POST", "/oauth/token$"),
    ("GET", "/currency_configuration$"),
    ("GET", "/rest/v1.1/projects$"),
    ("GET", r"/projects/\d+$"),
    ("GET", "/wbs_codes$"),
    ("GET", "/line_item_types$"),
    ("GET", "/segments$"),
    ("GET", "/segment_items$"),
    ("POST", "/wbs_codes$"),
    ("GET", "/vendors$"),
    ("POST", "/direct_costs$"),
    ("GET", "/direct_costs$"),
    ("GET", r"/direct_costs/\d+$"),
    ("PATCH", r"/direct_costs/\d+$"),
    ("DELETE", r"/line_items/\d+$"),
]
EVERY_CALL = [("pex", *call) for call in PEX_CALLS] + [("procore", *call) for call in PROCORE_CALLS]
ONLY_IN_DOUBT = {("procore", "GET", "/direct_costs$")}
MOST_SWEEPS = 30
LINES = [("60.50", "01-500", "M"), ("60.00", "03-300", "L")]


def go_wrong(story: Story, fault: str, call: tuple[str, str, str]) -> None:
    vendor, method, path = call
    faults = story.pex.faults if vendor == "pex" else story.procore.faults
    faults.add({**FAULTS[fault], "method": method, "path": path, "times": 1})


def split(story: Story, one: int, *parts: tuple[str, str, str]) -> None:
    shares = [{"amount": amount, **story.tags("Library", code, type)} for amount, code, type in parts]
    story.pex.act_split(one, shares)


def come_to_rest(story: Story, one: int) -> None:
    for _ in range(MOST_SWEEPS):
        run = story.sweep()
        if run["verdict"] == "success" and [row["transaction_id"] for row in story.rows(state="complete")] == [one]:
            return
    raise AssertionError(f"no rest: {story.rows()}")


def live(story: Story) -> int:
    """A budget code to be made, an expense, a note and a receipt; then other lines, and fewer."""
    story.procore.act_expire_tokens()
    for side in (story.pex, story.procore):
        story.clock.later(20, side.faults.settle)
    one = story.purchase(code="03-300", type="L", receipts=("jpg",))
    come_to_rest(story, one)
    split(story, one, ("60.50", "01-500", "M"), ("50.00", "03-300", "L"), ("10.00", "03-300", "M"))
    come_to_rest(story, one)
    split(story, one, *LINES)
    come_to_rest(story, one)
    return one


def judge(story: Story, one: int) -> None:
    (cost,) = story.costs_of(one)
    assert (cost["grand_total"], len(cost["attachments"])) == ("120.50", 1)
    assert sorted(line["amount"] for line in cost["line_items"]) == ["60.00", "60.50"]
    assert len(story.notes(one)) == 1
    assert story.row(one)["reason"] is None


def hits(story: Story) -> dict[str, int]:
    told: list[dict[str, Any]] = [*story.pex.faults.as_json(), *story.procore.faults.as_json()]
    return {f"{one['method']} {one['path']}": one["hits"] for one in told}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_meets_every_call_once_costs_time_and_nothing_else(connected: Story, fault: str) -> None:
    for call in EVERY_CALL:
        go_wrong(connected, fault, call)
    one = live(connected)
    judge(connected, one)
    unmet = {call for call, times in hits(connected).items() if times == 0}
    assert unmet <= {f"{method} {path}" for _, method, path in ONLY_IN_DOUBT}


@pytest.mark.parametrize("seed", range(12))
def test_two_faults_at_two_calls_cost_time_and_nothing_else(connected: Story, seed: int) -> None:
    dice = random.Random(seed)
    for call in dice.sample(EVERY_CALL, 2):
        go_wrong(connected, dice.choice(list(FAULTS)), call)
    one = live(connected)
    judge(connected, one)
