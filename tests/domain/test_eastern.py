from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.eastern import eastern_date, start_of_day
from tests.domain.build import transaction

PACIFIC_SUMMER = timezone(timedelta(hours=-7))
PACIFIC_WINTER = timezone(timedelta(hours=-8))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 8, 6, 59, tzinfo=UTC), date(2026, 3, 8)),  # 01:59 before the clocks jump
        (datetime(2026, 3, 8, 7, 1, tzinfo=UTC), date(2026, 3, 8)),  # 03:01 after
        (datetime(2026, 3, 9, 3, 59, tzinfo=UTC), date(2026, 3, 8)),  # 23:59, four hours behind
        (datetime(2026, 3, 8, 4, 59, tzinfo=UTC), date(2026, 3, 7)),  # 23:59, five hours behind
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), date(2026, 11, 1)),  # 01:30 the first time
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), date(2026, 11, 1)),  # 01:30 again
        (datetime(2026, 11, 2, 4, 59, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2028, 2, 29, 16, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2028, 3, 1, 4, 59, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 3, 7, 23, 30, tzinfo=PACIFIC_WINTER), date(2026, 3, 8)),  # PEX's own books say so too
        (datetime(2026, 3, 8, 20, 59, tzinfo=PACIFIC_SUMMER), date(2026, 3, 8)),
    ],
)
def test_a_moment_falls_on_its_eastern_day(moment: datetime, day: date) -> None:
    assert eastern_date(moment) == day


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 31)))
def test_a_day_starts_at_its_own_midnight(day: date) -> None:
    start = start_of_day(day)
    assert eastern_date(start) == day
    assert eastern_date(start.astimezone(UTC) - timedelta(seconds=1)) == day - timedelta(days=1)


def test_without_a_settlement_time_the_transactions_own_time_counts() -> None:
    one = transaction(settled_at=None)
    assert one.posting_date("settlement") == one.posting_date("transaction") == date(2026, 5, 2)
