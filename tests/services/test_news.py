"""Hints that come while a run is at work: what of them is listed, and what becomes of the papers."""

from __future__ import annotations

from datetime import date

from pex_procore.domain.ledger import announce
from pex_procore.domain.transactions import Transaction
from pex_procore.services.list_transactions import PAGE, Papers
from tests.services.world import World, again


def hint(world: World, transaction: Transaction) -> None:
    world.ledger.save(announce(transaction.transaction_id, transaction.account_id, world.clock(), "callback"))
    world.leases.count_announcement()


def test_papers_that_were_put_off_come_before_those_of_what_is_new(world: World) -> None:
    first, second = world.purchase(account_id=7), world.purchase(account_id=7)
    run = world.opened("callback")
    listing = world.list(run, account_ids=(7,))
    world.post(run, listing.transaction_ids)
    world.stage(run, (first.transaction_id,))
    new = world.purchase(account_id=8)
    hint(world, new)
    put_off = Papers(stage=(second.transaction_id,), attach=(first.transaction_id, second.transaction_id))
    news = world.list(run, account_ids=(7,), put_off=put_off, announced=listing.announced)
    assert news.transaction_ids == (new.transaction_id,)
    assert news.papers.stage == (second.transaction_id, new.transaction_id)
    assert news.papers.attach == (first.transaction_id, second.transaction_id, new.transaction_id)
    assert (news.announced, news.cursor) == (listing.announced + 1, None)


def test_a_run_that_lists_pages_goes_on_where_it_was_when_news_came(world: World) -> None:
    world.choose(start_date=date(2026, 5, 1))
    for _ in range(PAGE + 5):
        world.purchase()
    run = world.opened()
    first = world.list(run)
    new = world.purchase(account_id=8)
    hint(world, new)
    news = world.list(run, cursor=again(first.cursor), tally=first.tally, put_off=Papers())
    assert news.transaction_ids == (new.transaction_id,)
    assert first.cursor is not None
    assert news.cursor is not None
    assert again(news.cursor) == first.cursor.model_copy(update={"carried": news.cursor.carried})
    world.post(run, news.transaction_ids)
    rest = world.list(run, cursor=again(news.cursor), tally=news.tally, announced=news.announced)
    assert len(rest.transaction_ids) == 5
    assert new.transaction_id not in rest.transaction_ids


def test_where_the_hint_was_of_a_known_row_the_runs_own_cards_are_looked_at(world: World) -> None:
    one = world.purchase(account_id=7)
    hint(world, one)
    run = world.opened("callback")
    listing = world.list(run, account_ids=(7,))
    world.post(run, listing.transaction_ids)
    world.leases.count_announcement()
    calls = world.pex.calls["list_account_transactions"]
    news = world.list(run, account_ids=(7,), put_off=Papers(), tally=listing.tally)
    assert (news.transaction_ids, news.papers, news.tally) == ((), Papers(), listing.tally)
    assert world.pex.calls["list_account_transactions"] == calls + 1
