"""What is new is in Procore before the papers of what is there already, and the papers come all the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.flow.story import COST, COSTS, Story

RECEIPT = ("jpg",)


def comes_in(story: Story, made: list[int], card: int = 0) -> Callable[[], None]:
    """A purchase whose callback reaches the queue's reader while a run is at work."""

    def act() -> None:
        made.append(story.purchase(f"{50 + len(made)}.00", card=card, receipts=RECEIPT))
        story.receive()
        story.cloud.pump()

    return act


def order(story: Story) -> str:
    """Of what Procore was asked: P for each post, a for each upload."""
    asked = ((one.method, one.path) for one in story.procore.requests.all())
    return "".join(
        "P" if method == "POST" and re.search(COSTS, path) else "a"
        for method, path in asked
        if (method == "POST" and re.search(COSTS, path)) or (method == "PATCH" and re.search(COST, path))
    )


def all_is_in(story: Story, count: int) -> None:
    story.check_books()
    assert [len(cost["attachments"]) for cost in story.costs()] == [1] * count
    assert {row["state"] for row in story.rows()} == {"complete"}
    assert story.creates() == count


@pytest.mark.parametrize(("step", "expected"), [("StageReceipts", "PPPPaaaa"), ("AttachReceipts", "PPPaPaaa")])
def test_a_hint_that_comes_while_receipts_are_brought_is_posted_before_the_rest(
    connected: Story, step: str, expected: str
) -> None:
    made = [connected.purchase(f"{number}.00", receipts=RECEIPT) for number in (1, 2, 3)]
    connected.cloud.before(step, comes_in(connected, made))
    connected.deliver()
    assert order(connected) == expected
    all_is_in(connected, 4)
    assert [run["counts"] for run in connected.runs()] == [{"posted": 4, "receipts_attached": 4}]


def test_a_run_by_hand_lets_a_callback_pass_too(connected: Story) -> None:
    made = [connected.purchase(f"{number}.00", receipts=RECEIPT) for number in (1, 2)]
    connected.receive()
    connected.cloud.messages()  # a callback that is lost
    connected.cloud.before("AttachReceipts", comes_in(connected, made, card=1))
    run = connected.sync()
    assert order(connected) == "PPaPaa"
    all_is_in(connected, 3)
    assert run["counts"] == {"posted": 3, "receipts_attached": 3}


def test_news_costs_one_list_of_the_hinted_card_and_no_call_of_the_papers_twice(connected: Story) -> None:
    made = [connected.purchase(receipts=RECEIPT)]
    connected.cloud.before("StageReceipts", comes_in(connected, made, card=1))
    connected.deliver()
    asked = [(one.method, one.path) for one in connected.pex.requests.all()]
    lists = [path for _, path in asked if "TransactionDetails" in path]
    assert lists == [f"/v4/Details/TransactionDetails/{account_id}" for account_id in connected.names.account_ids[:2]]
    papers = [one for one in asked if "Note" in one[1] or "Attachment" in one[1]]
    assert papers.count(("POST", "/v4/Note")) == 2
    receipts = [one for one in papers if "Attachment" in one[1]]
    assert len(receipts) == len(set(receipts)) > 0, "each once"
    all_is_in(connected, 2)


def test_news_upon_news_does_not_keep_the_receipts_back(connected: Story) -> None:
    made = [connected.purchase(receipts=RECEIPT)]
    hint = comes_in(connected, made)

    def again() -> None:
        hint()
        if len(made) < 6:
            connected.cloud.before("AttachReceipts", again)

    connected.cloud.before("AttachReceipts", again)
    connected.deliver()
    assert order(connected) == "PaPaPaPaPaPa"
    all_is_in(connected, 6)


def test_a_hint_does_not_wait_until_an_upload_in_doubt_may_be_looked_for(connected: Story) -> None:
    made = [connected.purchase(receipts=RECEIPT)]
    connected.procore.faults.add({"method": "PATCH", "path": COST, "kind": "drop_after", "times": 1})
    connected.cloud.after("AttachReceipts", comes_in(connected, made))
    connected.deliver()
    first, second = (
        one.at for one in connected.procore.requests.all() if one.method == "POST" and COSTS[:-1] in one.path
    )
    assert (second - first).total_seconds() < 20
    all_is_in(connected, 2)


@pytest.mark.parametrize("step", ["ListTransactions", "PostTransactions", "StageReceipts"])
def test_what_was_put_off_outlives_a_run_that_dies(connected: Story, step: str) -> None:
    made = [connected.purchase(f"{number}.00", receipts=RECEIPT) for number in (1, 2, 3)]
    hint = comes_in(connected, made)

    def hint_and_die() -> None:
        hint()
        connected.cloud.crash(step, at=1, times=3)

    connected.cloud.before("AttachReceipts", hint_and_die)
    connected.deliver()
    assert connected.runs()[0]["verdict"] != "success"
    assert connected.cloud.forget_crashes() == 0
    connected.sweep()
    connected.sweep()
    all_is_in(connected, 4)


def test_what_is_staged_is_attached_while_pex_lets_no_more_be_staged(connected: Story) -> None:
    for number in range(1, 41):
        connected.purchase(f"{number}.00", receipts=RECEIPT)
    connected.deliver()
    uploads = [one.at for one in connected.procore.requests.all() if one.method == "PATCH"]
    fetched = [one.at for one in connected.pex.requests.all() if "/Attachment/" in one.path]
    assert uploads[0] < fetched[-1]
    connected.check_books()
    assert [len(cost["attachments"]) for cost in connected.costs()] == [1] * 40
