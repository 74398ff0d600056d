"""Opening and closing a run: one writer, no hint lost, counts that hold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.alerts import Care
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.ledger import announce
from pex_procore.domain.runs import Trigger
from pex_procore.services.ports import Held
from pex_procore.services.runs import open_run
from tests.services.world import JPEG, LEASE_SECONDS, World


def test_of_two_runs_at_once_one_executes_and_the_other_is_told(world: World) -> None:
    assert world.open("sweep") is not None
    assert world.open("callback") is None
    assert len(world.runs.page(10, None)[0]) == 1


def test_a_killed_run_frees_its_lease_is_recorded_as_interrupted_and_the_next_resumes(world: World) -> None:
    one = world.purchase()
    cut_off = world.opened()
    world.procore.lose_next_answer = True
    world.procore.hide_fresh_for(5)
    world.post(cut_off, world.list_all(cut_off).transaction_ids)
    assert world.open() is None
    world.clock.forward(LEASE_SECONDS + 1)
    world.sync()
    recorded = world.runs.load(cut_off.run_id)
    assert recorded is not None
    assert (recorded.status, recorded.verdict, recorded.reasons["interrupted"]) == ("finished", "failed", 1)
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_run_that_has_lost_its_lease_cannot_list(world: World) -> None:
    late = world.opened()
    world.clock.forward(LEASE_SECONDS + 1)
    world.opened()
    with pytest.raises(Held):
        world.list(late)


def test_opening_twice_is_one_run(world: World) -> None:
    first = world.open("sweep", "20260504T160000000000-abc")
    second = world.open("sweep", "20260504T160000000000-abc")
    assert first is not None
    assert first == second


def test_a_second_execution_of_the_same_run_finds_it_held(world: World) -> None:
    run = world.open("callback", "20260504T160000000000-abc")
    assert run is not None
    world.clock.forward(1)
    assert world.open("callback", run.run_id) is None
    assert world.runs.load(run.run_id) == run, "the first execution is still at work"


def test_a_sweep_that_was_started_twice_is_one_sweep_and_asks_for_no_other(world: World) -> None:
    run = world.opened("sweep")
    world.connections.sweeps.clear()
    world.clock.forward(1)
    assert world.open("sweep", run.run_id) is None
    assert world.connections.sweeps == {}
    assert world.open("sweep") is None
    assert "transactions" in world.connections.sweeps, "another sweep comes back when this one has ended"


def test_a_finished_run_that_is_executed_again_keeps_its_verdict_when_another_is_at_work(world: World) -> None:
    world.purchase()
    done = world.sync("callback", account_ids=(7,))
    world.opened("sweep")
    assert world.open("callback", done.run_id) is None
    assert world.runs.load(done.run_id) == done


def test_a_run_by_hand_that_lost_its_lease_to_another_is_recorded_as_interrupted(world: World) -> None:
    run = world.opened("manual")
    world.clock.forward(LEASE_SECONDS + 1)
    other = world.opened("sweep")
    assert world.open("manual", run.run_id) is None
    recorded = world.runs.load(run.run_id)
    assert recorded is not None
    assert (recorded.status, recorded.verdict) == ("finished", "failed")
    assert world.leases.holder() == other.run_id


def test_a_disconnected_business_opens_no_run(world: World) -> None:
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update={"status": "disconnected"}))
    with pytest.raises(NeedsAttention, match="disconnected"):
        world.open()
    assert world.leases.holder() is None


def test_a_hint_between_the_last_look_and_the_release_reopens_the_run(world: World) -> None:
    run = world.opened()
    listing = world.list_all(run)
    world.leases.count_announcement()
    assert not world.close(run, listing)
    assert world.leases.holder() == run.run_id
    assert world.close(run, world.list_all(run))
    assert world.leases.holder() is None


def test_a_hint_that_came_before_the_listing_does_not_reopen_it(world: World) -> None:
    world.leases.count_announcement()
    run = world.opened()
    assert world.close(run, world.list_all(run))


def test_a_hint_while_a_later_page_is_listed_reopens_the_run(world: World) -> None:
    run = world.opened()
    first = world.list(run)
    assert first.cursor is not None
    world.leases.count_announcement()
    last = world.list(run, cursor=first.cursor, announced=first.announced)
    assert not world.close(run, last)


@pytest.mark.parametrize("stopped_by", ["paused", "busy", "vendor_missing", "internal_error"])
def test_a_run_that_was_stopped_always_lets_its_lease_go(world: World, stopped_by: str) -> None:
    run = world.opened()
    listing = world.list_all(run)
    world.leases.count_announcement()
    assert world.close(run, listing, stopped_by)
    assert world.leases.holder() is None


def test_closing_twice_writes_the_same_verdict_and_counts(world: World) -> None:
    one, other = world.purchase(), world.purchase(tags={})
    world.receipt(one)
    run = world.sync()
    world.close(run, world.list_all(world.opened()))
    recorded = world.runs.load(run.run_id)
    assert recorded is not None
    assert world.ledger[other.transaction_id].state == "waiting"
    assert run.counts == {"posted": 1, "waiting": 1, "receipts_attached": 1}


def test_a_run_that_lists_again_counts_each_transaction_once(world: World) -> None:
    posted, waiting, unready = world.purchase(), world.purchase(tags={}), world.purchase(approved=False)
    world.choose(transactions="approved")
    run = world.opened()
    for final in (False, True):
        listing = world.list_all(run)
        world.work_off(world.post, run, listing.transaction_ids, world.clock() + timedelta(hours=1))
        world.work_off(world.stage, run, listing.papers.stage, world.clock() + timedelta(hours=1))
        if not final:
            world.leases.count_announcement()
        assert world.close(run, listing) is final
    recorded = world.runs.load(run.run_id)
    assert recorded is not None
    assert [world.ledger[one.transaction_id].state for one in (posted, waiting, unready)] == [
        "complete",
        "waiting",
        "waiting",
    ]
    assert recorded.counts == {"posted": 1, "waiting": 2}
    assert recorded.reasons == {"missing_project": 1, "not_approved": 1}


def test_a_connection_changed_in_that_very_moment_does_not_keep_the_lease(world: World) -> None:
    world.purchase()
    run = world.opened()
    listing = world.list_all(run)
    world.connections.interfere = 1
    assert world.close(run, listing, "vendor_missing")
    assert world.leases.holder() is None
    recorded = world.runs.load(run.run_id)
    assert recorded is not None
    assert recorded.status == "finished"


def test_a_run_with_failures_is_partial_and_one_that_did_nothing_a_success(world: World) -> None:
    assert world.sync().verdict == "success"
    world.choose(reference="description")
    for _ in range(3):
        world.purchase()
    world.procore.refuse_next(422, "no")
    run = world.sync()
    assert (run.verdict, run.counts) == ("partial", {"posted": 2, "failed": 1})


def test_a_run_past_its_budget_is_paused_and_the_next_goes_on(world: World) -> None:
    purchases = [world.purchase(f"{number}.00") for number in (10, 20, 30)]
    world.procore.behave_next()
    world.procore.turn_away_next(world.clock() + timedelta(minutes=40))
    run = world.sync("callback", account_ids=(7,), budget=timedelta(minutes=3))
    assert (run.verdict, run.reasons, run.counts["posted"]) == ("partial", {"paused": 1}, 1)
    assert world.connections.sweep_due_at == world.clock()
    world.clock.forward(minutes=41)
    world.sync()
    assert [world.posted_amounts(one) for one in purchases] == [
        [Decimal("10.00")],
        [Decimal("20.00")],
        [Decimal("30.00")],
    ]


def is_unfinished(world: World) -> bool:
    connection = world.connections.load()
    assert connection is not None
    return connection.unfinished


@pytest.mark.parametrize("trigger", ["callback", "sweep"])
def test_what_minutes_were_too_short_for_is_unfinished_until_a_sweep_gets_through(
    world: World, trigger: Trigger
) -> None:
    world.purchase()
    world.procore.turn_away_next(world.clock() + timedelta(minutes=40))
    world.sync(trigger, account_ids=(7,), budget=timedelta(minutes=3))
    assert is_unfinished(world)
    world.clock.forward(minutes=41)
    world.sync("callback", account_ids=(8,))
    assert is_unfinished(world), "a callback does not look everywhere"
    world.sync("sweep")
    assert not is_unfinished(world)


def test_a_run_that_was_cut_off_leaves_the_rest_to_a_sweep_with_time(world: World) -> None:
    world.opened("sweep")
    world.clock.forward(LEASE_SECONDS + 1)
    world.sync("callback", account_ids=(7,))
    assert is_unfinished(world)
    world.sync("sweep")
    assert not is_unfinished(world)


def test_a_run_of_a_business_that_disconnected_meanwhile_puts_nothing_back_on_the_schedule(world: World) -> None:
    run = world.opened()
    listing = world.list_all(run)
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update={"status": "disconnected"}))
    world.connections.schedule_sweep(None)
    world.close(run, listing, "paused")
    assert world.connections.sweep_due_at is None


def test_the_first_full_run_marks_the_connection_as_backfilled(world: World) -> None:
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update={"backfilled": False}))
    world.sync("callback")
    connection = world.connections.load()
    assert connection is not None
    assert not connection.backfilled
    world.sync("sweep")
    connection = world.connections.load()
    assert connection is not None
    assert connection.backfilled


def test_settings_changed_in_mid_run_wait_for_the_next_run(world: World) -> None:
    run = world.opened()
    world.choose(write_notes=False, start_date="2026-05-01")
    kept = world.runs.load(run.run_id)
    assert kept is not None
    assert (kept.settings.write_notes, kept.settings.start_date.isoformat() if kept.settings.start_date else "") == (
        True,
        "2026-01-01",
    )
    world.close(run)
    settings, _ = world.connections.load_settings()
    assert not settings.write_notes


def test_an_idle_run_does_not_call_a_broken_procore_well(world: World) -> None:
    one = world.purchase()
    world.procore.fail_next(NeedsAttention("procore_secret_rejected", "401"))
    world.sync()
    del world.pex.transactions[one.transaction_id]
    world.sync("callback", account_ids=(8,))
    connection = world.connections.load()
    assert connection is not None
    assert connection.procore_problem == "procore_secret_rejected"


def test_a_run_that_finds_procores_side_broken_hastens_care_once(world: World) -> None:
    secret, vendor = "procore_secret_rejected", "vendor_inactive"
    for reason, hastened in ((secret, True), (secret, False), (vendor, True)):
        world.connections.save_care(Care(due_at=world.clock() + timedelta(days=1)))
        world.clock.forward(minutes=1)
        world.close(world.opened(), stopped_by=reason)
        assert world.connections.care is not None
        assert (world.connections.care.due_at <= world.clock()) is hastened, reason


def test_a_run_that_finds_both_sides_well_leaves_care_as_it_is(world: World) -> None:
    care = Care(due_at=world.clock() + timedelta(days=1))
    world.connections.save_care(care)
    world.purchase()
    world.sync()
    assert world.connections.care == care


def test_more_than_a_page_of_purchases_is_posted_page_by_page_with_their_receipts(world: World) -> None:
    world.choose(start_date="2026-05-01")
    purchases = [world.purchase(f"{number}.00") for number in range(1, 503)]
    world.receipt(purchases[-1])
    run = world.sync()
    assert run.counts == {"posted": 502, "receipts_attached": 1}
    assert sum(cost.amount for cost in world.procore.live()) == sum(range(1, 503))
    assert world.filenames(purchases[-1])[0][0].endswith(".jpg")
    assert JPEG in [file.content for file in world.costs(purchases[-1])[0].files]


def test_the_lease_is_claimed_before_the_record_is_made(world: World) -> None:
    world.leases.claim("somebody else", 60)
    run = open_run(
        run_id="20260504T160000000000-abc",
        kind="transactions",
        trigger="sweep",
        execution="x",
        connections=world.connections,
        leases=world.leases,
        runs=world.runs,
        clock=world.clock,
        lease_seconds=60,
    )
    assert run is None
    assert world.runs.page(10, None) == ([], None)


def test_an_announced_row_without_its_transaction_reaches_nobody(world: World) -> None:
    world.ledger.save(announce(1, 7, world.clock(), "callback"))
    run = world.opened()
    assert world.list_all(run).transaction_ids == ()
