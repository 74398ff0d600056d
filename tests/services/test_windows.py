"""How far a listing looks back, and how it gets through many rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.services.list_transactions import MARGIN, PAGE
from pex_procore.services.windows import Window, cut
from tests.services.world import World, eastern_noon


def days_read(world: World) -> int:
    """How far the next sweep looks back."""
    world.pex.windows.clear()
    world.sync()
    return (world.clock() - min(start for start, _ in world.pex.windows)).days


def test_once_a_day_a_sweep_reads_sixty_days_and_otherwise_as_far_as_callbacks_can_be_late(world: World) -> None:
    world.choose(start_date=date(2025, 6, 1))
    assert days_read(world) == 60
    world.clock.forward(900)
    assert days_read(world) == MARGIN.days
    assert len(world.pex.windows) == 1
    world.clock.forward(days=1)
    assert days_read(world) == 60


def test_a_sixty_days_look_that_was_cut_short_is_made_up_for(world: World) -> None:
    world.choose(start_date=date(2025, 6, 1))
    assert world.list(world.opened()).cursor is not None
    world.clock.forward(3600)
    assert days_read(world) == 60


def test_around_an_old_row_that_waits_a_sweep_reads_some_days(world: World) -> None:
    world.choose(start_date=date(2025, 6, 1), transactions="approved")
    bought = eastern_noon(date(2026, 1, 14))
    world.purchase(approved=False, transacted_at=bought, settled_at=bought + timedelta(days=2))
    world.sync("manual")
    world.clock.forward(900)
    days_read(world)
    *old, recent = world.pex.windows
    assert recent[0] == world.clock() - MARGIN
    assert old[0][0] < bought < bought + timedelta(days=2) < old[-1][1]
    assert sum((end - start for start, end in old), timedelta()) <= timedelta(days=5)


@pytest.mark.parametrize("filters_by", ["transacted_at", "settled_at"])
def test_reading_many_rows_grows_with_the_rows_and_no_faster(world: World, filters_by: Any) -> None:
    """Whichever of its times PEX's windows go by, and though settlements come in heaps."""
    world.pex.filters_by = filters_by
    world.choose(start_date=date(2026, 4, 1), transactions="approved")
    begin = eastern_noon(date(2026, 4, 6))
    ids = []
    for number in range(6 * PAGE):
        at = begin + timedelta(minutes=10 * number)
        settled = at.replace(hour=6, minute=0) + timedelta(days=1 + number % 3)
        ids.append(world.purchase(approved=False, transacted_at=at, settled_at=settled).transaction_id)
    run = world.opened("manual")
    world.list_all(run)
    assert sorted(row.transaction_id for row in world.ledger.list_by_state("waiting")) == ids
    assert world.pex.rows_given <= 3 * len(ids)
    items = [item.transaction_id for item in world.runs.items(run.run_id)]
    assert sorted(items) == ids


def test_rows_of_one_second_are_listed_page_by_page(world: World) -> None:
    world.choose(transactions="approved", start_date=date(2026, 5, 1))
    for number in range(3 * PAGE):
        early = world.clock() - timedelta(days=2)
        world.purchase(approved=False, transacted_at=early if number < PAGE + 5 else early + timedelta(seconds=number))
    listing = world.list_all(world.opened())
    assert len(world.ledger) == 3 * PAGE
    assert not listing.transaction_ids


@given(
    seconds=st.lists(st.integers(0, 40), max_size=60),
    rows=st.integers(1, 10),
    late=st.lists(st.integers(0, 20), min_size=60, max_size=60),
    by_settlement=st.booleans(),
)
def test_the_parts_of_a_window_hold_every_row_and_none_that_was_dealt_with(
    seconds: list[int], rows: int, late: list[int], by_settlement: bool
) -> None:
    base = datetime(2026, 5, 4, tzinfo=UTC)
    times = [base + timedelta(seconds=one) for one in seconds]
    marks = [one + timedelta(seconds=late[number] if by_settlement else 0) for number, one in enumerate(times)]
    window = Window(start=base - timedelta(seconds=1), end=base + timedelta(seconds=61))
    first, *parts = cut(window, times, rows)
    if not parts:
        assert first == window
        return
    seen = {number for number, at in enumerate(times) if at <= first.end}
    assert 0 < len(seen) <= rows
    for part in parts:
        assert part.seen_until == first.end
        seen |= {number for number, mark in enumerate(marks) if part.start <= mark <= part.end}
    assert seen == set(range(len(times)))
