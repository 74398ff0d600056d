from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest

from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.tags import TAG_KINDS, TagDefinition, TagKind
from pex_procore.services.refresh_tags import TagResult, create_missing_tags, new_tag
from tests.services.office import TAGS, TEST, Office


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def refreshed(office: Office) -> Office:
    office.refresh()
    return office


def test_the_first_refresh_fills_all_three_tags(office: Office) -> None:
    done = office.refresh()
    assert office.enabled("project") == ["101", "102", "103"]
    assert office.enabled("cost_type") == ["32", "31"]
    assert office.enabled("cost_code") == ["01-500", "90-101", "90-102", "90-103"]
    assert office.option("cost_code", "01-500").name == "01-500 Utilities"
    assert office.option("project", "101").name == "25-101 - Library"
    assert done.tally.counts == {
        "project_added": 3,
        "project_disabled": 1,
        "cost_type_added": 2,
        "cost_type_disabled": 1,
        "cost_code_added": 4,
        "cost_code_disabled": 1,
    }


def test_a_night_without_news_asks_for_two_lists_and_writes_nothing(refreshed: Office) -> None:
    for _ in range(3):
        done = refreshed.refresh()
        assert refreshed.procore.calls == Counter(list_projects=1, list_cost_types=1)
        assert refreshed.pex.calls["update_tag"] == 0
        assert refreshed.pex.calls.total() <= 6
        assert (done.tally.counts, done.tally.reasons) == ({}, {})


def test_a_renamed_project_costs_its_own_cost_codes_and_one_write(refreshed: Office) -> None:
    refreshed.change(102, name="Long Bridge")
    done = refreshed.refresh()
    assert done.tally.counts == {"project_renamed": 1}
    assert refreshed.option("project", "102").name == "25-102 - Long Bridge"
    assert refreshed.procore.calls == Counter(list_projects=1, list_cost_types=1, list_cost_codes=1)
    assert refreshed.pex.calls["update_tag"] == 1


def test_a_closed_project_is_disabled_and_a_reopened_one_enabled(refreshed: Office) -> None:
    refreshed.change(102, active=False)
    assert refreshed.refresh().tally.counts == {"project_disabled": 1, "cost_code_disabled": 1}
    assert refreshed.enabled("project") == ["101", "103"]
    refreshed.change(102, active=True)
    assert refreshed.refresh().tally.counts == {"project_enabled": 1, "cost_code_enabled": 1}


# One tag's trouble is its own


@pytest.mark.parametrize("kind", TAG_KINDS)
def test_a_tag_that_is_gone_stops_no_other_tag(office: Office, kind: TagKind) -> None:
    office.pex.change(TAGS[kind], deleted=True)
    done = office.refresh()
    assert done[kind].reason == "tag_missing"
    assert all(done[other].added > 1 for other in TAG_KINDS if other != kind)


@pytest.mark.parametrize("kind", TAG_KINDS)
@pytest.mark.parametrize("reason", ["tag_refused", "pex_permission_missing"])
def test_a_tag_that_pex_does_not_take_stops_no_other_tag(office: Office, kind: TagKind, reason: str) -> None:
    order = ("project", "cost_type", "cost_code").index(kind)
    writes = count()

    def refuse() -> None:
        office.pex.meanwhile.append(refuse)
        if next(writes) == order:
            raise NeedsAttention(reason, "no")

    office.pex.meanwhile.append(refuse)
    done = office.refresh()
    assert (done[kind].reason, done[kind].added) == (reason, 0)
    assert all(done[other].added > 1 for other in TAG_KINDS if other != kind)
    assert done.tally.reasons == {reason: 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "Text"}, "of type Text"),
        ({"enabled": False}, "disabled"),
        ({"name": "Jobs"}, "does not exist"),
    ],
)
def test_a_tag_that_cannot_be_used_is_named_with_what_is_wrong(
    office: Office, change: dict[str, Any], said: str
) -> None:
    office.pex.change("tag-p", **change)
    result = office.refresh()["project"]
    assert result.reason == "tag_missing"
    assert "Procore Projects" in result.detail
    assert said in result.detail


def test_the_tag_an_administrator_chose_is_kept_whatever_it_is_called(office: Office) -> None:
    office.pex.tags.append(TagDefinition(tag_id="tag-j", name="Jobs", type="Dropdown", options=(TEST,)))
    office.choose(tags={"project": "tag-j"})
    office.refresh()
    assert [one.value for one in office.pex.find("tag-j").options] == ["101", "102", "103", "Test"]
    assert office.enabled("project") == ["Test"]


@pytest.mark.parametrize(
    ("off", "kind"),
    [("sync_cost_codes", "cost_code"), ("sync_cost_types", "cost_type")],
)
def test_a_tag_that_is_switched_off_is_left_alone_and_costs_nothing(office: Office, off: str, kind: TagKind) -> None:
    office.choose(**{off: False})
    done = office.refresh()
    assert (office.enabled(kind), done[kind]) == (["Test"], TagResult(kind=kind))
    assert office.procore.calls[{"cost_code": "list_cost_codes", "cost_type": "list_cost_types"}[kind]] == 0


@pytest.mark.parametrize("without", ["tag", "sync"])
def test_cost_codes_come_without_a_project_tag(office: Office, without: str) -> None:
    """Projects may be chosen by the settings' default alone."""
    if without == "tag":
        office.pex.tags = [tag for tag in office.pex.tags if tag.tag_id != "tag-p"]
    else:
        office.choose(sync_projects=False)
    office.refresh()
    assert "01-500" in office.enabled("cost_code")


# An administrator at the same tag


def test_an_option_added_between_our_look_and_our_write_survives(office: Office) -> None:
    office.pex.meanwhile.append(lambda: office.pex.add_option("tag-p", "OFFICE", "Office"))
    done = office.refresh()
    assert set(office.enabled("project")) == {"101", "102", "103", "OFFICE"}
    assert (done["project"].added, done["project"].reason) == (3, None)


def test_an_order_made_between_our_look_and_our_write_survives(refreshed: Office) -> None:
    turned = tuple(reversed(refreshed.pex.find("tag-p").options))
    refreshed.open(104, "Depot")
    refreshed.pex.meanwhile.append(lambda: refreshed.pex.change("tag-p", options=turned))
    refreshed.refresh()
    values = [one.value for one in refreshed.pex.find("tag-p").options if one.value != "104"]
    assert values == [one.value for one in turned]
    assert "104" in refreshed.enabled("project")


def test_what_an_administrator_disabled_while_we_wrote_stays_disabled(refreshed: Office) -> None:
    refreshed.open(104, "Depot")
    refreshed.pex.meanwhile.append(lambda: refreshed.pex.set_option("tag-p", "102", enabled=False))
    refreshed.refresh()
    refreshed.refresh()
    assert refreshed.enabled("project") == ["101", "103", "104"]


def test_an_administrator_who_never_stops_is_left_alone_until_the_next_run(refreshed: Office) -> None:
    refreshed.open(104, "Depot")

    def edit() -> None:
        refreshed.pex.change("tag-p", description=f"{refreshed.pex.calls.total()}")
        refreshed.pex.meanwhile.append(edit)

    refreshed.pex.meanwhile.append(edit)
    done = refreshed.refresh()
    assert (done["project"].reason, done["cost_code"].added) == ("busy", 1)
    refreshed.pex.meanwhile.clear()
    assert refreshed.refresh()["project"].added == 1


# Answers that prove nothing


def test_a_write_whose_answer_was_lost_is_looked_at_and_not_repeated(office: Office) -> None:
    office.pex.lose_updates.append("answer")
    run = office.run()
    result = office.refresh_tag("project", run)
    assert (office.pex.calls["update_tag"], office.pex.calls["show_tag"]) == (1, 2)
    assert (result.added, result.disabled, result.reason) == (3, 1, None)


def test_a_write_that_never_arrived_is_made_again(office: Office) -> None:
    office.pex.lose_updates.append("request")
    result = office.refresh_tag("project", office.run())
    assert (office.pex.calls["update_tag"], result.added) == (2, 3)


@pytest.mark.parametrize("lost", [["answer"], ["request"], ["request", "answer"], ["request"] * 3, ["request"] * 15])
def test_what_we_disabled_comes_back_however_the_writes_went(refreshed: Office, lost: list[str]) -> None:
    refreshed.change(102, active=False)
    refreshed.pex.lose_updates.extend(lost)
    refreshed.refresh()
    refreshed.refresh()
    assert refreshed.enabled("project") == ["101", "103"]
    refreshed.change(102, active=True)
    refreshed.pex.lose_updates.extend(lost)
    refreshed.refresh()
    refreshed.refresh()
    assert refreshed.enabled("project") == ["101", "102", "103"]


def test_a_refused_write_does_not_forget_what_we_disabled(refreshed: Office) -> None:
    refreshed.change(102, active=False)
    refreshed.refresh()
    refreshed.change(102, active=True)
    refreshed.pex.fail("update_tag", NeedsAttention("tag_refused", "PEX is in a mood"))
    assert refreshed.refresh()["project"].reason == "tag_refused"
    refreshed.refresh()
    assert refreshed.enabled("project") == ["101", "102", "103"]


def test_an_edit_beside_a_lost_write_does_not_forget_what_we_disabled(refreshed: Office) -> None:
    refreshed.change(102, active=False)
    refreshed.open(104, "Depot")
    refreshed.pex.meanwhile.append(lambda: refreshed.pex.add_option("tag-p", "OFFICE", "Office"))
    refreshed.pex.lose_updates.append("answer")
    refreshed.refresh()
    refreshed.change(102, active=True)
    refreshed.refresh()
    assert set(refreshed.enabled("project")) == {"101", "102", "103", "104", "OFFICE"}


# Tags that are not there yet


def test_missing_tags_are_made_with_the_placeholder_and_filled_by_the_next_refresh(office: Office) -> None:
    office.pex.tags = office.pex.tags[:1]
    made = create_missing_tags(office.pex, office.settings)
    assert [one.name for one in made] == ["Procore Cost Codes", "Procore Cost Types"]
    assert all(one.options == (TEST,) for one in made)
    assert create_missing_tags(office.pex, office.settings) == []
    assert office.refresh().tally.counts["cost_type_added"] == 2


def test_a_chosen_tag_that_is_gone_is_not_replaced_behind_the_administrators_back(office: Office) -> None:
    office.choose(tags={"project": "tag-gone"})
    assert create_missing_tags(office.pex, office.settings) == []


def test_a_new_tag_can_be_saved(office: Office) -> None:
    made = new_tag("Procore Projects", order=3)
    assert (made.usable, made.required, made.order, made.options) == (True, False, 3, (TEST,))


@pytest.mark.parametrize("usable", [{"type": "Text"}, {"enabled": False}], ids=str)
def test_no_second_tag_is_made_beside_one_of_that_name_that_cannot_be_used(
    office: Office, usable: dict[str, Any]
) -> None:
    office.pex.change("tag-p", **usable)
    assert create_missing_tags(office.pex, office.settings) == []
