"""How many function processes there are, and which one gets an event."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local.emulator.environment import Function
from local.emulator.pool import NoneFree, Pool


class FakeEnvironment:
    def __init__(self, function: Function) -> None:
        self.function, self.alive = function, True

    def kill(self) -> None:
        self.alive = False


def function(name: str, revision: str = "1") -> Function:
    return Function(name, f"arn:{name}", "app.handler", Path(), (), 3, revision)


def pool_of(total: int = 3, per_function: int = 2, idle_seconds: float = 60.0, wait_seconds: float = 0.05) -> Any:
    launched: list[FakeEnvironment] = []

    def launch(wanted: Function) -> Any:
        launched.append(FakeEnvironment(wanted))
        return launched[-1]

    pool: Any = Pool(launch, total, per_function, idle_seconds, wait_seconds)
    pool.launched = launched
    return pool


def test_a_released_environment_serves_the_next_event_of_its_function() -> None:
    pool = pool_of()
    first = pool.lease(function("a"))
    pool.release(first)
    assert pool.lease(function("a")) is first


def test_events_at_the_same_time_get_environments_of_their_own() -> None:
    pool = pool_of()
    assert pool.lease(function("a")) is not pool.lease(function("a"))


def test_changed_code_gets_a_new_environment() -> None:
    pool = pool_of()
    old = pool.lease(function("a"))
    pool.release(old)
    assert pool.lease(function("a", revision="2")) is not old


def test_an_environment_that_died_is_not_used_again() -> None:
    pool = pool_of()
    dead = pool.lease(function("a"))
    pool.release(dead)
    dead.kill()
    assert pool.lease(function("a")) is not dead


def test_the_longest_idle_environment_makes_room_for_another_function() -> None:
    pool = pool_of(total=2)
    first, second = pool.lease(function("a")), pool.lease(function("b"))
    pool.release(second)
    pool.release(first)
    pool.lease(function("c"))
    assert (first.alive, second.alive) == (True, False)


@pytest.mark.parametrize(("total", "per_function"), [(1, 5), (5, 1)])
def test_a_caller_waits_when_a_cap_is_reached(total: int, per_function: int) -> None:
    pool = pool_of(total, per_function, wait_seconds=5)
    busy = pool.lease(function("a"))
    threading.Timer(0.1, pool.release, args=(busy,)).start()
    began = time.monotonic()
    assert pool.lease(function("a")) is busy
    assert time.monotonic() - began >= 0.09


def test_a_caller_that_waited_too_long_is_told() -> None:
    pool = pool_of(total=1)
    pool.lease(function("a"))
    with pytest.raises(NoneFree):
        pool.lease(function("b"))


def test_idle_environments_end_by_themselves() -> None:
    pool = pool_of(idle_seconds=0.05)
    idle = pool.lease(function("a"))
    pool.release(idle)
    deadline = time.monotonic() + 5
    while idle.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not idle.alive


def test_a_caller_that_waits_is_told_when_the_pool_closes() -> None:
    pool = pool_of(total=1, wait_seconds=30)
    busy = pool.lease(function("a"))
    threading.Timer(0.1, pool.close).start()
    began = time.monotonic()
    with pytest.raises(NoneFree):
        pool.lease(function("b"))
    assert time.monotonic() - began < 10
    assert not busy.alive
