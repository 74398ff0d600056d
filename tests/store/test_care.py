"""Who is looked after next, and the new token that waits beside the present one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pex_procore.domain.alerts import Care
from pex_procore.store import keys
from pex_procore.store.care import CareSchedule
from pex_procore.store.connections import DynamoConnections
from pex_procore.store.seal import Sealer
from pex_procore.store.sweeps import SweepSchedule
from tests.store.mischief import LosingClient
from tests.store.tables import Stage

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def connections_of(stage: Stage, business_id: int = 1) -> DynamoConnections:
    return DynamoConnections(stage.dynamodb, stage.connections, business_id, Sealer(stage.kms, stage.key_id))


def schedule_of(stage: Stage) -> CareSchedule:
    return CareSchedule(stage.dynamodb, stage.connections)


def plan(stage: Stage, business_id: int, due_at: datetime) -> None:
    connections_of(stage, business_id).save_care(Care(due_at=due_at))


def test_care_comes_back_as_it_was_saved(stage: Stage) -> None:
    care = Care(due_at=NOON, told=7, procore_told_at=NOON - 2 * DAY, digested_until=NOON - DAY)
    connections = connections_of(stage)
    assert connections.load_care() is None
    connections.save_care(care)
    assert connections.load_care() == care
    connections.end_care()
    assert connections.load_care() is None


def test_businesses_are_due_from_their_moment_on_the_longest_due_first(stage: Stage) -> None:
    for business_id in (1, 2, 3):
        plan(stage, business_id, NOON - business_id * DAY)
    plan(stage, 4, NOON + timedelta(microseconds=1))
    assert schedule_of(stage).due(NOON, 10) == [(one, NOON - one * DAY) for one in (3, 2, 1)]
    assert [business_id for business_id, _ in schedule_of(stage).due(NOON, 2)] == [3, 2]


def test_sweeps_and_care_do_not_meet(stage: Stage) -> None:
    plan(stage, 1, NOON)
    connections_of(stage, 2).schedule_sweep(NOON)
    assert [one.business_id for one in SweepSchedule(stage.dynamodb, stage.connections).due(NOON, 10, "2")] == [2]
    assert [business_id for business_id, _ in schedule_of(stage).due(NOON, 10)] == [1]


def test_of_two_who_take_a_business_one_gets_it(stage: Stage) -> None:
    plan(stage, 1, NOON)
    assert schedule_of(stage).take(1, NOON, NOON + DAY)
    assert not schedule_of(stage).take(1, NOON, NOON + 2 * DAY)
    care = connections_of(stage).load_care()
    assert care is not None
    assert care.due_at == NOON + DAY


def test_a_taking_whose_answer_was_lost_counts_as_ours(stage: Stage) -> None:
    plan(stage, 1, NOON)
    assert CareSchedule(LosingClient(stage.dynamodb, "update_item"), stage.connections).take(1, NOON, NOON + DAY)


def test_what_an_earlier_version_kept_of_care_loads(stage: Stage) -> None:
    plan(stage, 1, NOON)
    key = {name: {"S": text} for name, text in keys.care(1).items()}
    kept = {":care": {"S": '{"due_at":"2026-05-04T12:00:00Z","told":3,"digested_until":"2026-05-03T12:00:00Z"}'}}
    stage.dynamodb.update_item(
        TableName=stage.connections, Key=key, UpdateExpression="SET care = :care", ExpressionAttributeValues=kept
    )
    assert connections_of(stage).load_care() == Care(due_at=NOON, told=3, digested_until=NOON - DAY)


def test_care_is_hastened_and_never_put_off(stage: Stage) -> None:
    connections = connections_of(stage)
    connections.save_care(Care(due_at=NOON + DAY, told=7))
    for due_at, then in ((NOON, NOON), (NOON + DAY, NOON), (NOON, NOON), (NOON - DAY, NOON - DAY)):
        connections.hasten_care(due_at)
        assert connections.load_care() == Care(due_at=then, told=7)
    assert schedule_of(stage).due(NOON, 10) == [(1, NOON - DAY)]


def test_a_business_that_is_not_looked_after_is_not_hastened(stage: Stage) -> None:
    connections_of(stage).hasten_care(NOON)
    assert connections_of(stage).load_care() is None
    assert schedule_of(stage).due(NOON, 10) == []


def test_nobody_takes_a_business_that_is_gone(stage: Stage) -> None:
    assert not schedule_of(stage).take(1, NOON, NOON + DAY)
    assert connections_of(stage).load_care() is None


def test_the_new_token_waits_beside_the_present_one_until_it_takes_over(stage: Stage) -> None:
    connections = connections_of(stage)
    assert not connections.promote_next_pex_token()
    connections.seal_pex_token("present")
    connections.seal_next_pex_token("new")
    assert (connections.open_pex_token(), connections.open_next_pex_token()) == ("present", "new")
    assert connections.promote_next_pex_token()
    assert (connections.open_pex_token(), connections.open_next_pex_token()) == ("new", None)


@pytest.mark.parametrize("how", ["signed in again", "dropped", "disconnected"])
def test_a_new_token_that_is_not_wanted_any_more_is_gone(stage: Stage, how: str) -> None:
    connections = connections_of(stage)
    connections.seal_pex_token("present")
    connections.seal_next_pex_token("new")
    if how == "signed in again":
        connections.seal_pex_token("another")
    elif how == "dropped":
        connections.drop_next_pex_token()
    else:
        connections.erase_credentials()
    assert connections.open_next_pex_token() is None
    assert not connections.promote_next_pex_token()
