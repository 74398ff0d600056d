from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Kind
from pex_procore.store.connections import DynamoConnections
from pex_procore.store.seal import Sealer
from pex_procore.store.sweeps import Due, SweepSchedule
from tests.store.mischief import BusyClient, LosingClient, Rival
from tests.store.tables import Stage

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)

every_kind = pytest.mark.parametrize("kind", get_args(Kind))


def plan(stage: Stage, business_id: int, due_at: datetime | None, kind: Kind = "transactions") -> None:
    sealer = Sealer(stage.kms, "a key no sweep needs")
    DynamoConnections(stage.dynamodb, stage.connections, business_id, sealer).schedule_sweep(due_at, kind)


def schedule_of(stage: Stage) -> SweepSchedule:
    return SweepSchedule(stage.dynamodb, stage.connections)


def due(stage: Stage, now: datetime, limit: int, shard: str = "0") -> list[Due]:
    return schedule_of(stage).due(now, limit, shard)


def test_businesses_of_a_shard_are_due_from_their_moment_on_the_longest_due_first(stage: Stage) -> None:
    for number in range(1, 21):
        plan(stage, 8 * number, NOON - timedelta(seconds=number))
    plan(stage, 1, NOON)
    plan(stage, 240, NOON)
    plan(stage, 248, NOON + timedelta(microseconds=1))
    found = due(stage, NOON, 100)
    assert [one.business_id for one in found] == [*range(160, 0, -8), 240]
    assert found[0] == Due(160, NOON - timedelta(seconds=20), "transactions")
    assert [one.business_id for one in due(stage, NOON, 3)] == [160, 152, 144]
    assert [one.business_id for one in due(stage, NOON, 3, shard="1")] == [1]


@every_kind
def test_a_business_taken_off_the_schedule_is_never_due(stage: Stage, kind: Kind) -> None:
    plan(stage, 8, NOON, kind)
    plan(stage, 8, None, kind)
    plan(stage, 16, None, kind)
    assert due(stage, NOON, 10) == []
    assert not schedule_of(stage).take(8, NOON, NOON + QUARTER, kind)


@every_kind
def test_a_new_moment_replaces_the_old_one_in_any_time_zone(stage: Stage, kind: Kind) -> None:
    plan(stage, 8, NOON, kind)
    later = (NOON + timedelta(hours=2)).astimezone(timezone(-timedelta(hours=4)))
    plan(stage, 8, later, kind)
    assert due(stage, NOON + timedelta(hours=1), 10) == []
    assert due(stage, later, 10) == [Due(8, later, kind)]


@every_kind
def test_of_two_callers_one_takes_the_sweep(stage: Stage, kind: Kind) -> None:
    plan(stage, 8, NOON, kind)
    (found,) = due(stage, NOON, 10)
    assert schedule_of(stage).take(8, found.due_at, NOON + QUARTER, found.kind)
    assert not schedule_of(stage).take(8, found.due_at, NOON + QUARTER, found.kind)
    assert due(stage, NOON, 10) == []
    assert due(stage, NOON + QUARTER, 10) == [Due(8, NOON + QUARTER, kind)]


def test_the_kinds_of_a_business_are_due_and_taken_each_for_itself(stage: Stage) -> None:
    plan(stage, 8, NOON, "tags")
    plan(stage, 8, NOON + QUARTER, "transactions")
    both = [Due(8, NOON, "tags"), Due(8, NOON + QUARTER, "transactions")]
    assert due(stage, NOON, 10) == both[:1]
    assert due(stage, NOON + QUARTER, 10) == both
    assert due(stage, NOON + QUARTER, 1) == both[:1]
    assert not schedule_of(stage).take(8, NOON, NOON + QUARTER, "transactions")
    assert schedule_of(stage).take(8, NOON, NOON + 2 * QUARTER, "tags")
    assert due(stage, NOON + QUARTER, 10) == both[1:]


def test_taking_one_kind_off_the_schedule_leaves_the_other(stage: Stage) -> None:
    for kind in get_args(Kind):
        plan(stage, 8, NOON, kind)
    plan(stage, 8, None)
    assert due(stage, NOON, 10) == [Due(8, NOON, "tags")]


def test_a_caller_who_comes_just_too_late_does_not_take_it(stage: Stage) -> None:
    plan(stage, 8, NOON)
    rival = Rival(stage.dynamodb, "update_item", lambda: schedule_of(stage).take(8, NOON, NOON + QUARTER))
    assert not schedule_of(replace(stage, dynamodb=rival)).take(8, NOON, NOON + QUARTER)


@pytest.mark.parametrize("resend", [False, True])
def test_a_sweep_taken_without_an_answer_is_taken(stage: Stage, resend: bool) -> None:
    plan(stage, 8, NOON)
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "update_item", resend=resend))
    assert schedule_of(losing).take(8, NOON, NOON + QUARTER)


def test_throttling_asks_to_try_later() -> None:
    schedule = SweepSchedule(BusyClient("ThrottlingException"), "Connections")
    with pytest.raises(TryLater):
        schedule.due(NOON, 10, "0")
    with pytest.raises(TryLater):
        schedule.take(8, NOON, NOON + QUARTER)
