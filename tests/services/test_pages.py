"""A run of many pages: expenses of all come first, and what it carries meanwhile fits into the state machine."""

from __future__ import annotations

import json
from datetime import date

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
    assert last.heeded == last.announced


def test_of_more_than_a_run_carries_the_papers_come_in_between(world: World) -> None:
    found = [one for one in pages(world, CARRIED + PAGE + 5) if one.papers != Papers()]
    assert [len(one.papers.attach) for one in found] == [CARRIED + PAGE, 5]
    assert [one.heeded for one in found] == [None, 0], "of so many, news waits for some"
    assert {one for page in found for one in page.papers.attach} == set(world.pex.transactions)


def test_the_most_that_a_run_carries_fits_into_a_state() -> None:
    """Where each id has nineteen digits; the machine keeps what is left of each list beside the list."""
    page = [LONG_ID + number for number in range(PAGE)]
    papers = [LONG_ID + number for number in range(CARRIED + PAGE)]
    carried = Papers(stage=tuple(papers[:CARRIED]), attach=tuple(papers[:CARRIED]))
    bringing = {
        "listed": {"transaction_ids": page, "receipt_ids": papers, "attach_ids": papers},
        **{name: {"remaining": papers} for name in ("staging", "attaching")},
    }
    listing = {
        "listed": {"transaction_ids": page, "cursor": Cursor(windows=(), carried=carried).model_dump(mode="json")},
        "posting": {"remaining": page},
    }
    for state in (bringing, listing):
        assert len(json.dumps(state)) < 0.75 * LIMIT
