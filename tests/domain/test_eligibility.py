from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from pex_procore.domain.eligibility import in_scope, judge
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.transactions import Allocation, Transaction
from tests.domain.build import NOW, splits, transaction


def shares(*amounts: str) -> tuple[Allocation, ...]:
    return tuple(Allocation(amount=Decimal(amount), tags={}) for amount in amounts)


@pytest.mark.parametrize(
    ("fields", "settings", "verdict"),
    [
        ({}, {}, None),
        ({"amount": Decimal("-40.00"), "allocations": shares("40.00")}, {}, None),
        ({"kind": "dispute", "amount": Decimal("-40.00"), "allocations": shares("40.00")}, {}, None),
        ({"kind": "other"}, {}, Refused("not_a_purchase")),
        ({"amount": Decimal("0.00"), "allocations": ()}, {}, Refused("zero_amount")),
        ({"approved": False}, {"transactions": "all"}, None),
        ({"approved": False}, {"transactions": "approved"}, Waiting("not_approved")),
        ({"approved": True}, {"transactions": "approved"}, None),
        (
            {"allocations": shares("33.33", "33.33", "33.33"), "amount": Decimal("100.00")},
            {},
            Waiting("allocations_do_not_add_up", "99.99 of 100.00"),
        ),
        ({"allocations": shares("33.33", "33.33", "33.34"), "amount": Decimal("100.00")}, {}, None),
        ({"allocations": shares("33.33", "33.33", "33.34"), "amount": Decimal("-100.00")}, {}, None),
        ({"allocations": ()}, {}, Waiting("allocations_do_not_add_up", "0 of 120.50")),
        (
            {"allocations": shares("130.50", "-10.00")},
            {},
            Waiting("allocations_do_not_add_up", "120.50 of 120.50"),
        ),
        ({"allocations": shares("120.50", "0.00")}, {}, Waiting("allocations_do_not_add_up", "120.50 of 120.50")),
        ({"transacted_at": NOW - timedelta(days=371), "settled_at": NOW - timedelta(days=370)}, {}, Refused("too_old")),
        ({"transacted_at": NOW - timedelta(days=366), "settled_at": NOW - timedelta(days=364)}, {}, None),
        ({"foreign_currency": "Canadian Dollar"}, {}, None),
        ({"amount": Decimal("987654321.09"), "allocations": shares("987654321.09")}, {}, None),
    ],
)
def test_which_rows_become_expenses(
    fields: dict[str, Any], settings: dict[str, Any], verdict: Waiting | Refused | None
) -> None:
    assert judge(transaction(**fields), Settings(**settings), NOW) == verdict


@given(splits())
def test_whatever_is_eligible_adds_up(split: tuple[Transaction, list[int]]) -> None:
    one, _ = split
    assert judge(one, Settings(), NOW) is None
    off_by_a_cent = one.model_copy(update={"amount": one.amount + Decimal("0.01")})
    assert judge(off_by_a_cent, Settings(), NOW) is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"pending": True}, False),
        ({"declined": True}, False),
        ({"settled_at": None}, False),
        ({"settled_at": datetime(2026, 5, 1, 3, 59, tzinfo=UTC)}, False),  # still the last of April in New York
        ({"settled_at": datetime(2026, 5, 1, 4, 0, tzinfo=UTC)}, True),
    ],
)
def test_only_settled_rows_since_the_eastern_start_date_are_in_scope(fields: dict[str, Any], expected: bool) -> None:
    assert in_scope(transaction(**fields), Settings(), date(2026, 5, 1)) is expected


def test_the_start_date_goes_by_the_date_that_is_posted() -> None:
    one = transaction(
        transacted_at=datetime(2026, 4, 30, 16, tzinfo=UTC), settled_at=datetime(2026, 5, 2, 16, tzinfo=UTC)
    )
    assert in_scope(one, Settings(post_date="settlement"), date(2026, 5, 1))
    assert not in_scope(one, Settings(post_date="transaction"), date(2026, 5, 1))
