from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.settings import Settings, TagChoices, change_settings
from tests.domain.build import SETTINGS


def changed(patch: dict[str, Any], current: Settings | None = None) -> Settings:
    settings = change_settings(current or Settings(), patch)
    assert isinstance(settings, Settings), settings
    return settings


def test_only_the_named_fields_change() -> None:
    before = Settings(vendor_id=900, write_notes=False)
    assert changed({"vendor_id": 901}, before) == before.model_copy(update={"vendor_id": 901})


def test_an_empty_patch_changes_nothing() -> None:
    before = changed({"start_date": "2026-05-04", "tags": {"project": "a"}, "project_ids": [1, 2]})
    assert changed({}, before) == before


def test_tags_and_defaults_merge_field_by_field() -> None:
    before = changed({"tags": {"project": "a", "cost_code": "b"}, "defaults": {"cost_type": "31"}})
    after = changed({"tags": {"cost_code": "c"}, "defaults": {"project": "101"}}, before)
    assert after.tags == TagChoices(project="a", cost_code="c")
    assert (after.defaults.project, after.defaults.cost_type) == ("101", "31")


def test_a_tag_can_be_taken_back() -> None:
    before = changed({"tags": {"project": "a"}})
    assert changed({"tags": {"project": None}}, before).tags.project is None


@pytest.mark.parametrize(
    "name", ["company_id", "status", "syncing", "verified", "version", "model_config", "__class__"]
)
def test_what_is_no_setting_is_ignored(name: str) -> None:
    assert changed({name: 7, "tags": {name: "x"}}) == Settings()


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"vendor_id": "900"}, "vendor_id"),
        ({"vendor_id": True}, "vendor_id"),
        ({"vendor_id": 0}, "vendor_id"),
        ({"sync_expenses": 1}, "sync_expenses"),
        ({"sync_expenses": "true"}, "sync_expenses"),
        ({"attach_receipts": None}, "attach_receipts"),
        ({"transactions": "some"}, "transactions"),
        ({"expense_status": "revise_and_resubmit"}, "expense_status"),
        ({"start_date": "05/04/2026"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "2026-05-04T22:00:00Z"}, "start_date"),
        ({"start_date": 1777852800}, "start_date"),
        ({"project_ids": ["1"]}, "project_ids.0"),
        ({"project_ids": 7}, "project_ids"),
        ({"tags": {"project": 5}}, "tags.project"),
        ({"tags": None}, "tags"),
        ({"defaults": ["x"]}, "defaults"),
    ],
)
def test_a_wrong_type_is_named_by_its_field(patch: dict[str, Any], field: str) -> None:
    problems = change_settings(Settings(), patch)
    assert isinstance(problems, list)
    assert [problem.field for problem in problems] == [field]
    assert all(problem.code and problem.message for problem in problems)


def test_every_wrong_field_is_named_at_once() -> None:
    problems = change_settings(Settings(), {"vendor_id": "x", "write_notes": "no", "tags": {"project": 1}})
    assert isinstance(problems, list)
    assert {problem.field for problem in problems} == {"vendor_id", "write_notes", "tags.project"}


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)))
def test_a_start_date_is_the_same_after_ten_edits(day: date) -> None:
    settings = changed({"start_date": day.isoformat()})
    for vendor_id in range(1, 11):
        stored = Settings.model_validate_json(settings.model_dump_json())
        settings = changed({"vendor_id": vendor_id, "start_date": stored.model_dump(mode="json")["start_date"]}, stored)
    assert settings.start_date == day


@given(SETTINGS)
def test_settings_survive_the_store(settings: Settings) -> None:
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@given(
    st.dictionaries(
        st.sampled_from([*Settings.model_fields, "nonsense"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=3),
        max_size=4,
    )
)
def test_any_patch_gives_settings_or_problems_and_never_breaks(patch: dict[str, Any]) -> None:
    answer = change_settings(Settings(), patch)
    if isinstance(answer, list):
        assert answer
        assert {problem.field.partition(".")[0] for problem in answer} <= patch.keys()
