"""Twenty bad weeks of 500 purchases each; the verdict is read from the fake vendors' books, not from the ledger."""

from __future__ import annotations

import pytest

from tests.simulation.week import Week

SEEDS = range(1, 21)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_in_a_week_the_books_are_right_at_its_end(seed: int) -> None:
    week = Week(seed).live()
    assert len(week.bought) == 500


def test_the_same_seed_is_the_same_week() -> None:
    first, second = (Week(7, transactions=60).live() for _ in range(2))
    assert first.town.ledger.rows == second.town.ledger.rows
    assert first.town.clock() == second.town.clock()


def test_the_weeks_are_bad_enough_to_prove_anything() -> None:
    """Answers are lost, functions die, runs meet, people change their minds: else a green week says nothing."""
    causes = " ".join(
        entry.cause
        for seed in (2, 3, 5)
        for row in Week(seed, transactions=150).live().town.ledger.rows.values()
        for entry in row.timeline
    )
    happened = ("adopted", "not found, first look", "intent to change", "changed", "receipts attached", "listed by")
    assert [one for one in happened if one not in causes] == []
