from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Assumption, Limiter, Share

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def limiter(windows: Sequence[Assumption] = PROCORE_WINDOWS, share: Share | float = 0.8) -> Limiter:
    return Limiter(windows, share=share, jitter=lambda: 0.0)


def headers(limit: int, remaining: int, reset_in: float, now: float = 0.0) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(round(at(now + reset_in).timestamp())),
    }


def drive(line: Limiter, calls: int, pauses: Sequence[float] = (0.0,)) -> list[float]:
    """When the calls left, if each came a pause after the last and waited as told."""
    now, left = 0.0, []
    for number in range(calls):
        now += pauses[number % len(pauses)]
        now += line.delay(at(now))
        line.take(at(now))
        left.append(now)
    return left


def most_within(times: Sequence[float], seconds: float) -> int:
    """A millisecond is forgiven: datetimes round."""
    return max(bisect_left(times, start + seconds - 0.001) - place for place, start in enumerate(times))


@given(st.lists(st.floats(0, 3), min_size=1, max_size=7))
@settings(max_examples=15, deadline=None)
def test_no_window_ever_holds_more_than_its_share(pauses: list[float]) -> None:
    times = drive(limiter(), 600, pauses)
    assert most_within(times, 10) <= 20
    assert most_within(times, 3600) <= 480


def test_the_first_calls_leave_at_once_and_the_next_are_spread_out() -> None:
    times = drive(limiter(), 100)
    assert times[9] == 0.0, "a small piece of work does not wait"
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < 2.5, "no long standstill after a burst"
    assert times[-1] < 75, "most of the allowed rate is used"


def test_out_of_the_hourly_window_we_come_back_with_room_for_a_whole_piece_of_work() -> None:
    line = limiter((Assumption(3600, 100),))
    times = drive(line, 80, [1.0])
    wait = line.delay(at(times[-1]))
    assert wait > 3000
    for _ in range(8):
        assert line.delay(at(times[-1] + wait)) == 0
        line.take(at(times[-1] + wait))


def test_pex_is_called_a_hundred_times_a_minute_at_most() -> None:
    assert most_within(drive(limiter(PEX_WINDOWS, share=1.0), 350), 60) <= 100


def test_most_of_a_minutes_calls_leave_without_waiting() -> None:
    assert drive(limiter(PEX_WINDOWS, share=1.0), 85)[-1] == 0.0


def test_limits_are_learned_from_the_headers() -> None:
    line = limiter()
    line.learn(at(0), 200, headers(limit=100, remaining=99, reset_in=10))
    line.learn(at(0), 200, headers(limit=3600, remaining=3599, reset_in=3000))
    times = drive(line, 800)
    assert 20 < most_within(times, 10) <= 80
    assert most_within(times, 3600) == 800


def test_a_larger_limit_of_the_short_window_promises_more_an_hour_until_the_hour_is_told_of() -> None:
    line = limiter()
    line.learn(NOON, 200, headers(100, 99, reset_in=10))
    times = drive(line, 600)
    assert times[-1] < 3600, "not the 480 of the limit we assumed"
    line.learn(at(times[-1]), 200, headers(600, 55, reset_in=900, now=times[-1]))
    assert line.delay(at(times[-1])) > 600, "told that the hour is nearly spent"


def test_calls_of_others_show_in_the_remaining_ones() -> None:
    line = limiter()
    line.learn(at(0), 200, headers(limit=25, remaining=3, reset_in=6))
    assert line.delay(at(0)) == pytest.approx(6, abs=1)
    assert line.delay(at(7)) == 0


def test_what_was_left_is_used_up_by_our_own_calls_since() -> None:
    line = limiter()
    line.learn(at(0), 200, headers(limit=600, remaining=64, reset_in=1800))
    for _ in range(4):
        assert line.delay(at(0)) == 0
        line.take(at(0))
    assert line.delay(at(0)) == pytest.approx(1800, abs=1)


@pytest.mark.parametrize("skew", [-600, 0, 600])
def test_a_wrong_clock_of_ours_changes_no_wait(skew: float) -> None:
    line = limiter()
    told = headers(limit=25, remaining=0, reset_in=8, now=skew) | {"date": format_datetime(at(skew), usegmt=True)}
    line.learn(at(0), 429, told)
    assert line.delay(at(0)) == pytest.approx(8, abs=1)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (headers(25, 0, 7), 7),
        (headers(600, 0, 2400), 2400),
        (headers(25, 0, 7) | {"retry-after": "20"}, 20),
        (headers(25, 0, 30) | {"retry-after": "20"}, 30),
        ({"retry-after": "12"}, 12),
        ({"retry-after": format_datetime(at(40), usegmt=True)}, 40),
        ({"retry-after": "99999999"}, 3900),
    ],
)
def test_a_refusal_waits_for_the_later_of_reset_and_retry_after(told: dict[str, str], seconds: float) -> None:
    line = limiter()
    line.learn(at(0), 429, told)
    assert line.delay(at(0)) == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize(
    "told",
    [
        {},
        headers(25, 0, -90),
        headers(25, 0, 90_000),
        {"retry-after": "soon"},
        {"retry-after": "nan"},
        {"x-rate-limit-reset": "never"},
    ],
)
def test_a_refusal_without_a_usable_time_backs_off_doubling_up_to_five_minutes(told: dict[str, str]) -> None:
    line = limiter()
    waits, now = [], 0.0
    for _ in range(6):
        line.learn(at(now), 429, told)
        waits.append(line.delay(at(now)))
        now += waits[-1]
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300])
    line.learn(at(now), 200, {})
    line.learn(at(now), 429, told)
    assert line.delay(at(now)) == pytest.approx(30)


def test_load_shedding_blocks_only_when_it_names_a_time() -> None:
    line = limiter()
    line.learn(at(0), 503, {})
    assert line.delay(at(0)) == 0
    line.learn(at(0), 503, {"retry-after": "9"})
    assert line.delay(at(0)) == pytest.approx(9)


def test_a_lower_share_leaves_room_for_more_urgent_work() -> None:
    urgent, patient = limiter(share=0.8), limiter(share=0.4)
    times = drive(patient, 10)
    urgent.restore(patient.snapshot())
    assert patient.delay(at(times[-1])) > 0
    assert urgent.delay(at(times[-1])) == 0


BACKLOG = Share(0.7, 0.95)


def test_a_share_grows_while_nobody_else_wants_the_rest() -> None:
    times = drive(limiter(share=BACKLOG), 2_400)
    assert times[419] < 600, "at once"
    assert times[1_139] <= 1_140 / 600 * 3600 / 0.92
    assert times[2_399] <= 2_400 / 600 * 3600 / 0.97
    assert 520 <= sum(one < 3600 for one in times) <= 570


@given(st.lists(st.floats(0, 3), min_size=1, max_size=7))
@settings(max_examples=15, deadline=None)
def test_a_share_that_grows_is_never_exceeded(pauses: list[float]) -> None:
    times = drive(limiter(share=BACKLOG), 1_200, pauses)
    assert most_within(times, 10) <= 23
    assert most_within(times, 3600) <= 570


@pytest.mark.parametrize("minutes", [5, 30, 55, 90])
def test_a_backlog_leaves_what_more_urgent_work_needs(minutes: int) -> None:
    """Which comes every five minutes."""
    backlog, urgent = limiter(share=BACKLOG), limiter(share=Share(0.8, 0.99))
    now, due, waited = 0.0, minutes * 60.0, []
    while now < 3 * 3600:
        wait = backlog.delay(at(now))
        if due <= now + wait:
            now, due = max(now, due), due + 300
            urgent.restore(backlog.snapshot())
            waited.append(urgent.delay(at(now)))
            now += waited[-1]
        else:
            now += wait
        backlog.take(at(now))
    assert max(waited) < 10, "seconds"


def test_workers_that_share_a_store_stay_within_the_limit_together() -> None:
    first, second = limiter(), limiter()
    stored: dict[str, object] = {}
    now, left = 0.0, []
    for turn in range(120):
        line = (first, second)[turn % 2]
        line.restore(stored)
        now += line.delay(at(now))
        line.take(at(now))
        left.append(now)
        stored = json.loads(json.dumps(line.snapshot()))
        line.mark_shared()
    assert most_within(left, 10) <= 20


@pytest.mark.parametrize("strangers", [0, 1, 2])
def test_workers_that_only_hear_of_each_other_from_the_vendor_are_never_refused(strangers: int) -> None:
    """Three that send at the same moment, all of the highest share, against a window that is fixed."""
    lines = [limiter(share=Share(0.8, 0.99)) for _ in range(3)]
    calls: dict[int, int] = {}
    for tick in range(1_200):
        now = tick * 0.1
        window = int(now // 10)
        ready = [line for line in lines if line.delay(at(now)) == 0]
        for line in ready:
            line.take(at(now))
            calls[window] = calls.get(window, strangers) + 1
        for line in ready:
            line.learn(at(now), 200, headers(25, max(0, 25 - calls[window]), 10 * (window + 1) - now, now))
    assert max(calls.values()) <= 25
    assert min(calls.values()) >= 20


def test_our_own_calls_survive_a_lost_save() -> None:
    line = limiter((Assumption(10, 10),), share=1.0)
    for _ in range(6):
        line.take(at(0))
    other = limiter((Assumption(10, 10),), share=1.0)
    for _ in range(4):
        other.take(at(0))
    line.restore(other.snapshot())  # ours was never stored
    assert line.delay(at(0)) > 5


def test_the_latest_word_of_the_vendor_wins_over_what_was_stored() -> None:
    stored, ours = limiter(), limiter()
    stored.learn(at(0), 200, headers(limit=25, remaining=20, reset_in=9))
    ours.learn(at(2), 200, headers(limit=25, remaining=2, reset_in=7, now=2))
    ours.restore(stored.snapshot())
    assert ours.delay(at(2)) == pytest.approx(7, abs=1)
    stored.restore(ours.snapshot())
    assert stored.delay(at(3)) == pytest.approx(6, abs=1)


def test_a_block_is_shared_too() -> None:
    first, second = limiter(), limiter()
    first.learn(at(0), 429, {"retry-after": "50"})
    second.restore(first.snapshot())
    assert second.delay(at(0)) == pytest.approx(50, abs=1)


def test_a_clock_set_back_does_not_block_for_good() -> None:
    line = limiter()
    drive(line, 20)
    assert line.delay(at(-86_400)) == 0


def test_what_is_left_is_what_the_vendor_told_last_less_what_we_used_since() -> None:
    line = limiter()
    assert (line.left(at(0)).limit, line.left(at(0)).remaining, line.left(at(0)).resets_at) == (600, 600, None)
    line.take(at(0))
    line.learn(at(0), 200, headers(3600, 3000, 900))
    line.take(at(1))
    told = line.left(at(1))
    assert (told.limit, told.remaining, told.resets_at) == (3600, 2999, at(900))
    later = line.left(at(901))
    assert (later.remaining, later.resets_at) == (3598, later.resets_at), "after the reset only our own count is known"


def test_a_limit_that_is_used_up_says_when_it_opens_again() -> None:
    line = limiter()
    line.take(at(0))
    line.learn(at(0), 429, headers(600, 0, 1200) | {"retry-after": "1200"})
    told = line.left(at(0))
    assert told.remaining == 0
    assert told.resets_at is not None
    assert timedelta(seconds=1200) <= told.resets_at - NOON <= timedelta(seconds=1210)
