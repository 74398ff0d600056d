"""A run of many pages: expenses of all come first, and what it carries meanwhile fits into the state machine."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date

import pytest

from pex_procore.services import list_transactions
from pex_procore.services.list_transactions import CARRIED, PAGE, Cursor, Listing, Papers
from tests.services.world import World, again

LIMIT = 256 * 1024  # bytes of a state, as Step Functions allows
LONG_ID = 10**18


def pages(world: World, purchases: int) -> list[Listing]:
    """All of them listed, none posted."""
    world.choose(start_date=date(2026, 4, 1))
    for _ in range(purchases):
        world.purchase()
    run = world.opened()
    found = [world.list(run)]
    while (cursor := found[-1].cursor) is not None:
        found.append(world.list(run, cursor=again(cursor), tally=found[-1].tally, announced=found[-1].announced))
    return found


def test_papers_of_all_pages_come_after_the_last_one(world: World) -> None:
    *before, last = pages(world, PAGE + 5)
    assert max(len(one.transaction_ids) for one in before) == PAGE
    assert {one.papers for one in before} == {Papers()}
    assert set(last.papers.attach) == set(world.pex.transactions)
    assert last.papers.stage == last.papers.attach


def test_what_a_run_cannot_carry_is_left_to_the_next_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_transactions, "CARRIED", 3)
    monkeypatch.setattr(list_transactions, "PAGE", 2)
    for _ in range(9):
        world.receipt(world.purchase())
    world.sync()
    rows = [world.ledger[one] for one in world.pex.transactions]
    assert Counter(row.state for row in rows) == {"complete": 5, "posted": 4}
    for _ in range(2):
        world.clock.forward(900)
        world.sync()
    assert {world.ledger[one].state for one in world.pex.transactions} == {"complete"}
    assert [len(cost.files) for cost in world.procore.live()] == [1] * 9


def test_the_most_that_a_run_carries_fits_into_a_state() -> None:
    """Where each id has nineteen digits; the machine keeps what is left of each list beside the list."""
    page = [LONG_ID + number for number in range(PAGE)]
    papers = [LONG_ID + number for number in range(CARRIED + PAGE)]
    carried = Papers(stage=tuple(papers[:CARRIED]), attach=tuple(papers[:CARRIED]))
    bringing = {
        "listed": {"transaction_ids": page, "receipt_ids": papers, "attach_ids": papers},
        "put_off": {"stage": papers, "attach": papers},
        **{name: {"remaining": papers} for name in ("staging", "attaching")},
    }
    listing = {
        "listed": {"transaction_ids": page, "cursor": Cursor(windows=(), carried=carried).model_dump(mode="json")},
        "posting": {"remaining": page},
    }
    for state in (bringing, listing):
        assert len(json.dumps(state)) < 0.9 * LIMIT
