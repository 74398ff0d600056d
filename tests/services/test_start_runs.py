"""What starts a run: a callback, the schedule, a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.runs import Run
from pex_procore.services.ports import Conflict
from pex_procore.services.start_runs import (
    AlreadyRunning,
    Hint,
    start_by_hand,
    start_for_hints,
    start_sweep,
)
from tests.services.world import BUSINESS_ID, World

RECEIVED_AT = datetime(2026, 5, 4, 15, 59, tzinfo=UTC)


def hints(world: World, *found: Hint, seed: str = "m1") -> str | None:
    return start_for_hints(
        found,
        business_id=BUSINESS_ID,
        seed=seed,
        received_at=RECEIVED_AT,
        connections=world.connections,
        ledger=world.ledger,
        leases=world.leases,
        executions=world.executions,
        clock=world.clock,
    )


def by_hand(world: World) -> Run:
    return start_by_hand(
        "transactions",
        business_id=BUSINESS_ID,
        connections=world.connections,
        leases=world.leases,
        runs=world.runs,
        executions=world.executions,
        clock=world.clock,
    )


def sweep(world: World) -> str | None:
    connection = world.connections.load()
    assert connection is not None
    return start_sweep(
        "transactions",
        connection=connection,
        due_at=world.clock(),
        connections=world.connections,
        executions=world.executions,
    )


def hint(transaction_id: int | None = 1, account_id: int | None = 7, **fields: Any) -> Hint:
    return Hint(transaction_id=transaction_id, account_id=account_id, **fields)


def test_a_batch_of_hints_is_announced_and_starts_one_run(world: World) -> None:
    run_id = hints(world, hint(1, 7), hint(2, 8), hint(3, 7))
    assert [row.transaction_id for row in world.ledger.list_by_state("announced")] == [1, 2, 3]
    (started,) = world.executions.started
    assert (started.run.run_id, started.run.trigger, started.account_ids) == (run_id, "callback", (7, 8))


def test_duplicate_callbacks_make_one_row_and_one_run(world: World) -> None:
    hints(world, *[hint(1, 7)] * 20)
    assert len(world.ledger.saves) == 1
    assert len(world.executions.started) == 1


def test_a_batch_delivered_again_starts_no_second_run(world: World) -> None:
    assert hints(world, hint(1)) == hints(world, hint(1))
    assert len(world.executions.started) == 1
    assert len(world.ledger.saves) == 1


def test_another_batch_starts_another_run(world: World) -> None:
    assert hints(world, hint(1), seed="m1") != hints(world, hint(2), seed="m2")


def test_rows_are_announced_before_they_are_counted_and_counted_before_the_run_starts(world: World) -> None:
    seen: list[tuple[int, int]] = []
    count = world.leases.count_announcement

    def counting() -> None:
        seen.append((len(world.ledger), len(world.executions.started)))
        count()

    world.leases.count_announcement = counting  # type: ignore[method-assign]
    hints(world, hint(1), hint(2))
    assert seen == [(2, 0)]
    assert world.executions.announced_at_start == [1]


def test_a_hint_for_a_known_row_changes_nothing_but_still_starts_a_run(world: World) -> None:
    one = world.purchase()
    world.sync()
    row = world.ledger[one.transaction_id]
    hints(world, hint(one.transaction_id))
    assert world.ledger[one.transaction_id] == row
    assert len(world.executions.started) == 1


def test_a_hint_without_ids_is_still_a_reason_to_look(world: World) -> None:
    hints(world, hint(None, None), hint(5, None), hint(None, 9))
    assert len(world.ledger) == 0
    assert [started.account_ids for started in world.executions.started] == [(9,)]


def test_the_earliest_hint_says_since_when_to_look(world: World) -> None:
    moments = [RECEIVED_AT - timedelta(hours=hours) for hours in (1, 48, 3)]
    hints(world, *[hint(number, 7, happened_at=moment) for number, moment in enumerate(moments, start=1)])
    assert world.executions.started[0].since == moments[1]


def test_a_start_that_fails_is_an_error_so_that_the_queue_delivers_again(world: World) -> None:
    world.executions.fail_next(TryLater("throttled"))
    with pytest.raises(TryLater):
        hints(world, hint(1))
    hints(world, hint(1))
    assert len(world.executions.started) == 1


def test_a_row_announced_by_another_worker_at_once_is_no_error(world: World) -> None:
    load = world.ledger.load
    hints(world, hint(1))
    world.ledger.load = lambda _: None  # type: ignore[method-assign,assignment]  # read before the other wrote
    hints(world, hint(1), seed="m2")
    world.ledger.load = load  # type: ignore[method-assign]
    assert len(world.ledger.saves) == 1


@pytest.mark.parametrize("settings", [{"automatic_sync": False}, {"sync_expenses": False}])
def test_nothing_starts_by_itself_when_that_is_switched_off(world: World, settings: dict[str, Any]) -> None:
    world.choose(**settings)
    assert (hints(world, hint(1)), sweep(world)) == (None, None)
    assert (world.executions.started, len(world.ledger)) == ([], 0)


@pytest.mark.parametrize("status", ["setting_up", "disconnected"])
def test_nothing_starts_for_a_connection_that_is_not_active(world: World, status: str) -> None:
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update={"status": status}))
    assert (hints(world, hint(1)), sweep(world)) == (None, None)
    with pytest.raises(NeedsAttention):
        by_hand(world)
    assert (world.executions.started, len(world.ledger), world.leases.holder()) == ([], 0, None)


def test_with_expenses_switched_off_a_person_starts_nothing_either(world: World) -> None:
    world.choose(sync_expenses=False)
    with pytest.raises(NeedsAttention):
        by_hand(world)
    assert (world.executions.started, world.leases.holder()) == ([], None)


def test_a_sweep_that_is_due_starts_once(world: World) -> None:
    assert sweep(world) == sweep(world)
    assert [started.run.trigger for started in world.executions.started] == ["sweep"]


def note(world: World, **fields: Any) -> None:
    connection = world.connections.load()
    assert connection is not None
    world.connections.save(connection.model_copy(update=fields))


@pytest.mark.parametrize(
    ("known", "long"),
    [
        ({"backfilled": True}, False),
        ({"backfilled": True, "unfinished": True}, True),
        ({"backfilled": False}, True),
    ],
)
def test_a_sweep_gets_hours_when_it_is_the_first_or_minutes_were_too_short(
    world: World, known: dict[str, Any], long: bool
) -> None:
    note(world, **known)
    sweep(world)
    assert [started.long for started in world.executions.started] == [long]


def test_a_person_gets_hours_and_a_callback_minutes(world: World) -> None:
    note(world, unfinished=True)
    hints(world, hint(1))
    by_hand(world)
    assert [started.long for started in world.executions.started] == [False, True]


def test_of_two_quick_clicks_one_starts_a_run_and_the_other_names_it(world: World) -> None:
    run = by_hand(world)
    world.clock.forward(0.2)
    with pytest.raises(AlreadyRunning) as refused:
        by_hand(world)
    assert refused.value.run_id == run.run_id
    assert len(world.executions.started) == 1
    assert world.runs.load(run.run_id) == run


def test_a_click_while_a_sweep_is_at_work_names_the_sweep(world: World) -> None:
    running = world.opened("sweep")
    with pytest.raises(AlreadyRunning) as refused:
        by_hand(world)
    assert refused.value.run_id == running.run_id


def test_a_run_started_by_hand_opens_under_its_own_lease(world: World) -> None:
    run = by_hand(world)
    assert world.open("manual", run.run_id) == run


@pytest.mark.parametrize("error", [TryLater("throttled"), RuntimeError("gone")])
def test_a_run_by_hand_that_cannot_start_leaves_neither_a_lease_nor_a_run_at_work(
    world: World, error: Exception
) -> None:
    world.executions.fail_next(error)
    with pytest.raises(type(error)):
        by_hand(world)
    assert world.leases.holder() is None
    assert all(run.status == "finished" for run in world.runs.page(10, None)[0])


def test_a_run_by_hand_that_takes_over_has_the_interrupted_one_closed(world: World) -> None:
    cut_off = world.opened()
    world.clock.forward(3600)
    run = by_hand(world)
    assert world.open("manual", run.run_id) is not None
    closed = world.runs.load(cut_off.run_id)
    assert closed is not None
    assert closed.status == "finished"


def test_a_conflict_is_the_stores_word_for_somebody_wrote_first(world: World) -> None:
    rows: Sequence[object] = world.ledger.saves
    hints(world, hint(1))
    with pytest.raises(Conflict):
        world.ledger.save(rows[0].model_copy(update={"version": 0}))  # type: ignore[attr-defined]
