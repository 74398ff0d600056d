"""When a business is due next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.connection import Connection
from pex_procore.domain.pace import QUIET_AFTER, TOLD_WITHIN, is_quiet, next_beat, next_due, was_untold
from pex_procore.domain.runs import Kind, Tally

NOW = datetime(2026, 5, 4, 16, tzinfo=UTC)


beats = st.tuples(
    st.integers(1, 10**9),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from((60, 300, 900, 3600)),
)


@given(beats)
def test_the_next_beat_is_within_its_time_and_each_business_has_its_own(beat: tuple[int, datetime, int]) -> None:
    business_id, now, seconds = beat
    due = next_beat(business_id, now, seconds)
    assert timedelta(0) < due - now <= timedelta(seconds=seconds)
    following = next_beat(business_id, due, seconds)
    assert abs((following - due).total_seconds() - seconds) < 1


def test_businesses_do_not_all_sweep_at_once() -> None:
    assert len({next_beat(business_id, NOW, 900) for business_id in range(100)}) > 50


def connection(quiet_for: timedelta | None = None) -> Connection:
    since = NOW - quiet_for if quiet_for is not None else None
    return Connection(business_id=42, subscription_ids=(1,), has_callback_secret=True, quiet_since=since)


@pytest.mark.parametrize("outcome", ["posted", "updated", "waiting", "failed", "receipts_attached"])
def test_whatever_is_open_or_moved_is_not_quiet(outcome: str) -> None:
    assert not is_quiet(Tally(counts={"already_posted": 40, outcome: 1}), connection())


def test_nothing_or_nothing_new_is_quiet() -> None:
    assert is_quiet(Tally(), connection())
    assert is_quiet(Tally(counts={"already_posted": 40, "refused": 2, "needs_attention": 1}), connection())


@pytest.mark.parametrize("lacks", [{"subscription_ids": ()}, {"has_callback_secret": False}])
def test_without_callbacks_sweeps_are_all_there_is(lacks: dict[str, object]) -> None:
    assert not is_quiet(Tally(), connection().model_copy(update=lacks))


def pause(kind: Kind, known: Connection) -> int:
    """Between two that are due, in seconds."""
    first = next_due(kind, known, NOW, 900)
    return round((next_due(kind, known, first, 900) - first).total_seconds())


def test_a_business_at_rest_is_swept_every_hour_and_others_every_quarter() -> None:
    assert pause("transactions", connection()) == 900
    assert pause("transactions", connection(QUIET_AFTER - timedelta(hours=1))) == 900
    assert pause("transactions", connection(QUIET_AFTER)) == 3600


def test_tags_are_refreshed_every_hour_where_procore_tells_of_news_and_else_every_five_minutes() -> None:
    assert pause("tags", connection(QUIET_AFTER)) == 300
    assert pause("tags", connection().model_copy(update={"heard_at": NOW - timedelta(days=40)})) == 3600


@pytest.mark.parametrize(
    ("heard", "untold"), [(None, False), (timedelta(0), False), (TOLD_WITHIN, False), (timedelta(hours=3), True)]
)
def test_news_are_untold_where_we_relied_on_being_told_and_heard_nothing_for_long(
    heard: timedelta | None, untold: bool
) -> None:
    heard_at = NOW - heard if heard is not None else None
    assert was_untold(connection().model_copy(update={"heard_at": heard_at}), NOW) is untold
