"""Procore's lists become PEX's options: judged by what PEX holds in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pex_procore.runtime.wiring import wiring
from tests.flow.cloud import PATIENCE_SECONDS
from tests.flow.story import Story
from tests.flow.worlds import COMPANY_ID, CONCRETE, SETUP

PROJECTS, COST_TYPES, COST_CODES = r"/v1.1/projects$", r"/line_item_types$", r"/cost_codes$"
TAG = r"/Configuration/Tag/[0-9a-f]+$"
WRITE = r"/Tag/Dropdown/[0-9a-f]+$"


class TagStory:
    def __init__(self, story: Story) -> None:
        self.story = story
        self.pex, self.procore, self.names = story.pex, story.procore, story.names
        self.tag_ids = dict(story.names.tags)

    def refresh(self, *, confirm: bool = False) -> dict[str, Any]:
        """As a person asks for it; the run at its end."""
        self.pex.requests.clear()
        self.procore.requests.clear()
        order = {"kind": "tags", "confirm": confirm}
        return self.story.finish(self.story.ask("POST", "/v1/runs", order)["run_id"])

    def sweep(self) -> dict[str, Any]:
        """The next beat that is due; the run it started for the tags."""
        self._hear()
        due_at = wiring().sweeps.due_at(self.names.business_id, "tags")
        assert due_at is not None
        self.story.clock.forward(max(6 * 60, (due_at - self.story.clock()).total_seconds()))
        self.pex.requests.clear()
        self.procore.requests.clear()
        self.story.cloud.beat()
        assert set(self.story.cloud.finish()) == {"SUCCEEDED"}
        return max((run for run in self.story.runs() if run["kind"] == "tags"), key=lambda run: run["started_at"])

    def _hear(self) -> None:
        """Procore's webhooks arrive."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.procore.dispatcher.idle():
            assert time.monotonic() < until, "Procore does not get rid of its events"
            time.sleep(0.005)

    def options(self, kind: str = "project") -> dict[str, tuple[str, bool]]:
        """Value → name and whether it is enabled, in PEX's order."""
        tag = next(one for one in self.pex.books()["tags"] if one["tag_id"] == self.tag_ids[kind])
        return {one["value"]: (one["name"], one["enabled"]) for one in tag["options"]}

    def enabled(self, kind: str = "project") -> set[str]:
        return {value for value, (_, enabled) in self.options(kind).items() if enabled}

    def project(self, name: str) -> str:
        return str(self.names.projects[name])

    def writes(self) -> int:
        return sum(one.method == "PUT" for one in self.pex.requests.all())

    def while_pex_writes(self, act: Callable[[], object]) -> None:
        """PEX is slow to take the next write, and an administrator is faster."""
        rule = self.pex.faults.add({"method": "PUT", "path": WRITE, "kind": "slow", "seconds": 0.3, "times": 1})

        def be_faster() -> None:
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                if any(one["id"] == rule and one["hits"] for one in self.pex.faults.as_json()):
                    act()
                    return
                time.sleep(0.005)

        threading.Thread(target=be_faster, daemon=True).start()


@pytest.fixture
def tags(connected: Story) -> TagStory:
    """All three tags are kept, and were filled once."""
    connected.set(sync_projects=True, sync_cost_codes=True, sync_cost_types=True)
    told = TagStory(connected)
    assert told.refresh()["verdict"] == "success"
    return told


def test_a_new_project_appears_is_renamed_closed_and_reopened_under_one_value(tags: TagStory) -> None:
    project_id = tags.procore.act_add_project("Depot", "25-103")["project_id"]
    value = str(project_id)
    assert tags.sweep()["counts"] == {"project_added": 1}
    assert tags.options()[value] == ("25-103 - Depot", True)
    tags.procore.act_change_project(project_id, name="Bus Depot")
    assert tags.sweep()["counts"] == {"project_renamed": 1}
    assert tags.options()[value] == ("25-103 - Bus Depot", True)
    tags.procore.act_change_project(project_id, active=False)
    assert tags.sweep()["counts"] == {"project_disabled": 1}
    assert tags.options()[value] == ("25-103 - Bus Depot", False)
    tags.procore.act_change_project(project_id, active=True)
    assert tags.sweep()["counts"] == {"project_enabled": 1}
    assert tags.options()[value] == ("25-103 - Bus Depot", True)


def test_refreshes_are_seldom_while_procore_tells_and_frequent_again_when_it_was_silent(tags: TagStory) -> None:
    def pause() -> float:
        """Minutes to the next refresh, as this one left the schedule."""
        due_at = wiring().sweeps.due_at(tags.names.business_id, "tags")
        assert due_at is not None
        return (due_at - tags.story.clock()).total_seconds() / 60

    tags.sweep()
    assert pause() <= 5, "nothing was told yet"
    tags.procore.act_add_project("Depot", "25-103")
    assert tags.sweep()["counts"] == {"project_added": 1}
    for _ in range(3):
        tags.sweep()
    assert pause() > 50
    tags.procore.act_drop_events(9)
    tags.procore.act_add_project("Quay", "25-104")
    assert tags.sweep()["counts"] == {"project_added": 1}, "late, but found"
    assert pause() <= 5


def test_a_purchase_can_be_coded_with_what_was_just_synced(tags: TagStory) -> None:
    project_id = tags.procore.act_add_project("Depot", "25-103")["project_id"]
    tags.sweep()
    tags.story.purchase("10.00", project=str(project_id))
    assert tags.story.sync()["counts"] == {"posted": 1}
    assert tags.story.cost()["project_id"] == project_id


def test_templates_become_options_only_when_they_are_wanted(tags: TagStory) -> None:
    value = str(tags.procore.act_add_project("Standard site", template=True)["project_id"])
    assert tags.sweep()["counts"] == {}
    tags.story.set(include_template_projects=True)
    tags.sweep()
    assert value in tags.enabled()
    tags.story.set(include_template_projects=False)
    tags.sweep()
    assert value in tags.options()
    assert value not in tags.enabled()


def test_a_project_we_are_no_longer_permitted_to_see_is_disabled_and_comes_back(tags: TagStory) -> None:
    tags.procore.act_permit_project(tags.names.projects["Bridge"], permitted=False)
    tags.sweep()
    assert tags.project("Bridge") not in tags.enabled()
    tags.procore.act_permit_project(tags.names.projects["Bridge"])
    tags.sweep()
    assert tags.project("Bridge") in tags.enabled()


def test_cost_codes_and_types_follow(tags: TagStory) -> None:
    library = tags.names.projects["Library"]
    tags.procore.act_add_cost_code(library, "09-900", "Paint, interior")
    type_id = str(tags.procore.act_add_cost_type(COMPANY_ID, "E", "Equipment")["id"])
    counts = tags.refresh()["counts"]
    assert (counts["cost_code_added"], counts["cost_type_added"]) == (1, 1)
    assert tags.options("cost_code")["09-900"] == ("09-900 Paint, interior", True)
    assert tags.options("cost_type")[type_id] == ("Equipment (E)", True)
    tags.procore.act_remove_cost_code(library, "09-900")
    tags.procore.act_remove_cost_type(COMPANY_ID, "E")
    tags.refresh()
    assert tags.options("cost_code")["09-900"] == ("09-900 Paint, interior", False)
    assert tags.options("cost_type")[type_id] == ("Equipment (E)", False)


def test_a_code_goes_when_its_last_project_loses_it(tags: TagStory) -> None:
    for name, left in (("Library", True), ("Bridge", False)):
        tags.procore.act_remove_cost_code(tags.names.projects[name], SETUP)
        tags.refresh()
        assert (SETUP in tags.enabled("cost_code")) is left


def test_exactly_the_selected_projects_are_enabled(tags: TagStory) -> None:
    added = [tags.procore.act_add_project(f"Site {number}")["project_id"] for number in range(5)]
    tags.sweep()
    chosen = [*added[:2], tags.names.projects["Library"]]
    tags.story.set(sync_projects=False, project_ids=chosen)
    tags.sweep()
    assert tags.enabled() == set(map(str, chosen))


def test_a_selected_project_that_vanishes_is_disabled_and_flagged(tags: TagStory) -> None:
    chosen = [tags.names.projects["Library"], tags.names.projects["Bridge"]]
    tags.story.set(sync_projects=False, project_ids=chosen)
    tags.sweep()
    tags.procore.act_change_project(chosen[1], active=False)
    run = tags.sweep()
    assert tags.enabled() == {str(chosen[0])}
    assert (run["verdict"], run["reasons"]) == ("success", {"selected_project_gone": 1})
    assert str(chosen[1]) in run["message"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "status", "status": 200, "answer": []}, "source_shrank"),
        ({"kind": "status", "status": 403, "answer": {"errors": "forbidden"}}, "procore_permission_missing"),
        ({"kind": "status", "status": 500}, "busy"),
        ({"kind": "truncate"}, "busy"),
    ],
    ids=["empty", "403", "500", "half"],
)
def test_a_list_that_cannot_be_right_disables_nothing_and_the_run_says_so(
    tags: TagStory, fault: dict[str, Any], reason: str
) -> None:
    before = tags.options()
    tags.procore.faults.add({"path": PROJECTS, **fault})
    run = tags.refresh()
    assert (run["verdict"], run["reasons"]) == ("partial", {reason: 1})
    assert (tags.options(), tags.writes()) == (before, 0)
    tags.procore.faults.clear()
    assert tags.refresh()["verdict"] == "success"


def test_all_three_lists_failing_is_a_failed_run(tags: TagStory) -> None:
    tags.pex.faults.add({"path": "/Configuration/Tags$", "kind": "status", "status": 500})
    run = tags.refresh()
    assert (run["verdict"], tags.writes()) == ("failed", 0)


def test_what_was_done_before_a_later_step_stopped_is_not_called_nothing(tags: TagStory) -> None:
    tags.procore.act_add_project("Depot", "25-103")
    tags.procore.faults.add({"path": COST_CODES, "kind": "status", "status": 401, "answer": {"error": "invalid"}})
    run = tags.refresh()
    assert (run["verdict"], run["counts"]["project_added"]) == ("partial", 1)


def test_pages_that_shift_while_they_are_read_disable_nothing(tags: TagStory) -> None:
    tags.procore.switches.change(projects_page_cap=1)
    before = tags.options()
    tags.procore.faults.add({"path": PROJECTS, "query": "page=2", "kind": "status", "status": 200, "answer": []})
    assert tags.refresh()["reasons"] == {"busy": 1}
    assert tags.options() == before
    tags.procore.faults.clear()
    assert tags.refresh()["counts"] == {}


def test_a_parent_split_over_pages_keeps_all_its_children(tags: TagStory) -> None:
    library = tags.names.projects["Library"]
    children = [f"01-{number}" for number in range(510, 600, 10)]
    for code in children:
        tags.procore.act_add_cost_code(library, code, "Facility")
    tags.procore.switches.change(page_cap=3)
    tags.refresh()
    assert tags.enabled("cost_code") == {SETUP, CONCRETE, *children}
    assert "01" not in tags.options("cost_code")


def test_a_confirmed_refresh_takes_a_list_that_shrank(tags: TagStory) -> None:
    for name in ("Library", "Bridge"):
        tags.procore.act_change_project(tags.names.projects[name], active=False)
    assert tags.refresh()["reasons"]["source_shrank"] >= 1
    assert tags.project("Library") in tags.enabled()
    tags.refresh(confirm=True)
    assert len(tags.enabled()) == 1, "PEX wants one enabled option"
    run = tags.refresh()
    assert (run["verdict"], tags.writes()) == ("success", 0)


def test_missing_tags_are_made_and_their_placeholder_goes_with_the_first_option(tags: TagStory) -> None:
    tags.pex.act_delete_tag(tags.tag_ids["project"])
    run = tags.refresh()
    assert run["reasons"] == {"tag_missing": 1}
    assert "Procore Projects" in run["message"]
    made = tags.story.ask("POST", "/v1/pex/tags", {})["created"]
    tags.tag_ids["project"] = made[0]["id"]
    assert tags.options() == {"Test": ("Test", True)}
    tags.refresh()
    assert tags.options()["Test"] == ("Test", False)
    assert tags.enabled() == {tags.project("Library"), tags.project("Bridge")}


def test_equal_names_are_told_apart_and_stay_the_same_night_after_night(tags: TagStory) -> None:
    twin = tags.procore.act_add_project("LIBRARY", "25-101")["project_id"]
    tags.pex.act_edit_option(tags.tag_ids["project"], "hand-made", f"25-101 - LIBRARY ({twin})")
    tags.sweep()
    names = [name.lower() for name, _ in tags.options().values()]
    assert len(names) == len(set(names))
    before = tags.options()
    for _ in range(2):
        run = tags.sweep()
        assert (run["counts"], tags.writes(), tags.options()) == ({}, 0, before)


@pytest.mark.parametrize(
    "name", ["🏗️" * 150, "   Depot", "Depot, east", "A" * 255], ids=["emoji", "spaces", "comma", "long"]
)
def test_awkward_names_are_taken_by_pex_and_stay(tags: TagStory, name: str) -> None:
    ids = [tags.procore.act_add_project(name, number)["project_id"] for number in (None, "25-9", "25-9")]
    assert tags.sweep()["counts"] == {"project_added": 3}
    assert tags.enabled() >= set(map(str, ids))
    assert tags.sweep()["counts"] == {}


def test_an_option_an_administrator_adds_while_we_write_is_not_lost(tags: TagStory) -> None:
    tags.pex.switches.change(check_concurrency_key=True)
    project_id = tags.procore.act_add_project("Depot")["project_id"]
    tags.while_pex_writes(lambda: tags.pex.act_edit_option(tags.tag_ids["project"], "OFFICE", "Office"))
    run = tags.sweep()
    assert (run["verdict"], run["counts"], tags.writes()) == ("success", {"project_added": 1}, 2)
    assert {"OFFICE", str(project_id)} <= tags.enabled()


def test_what_an_administrator_disabled_stays_disabled_and_what_we_disabled_comes_back(tags: TagStory) -> None:
    library, bridge = tags.names.projects["Library"], tags.names.projects["Bridge"]
    depot = tags.procore.act_add_project("Depot")["project_id"]
    tags.sweep()
    tags.pex.act_edit_option(tags.tag_ids["project"], str(library), enabled=False)
    for active in (False, True):
        for project_id in (library, bridge):
            tags.procore.act_change_project(project_id, active=active)
        tags.sweep()
    assert tags.enabled() == {str(bridge), str(depot)}


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "reset_mid_answer"])
def test_a_lost_answer_to_a_write_costs_no_option_and_no_count(tags: TagStory, kind: str) -> None:
    tags.procore.act_add_project("Depot")
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=False)
    tags.pex.faults.add({"method": "PUT", "path": WRITE, "kind": kind, "times": 1})
    run = tags.sweep()
    assert run["counts"] == {"project_added": 1, "project_disabled": 1}
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=True)
    tags.sweep()
    assert tags.project("Bridge") in tags.enabled()


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_process_that_dies_in_the_middle_loses_nothing(tags: TagStory, at: int) -> None:
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=False)
    tags.story.cloud.crash("RefreshTag", at=at)
    tags.sweep()
    tags.story.cloud.forget_crashes()
    assert tags.project("Bridge") not in tags.enabled()
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=True)
    tags.story.cloud.crash("RefreshTag", at=at)
    tags.sweep()
    tags.story.cloud.forget_crashes()
    tags.sweep()
    assert tags.project("Bridge") in tags.enabled()


def test_options_limited_to_some_cards_are_still_all_there(tags: TagStory) -> None:
    tags.pex.act_restrict_tag(tags.tag_ids["project"], [tags.project("Library"), tags.project("Bridge")])
    before = set(tags.options())
    tags.procore.act_add_project("Depot")
    tags.sweep()
    assert set(tags.options()) > before
    assert {tags.project("Library"), tags.project("Bridge")} <= tags.enabled()


def test_a_night_without_news_is_a_success_with_nothing_in_it(tags: TagStory) -> None:
    tags.sweep()
    for _ in range(3):
        run = tags.sweep()
        assert (run["verdict"], run["counts"], run["reasons"]) == ("success", {}, {})
        assert len(tags.procore.requests) == 2
        calls = sum("/Configuration/Tag" in one.path for one in tags.pex.requests.all())
        assert calls <= 7, "six, and one of a transactions run that may come beside it"


def test_one_tag_that_pex_refuses_stops_no_other(tags: TagStory) -> None:
    tags.procore.act_add_project("Depot")
    tags.procore.act_add_cost_type(COMPANY_ID, "E", "Equipment")
    refusal = {"Message": "The request is invalid."}
    tag = tags.tag_ids["project"]
    tags.pex.faults.add({"method": "PUT", "path": tag, "kind": "status", "status": 400, "answer": refusal})
    run = tags.refresh()
    assert (run["verdict"], run["reasons"]) == ("partial", {"tag_refused": 1})
    assert run["counts"]["cost_type_added"] == 1
    assert "The request is invalid" in run["message"]


def test_a_second_click_is_told_of_the_run_at_work_and_transactions_go_on_beside_it(tags: TagStory) -> None:
    story = tags.story
    answers: list[Any] = []

    def click() -> None:
        answers.append(story.api("POST", "/v1/runs", {"kind": "tags"}))
        answers.append(story.api("POST", "/v1/runs", {"kind": "transactions"}))

    story.cloud.before("CloseRun", click)
    run = tags.refresh()
    assert run["verdict"] == "success"
    assert [answer.status for answer in answers] == [409, 202]
    assert answers[0].json["run_id"] == run["run_id"]


def test_what_we_did_to_a_tag_is_remembered_however_long_nothing_happens(tags: TagStory) -> None:
    """Or an option that we disabled would be taken for one that an administrator disabled."""
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=False)
    tags.sweep()
    for _ in range(6):
        tags.story.clock.forward(days=6)
        tags.sweep()
        _forget_what_expired(tags.story)
    tags.procore.act_change_project(tags.names.projects["Bridge"], active=True)
    tags.sweep()
    assert tags.project("Bridge") in tags.enabled()


def _forget_what_expired(story: Story) -> None:
    """As DynamoDB does with items whose time has come."""
    now = story.clock().timestamp()
    stage = story.cloud.stage
    for table in (stage.connections, stage.history):
        described = stage.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        name = described["AttributeName"]
        for item in stage.dynamodb.scan(TableName=table)["Items"]:
            if name in item and float(item[name]["N"]) < now:
                stage.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
