"""The client against the simulated PEX, which refuses what PEX's documents do not know."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.pex import PexSimulator
from local.simulators.pex.switches import TABLE
from local.simulators.seed_pex import TOKEN, TOKEN_CARDHOLDER, small_pex
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.transactions import Transaction
from pex_procore.net.limiter import PEX_WINDOWS, Limiter
from pex_procore.net.session import Session
from pex_procore.pex.client import PexClient
from pex_procore.services.vendor_ports import Pex
from tests.net.moving_time import MovingTime
from tests.net.worlds import renew

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def time() -> MovingTime:
    return MovingTime()


@pytest.fixture(scope="module")
def running(time: MovingTime) -> Iterator[PexSimulator]:
    started = PexSimulator(small_pex(clock=time), clock=time).start()
    yield started
    started.stop()


@pytest.fixture
def sim(running: PexSimulator, time: MovingTime) -> PexSimulator:
    """The running simulator with a new world, an hour after the last test."""
    time.sleep(3600)
    time.slept.clear()
    renew(running.world, small_pex(clock=time))
    running.switches.change(**{name: default for name, (default, _) in TABLE.items()})
    running.faults.clear()
    running.requests.clear()
    return running


def client(sim: PexSimulator, time: MovingTime, token: str = TOKEN) -> PexClient:
    limiter = Limiter(PEX_WINDOWS, share=1.0, jitter=lambda: 0.0)
    return PexClient(Session(sim.api_url, silence_seconds=0.5), token, limiter, clock=time, sleep=time.sleep)


@pytest.fixture
def pex(sim: PexSimulator, time: MovingTime) -> PexClient:
    made = client(sim, time)
    _: Pex = made
    return made


def purchase(sim: PexSimulator, **given: Any) -> int:
    return int(sim.act_purchase(**{"settle": True, **given})["transaction_id"])


def listed(pex: PexClient, time: MovingTime) -> list[Transaction]:
    return pex.list_transactions(time.now - 30 * DAY, time.now + DAY)


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(NeedsAttention) as caught:
        call()
    return caught.value.reason


def test_a_token_says_whose_it_is(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    identity = pex.identity()
    assert identity.is_admin
    assert identity.business_id in sim.world.businesses
    assert identity.expires_at is not None
    assert pex.profile().missing_permissions() == []
    assert pex.tags_enabled()


def test_a_cardholders_token_is_no_administrators(sim: PexSimulator, time: MovingTime) -> None:
    sim.world.tokens[TOKEN_CARDHOLDER] = sim.world.tokens[TOKEN]  # the small world has none
    cardholder = sim.act_make_token(account_id=next(iter(sim.cardholder(None)[0].cardholders)))["token"]
    assert not client(sim, time, cardholder).identity().is_admin


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_dead_token_is_told_by_whatever_status_pex_chooses(sim: PexSimulator, time: MovingTime, status: int) -> None:
    sim.switches.change(dead_token_current_status=status)
    assert reason_of(client(sim, time, "never-given").identity) == "pex_token_rejected"


@pytest.mark.parametrize("message", ["Token expired or does not exist", "Password has changed", "User is not active"])
def test_every_way_a_token_dies_asks_for_a_new_one(sim: PexSimulator, pex: PexClient, message: str) -> None:
    sim.act_expire_token(TOKEN, message)
    assert reason_of(pex.list_tags) == "pex_token_rejected"


def test_a_missing_permission_is_not_a_dead_token(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    refusal = {"kind": "status", "status": 403, "answer": {"Message": "Admin does not have permission"}}
    sim.faults.add(refusal)
    assert reason_of(lambda: listed(pex, time)) == "pex_permission_missing"
    assert reason_of(pex.list_tags) == "pex_permission_missing"


def test_tags_that_are_off_are_told_as_such(sim: PexSimulator, pex: PexClient) -> None:
    sim.act_change_settings({"TagsEnabled": False})
    assert not pex.tags_enabled()
    assert reason_of(pex.list_tags) == "tags_disabled"


def test_tags_come_with_their_options(sim: PexSimulator, pex: PexClient) -> None:
    names = {tag.name: tag for tag in pex.list_tags()}
    assert names["Procore Projects"].usable
    assert names["Procore Projects"].options


@pytest.mark.parametrize("values", ["json_string", "object"])
@pytest.mark.parametrize("amounts", ["string", "number"])
def test_a_settled_split_purchase_is_listed(
    sim: PexSimulator, pex: PexClient, time: MovingTime, values: str, amounts: str
) -> None:
    sim.switches.change(split_values=values, split_amounts=amounts)
    transaction_id = purchase(sim, amount="100.00", merchant="BOLT & BEAM")
    parts = [{"amount": "33.33", "project": "1"}, {"amount": "66.67", "project": "2", "cost_code": "01-500"}]
    sim.act_split(transaction_id, parts)
    sim.act_approve(transaction_id)
    (found,) = listed(pex, time)
    assert (found.transaction_id, found.amount, found.kind) == (transaction_id, Decimal("100.00"), "purchase")
    assert (found.approved, found.settled, found.merchant) == (True, True, "BOLT & BEAM")
    assert [one.amount for one in found.allocations] == [Decimal("33.33"), Decimal("66.67")]
    assert [len(one.tags) for one in found.allocations] == [1, 2]


def test_pending_and_declined_rows_are_not_asked_for(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    sim.act_purchase()
    sim.act_decline()
    assert listed(pex, time) == []


def test_refunds_and_disputes_are_negative(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    disputed = purchase(sim, amount="10.00")
    sim.act_refund(amount="40.00")
    sim.act_dispute(disputed)
    amounts = {(one.kind, one.amount) for one in listed(pex, time)}
    assert amounts == {
        ("purchase", Decimal("10.00")),
        ("purchase", Decimal("-40.00")),
        ("dispute", Decimal("-10.00")),
    }


def test_a_list_of_several_pages_is_read_whole_each_row_once(
    sim: PexSimulator, pex: PexClient, time: MovingTime
) -> None:
    made = [purchase(sim, at=(time.now - timedelta(minutes=50 - number)).isoformat()) for number in range(11)]
    sim.switches.change(page_size=4)
    assert [one.transaction_id for one in listed(pex, time)] == made, "oldest first"
    assert sim.requests.count("GET", "AllCardholder") == 4


def test_a_list_that_does_not_advance_ends(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    row: dict[str, Any] = {"TransactionId": 1, "AcctId": 1, "TransactionTime": "2026-06-01T00:00:00"}
    pages = {"NumberOfPages": 2, "LastTimeRetrieved": "2026-01-01T00:00:00"}
    sim.faults.add({"kind": "status", "status": 200, "answer": {"TransactionList": [row], "Pages": pages}})
    assert reason_of(lambda: listed(pex, time)) == "vendor_answer_unreadable"
    assert len(sim.requests) == 1


@pytest.mark.parametrize("pages", [None, {}, {"Page": 1, "TotalItems": 1}, "?"])
def test_pages_of_an_unknown_shape_are_one_page(
    sim: PexSimulator, pex: PexClient, time: MovingTime, pages: object
) -> None:
    sim.faults.add({"kind": "status", "status": 200, "answer": {"TransactionList": [], "Pages": pages}})
    assert listed(pex, time) == []


def test_one_cards_rows_are_listed_alone_and_an_unknown_card_has_none(
    sim: PexSimulator, pex: PexClient, time: MovingTime
) -> None:
    first, second = list(sim.cardholder(None)[0].cardholders)[:2]
    mine = purchase(sim, account_id=first)
    purchase(sim, account_id=second)
    found = pex.list_account_transactions(first, time.now - DAY, time.now + DAY)
    assert [one.transaction_id for one in found] == [mine]
    assert pex.list_account_transactions(4, time.now - DAY, time.now + DAY) == []


def test_cardholders_have_names(sim: PexSimulator, pex: PexClient) -> None:
    names = pex.cardholders()
    assert set(names) == set(sim.cardholder(None)[0].cardholders)
    assert all(" " in name for name in names.values())


@pytest.mark.parametrize("content", ["base64", "data_uri", "link"])
def test_receipts_come_as_bytes_however_pex_sends_them(
    sim: PexSimulator, pex: PexClient, time: MovingTime, content: str
) -> None:
    sim.switches.change(attachment_content=content)
    transaction_id = purchase(sim)
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    sim.act_receipt(transaction_id, "png", base64.b64encode(picture).decode())
    (card,) = pex.list_receipts(transaction_id)
    assert card.size == len(picture)
    assert pex.fetch_receipt(transaction_id, card.receipt_id, 10_000) == picture


def test_no_receipts_is_an_empty_list(sim: PexSimulator, pex: PexClient) -> None:
    assert pex.list_receipts(purchase(sim)) == []


@pytest.mark.parametrize("content", ["base64", "link"])
@pytest.mark.parametrize("padding", [2_000, 3_000_000])
def test_a_receipt_beyond_the_limit_is_too_large(sim: PexSimulator, pex: PexClient, padding: int, content: str) -> None:
    sim.switches.change(attachment_content=content)
    transaction_id = purchase(sim)
    sim.act_receipt(transaction_id, padding=padding)
    (card,) = pex.list_receipts(transaction_id)
    reason = reason_of(lambda: pex.fetch_receipt(transaction_id, card.receipt_id, 1_000))
    assert reason == "receipt_too_large"


@pytest.mark.parametrize("receipt_id", ["ffffffffffffffffffffffff", "../Tags"])
def test_a_receipt_that_is_not_there_is_unreadable(sim: PexSimulator, pex: PexClient, receipt_id: str) -> None:
    transaction_id = purchase(sim)
    assert reason_of(lambda: pex.fetch_receipt(transaction_id, receipt_id, 1_000)) == "receipt_unreadable"


def test_a_receipt_of_nonsense_is_unreadable(sim: PexSimulator, pex: PexClient) -> None:
    sim.faults.add({"kind": "status", "status": 200, "answer": {"Content": "*** not base64 ***"}})
    assert reason_of(lambda: pex.fetch_receipt(1, "abc", 1_000)) == "receipt_unreadable"


def test_our_note_is_listed_as_a_programs(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    transaction_id = purchase(sim)
    sim.act_note(transaction_id, "Anchors for level 3")
    pex.post_note(transaction_id, "Posted to Procore as expense 71600001")
    (found,) = listed(pex, time)
    assert found.notes == ("Anchors for level 3",)
    assert found.system_notes == ("Posted to Procore as expense 71600001",)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_note_concerns_nothing_but_the_note(sim: PexSimulator, pex: PexClient, status: int) -> None:
    sim.faults.add({"kind": "status", "status": status, "answer": {"Message": "Note not allowed"}})
    assert reason_of(lambda: pex.post_note(1, "x")) == "pex_permission_missing"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "reset_mid_answer"},
        {"kind": "html_502", "commit": True},
        {"kind": "status", "status": 500, "commit": True},
        {"kind": "redirect"},
    ],
)
def test_a_note_that_may_have_been_written_is_never_written_again(
    sim: PexSimulator, pex: PexClient, fault: dict[str, Any]
) -> None:
    transaction_id = purchase(sim)
    sim.faults.add({**fault, "path": "/Note"})
    with pytest.raises(Unsure):
        pex.post_note(transaction_id, "x")
    assert sim.requests.count("POST", "/Note") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "reset_mid_answer"},
        {"kind": "html_502"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "limit_429", "headers": False, "retry_after": 2},
        {"kind": "limit_429", "reset_in": 3},
    ],
)
def test_a_list_survives_one_mishap(sim: PexSimulator, pex: PexClient, time: MovingTime, fault: dict[str, Any]) -> None:
    transaction_id = purchase(sim)
    sim.faults.add({**fault, "times": 1})
    assert [one.transaction_id for one in listed(pex, time)] == [transaction_id]


@pytest.mark.parametrize("fault", [{"kind": "truncate"}, {"kind": "empty"}, {"kind": "html_502"}])
def test_half_a_list_is_no_list(sim: PexSimulator, pex: PexClient, time: MovingTime, fault: dict[str, Any]) -> None:
    purchase(sim)
    sim.faults.add(fault)
    with pytest.raises(TryLater):
        listed(pex, time)


def test_a_bare_429_backs_off_for_half_a_minute(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    sim.faults.add({"kind": "limit_429", "headers": False})
    with pytest.raises(TryLater) as caught:
        pex.tags_enabled()
    assert caught.value.resume_at == time.now + timedelta(seconds=30)
    assert len(sim.requests) == 1


def test_pex_never_has_to_refuse_a_call(sim: PexSimulator, pex: PexClient, time: MovingTime) -> None:
    while len(sim.requests) < 250:
        try:
            pex.tags_enabled()
        except TryLater as later:
            time.now = later.resume_at or pytest.fail("nobody knows when")
    assert sim.requests.count(status=429) == 0
    assert not [pause for pause in time.slept if pause > 5]


def test_callbacks_are_subscribed_listed_and_ended(sim: PexSimulator, pex: PexClient) -> None:
    pex.subscribe("SettlementPostedRealtime", "http://127.0.0.1:9/hook")
    pex.subscribe("PinRealtime", "http://127.0.0.1:9/hook")
    found = pex.list_subscriptions()
    assert [(one.type, one.active) for one in found] == [("SettlementPostedRealtime", True), ("PinRealtime", True)]
    for one in found * 2:
        pex.unsubscribe(one.subscription_id)
    assert pex.list_subscriptions() == []


def test_a_token_is_deleted_also_when_it_is_dead_already(sim: PexSimulator, pex: PexClient) -> None:
    pex.delete_token()
    assert TOKEN not in sim.world.tokens
    pex.delete_token()


@pytest.mark.parametrize("when", ["last_month", "any_time"])
def test_a_token_is_renewed_in_its_last_month_or_whenever_pex_lets_us(
    sim: PexSimulator, time: MovingTime, pex: PexClient, when: str
) -> None:
    sim.switches.change(renewal=when)
    assert (pex.renew_token() is None) == (when == "last_month")
    sim.act_age_token(TOKEN, 20)
    new = pex.renew_token()
    assert new is not None
    assert new != TOKEN
    assert client(sim, time, new).identity().expires_at != pex.identity().expires_at


def test_a_dead_token_is_not_renewed(sim: PexSimulator, pex: PexClient) -> None:
    sim.act_expire_token(TOKEN)
    with pytest.raises(NeedsAttention) as caught:
        pex.renew_token()
    assert caught.value.reason == "pex_token_rejected"


def test_a_renewal_whose_answer_was_lost_is_not_made_twice(sim: PexSimulator, pex: PexClient) -> None:
    sim.act_age_token(TOKEN, 20)
    before = len(sim.world.tokens)
    sim.faults.add({"path": "/Token/Renew", "kind": "drop_after"})
    with pytest.raises(Unsure):
        pex.renew_token()
    assert len(sim.world.tokens) == before + 1


def test_the_token_shows_in_no_error(sim: PexSimulator, pex: PexClient) -> None:
    sim.faults.add({"kind": "status", "status": 403, "answer": {"Message": f"no access for {TOKEN}"}})
    with pytest.raises(NeedsAttention) as caught:
        pex.cardholders()
    assert TOKEN not in str(caught.value)
    assert "no access for [hidden]" in str(caught.value)
