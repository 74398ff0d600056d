"""What costs much may not be had without end: by address, by business, and by API Gateway's throttles before all."""

from __future__ import annotations

from typing import Any

import pytest

from pex_procore.runtime import caps
from pex_procore.store.caps import Cap
from tests.flow.gateway import Reply, proxy_event, reply_of
from tests.flow.story import Story
from tests.functions.test_setup_credentials import check_problem
from tests.template.cfn import load_template


def sign_in_from(story: Story, address: str, token: str = "no-such-token") -> Reply:
    event = proxy_event("POST", "/v1/sessions", "/v1/sessions", {}, f'{{"pex_token": "{token}"}}', {}, {})
    event["requestContext"]["identity"]["sourceIp"] = address
    return reply_of(story.cloud.invoke("SetupCredentials", event))


def check_too_many(answer: Reply, seconds: int) -> None:
    body = check_problem(answer, 429, "too_many")
    assert body["what_to_do"]
    assert 1 <= int(answer.headers["Retry-After"]) <= seconds


@pytest.mark.parametrize(
    ("first", "neighbour", "stranger"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::9", "2001:db8:1:3::7"),
    ],
    ids=["IPv4", "an IPv6 network is one subscriber"],
)
def test_guessing_tokens_from_one_address_ends_and_others_get_in(
    story: Story, first: str, neighbour: str, stranger: str
) -> None:
    story.pex.faults.add({"kind": "status", "status": 401, "answer": {"Message": "Token expired or does not exist"}})
    for _ in range(caps.GUESSES.times):
        check_problem(sign_in_from(story, first), 401, "pex_token_rejected", "pex_token")
    story.pex.faults.clear()
    asked = len(story.pex.requests.all())
    check_too_many(sign_in_from(story, neighbour, "flow-pex-token"), caps.GUESSES.seconds)
    assert len(story.pex.requests.all()) == asked, "PEX is left alone"
    assert sign_in_from(story, stranger, "flow-pex-token").status == 201
    story.clock.forward(caps.GUESSES.seconds)
    assert sign_in_from(story, first, "flow-pex-token").status == 201
    assert first not in story.everything_stored()


def test_signing_in_to_one_business_from_everywhere_ends_too(story: Story) -> None:
    for number in range(caps.SIGN_INS.times):
        assert sign_in_from(story, f"198.51.100.{number}", "flow-pex-token").status == 201
    check_too_many(sign_in_from(story, "198.51.100.250", "flow-pex-token"), caps.SIGN_INS.seconds)
    other = story.pex.act_add_business()
    assert sign_in_from(story, "198.51.100.251", other["token"]).status == 201


def test_fresh_looks_end_and_the_cheap_one_stays(connected: Story) -> None:
    for _ in range(caps.CHECKS.times):
        assert connected.api("GET", "/v1/connection", check="now").status == 200
        connected.clock.forward(seconds=11)  # within Procore's own limit
    check_too_many(connected.api("GET", "/v1/connection", check="now"), caps.CHECKS.seconds)
    assert connected.api("GET", "/v1/connection").status == 200


@pytest.mark.parametrize(("cap", "dry_run"), [(caps.RUNS, False), (caps.TRY_OUTS, True)], ids=["runs", "dry runs"])
def test_runs_started_in_a_loop_end_and_another_business_starts_its_own(story: Story, cap: Cap, dry_run: bool) -> None:
    def start() -> Reply:
        return story.api("POST", "/v1/runs", {"kind": "transactions", "dry_run": dry_run})

    assert {start().status for _ in range(cap.times)} <= {409, 422}, "nothing is connected"
    check_too_many(start(), cap.seconds)
    story.sign_in(story.pex.act_add_business()["token"])
    assert start().status in (409, 422)


@pytest.mark.parametrize(
    ("path", "cap"), [("/v1/history.csv", caps.FILES), ("/v1/reconciliation", caps.COMPARISONS)], ids=["files", "books"]
)
def test_files_and_comparisons_end(story: Story, path: str, cap: Cap) -> None:
    days = {"from": "2026-05-01", "to": "2026-05-03"}
    assert 429 not in {story.api("GET", path, **days).status for _ in range(cap.times)}
    check_too_many(story.api("GET", path, **days), cap.seconds)


def test_sign_ins_at_pex_begun_in_a_loop_end(story: Story) -> None:
    for _ in range(caps.PEX_LOGINS.times):
        assert story.cloud.request("POST", "/v1/sessions/pex-login").status == 201
    check_too_many(story.cloud.request("POST", "/v1/sessions/pex-login"), caps.PEX_LOGINS.seconds)


def test_what_strangers_may_call_is_throttled_by_itself() -> None:
    settings: list[dict[str, Any]] = load_template()["Resources"]["Api"]["Properties"]["MethodSettings"]
    throttled = {(one["HttpMethod"], one["ResourcePath"].replace("~1", "/")[1:]) for one in settings}
    assert {
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/pex-login"),
        ("POST", "/callbacks/pex/{hook_key}"),
        ("POST", "/callbacks/procore/{hook_key}"),
        ("*", "*"),
    } <= throttled
