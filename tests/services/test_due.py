"""When a business is due again: sooner while something is open, seldom while nobody waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pex_procore.domain.pace import next_due
from pex_procore.domain.runs import Tally
from pex_procore.services.runs import close_tags_run
from tests.services.world import SWEEP_SECONDS, World


def listens(world: World) -> None:
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update={"subscription_ids": (1,), "has_callback_secret": True}))


def pause(world: World) -> timedelta:
    """From one sweep, as the beat starts it, to the next."""
    begun = world.clock()
    connection = world.connections.load()
    assert connection is not None
    world.connections.schedule_sweep(next_due("transactions", connection, begun, SWEEP_SECONDS))
    world.sync()
    return world.connections.sweeps["transactions"] - begun


def next_refresh(world: World, tally: Tally, *, heard: timedelta | None, left: int = 0) -> timedelta | None:
    """Until the refresh of tags that one with this outcome asks for; None: it leaves the schedule as it is."""
    connection = world.connections.load()
    assert connection is not None
    heard_at = world.clock() - heard if heard is not None else None
    world.connections.save(connection.model_copy(update={"heard_at": heard_at}))
    world.connections.sweeps.clear()
    run = world.open("sweep", kind="tags")
    assert run is not None
    close_tags_run(
        run_id=run.run_id,
        tally=tally,
        left=left,
        stopped_by=None,
        message="",
        connections=world.connections,
        leases=world.leases,
        runs=world.runs,
        clock=world.clock,
        sweep_seconds=SWEEP_SECONDS,
    )
    due_at = world.connections.sweeps.get("tags")
    return due_at - world.clock() if due_at else None


def relies_on_webhooks(world: World) -> bool:
    connection = world.connections.load()
    assert connection is not None
    return connection.heard_at is not None


def test_news_that_no_webhook_told_bring_the_refreshes_back_on_their_beat(world: World) -> None:
    soon = next_refresh(world, Tally(counts={"project_added": 1}), heard=timedelta(hours=3))
    assert soon is not None
    assert soon <= timedelta(seconds=300)
    assert not relies_on_webhooks(world)


@pytest.mark.parametrize(
    ("tally", "heard"),
    [(Tally(), timedelta(days=9)), (Tally(counts={"project_added": 1}), timedelta(minutes=1))],
    ids=["nothing new", "told"],
)
def test_where_procore_told_of_all_there_was_refreshes_stay_seldom(
    world: World, tally: Tally, heard: timedelta
) -> None:
    assert next_refresh(world, tally, heard=heard) is None
    assert relies_on_webhooks(world)


def test_an_unfinished_refresh_is_followed_by_another_on_the_beat(world: World) -> None:
    failed = Tally(counts={"failed": 1}, reasons={"tag_refused": 1})
    for soon in (
        next_refresh(world, Tally(), heard=timedelta(days=1), left=3),
        next_refresh(world, failed, heard=timedelta(days=1)),
    ):
        assert soon is not None
        assert soon <= timedelta(seconds=300)
    assert relies_on_webhooks(world)
    assert next_refresh(world, failed, heard=None) is None, "it is on its beat"


def test_a_business_with_nothing_open_for_two_hours_is_swept_hourly_until_something_is(world: World) -> None:
    listens(world)
    world.purchase()
    for _ in range(9):
        assert pause(world) <= timedelta(minutes=15)
        world.clock.forward(900)
    world.clock.forward(pause(world).total_seconds())
    assert pause(world) > timedelta(minutes=55)
    world.purchase(tags={})
    assert pause(world) <= timedelta(minutes=15), "back on the beat"
    world.clock.forward(3 * 3600)
    assert pause(world) <= timedelta(minutes=15), "somebody is still to tag it"


def test_a_callback_brings_a_quiet_business_back_on_its_beat(world: World) -> None:
    listens(world)
    pause(world)
    world.clock.forward(3 * 3600)
    world.clock.forward(pause(world).total_seconds())
    assert pause(world) > timedelta(minutes=55)
    one = world.purchase(tags={})
    world.connections.sweeps.clear()
    world.sync("callback", account_ids=(7,), since=one.transacted_at)
    assert world.connections.sweeps["transactions"] - world.clock() <= timedelta(seconds=900)
