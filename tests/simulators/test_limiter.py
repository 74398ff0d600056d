from __future__ import annotations

from datetime import UTC, datetime

from local.simulators.limiter import HOURLY, SPIKE, Limiter, Window
from local.simulators.web import AdjustableClock

NOON = datetime(2026, 10, 5, 16, 0, tzinfo=UTC)


def limiter_at_noon(*windows: Window, **options: bool) -> tuple[Limiter, AdjustableClock]:
    clock = AdjustableClock(NOON)
    return Limiter(windows or (HOURLY, SPIKE), clock=clock, **options), clock


def test_the_twenty_sixth_request_in_ten_seconds_is_refused_until_the_reset_second() -> None:
    limiter, clock = limiter_at_noon()
    assert [limiter.take("a").allowed for _ in range(26)] == [True] * 25 + [False]
    refused = limiter.take("a")
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    clock.advance(int(refused.headers["X-Rate-Limit-Reset"]) - clock().timestamp())
    assert limiter.take("a").allowed


def test_the_window_rolls_so_room_comes_back_one_request_at_a_time() -> None:
    limiter, clock = limiter_at_noon(Window(10, 2))
    limiter.take("a")
    clock.advance(6)
    limiter.take("a")
    clock.advance(5)
    assert limiter.take("a").allowed
    assert not limiter.take("a").allowed


def test_the_headers_speak_of_the_spike_window_until_the_hour_is_nearly_spent() -> None:
    limiter, clock = limiter_at_noon()
    assert limiter.take("a").headers["X-Rate-Limit-Limit"] == "25"
    for _ in range(595):
        clock.advance(1)
        limiter.take("a")
    clock.advance(11)
    assert limiter.take("a").headers == {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "3",
        "X-Rate-Limit-Reset": str(int(NOON.timestamp()) + 3600),
    }


def test_on_a_tie_the_spike_window_is_shown() -> None:
    limiter, _ = limiter_at_noon(Window(3600, 25), Window(10, 25))
    assert limiter.take("a").headers["X-Rate-Limit-Reset"] == str(int(NOON.timestamp()) + 10)


def test_a_refused_request_uses_no_quota_unless_told_so() -> None:
    for counted, allowed_after_ten_seconds in ((False, True), (True, False)):
        limiter, clock = limiter_at_noon(Window(10, 1), count_refused=counted)
        limiter.take("a")
        clock.advance(9)
        assert not limiter.take("a").allowed
        clock.advance(1)
        assert limiter.take("a").allowed is allowed_after_ten_seconds


def test_clients_do_not_share_a_bucket() -> None:
    limiter, _ = limiter_at_noon(Window(10, 1))
    limiter.take("a")
    assert limiter.take("b").allowed
    assert not limiter.take("a").allowed
    assert limiter.refused == {"a": 1}


def test_retry_after_is_sent_only_when_switched_on() -> None:
    for switched_on in (False, True):
        limiter, _ = limiter_at_noon(Window(10, 1), retry_after=switched_on)
        assert "Retry-After" not in limiter.take("a").headers
        assert limiter.take("a").headers.get("Retry-After") == ("10" if switched_on else None)
