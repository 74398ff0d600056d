"""Purchases, receipts and books that are out of the ordinary: each is told apart, and none stops another."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from pex_procore.services import attach_receipts, post_transactions, stage_receipts
from tests.flow.story import Story
from tests.flow.worlds import COMPANY_ID

HEIC = b"\x00\x00\x00\x18ftypheic" + b"picture"


def test_purchases_wait_while_the_company_keeps_its_books_in_another_currency(connected: Story) -> None:
    company = connected.procore.world.companies[COMPANY_ID]
    company.currency = "CAD"
    one = connected.purchase()
    connected.sync()
    row = connected.row(one)
    assert (row["state"], row["reason"], row["detail"]) == ("waiting", "foreign_currency", "CAD")
    assert connected.costs() == []
    company.currency = "USD"
    connected.clock.forward(days=1, seconds=1)
    connected.sync()
    assert connected.row(one)["state"] == "complete"


def test_a_company_that_does_not_tell_its_currency_is_taken_to_use_dollars(connected: Story) -> None:
    connected.procore.faults.add({"kind": "status", "path": "/currency_configuration$", "status": 404, "times": 9})
    connected.purchase()
    connected.sync()
    assert len(connected.costs()) == 1


def test_an_option_whose_record_is_gone_is_told_from_one_that_never_was(connected: Story) -> None:
    connected.set(sync_cost_types=True)
    connected.finish(connected.ask("POST", "/v1/runs", {"kind": "tags"})["run_id"])
    connected.procore.act_remove_cost_type(COMPANY_ID, "L")
    connected.finish(connected.ask("POST", "/v1/runs", {"kind": "tags"})["run_id"])
    gone, never = connected.purchase("10.00", type="L"), connected.purchase("20.00", type="909090")
    connected.purchase("30.00")
    connected.sync()
    assert connected.row(gone)["reason"] == "option_disabled_in_procore"
    assert connected.row(never)["reason"] == "option_unknown"
    assert [cost["grand_total"] for cost in connected.costs()] == ["30.00"]


@pytest.mark.parametrize("types", ["", "image/jpeg,image/png,application/pdf"])
def test_a_picture_of_a_kind_that_procore_may_not_take_keeps_no_other_out(connected: Story, types: str) -> None:
    connected.procore.switches.change(attachment_types=types)
    one = connected.purchase(receipts=("jpg",))
    connected.pex.act_receipt(one, "jpg", content=base64.b64encode(HEIC).decode())
    run = connected.sync()
    taken = {attachment["content_type"] for attachment in connected.cost()["attachments"]}
    assert taken == ({"image/jpeg"} if types else {"image/jpeg", "image/heic"})
    assert run["reasons"] == ({"receipt_refused": 1} if types else {})
    assert connected.row(one)["state"] == "complete"


def test_a_receipt_over_the_administrators_limit_is_told_and_the_expense_posted(connected: Story) -> None:
    connected.set(receipt_limit_mb=1)
    one = connected.purchase(receipts=("pdf",))
    connected.pex.act_receipt(one, "jpg", padding=1024 * 1024)
    run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("partial", {"receipt_too_large": 1})
    assert [attachment["content_type"] for attachment in connected.cost()["attachments"]] == ["application/pdf"]


def poison(module: Any, name: str, transaction_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw, whenever this transaction is dealt with."""
    real: Callable[..., Any] = getattr(module, name)

    def act(*given: Any, **named: Any) -> Any:
        if any(getattr(one, "transaction_id", None) == transaction_id for one in given):
            raise ZeroDivisionError("nobody foresaw this, nor hush-hush")
        return real(*given, **named)

    monkeypatch.setattr(module, name, act)


def test_a_poison_row_becomes_an_exception_and_the_others_flow(
    connected: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisonous, sound = connected.purchase("10.00"), connected.purchase("20.00")
    with monkeypatch.context() as patched:
        poison(post_transactions, "draft_direct_costs", poisonous, patched)
        run = connected.sync()
    assert (run["verdict"], run["counts"]) == ("partial", {"posted": 1, "failed": 1})
    row = connected.row(poisonous)
    assert (row["state"], row["reason"], row["detail"]) == ("exception", "internal_error", "ZeroDivisionError")
    assert connected.row(sound)["state"] == "complete"
    connected.ask("POST", f"/v1/transactions/{poisonous}/retry")
    connected.sync()
    assert connected.row(poisonous)["state"] == "complete"
    assert "hush-hush" not in connected.everything_stored()


@pytest.mark.parametrize(("module", "name"), [(stage_receipts, "_stage"), (attach_receipts, "_marked")])
def test_poison_among_the_receipts_unposts_nothing_and_is_tried_again(
    connected: Story, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    poisonous, sound = connected.purchase("10.00", receipts=("jpg",)), connected.purchase("20.00", receipts=("jpg",))
    with monkeypatch.context() as patched:
        poison(module, name, poisonous, patched)
        run = connected.sync()
    assert (run["verdict"], run["reasons"]) == ("partial", {"internal_error": 1})
    assert [connected.row(one)["state"] for one in (poisonous, sound)] == ["posted", "complete"]
    connected.sync()
    assert [len(cost["attachments"]) for cost in connected.costs()] == [1, 1]


def test_a_dead_letter_that_is_moved_back_after_all_is_done_changes_nothing(connected: Story) -> None:
    transaction_id = connected.purchase()
    connected.receive()
    messages = connected.cloud.messages()
    connected.cloud.hand_over(messages)
    connected.cloud.finish()
    before = connected.row(transaction_id)
    connected.clock.forward(days=1)
    connected.cloud.hand_over(messages)
    connected.cloud.finish()
    after = connected.row(transaction_id)
    assert (after["state"], after["timeline"]) == (before["state"], before["timeline"])
    assert connected.creates() == 1
