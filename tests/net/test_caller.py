from __future__ import annotations

from dataclasses import replace

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.net.caller import Caller
from pex_procore.net.limiter import Assumption, Limiter
from pex_procore.net.messages import Request
from pex_procore.net.session import Session
from pex_procore.net.verdicts import Next
from tests.net.moving_time import MovingTime
from tests.net.scripted import Act, Scripted, answer, hang_up, ok, scripted, then_close

READ = Request("GET", "/things", "list the things", repeatable=True)
WRITE = Request("POST", "/things", "make a thing", body=b"{}")


def caller(server: Scripted, time: MovingTime, limit: int = 100) -> Caller:
    limiter = Limiter([Assumption(10, limit)], share=1.0, jitter=lambda: 0.0)
    return Caller("Acme", Session(server.url), limiter, clock=time, sleep=time.sleep, secrets=["s3cret"])


def ask(*acts: Act, request: Request = READ) -> tuple[Scripted, MovingTime, Next]:
    time = MovingTime()
    with scripted(*acts) as server:
        verdict, _ = caller(server, time).ask(request, {})
    return server, time, verdict


@pytest.mark.parametrize("trouble", [hang_up, answer(500), answer(502, b"<html>"), answer(504)])
def test_a_read_that_failed_is_repeated_once(trouble: Act) -> None:
    server, _, verdict = ask(trouble, ok(b"[]"))
    assert verdict is Next.USE
    assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [hang_up, answer(500), answer(503)])
def test_a_read_that_keeps_failing_is_for_later(trouble: Act) -> None:
    with scripted(trouble) as server:
        with pytest.raises(TryLater, match="when asked to list the things"):
            caller(server, MovingTime()).ask(READ, {})
        assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [hang_up, answer(409), answer(500), answer(503), answer(302), answer(299 + 300)])
def test_a_write_of_unknown_outcome_is_unsure_and_never_repeated(trouble: Act) -> None:
    with scripted(trouble) as server:
        with pytest.raises(Unsure, match=r"Acme .* when asked to make a thing"):
            caller(server, MovingTime()).ask(WRITE, {})
        assert len(server.requests) == 1


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_request_that_did_not_leave_is_for_later(request_: Request) -> None:
    with scripted(ok(b"")) as server:
        server.stop()
        with pytest.raises(TryLater, match="could not be reached"):
            caller(server, MovingTime()).ask(request_, {})


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_short_refusal_is_waited_for_and_the_call_made_again(request_: Request) -> None:
    server, time, verdict = ask(answer(429, b"", Retry_After="2"), ok(b"[]"), request=request_)
    assert verdict is Next.USE
    assert time.slept == [2]
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_refusal_is_for_later_with_the_time_to_come_back(status: int) -> None:
    time = MovingTime()
    with scripted(answer(status, b"", Retry_After="2400")) as server:
        with pytest.raises(TryLater) as caught:
            caller(server, time).ask(WRITE, {})
        assert len(server.requests) == 1
    assert caught.value.resume_at is not None
    assert (caught.value.resume_at - time.now).total_seconds() == pytest.approx(2400, abs=1)
    assert time.slept == []


def test_endless_short_refusals_end() -> None:
    with scripted(answer(429, b"", Retry_After="1")) as server:
        with pytest.raises(TryLater) as caught:
            caller(server, MovingTime()).ask(READ, {})
        assert len(server.requests) == 3
    assert caught.value.resume_at is not None


def test_when_the_calls_are_used_up_the_next_one_does_not_leave() -> None:
    time = MovingTime()
    with scripted(ok(b"[]")) as server:
        line = caller(server, time, limit=1)
        line.ask(READ, {})
        with pytest.raises(TryLater, match="as many calls as it allows"):
            line.ask(READ, {})
        assert len(server.requests) == 1


def test_an_answer_too_long_to_read_needs_a_person() -> None:
    with scripted(ok(b"x" * 1000)) as server, pytest.raises(NeedsAttention) as caught:
        caller(server, MovingTime()).ask(replace(READ, max_bytes=10), {})
    assert caught.value.reason == "vendor_answer_unreadable"
    with scripted(ok(b"x" * 1000)) as server, pytest.raises(Unsure):
        caller(server, MovingTime()).ask(replace(WRITE, max_bytes=10), {})


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 1', b'{"id": 1}'])
def test_a_successful_write_with_an_unreadable_answer_is_unsure(body: bytes) -> None:
    with scripted(answer(201, body)) as server:
        line = caller(server, MovingTime())
        _, made = line.ask(WRITE, {})
    with pytest.raises(Unsure):
        line.read(WRITE, made, lambda found: found.json()["name"])


def test_a_read_cut_short_is_for_later_and_one_of_another_shape_needs_a_person() -> None:
    with scripted(then_close(ok(b'{"id": 1')), ok(b"[]")) as server:
        line = caller(server, MovingTime())
        _, cut = line.ask(READ, {})
        with pytest.raises(TryLater):
            line.read(READ, cut, lambda found: found.json())
        _, other = line.ask(READ, {})
        with pytest.raises(NeedsAttention):
            line.read(READ, other, lambda found: found.json()["name"])


def test_no_message_shows_a_secret() -> None:
    told = answer(500, b"you said s3cret and Bearer abc123def456")
    with scripted(told) as server, pytest.raises(Unsure) as caught:
        caller(server, MovingTime()).ask(WRITE, {})
    assert "s3cret" not in str(caught.value)
    assert "abc123def456" not in str(caught.value)
    assert "[hidden]" in str(caught.value)
