"""Webhooks as the client makes them, against the simulated Procore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.switches import TABLE
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, FIRST_COMPANY_ID, big_procore
from pex_procore.domain.connection import ProcoreCredentials, Webhook
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.net.limiter import PROCORE_WINDOWS, Limiter
from pex_procore.net.messages import Answer
from pex_procore.net.session import Session
from pex_procore.procore import hooks
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from tests.net.moving_time import MovingTime
from tests.net.worlds import renew

URL = "https://connector.example/callbacks/procore/7Qk2-hook-key"
SECRET = "Bearer 5d0c7a1e42b94f"
WANTED = ("Projects", "Cost Codes", "Line Item Types")
HOOKS, BULK, HOOK = "webhooks/hooks$", "triggers/bulk$", r"webhooks/hooks/\w+$"


@pytest.fixture(scope="module")
def time() -> MovingTime:
    return MovingTime()


@pytest.fixture(scope="module")
def running(time: MovingTime) -> Iterator[ProcoreSimulator]:
    started = ProcoreSimulator(big_procore(3, 5), clock=time).start()
    yield started
    started.stop()


@pytest.fixture
def sim(running: ProcoreSimulator, time: MovingTime) -> ProcoreSimulator:
    """The running simulator with a new world, two hours after the last test."""
    time.sleep(7200)
    renew(running.world, big_procore(3, 5))
    running.switches.change(**{name: default for name, (default, _) in TABLE.items()})
    running.faults.clear()
    running.requests.clear()
    return running


Connect = Callable[..., ProcoreClient]


@pytest.fixture
def connect(sim: ProcoreSimulator, time: MovingTime) -> Connect:
    def make(**more: Any) -> ProcoreClient:
        credentials = ProcoreCredentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        account = ServiceAccount(credentials, Session(sim.login_url), clock=time)
        limiter = Limiter(PROCORE_WINDOWS, jitter=lambda: 0.0)
        session = Session(sim.api_url, silence_seconds=0.5)
        return ProcoreClient(
            session, account, limiter, company_id=FIRST_COMPANY_ID, clock=time, sleep=time.sleep, **more
        )

    return make


@pytest.fixture
def procore(connect: Connect) -> ProcoreClient:
    return connect()


def stored(sim: ProcoreSimulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sim.books()["hooks"]
    return found


def create(procore: ProcoreClient, wanted: tuple[str, ...] = WANTED) -> str:
    return procore.create_hook(URL, SECRET, wanted)


def test_a_webhook_is_made_of_the_newest_version_with_every_event_that_is_offered(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    hook_id = create(procore)
    (made,) = stored(sim)
    assert (made["id"], made["destination_url"], made["payload_version"]) == (hook_id, URL, "v4.0")
    assert (made["namespace"], sim.world.hooks[hook_id].authorization) == ("pex-connector", SECRET)
    types = [f"Line Item Types {event}" for event in ("create", "delete", "update")]
    assert made["triggers"] == [*types, "Projects create", "Projects update"]
    assert procore.list_hooks() == [Webhook(hook_id=hook_id, url=URL, active=True)]


@pytest.mark.parametrize("as_objects", [False, True])
def test_cost_codes_are_told_of_where_the_company_offers_them(
    sim: ProcoreSimulator, procore: ProcoreClient, as_objects: bool
) -> None:
    sim.switches.change(company_hooks_hear_projects=True, actions_as_objects=as_objects)
    create(procore)
    assert [name for name in stored(sim)[0]["triggers"] if name.startswith("Cost Codes")] == [
        "Cost Codes create",
        "Cost Codes delete",
        "Cost Codes update",
    ]
    asked = {tuple(one.query["payload_version"]) for one in sim.requests.all() if "resources" in one.path}
    assert asked == {("v4.0",)}  # which lacks nothing


def test_where_the_newest_version_is_not_known_the_older_one_is_taken(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    sim.switches.change(payload_versions=["v2.0"])
    create(procore)
    assert stored(sim)[0]["payload_version"] == "v2.0"


def test_the_version_that_tells_of_more_is_taken(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    only = {"data": [{"name": "Projects", "actions": ["update"]}]}
    sim.faults.add({"kind": "status", "status": 200, "answer": only, "path": "resources$", "query": "v4.0"})
    create(procore)
    assert stored(sim)[0]["payload_version"] == "v2.0"
    assert "Line Item Types delete" in stored(sim)[0]["triggers"]


def test_without_anything_to_tell_no_webhook_is_made(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    with pytest.raises(NeedsAttention, match="none of Cost Codes") as caught:
        create(procore, ("Cost Codes",))
    assert caught.value.reason == "procore_permission_missing"
    assert stored(sim) == []


def test_without_the_permission_for_webhooks_it_says_so(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    sim.act_set_level("none", tool="webhooks")
    for call in (lambda: create(procore), procore.list_hooks, lambda: procore.delete_hook("0")):
        with pytest.raises(NeedsAttention, match="permission") as caught:
            call()
        assert (caught.value.reason, caught.value.upstream_status) == ("procore_permission_missing", 403)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "html_502", "commit": True},
        {"kind": "status", "status": 503, "commit": True},
        {"kind": "truncate"},
        {"kind": "empty"},
        {"kind": "status", "status": 201, "answer": {"data": {"id": ""}}, "commit": True},
    ],
    ids=str,
)
def test_a_lost_answer_to_a_create_is_unsure_and_the_webhook_can_be_found(
    sim: ProcoreSimulator, procore: ProcoreClient, fault: dict[str, Any]
) -> None:
    sim.faults.add({**fault, "method": "POST", "path": HOOKS, "times": 1})
    with pytest.raises(Unsure):
        create(procore)
    assert [one.url for one in procore.list_hooks()] == [URL]
    assert sim.requests.count("POST", "hooks") == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "drop_after"}, Unsure),
        ({"kind": "status", "status": 500}, Unsure),
        ({"kind": "status", "status": 403, "answer": {"error": {"code": "FORBIDDEN"}}}, NeedsAttention),
        ({"kind": "status", "status": 400, "answer": {"error": {"code": "BAD_REQUEST"}}}, NeedsAttention),
        ({"kind": "status", "status": 207, "answer": {"data": {}}}, NeedsAttention),
        ({"kind": "status", "status": 503, "headers": {"Retry-After": 1}}, TryLater),
    ],
    ids=str,
)
def test_a_webhook_without_its_triggers_is_taken_back(
    sim: ProcoreSimulator, procore: ProcoreClient, fault: dict[str, Any], error: type[Exception]
) -> None:
    sim.faults.add({**fault, "method": "POST", "path": BULK})
    with pytest.raises(error):
        create(procore)
    assert stored(sim) == []


def test_one_that_could_not_be_taken_back_makes_us_unsure(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    sim.faults.add({"kind": "limit_429", "method": "POST", "path": BULK, "reset_in": 3000})
    with pytest.raises(Unsure, match="may be left behind"):
        create(procore)
    assert [one["triggers"] for one in stored(sim)] == [[]]


def test_a_trigger_that_is_refused_costs_no_more_than_itself(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    sim.faults.add({"kind": "status", "status": 207, "answer": {"data": {}}, "commit": True, "path": BULK})
    assert [one["id"] for one in stored(sim)] == [] != [create(procore)]
    assert len(stored(sim)[0]["triggers"]) == 5


def test_neither_the_secret_nor_the_hook_key_is_repeated_in_an_error(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    said = {"error": {"code": "BAD_REQUEST", "message": f"{URL} with {SECRET} is refused"}}
    sim.faults.add({"kind": "status", "status": 400, "answer": said, "method": "POST", "path": HOOKS})
    with pytest.raises(NeedsAttention, match="is refused") as caught:
        create(procore)
    assert "hook-key" not in str(caught.value)
    assert SECRET.split()[1] not in str(caught.value)


def test_deleting_succeeds_when_the_webhook_is_gone_and_is_repeated_when_the_answer_is_lost(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    hook_id = create(procore)
    sim.faults.add({"kind": "drop_after", "method": "DELETE", "path": HOOK, "times": 1})
    procore.delete_hook(hook_id)
    assert stored(sim) == []
    assert sim.requests.count("DELETE") == 2
    procore.delete_hook("a/b?c")
    assert sim.requests.all()[-1].status == 404


@pytest.mark.parametrize("cap", [10, 100])
@pytest.mark.parametrize("headers", [False, True])
def test_all_of_ours_are_listed_and_nobody_elses(
    sim: ProcoreSimulator, procore: ProcoreClient, headers: bool, cap: int
) -> None:
    sim.switches.change(v2_page_headers=headers, v2_page_cap=cap)
    mine = {create(procore, ("Projects",)) for _ in range(12)}
    other, disabled = sorted(mine)[:2]
    sim.world.hooks[other].namespace = "somebody-else"
    sim.act_change_hook(disabled, status="disabled")
    listed = procore.list_hooks()
    assert {one.hook_id for one in listed} == mine - {other}
    assert [one.hook_id for one in listed if not one.active] == [disabled]


def test_a_filter_that_is_ignored_does_no_harm() -> None:
    rows = [{"id": "1", "namespace": "somebody-else"}, {"id": "2", "namespace": "pex-connector", "status": "disabled"}]
    assert hooks.read_hooks(rows) == [Webhook(hook_id="2", url="", active=False)]


@pytest.mark.parametrize("body", [b"[]", b'{"data": {}}', b'{"data": [1]}', b'{"data": [{}]}', b'{"rows": []}'])
def test_a_page_that_is_not_one_of_v2_is_not_taken_for_an_empty_one(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        hooks.read_page(Answer(200, {}, body))


def test_only_the_events_we_understand_are_asked_for_under_the_names_procore_gives() -> None:
    rows = [
        {"name": "cost codes", "actions": ["Create", "recycle", "delete", 5]},
        {"name": "Sub Jobs", "actions": ["create"]},
        {"name": "Projects", "actions": None},
    ]
    assert hooks.choose(rows, WANTED) == [("cost codes", "create"), ("cost codes", "delete")]
