"""Webhooks of the simulated Procore: what may be asked for, what is told, and how stubbornly."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.switches import TABLE
from local.simulators.seed_procore import FIRST_COMPANY_ID, SECOND_COMPANY_ID, full_codes_of
from tests.simulators.procore_site import QUIET, Site, procore_site
from tests.simulators.receiver import Receiver

BASE = f"/rest/v2.0/companies/{FIRST_COMPANY_ID}/webhooks"
SECRET = "Bearer 8f1c2a77e0d94b"
FAST = {"delivery_first_pause": 0.02, "delivery_timeout": 2.0}


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with procore_site() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    """The running simulator without hooks, its switches as they come."""
    running.world.hooks.clear()
    running.world.deliveries.clear()
    running.world.event_mood.clear()
    running.sim.switches.change(**{name: default for name, (default, _) in TABLE.items()} | QUIET | FAST)
    running.sign_in()
    return running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def body(url: str = "https://connector.example/callbacks", **changes: Any) -> dict[str, Any]:
    given = {
        "payload_version": "v4.0",
        "namespace": "pex-connector",
        "destination_url": url,
        "destination_headers": {"Authorization": SECRET},
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not ...}


def hook(site: Site, url: str, *triggers: tuple[str, str], **changes: Any) -> str:
    made = site.call("POST", f"{BASE}/hooks", json=body(url, **changes))
    assert made.status_code == 201, made.text
    id: str = made.json()["data"]["id"]
    if triggers:
        rows = [{"resource_name": name, "event_type": event} for name, event in triggers]
        bulk = site.call("POST", f"{BASE}/hooks/{id}/triggers/bulk", json=rows)
        assert bulk.status_code == 201, bulk.text
    return id


def settled(sim: ProcoreSimulator) -> list[str]:
    """The status of every delivery once nothing waits any more."""
    deadline = time.monotonic() + 5
    while not sim.dispatcher.idle():
        assert time.monotonic() < deadline, sim.books()["deliveries"]
        time.sleep(0.005)
    return [delivery["status"] for delivery in sim.books()["deliveries"]]


def rename(site: Site, name: str = "Harbor Point") -> None:
    site.sim.act_change_project(site.project.id, name=name)


RENAMED = ("Projects", "update")


def test_a_hook_is_shown_with_ids_as_text_and_its_secret_masked(site: Site) -> None:
    id = hook(site, "https://connector.example/callbacks", RENAMED)
    shown = site.get(f"{BASE}/hooks/{id}").json()["data"]
    assert shown["destination_headers"] == {"Authorization": "*" * (len(SECRET) - 5) + SECRET[-5:]}
    assert (shown["id"], shown["company_id"], shown["project_id"]) == (id, str(FIRST_COMPANY_ID), None)
    assert (shown["status"], shown["trigger_count"]) == ("active", 1)
    listed = site.get(f"{BASE}/hooks", namespace="pex-connector").json()["data"]
    assert [{**row, "trigger_count": 1} for row in listed] == [shown]
    assert site.get(f"{BASE}/hooks", namespace="other").json() == {"data": []}
    assert SECRET not in str(site.sim.books())


def test_a_hook_is_changed_and_deleted_with_its_triggers(site: Site) -> None:
    id = hook(site, "https://connector.example/callbacks", RENAMED)
    changed = site.call("PATCH", f"{BASE}/hooks/{id}", json={"status": "disabled", "namespace": "pex-2"})
    assert (changed.json()["data"]["status"], changed.json()["data"]["namespace"]) == ("disabled", "pex-2")
    assert site.call("DELETE", f"{BASE}/hooks/{id}").status_code == 204
    assert [site.call(verb, f"{BASE}/hooks/{id}").status_code for verb in ("GET", "DELETE")] == [404, 404]
    assert site.get(f"{BASE}/hooks/{id}/triggers").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "PEX"},
        {"namespace": "pex_connector"},
        {"namespace": ""},
        {"namespace": ...},
        {"payload_version": "v3.1"},
        {"payload_version": 4},
        {"payload_version": ...},
        {"destination_url": "/callbacks"},
        {"destination_url": "ftp://connector.example"},
        {"destination_url": None},
        {"destination_url": ...},
        {"destination_headers": {"X-Key": "1"}},
        {"destination_headers": {"Authorization": 1}},
        {"status": "active"},
        {"hook": {}},
    ],
)
def test_a_hook_that_procore_would_refuse_is_refused(site: Site, changes: dict[str, Any]) -> None:
    refused = site.call("POST", f"{BASE}/hooks", json=body(**changes))
    assert refused.status_code == 400, refused.text
    assert site.sim.books()["hooks"] == []


def test_without_the_switch_a_destination_must_be_https(site: Site) -> None:
    site.sim.switches.change(allow_http_destinations=False)
    assert site.call("POST", f"{BASE}/hooks", json=body("http://127.0.0.1:9/")).status_code == 400
    assert site.call("POST", f"{BASE}/hooks", json=body()).status_code == 201


def test_lists_give_ten_rows_unless_asked_and_a_hundred_at_most(site: Site) -> None:
    def names(**query: Any) -> list[str]:
        return [row["name"] for row in site.get(f"{BASE}/resources", payload_version="v4.0", **query).json()["data"]]

    assert len(names()) == 10
    assert len(names(page=2)) == 10
    everything = names(per_page=500)
    assert names() + names(page=2) + names(page=3) == everything
    assert names(page=4) == []
    assert "Total" not in site.get(f"{BASE}/resources", payload_version="v4.0").headers
    for _ in range(101):
        hook(site, "https://connector.example/callbacks")
    assert len(site.get(f"{BASE}/hooks", per_page=500).json()["data"]) == 100
    site.sim.switches.change(v2_page_headers=True)
    assert site.get(f"{BASE}/hooks").headers["Total"] == "101"


def test_resources_of_projects_are_offered_only_when_the_switches_say_so(site: Site) -> None:
    def offered() -> dict[str, list[str]]:
        rows = site.get(f"{BASE}/resources", payload_version="v4.0", per_page=100).json()["data"]
        return {row["name"]: row["actions"] for row in rows}

    assert offered()["Projects"] == ["create", "update"]
    assert "Cost Codes" not in offered()
    site.sim.switches.change(company_lists_project_resources=True)
    assert offered()["Cost Codes"] == ["create", "update", "delete"]
    assert site.get(f"{BASE}/resources").status_code == 400
    site.sim.switches.change(payload_versions=["v2.0"])
    assert site.get(f"{BASE}/resources", payload_version="v4.0").status_code == 400


def test_every_refusal_of_v2_has_the_one_shape(site: Site) -> None:
    answers = [site.get(f"{BASE}/hooks", filters="x"), site.get(f"{BASE}/hooks/none"), site.get(f"{BASE}/nothing")]
    answers.append(site.get(f"/rest/v2.0/companies/{SECOND_COMPANY_ID}/webhooks/hooks"))
    site.sim.act_set_level("read_only", tool="webhooks")
    answers.append(site.get(f"{BASE}/hooks"))
    site.sim.act_set_level("standard", tool="webhooks")
    site.sim.switches.change(spike_limit=1)
    answers.append(site.get(f"{BASE}/hooks"))
    site.sim.switches.change(spike_limit=100_000)
    site.sim.act_revoke_tokens()
    answers.append(site.get(f"{BASE}/hooks"))
    assert [answer.status_code for answer in answers] == [400, 404, 404, 403, 403, 429, 401]
    codes = [answer.json()["error"]["code"] for answer in answers]
    assert codes == ["BAD_REQUEST", *["NOT_FOUND"] * 2, *["FORBIDDEN"] * 2, "TOO_MANY_REQUESTS", "UNAUTHORIZED"]
    assert answers[-1].json()["error"]["details"][0]["reason_code"] == "INVALID_TOKEN"


def test_a_hook_takes_only_the_triggers_that_are_offered_each_once(site: Site) -> None:
    id = hook(site, "https://connector.example/callbacks")
    path = f"{BASE}/hooks/{id}/triggers"

    def add(name: str, event: str) -> int:
        return site.call("POST", path, json={"resource_name": name, "event_type": event}).status_code

    assert [add(*RENAMED), add(*RENAMED), add("Projects", "delete"), add("Cost Codes", "update")] == [
        201,
        400,
        400,
        400,
    ]
    (row,) = site.get(path).json()["data"]
    assert (row["webhook_hook_id"], row["resource_name"], row["event_type"]) == (id, *RENAMED)
    assert [site.call("DELETE", f"{path}/{row['id']}").status_code for _ in range(2)] == [204, 404]


def test_triggers_in_bulk_succeed_wholly_partly_or_not_at_all(site: Site) -> None:
    path = f"{BASE}/hooks/{hook(site, 'https://connector.example/callbacks')}/triggers"
    good, bad = (
        {"resource_name": "Projects", "event_type": "update"},
        {"resource_name": "Moods", "event_type": "update"},
    )
    other = {"resource_name": "Projects", "event_type": "create"}
    assert site.call("POST", f"{path}/bulk", json=[good]).status_code == 201
    mixed = site.call("POST", f"{path}/bulk", json=[other, bad])
    assert mixed.status_code == 207
    assert [mixed.json()["data"]["failed"][0]["trigger"], len(mixed.json()["data"]["succeeded"])] == [bad, 1]
    assert site.call("POST", f"{path}/bulk", json=[bad]).status_code == 400
    assert site.call("POST", f"{path}/bulk", json=good).status_code == 400
    ids = [row["id"] for row in site.get(path).json()["data"]]
    assert site.call("DELETE", f"{path}/bulk", json=[ids[0], "x"]).status_code == 207
    assert site.call("DELETE", f"{path}/bulk", json=[ids[1]]).json() == {"data": {"succeeded": [ids[1]]}}
    assert site.get(path).json() == {"data": []}


def test_an_event_of_version_4_is_all_text_and_carries_the_authorization_we_set(site: Site, receiver: Receiver) -> None:
    hook(site, receiver.url, RENAMED)
    rename(site)
    assert settled(site.sim) == ["delivered"]
    ((authorization, event),) = receiver.got
    assert authorization == SECRET
    assert {type(value) for value in event.values()} <= {str, type(None)}
    assert (event["resource_type"], event["reason"], event["resource_id"]) == (*RENAMED, str(site.project.id))
    assert len(event["id"]) == 26


def test_an_event_of_version_2_has_numbers_and_other_names(site: Site, receiver: Receiver) -> None:
    hook(site, receiver.url, RENAMED, payload_version="v2.0")
    rename(site)
    assert settled(site.sim) == ["delivered"]
    (event,) = receiver.bodies
    assert (event["resource_name"], event["event_type"], event["resource_id"]) == (*RENAMED, site.project.id)
    assert (event["api_version"], event["metadata"]["source_company_id"]) == ("v2.0", FIRST_COMPANY_ID)


def test_people_changing_things_is_told_and_permitting_a_project_or_a_budget_code_is_not(
    site: Site, receiver: Receiver
) -> None:
    site.sim.switches.change(company_hooks_hear_projects=True)
    wanted = ("Projects", "Cost Codes", "Line Item Types")
    triggers = [(name, event) for name in wanted for event in ("create", "update", "delete")]
    hook(site, receiver.url, *[pair for pair in triggers if pair != ("Projects", "delete")])
    id = site.project.id
    site.sim.act_permit_project(id, permitted=False)
    site.sim.act_permit_project(id)
    site.sim.act_set_wbs_code(site.budget_codes()[0], "inactive")
    site.sim.act_add_cost_code(id, "77-100", "Drones")
    site.sim.act_rename_cost_code(id, "77-100", "Flying")
    site.sim.act_remove_cost_code(id, "77-100")
    site.sim.act_add_cost_type(FIRST_COMPANY_ID, "R", "Rental")
    site.sim.act_rename_cost_type(FIRST_COMPANY_ID, "R", "Rentals")
    site.sim.act_remove_cost_type(FIRST_COMPANY_ID, "R")
    rename(site)
    assert set(settled(site.sim)) == {"delivered"}
    assert [(event["resource_type"], event["reason"]) for event in receiver.bodies] == [
        *[("Cost Codes", reason) for reason in ("create", "create", "update", "delete")],
        *[("Line Item Types", reason) for reason in ("create", "update", "delete")],
        RENAMED,
    ]
    assert {event["project_id"] for event in receiver.bodies[:4]} == {str(id)}


def test_a_company_hook_is_deaf_to_projects_even_where_their_resources_are_listed(
    site: Site, receiver: Receiver
) -> None:
    site.sim.switches.change(company_lists_project_resources=True)
    hook(site, receiver.url, ("Cost Codes", "update"), RENAMED)
    code = next(iter(full_codes_of(site.world, site.project.id)))
    site.sim.act_rename_cost_code(site.project.id, code, "New name")
    rename(site)
    assert settled(site.sim) == ["delivered"]
    assert [event["resource_type"] for event in receiver.bodies] == ["Projects"]


def test_the_other_companys_hooks_and_disabled_and_deleted_ones_hear_nothing(site: Site, receiver: Receiver) -> None:
    ids = [hook(site, receiver.url, RENAMED) for _ in range(3)]
    site.world.hooks[ids[0]].company_id = SECOND_COMPANY_ID
    site.sim.act_change_hook(ids[1], status="disabled")
    site.sim.act_change_hook(ids[2], delete=True)
    rename(site)
    assert settled(site.sim) == []


def test_a_failure_pauses_the_queue_and_a_success_lets_it_flow_in_order(site: Site, receiver: Receiver) -> None:
    id = hook(site, receiver.url, RENAMED, ("Projects", "create"))
    receiver.answers = [500, 301]
    rename(site)
    site.sim.act_add_project("Pier 4")
    assert settled(site.sim) == ["delivered", "delivered"]
    first, second = site.sim.books()["deliveries"]
    assert [attempt["response_status"] for attempt in first["delivery_attempts"]] == [500, 301, 200]
    assert [event["reason"] for event in receiver.bodies] == ["update", "update", "update", "create"]
    assert len(second["delivery_attempts"]) == 1
    assert site.world.hooks[id].failures == 0


def test_pauses_double_up_to_the_longest(site: Site) -> None:
    id = hook(site, "http://127.0.0.1:9/nobody", RENAMED)
    site.sim.switches.change(delivery_first_pause=100.0, delivery_longest_pause=300.0)
    seen = []
    rename(site)
    for failures in (1, 2, 3):
        deadline = time.monotonic() + 5
        while (made := site.world.hooks[id]).failures < failures and time.monotonic() < deadline:
            time.sleep(0.002)
        seen.append(round(made.paused_until - time.time(), -2))
        site.sim.act_hurry_events()
    assert seen == [100, 200, 300]
    site.sim.act_change_hook(id, delete=True)
    assert settled(site.sim) == ["discarded"]


def test_a_receiver_slower_than_the_limit_has_failed_and_hears_it_again(site: Site, receiver: Receiver) -> None:
    site.sim.switches.change(delivery_timeout=0.1)
    hook(site, receiver.url, RENAMED)
    receiver.answers = [0.3]
    rename(site)
    assert settled(site.sim) == ["delivered"]
    (delivery,) = site.sim.books()["deliveries"]
    first, *_, last = delivery["delivery_attempts"]
    assert (first["outcome"], first["response_status"], last["outcome"]) == ("retried", None, "ok")
    assert len(receiver.got) == len(delivery["delivery_attempts"])


def test_after_failures_only_for_long_enough_what_waits_is_discarded(site: Site, receiver: Receiver) -> None:
    site.sim.switches.change(delivery_give_up=0.05)
    id = hook(site, receiver.url, RENAMED)
    receiver.answers = [500] * 4
    rename(site)
    rename(site)
    assert settled(site.sim) == ["discarded", "discarded"]
    assert site.get(f"{BASE}/hooks/{id}/deliveries", **{"filter[status]": "succeeded"}).json() == {"data": []}
    receiver.answers = []
    rename(site)
    assert settled(site.sim)[-1] == "delivered"


def test_events_are_duplicated_turned_round_and_lost_on_request(site: Site, receiver: Receiver) -> None:
    id = hook(site, receiver.url, RENAMED, ("Projects", "create"))
    site.sim.act_duplicate_events(times=3)
    rename(site)
    settled(site.sim)
    assert len({event["id"] for event in receiver.bodies}) == 1
    assert len(receiver.bodies) == 3
    receiver.got.clear()
    site.sim.act_reverse_events()
    rename(site)
    site.sim.act_add_project("Pier 5")
    settled(site.sim)
    assert [event["reason"] for event in receiver.bodies] == ["create", "update"]
    receiver.got.clear()
    site.sim.act_drop_events()
    rename(site)
    rename(site)
    assert settled(site.sim)[-2:] == ["lost", "delivered"]
    assert len(receiver.bodies) == 1
    told = site.get(f"{BASE}/hooks/{id}/deliveries", per_page=100).json()["data"]
    assert {row["status"] for row in told} == {"delivered"}
    assert len(told) == 6


def test_a_forger_posts_once_without_our_secret_and_procore_knows_nothing_of_it(site: Site, receiver: Receiver) -> None:
    id = hook(site, receiver.url, RENAMED)
    receiver.answers = [401, 401]
    assert site.sim.act_forge_event() == {"forged": 1}
    assert settled(site.sim) == ["failed"]
    site.sim.act_forge_event(payload={"resource_type": "Moods"}, authorization=None, hook_id=id)
    assert settled(site.sim) == ["failed", "failed"]
    assert [authorization for authorization, _ in receiver.got] == ["Bearer not-the-secret", None]
    assert site.get(f"{BASE}/hooks/{id}/deliveries").json() == {"data": []}
    assert site.world.hooks[id].failures == 0


def test_deliveries_are_found_by_status_resource_event_and_day(site: Site, receiver: Receiver) -> None:
    id = hook(site, receiver.url, RENAMED, ("Projects", "create"))
    rename(site)
    site.sim.act_add_project("Pier 6")
    settled(site.sim)

    def count(**filters: str) -> int:
        query = {f"filter[{name}]": value for name, value in filters.items()}
        return len(site.get(f"{BASE}/hooks/{id}/deliveries", **query).json()["data"])

    today = site.clock().date().isoformat()
    assert [count(), count(status="succeeded"), count(status="failed")] == [2, 2, 0]
    assert [count(event_type="create"), count(resource_name="Moods")] == [1, 0]
    assert [count(start=today, end=today), count(end="2020-01-01")] == [2, 0]
    assert site.get(f"{BASE}/hooks/{id}/deliveries", **{"filter[status]": "delivered"}).status_code == 400


def test_what_waited_when_procore_stopped_is_sent_after_the_restart(receiver: Receiver) -> None:
    with procore_site(delivery_first_pause=60.0) as site:
        hook(site, receiver.url, RENAMED)
        receiver.answers = [500]
        rename(site)
        while not receiver.got:
            time.sleep(0.005)
        site.sim.stop()
        kept = pickle.dumps(site.world)
    again = ProcoreSimulator(pickle.loads(kept), switches=QUIET).start()
    try:
        again.act_hurry_events()
        assert settled(again) == ["delivered"]
        assert len(receiver.got) == 2
    finally:
        again.stop()
