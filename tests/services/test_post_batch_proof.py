"""Whether Procore lets lines of what has an origin id be written, which nobody tells: found out once, at no risk."""

from __future__ import annotations

import pytest

from tests.services.batches import TOGETHER, buy, calls, check
from tests.services.world import World


@pytest.fixture
def unproven(world: World) -> World:
    world.cache = type(world.cache)(world.clock)
    return world


def test_the_first_expense_ever_is_posted_alone_and_shows_that_lines_can_be_written(unproven: World) -> None:
    bought = buy(unproven, 20)
    unproven.sync()
    assert calls(unproven, "takes_lines", "create_direct_cost", *TOGETHER) == [1, 1, 1, 1, 0]
    check(unproven, bought)
    more = buy(unproven, 20)
    unproven.sync()
    assert calls(unproven, "takes_lines", "create_direct_cost", *TOGETHER) == [1, 1, 2, 2, 0]
    check(unproven, [*bought, *more])


def test_two_purchases_are_not_worth_finding_out(unproven: World) -> None:
    buy(unproven, 2)
    unproven.sync()
    assert calls(unproven, "takes_lines", "create_direct_cost", *TOGETHER) == [0, 2, 0, 0, 0]


def test_where_a_record_with_our_reference_is_locked_each_is_posted_whole_in_a_call_of_its_own(unproven: World) -> None:
    unproven.procore.locked = True
    bought = buy(unproven, 20)
    assert unproven.sync().counts == {"posted": 20}
    check(unproven, bought)
    buy(unproven, 5)
    unproven.sync()
    assert calls(unproven, "takes_lines", "create_direct_cost", *TOGETHER) == [1, 25, 0, 0, 0]


@pytest.mark.parametrize("how", ["lost", "no such call", "nothing told"])
def test_not_finding_out_costs_nothing_but_calls(unproven: World, how: str) -> None:
    if how == "no such call":
        unproven.procore.no_sync["takes_lines"] = 404
    elif how == "nothing told":
        unproven.procore.tells_of_lines = False
    else:
        unproven.procore.behave_next()
        unproven.procore.lose_next_answer = True
    bought = buy(unproven, 6)
    assert unproven.sync().counts == {"posted": 6}
    assert calls(unproven, "create_direct_cost", "takes_lines", *TOGETHER) == [6, 1, 0, 0, 0]
    check(unproven, bought)
    unproven.procore.no_sync.clear()
    unproven.procore.tells_of_lines = True
    buy(unproven, 6)
    unproven.sync()
    assert calls(unproven, *TOGETHER) == [1, 1, 0], "asked again by a later run"
