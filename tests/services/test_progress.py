from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.services.ports import Conflict
from pex_procore.services.progress import News, Progress, work_through
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeLeases


def test_everything_is_done_once_each_in_order() -> None:
    done: list[int] = []
    progress = work_through([3, 1, 3, 2], lambda one: done.append(one), may_go_on=lambda: True, clock=FakeClock())
    assert (done, progress) == ([3, 1, 2], Progress())


def test_nothing_to_do_is_done() -> None:
    assert work_through([], lambda _: None, may_go_on=lambda: False, clock=FakeClock()) == Progress()


def test_a_wait_keeps_the_order_and_names_the_moment() -> None:
    clock = FakeClock()
    reset_at = clock() + timedelta(minutes=40)

    def act(one: int) -> datetime | None:
        if one == 2:
            raise TryLater("429", reset_at)
        return None

    assert work_through([1, 2, 3], act, may_go_on=lambda: True, clock=clock) == Progress(
        remaining=(2, 3), resume_at=reset_at
    )


def test_a_moment_that_has_passed_is_still_a_pause() -> None:
    """Else the step would come back at once, again and again, until the state machine's history is full."""
    clock = FakeClock()

    def act(one: int) -> datetime | None:
        raise TryLater("429, reset an hour ago", clock() - timedelta(hours=1))

    progress = work_through([1], act, may_go_on=lambda: True, clock=clock)
    assert progress.resume_at is not None
    assert progress.resume_at > clock()


def test_what_is_owed_another_call_comes_after_the_rest() -> None:
    clock = FakeClock()
    due = {1: clock() + timedelta(seconds=60), 3: clock() + timedelta(seconds=30)}
    assert work_through([1, 2, 3], due.get, may_go_on=lambda: True, clock=clock) == Progress(
        remaining=(1, 3), resume_at=due[3]
    )


def test_a_wait_also_keeps_what_is_owed_another_call() -> None:
    clock = FakeClock()
    reset_at = clock() + timedelta(minutes=5)

    def act(one: int) -> datetime | None:
        if one == 2:
            raise TryLater("429", reset_at)
        return clock() + timedelta(seconds=30)

    progress = work_through([1, 2], act, may_go_on=lambda: True, clock=clock)
    assert (set(progress.remaining), progress.resume_at) == ({1, 2}, reset_at)


def test_when_time_is_up_the_rest_comes_at_once() -> None:
    clock = FakeClock()
    turns = iter([True, True, False])
    progress = work_through([1, 2, 3], lambda _: None, may_go_on=lambda: next(turns), clock=clock)
    assert progress == Progress(remaining=(3,), resume_at=clock())


def test_a_row_that_somebody_else_moved_is_passed_over() -> None:
    done: list[int] = []

    def act(one: int) -> datetime | None:
        if one == 1:
            raise Conflict("moved")
        done.append(one)
        return None

    assert work_through([1, 2], act, may_go_on=lambda: True, clock=FakeClock()) == Progress()
    assert done == [2]


def test_what_a_person_must_do_leaves_the_chunk() -> None:
    def act(one: int) -> datetime | None:
        raise NeedsAttention("vendor_missing", "choose one")

    with pytest.raises(NeedsAttention):
        work_through([1, 2], act, may_go_on=lambda: True, clock=FakeClock())


def test_news_is_what_was_announced_since_and_is_looked_for_once_a_second() -> None:
    clock = FakeClock()
    leases = FakeLeases(clock)
    news = News(leases, 0, clock)
    assert news.may_go_on()
    leases.count_announcement()
    assert news.may_go_on(), "looked just now"
    clock.forward(1)
    assert (news.may_go_on(), news.came) == (False, True)


def test_so_many_go_on_whatever_comes() -> None:
    clock = FakeClock()
    leases = FakeLeases(clock)
    leases.count_announcement()
    news = News(leases, 0, clock, at_least=2)
    assert [news.may_go_on() for _ in range(3)] == [True, True, False]


def test_who_heeds_no_news_hears_of_none() -> None:
    clock = FakeClock()
    leases = FakeLeases(clock)
    leases.count_announcement()
    news = News(leases, None, clock)
    assert (news.may_go_on(), news.look()) == (True, False)
