from __future__ import annotations

import pytest

from pex_procore.domain.catalog import Project
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.runs import Tally
from pex_procore.services.refresh_tags import TagResult
from tests.services.office import Office


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def refreshed(office: Office) -> Office:
    office.refresh()
    return office


@pytest.fixture
def large(office: Office) -> Office:
    office.open_many(97)
    office.refresh()
    return office


# Lists that are rather wrong than new


def test_an_empty_list_disables_nothing_and_says_so(refreshed: Office) -> None:
    refreshed.procore.projects.clear()
    refreshed.procore.cost_types.clear()
    done = refreshed.refresh()
    assert (done["project"].reason, done["cost_type"].reason) == ("source_shrank", "source_shrank")
    assert refreshed.enabled("project") == ["101", "102", "103"]
    assert refreshed.enabled("cost_type") == ["32", "31"]
    assert refreshed.pex.calls["update_tag"] == 0


def test_a_forbidden_list_disables_nothing_and_says_so(refreshed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*, templates: bool) -> list[Project]:
        raise NeedsAttention("procore_permission_missing", "403", 403)

    monkeypatch.setattr(refreshed.procore, "list_projects", forbidden)
    done = refreshed.refresh()
    assert done["project"].reason == "procore_permission_missing"
    assert (done["cost_type"].reason, done["cost_code"].reason) == (None, None)
    assert refreshed.enabled("project") == ["101", "102", "103"]
    assert refreshed.pex.calls["update_tag"] == 0


def test_a_list_with_a_page_missing_disables_nothing(refreshed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifting(*, templates: bool) -> list[Project]:
        raise TryLater("rows changed while they were read")

    monkeypatch.setattr(refreshed.procore, "list_projects", shifting)
    assert refreshed.refresh()["project"].reason == "busy"
    assert refreshed.enabled("project") == ["101", "102", "103"]


def test_thirty_of_a_hundred_may_go_and_thirty_one_may_not(large: Office) -> None:
    large.close_some(30)
    assert large.refresh()["project"].disabled == 30
    large.close_some(22)
    done = large.refresh()
    assert (done["project"].reason, done["project"].disabled) == ("source_shrank", 0)
    assert done["project"].detail == "48 of 70 are left"
    assert len(large.enabled("project")) == 70


def test_an_administrator_confirms_a_shrunk_list_once(large: Office) -> None:
    large.close_some(50)
    assert large.refresh()["project"].reason == "source_shrank"
    confirmed = large.refresh("manual", confirmed=True)
    assert (confirmed["project"].reason, confirmed["project"].disabled) == (None, 50)
    assert large.refresh().tally == Tally()
    large.close_some(40)
    assert large.refresh()["project"].reason == "source_shrank"


def test_a_list_that_is_whole_again_needs_no_confirmation(large: Office) -> None:
    kept = dict(large.procore.projects)
    large.close_some(50)
    large.refresh()
    large.procore.projects = kept
    assert large.refresh().tally == Tally()


def test_a_list_of_projects_that_shrank_takes_no_cost_codes_with_it(office: Office) -> None:
    for project_id in range(1001, 1098):
        office.open(
            project_id, "Site", **({f"90-{project_id}": "Site"} if project_id < 1011 else {"01-500": "Utilities"})
        )
    office.refresh()
    before = office.enabled("cost_code")
    office.close_some(40)
    done = office.refresh()
    assert (done["project"].reason, done["cost_code"].disabled) == ("source_shrank", 0)
    assert office.enabled("cost_code") == before


def test_an_empty_list_disables_nothing_even_when_the_selection_has_just_changed(large: Office) -> None:
    large.choose(sync_projects=False, project_ids=(101, 102))
    large.procore.projects.clear()
    done = large.refresh()
    assert done["project"].reason == "source_shrank"
    assert len(large.enabled("project")) == 100


# Limit which projects sync


def test_with_project_sync_off_exactly_the_selected_projects_are_enabled(large: Office) -> None:
    large.choose(sync_projects=False, project_ids=(101, 102, 1001))
    done = large.refresh()
    assert large.enabled("project") == ["101", "102", "1001"]
    assert (done["project"].disabled, done["project"].reason) == (97, None)
    assert large.refresh()["project"] == TagResult(kind="project")


def test_fewer_selected_projects_are_the_administrators_will_and_no_broken_list(large: Office) -> None:
    large.choose(sync_projects=False, project_ids=(101, 102))
    done = large.refresh()
    assert done.tally.reasons == {}
    assert large.enabled("cost_code") == ["01-500", "90-101", "90-102"]


def test_with_project_sync_on_again_all_come_back(large: Office) -> None:
    large.choose(sync_projects=False, project_ids=(101,))
    large.refresh("manual", confirmed=True)
    large.choose(sync_projects=True)
    large.refresh()
    assert len(large.enabled("project")) == 100
    assert len(large.enabled("cost_code")) == 101


def test_options_of_unselected_projects_that_were_there_before_us_are_disabled_too(office: Office) -> None:
    office.pex.add_option("tag-p", "102", "the bridge")
    office.pex.add_option("tag-p", "OFFICE", "Office")
    office.choose(sync_projects=False, project_ids=(101,))
    office.refresh()
    assert set(office.enabled("project")) == {"101", "OFFICE"}


def test_the_option_of_a_project_closed_before_we_came_is_disabled(office: Office) -> None:
    office.change(102, active=False)
    office.pex.add_option("tag-p", "102", "the bridge")
    office.refresh()
    assert office.enabled("project") == ["101", "103"]


@pytest.mark.parametrize("vanishes", ["closed", "not permitted"])
def test_a_selected_project_that_vanishes_is_disabled_and_flagged(large: Office, vanishes: str) -> None:
    large.choose(sync_projects=False, project_ids=(101, 102, 103))
    large.refresh("manual", confirmed=True)
    if vanishes == "closed":
        large.change(102, active=False)
    else:
        del large.procore.projects[102]
    done = large.refresh()
    assert large.enabled("project") == ["101", "103"]
    assert (done["project"].reason, done["project"].detail) == ("selected_project_gone", "102")
    assert done.tally.counts["needs_attention"] == 1
    assert large.refresh()["project"].reason == "selected_project_gone", "until the selection changes"


def test_a_selected_project_is_flagged_exactly_when_it_is_no_option(office: Office) -> None:
    office.change(102, active=False)
    office.change(103, demo=True)
    office.choose(sync_projects=False, project_ids=(101, 102, 103), include_inactive_projects=True)
    done = office.refresh()
    assert office.enabled("project") == ["101", "102"]
    assert done["project"].detail == "103"


def test_the_options_of_the_former_company_are_disabled_without_an_alarm_and_come_back_with_it(large: Office) -> None:
    former = large.enabled("project")
    projects, codes = dict(large.procore.projects), dict(large.procore.cost_codes)
    large.switch_company(78)
    large.open(901, "Harbour", **{"90-901": "Harbour"})
    done = large.refresh()
    assert [done[kind].reason for kind in ("project", "cost_type", "cost_code")] == [None, None, None]
    assert large.enabled("project") == ["901"]
    assert large.enabled("cost_code") == ["90-901"]
    large.switch_company(77)
    large.procore.projects.update(projects)
    large.procore.cost_codes.update(codes)
    large.refresh()
    assert large.enabled("project") == former


def test_another_company_that_shows_nothing_disables_nothing(large: Office) -> None:
    former = large.enabled("project")
    large.switch_company(78)
    assert large.refresh()["project"].reason == "source_shrank"
    assert large.enabled("project") == former
