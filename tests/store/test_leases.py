from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, get_args

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Kind
from pex_procore.services.ports import Held, Leases
from pex_procore.store.leases import DynamoLeases
from tests.store.conftest import Hands
from tests.store.mischief import BusyClient, LosingClient, Rival, StoppingClient
from tests.store.tables import Stage

LeasesOf = Callable[..., DynamoLeases]


def leases_of_kind(kind: Kind, stage: Stage, clock: Hands, business_id: int = 1) -> DynamoLeases:
    leases = DynamoLeases(stage.dynamodb, stage.connections, business_id, clock, kind)
    _: Leases = leases
    return leases


@pytest.fixture(params=get_args(Kind))
def leases_of(request: pytest.FixtureRequest) -> LeasesOf:
    return partial(leases_of_kind, request.param)


@pytest.fixture
def leases(leases_of: LeasesOf, stage: Stage, clock: Hands) -> DynamoLeases:
    return leases_of(stage, clock)


def test_a_free_lease_is_taken_until_its_seconds_are_over(leases: DynamoLeases, clock: Hands) -> None:
    assert leases.holder() is None
    lease = leases.claim("run-1", 60)
    assert (lease.run_id, lease.fence, lease.announced, lease.interrupted_run_id) == ("run-1", 1, 0, None)
    assert lease.expires_at == clock.now + timedelta(seconds=60)
    assert leases.holder() == "run-1"
    clock.forward(59.9)
    assert leases.holder() == "run-1"
    clock.forward(0.1)
    assert leases.holder() is None


def test_a_second_run_is_told_who_holds_the_lease(leases: DynamoLeases) -> None:
    leases.claim("run-1", 60)
    with pytest.raises(Held) as held:
        leases.claim("run-2", 60)
    assert held.value.run_id == "run-1"
    assert leases.holder() == "run-1"


def test_the_execution_of_a_run_binds_the_lease_that_was_claimed_for_it(leases: DynamoLeases) -> None:
    first = leases.claim("run-1", 60)
    bound = leases.claim("run-1", 60, "execution-a")
    assert bound.fence == first.fence


def test_a_retried_step_of_the_same_execution_claims_again_with_the_same_fence(
    leases: DynamoLeases, clock: Hands
) -> None:
    first = leases.claim("run-1", 60, "execution-a")
    clock.forward(30)
    again = leases.claim("run-1", 60, "execution-a")
    assert again.fence == first.fence
    assert again.expires_at == clock.now + timedelta(seconds=60)


@pytest.mark.parametrize("execution", ["execution-b", None])
def test_a_second_execution_of_the_same_run_is_turned_away(leases: DynamoLeases, execution: str | None) -> None:
    leases.claim("run-1", 60, "execution-a")
    with pytest.raises(Held) as held:
        leases.claim("run-1", 60, execution)
    assert held.value.run_id == "run-1"
    assert leases.claim("run-1", 60, "execution-a").fence == 1


def test_an_expired_lease_is_taken_over_and_names_the_run_it_interrupted(leases: DynamoLeases, clock: Hands) -> None:
    leases.claim("run-1", 60, "execution-a")
    clock.forward(61)
    lease = leases.claim("run-2", 60, "execution-b")
    assert (lease.fence, lease.interrupted_run_id) == (2, "run-1")
    with pytest.raises(Held):
        leases.renew("run-1", 60)


def test_a_retried_take_over_still_names_the_interrupted_run_until_the_lease_is_released(
    leases: DynamoLeases, clock: Hands
) -> None:
    leases.claim("run-1", 60)
    clock.forward(61)
    leases.claim("run-2", 60, "execution-b")
    assert leases.claim("run-2", 60, "execution-b").interrupted_run_id == "run-1"
    leases.release("run-2")
    assert leases.claim("run-3", 60).interrupted_run_id is None


def test_a_run_whose_own_lease_expired_did_not_interrupt_itself(leases: DynamoLeases, clock: Hands) -> None:
    leases.claim("run-1", 60, "execution-a")
    clock.forward(61)
    lease = leases.claim("run-1", 60, "execution-b")
    assert (lease.fence, lease.interrupted_run_id) == (2, None)


def test_a_released_lease_is_free_and_the_next_holder_gets_a_higher_fence(leases: DynamoLeases) -> None:
    first = leases.claim("run-1", 60, "execution-a")
    assert leases.release("run-1")
    assert leases.holder() is None
    second = leases.claim("run-2", 60, "execution-b")
    assert second.fence > first.fence
    assert second.interrupted_run_id is None


def test_renewing_keeps_the_fence_and_moves_the_end(leases: DynamoLeases, clock: Hands) -> None:
    leases.claim("run-1", 60, "execution-a")
    clock.forward(50)
    lease = leases.renew("run-1", 60)
    assert (lease.fence, lease.expires_at) == (1, clock.now + timedelta(seconds=60))


def test_a_lease_that_expired_unnoticed_is_renewed(leases: DynamoLeases, clock: Hands) -> None:
    leases.claim("run-1", 60)
    clock.forward(300)
    leases.renew("run-1", 60)
    assert leases.holder() == "run-1"


@pytest.mark.parametrize("claimed", [False, True])
def test_a_lease_that_nobody_holds_cannot_be_renewed(leases: DynamoLeases, claimed: bool) -> None:
    if claimed:
        leases.claim("run-1", 60)
        leases.release("run-1")
    with pytest.raises(Held):
        leases.renew("run-1", 60)
    assert leases.holder() is None


def test_releasing_a_lease_one_no_longer_holds_changes_nothing(leases: DynamoLeases, clock: Hands) -> None:
    assert leases.release("run-0")
    leases.claim("run-1", 60)
    clock.forward(61)
    leases.claim("run-2", 60)
    leases.count_announcement()
    assert leases.release("run-1")
    assert leases.release("run-1", announced=0)
    assert leases.holder() == "run-2"


def test_an_announcement_between_the_last_look_and_the_release_keeps_the_lease(leases: DynamoLeases) -> None:
    seen = leases.claim("run-1", 60).announced
    leases.count_announcement()
    assert not leases.release("run-1", seen)
    assert leases.holder() == "run-1"
    seen = leases.renew("run-1", 60).announced
    assert seen == 1
    assert leases.release("run-1", seen)
    assert leases.holder() is None


def test_a_lease_is_kept_without_a_write_as_long_as_enough_is_left(
    leases: DynamoLeases, leases_of: LeasesOf, stage: Stage, clock: Hands
) -> None:
    lease = leases.claim("run-1", 60)
    clock.forward(20)
    reading = replace(stage, dynamodb=StoppingClient(stage.dynamodb, "update_item", times=0))
    assert leases_of(reading, clock).keep("run-1", 40, 60) == lease
    clock.forward(1)
    assert leases.keep("run-1", 40, 60).expires_at == clock.now + timedelta(seconds=60)


@pytest.mark.parametrize("holder", ["run-2", ""])
def test_a_lost_lease_cannot_be_kept(leases: DynamoLeases, clock: Hands, holder: str) -> None:
    leases.claim("run-1", 60)
    clock.forward(61)
    if holder:
        leases.claim(holder, 60)
    else:
        leases.release("run-1")
    with pytest.raises(Held) as held:
        leases.keep("run-1", 40, 60)
    assert held.value.run_id == holder


def test_the_announcement_counter_outlives_its_holders_and_comes_before_the_first(leases: DynamoLeases) -> None:
    leases.count_announcement()
    leases.count_announcement()
    assert leases.holder() is None
    assert leases.claim("run-1", 60).announced == 2
    assert leases.release("run-1", 2)
    leases.count_announcement()
    assert leases.claim("run-2", 60).announced == 3


def test_a_release_without_a_counter_does_not_mind_announcements(leases: DynamoLeases) -> None:
    leases.claim("run-1", 60)
    leases.count_announcement()
    assert leases.release("run-1")
    assert leases.holder() is None


def test_an_announcement_does_not_disturb_a_claim_that_is_under_way(
    leases_of: LeasesOf, stage: Stage, clock: Hands
) -> None:
    announce = leases_of(stage, clock).count_announcement
    interrupted = replace(stage, dynamodb=Rival(stage.dynamodb, "update_item", announce))
    lease = leases_of(interrupted, clock).claim("run-1", 60)
    assert (lease.fence, lease.announced) == (1, 1)


def test_of_two_runs_that_see_a_free_lease_one_gets_it(leases_of: LeasesOf, stage: Stage, clock: Hands) -> None:
    rival = Rival(stage.dynamodb, "update_item", lambda: leases_of(stage, clock).claim("run-2", 60))
    with pytest.raises(Held) as held:
        leases_of(replace(stage, dynamodb=rival), clock).claim("run-1", 60)
    assert held.value.run_id == "run-2"


def test_of_two_runs_that_see_an_expired_lease_one_gets_it(leases_of: LeasesOf, stage: Stage, clock: Hands) -> None:
    leases_of(stage, clock).claim("run-0", 60)
    clock.forward(61)
    rival = Rival(stage.dynamodb, "update_item", lambda: leases_of(stage, clock).claim("run-2", 60))
    with pytest.raises(Held) as held:
        leases_of(replace(stage, dynamodb=rival), clock).claim("run-1", 60)
    assert held.value.run_id == "run-2"


def test_a_renewal_loses_to_a_take_over_that_came_first(leases_of: LeasesOf, stage: Stage, clock: Hands) -> None:
    leases_of(stage, clock).claim("run-1", 60)
    clock.forward(61)
    rival = Rival(stage.dynamodb, "update_item", lambda: leases_of(stage, clock).claim("run-2", 60))
    with pytest.raises(Held) as held:
        leases_of(replace(stage, dynamodb=rival), clock).renew("run-1", 60)
    assert held.value.run_id == "run-2"


def test_a_lease_released_while_it_was_looked_at_is_taken_as_free(
    leases_of: LeasesOf, stage: Stage, clock: Hands
) -> None:
    leases_of(stage, clock).claim("run-1", 60)
    clock.forward(61)
    rival = Rival(stage.dynamodb, "update_item", lambda: leases_of(stage, clock).release("run-1"))
    lease = leases_of(replace(stage, dynamodb=rival), clock).claim("run-2", 60)
    assert lease.interrupted_run_id is None


@pytest.mark.parametrize("resend", [False, True])
def test_a_claim_whose_answer_was_lost_is_recognised_as_our_own(
    leases_of: LeasesOf, stage: Stage, clock: Hands, resend: bool
) -> None:
    leases_of(stage, clock).claim("run-0", 60)
    clock.forward(61)
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "update_item", resend=resend))
    lease = leases_of(losing, clock).claim("run-1", 60, "execution-a")
    assert (lease.run_id, lease.fence, lease.interrupted_run_id) == ("run-1", 2, "run-0")


@pytest.mark.parametrize("resend", [False, True])
def test_a_release_whose_answer_was_lost_has_released(
    leases_of: LeasesOf, stage: Stage, clock: Hands, resend: bool
) -> None:
    leases = leases_of(stage, clock)
    leases.claim("run-1", 60)
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "update_item", resend=resend))
    assert leases_of(losing, clock).release("run-1", 0)
    assert leases.holder() is None


def test_a_lease_that_never_stands_still_asks_to_try_later(leases_of: LeasesOf, stage: Stage, clock: Hands) -> None:
    leases_of(stage, clock).claim("run-1", 60)

    class Restless:
        def __getattr__(self, name: str) -> Any:
            if name == "update_item":
                leases_of(stage, clock).claim("run-1", 60)
            return getattr(stage.dynamodb, name)

    with pytest.raises(TryLater):
        leases_of(replace(stage, dynamodb=Restless()), clock).claim("run-1", 60)


def test_throttling_asks_to_try_later(clock: Hands) -> None:
    leases = DynamoLeases(BusyClient("ThrottlingException"), "Connections", 1, clock)
    for act in (lambda: leases.claim("run-1", 60), leases.holder, leases.count_announcement):
        with pytest.raises(TryLater):
            act()


def test_leases_of_two_businesses_have_nothing_to_do_with_each_other(
    leases_of: LeasesOf, stage: Stage, clock: Hands
) -> None:
    leases_of(stage, clock, 1).claim("run-1", 60)
    other = leases_of(stage, clock, 11)
    assert other.holder() is None
    assert other.claim("run-2", 60).fence == 1
    assert other.release("run-1")
    assert other.holder() == "run-2"


def test_runs_of_two_kinds_do_not_wait_for_each_other(stage: Stage, clock: Hands) -> None:
    posting, tags = (leases_of_kind(kind, stage, clock) for kind in get_args(Kind))
    posting.claim("run-1", 60)
    assert tags.holder() is None
    assert tags.claim("run-2", 60).fence == 1
    posting.count_announcement()
    assert tags.release("run-2", 0)
    assert posting.holder() == "run-1"


def test_a_lease_without_a_kind_is_of_transactions(stage: Stage, clock: Hands) -> None:
    DynamoLeases(stage.dynamodb, stage.connections, 1, clock).claim("run-1", 60)
    assert leases_of_kind("transactions", stage, clock).holder() == "run-1"
    (item,) = stage.dynamodb.scan(TableName=stage.connections)["Items"]
    assert item["sk"] == {"S": "LEASE"}


def test_the_lease_is_not_deleted_by_the_tables_time_to_live(leases: DynamoLeases, stage: Stage) -> None:
    leases.claim("run-1", 60)
    (item,) = stage.dynamodb.scan(TableName=stage.connections)["Items"]
    assert "expires_at" not in item
