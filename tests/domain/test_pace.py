"""When a business is swept next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.connection import Connection
from pex_procore.domain.pace import QUIET_AFTER, QUIET_PAUSE, is_quiet, next_sweep, sweep_after
from pex_procore.domain.runs import Kind, Tally

NOW = datetime(2026, 5, 4, 16, tzinfo=UTC)


@given(
    st.integers(1, 10**9),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from((60, 900, 3600)),
    st.sampled_from(("transactions", "tags")),
)
def test_the_next_sweep_is_within_one_beat_and_on_the_businesss_own_beat(
    business_id: int, now: datetime, seconds: int, kind: Kind
) -> None:
    now = now.replace(tzinfo=UTC)
    due = next_sweep(kind, business_id, now, seconds)
    beat = seconds if kind == "transactions" else seconds / 3
    assert timedelta(0) < due - now <= timedelta(seconds=beat)
    following = next_sweep(kind, business_id, due, seconds)
    assert abs((following - due).total_seconds() - beat) < 1


def test_businesses_do_not_all_sweep_at_once() -> None:
    now = datetime(2026, 5, 4, 16, tzinfo=UTC)
    moments = {next_sweep("transactions", business_id, now, 900) for business_id in range(100)}
    assert len(moments) > 50


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


@pytest.mark.parametrize("seconds", [5, 900, 1800])
def test_a_quiet_business_is_swept_every_hour_on_its_own_beat(seconds: int) -> None:
    due_at = sweep_after(connection(QUIET_AFTER), NOW, seconds)
    assert due_at is not None
    assert QUIET_PAUSE - timedelta(seconds=seconds) <= due_at - NOW <= QUIET_PAUSE
    assert due_at == next_sweep("transactions", 42, due_at - timedelta(seconds=1), seconds)


def test_the_usual_beat_is_kept_for_two_hours_and_where_it_is_slower_anyway() -> None:
    assert sweep_after(connection(), NOW, 900) is None
    assert sweep_after(connection(QUIET_AFTER - timedelta(seconds=1)), NOW, 900) is None
    assert sweep_after(connection(QUIET_AFTER), NOW, 3600) is None
