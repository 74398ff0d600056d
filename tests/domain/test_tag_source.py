from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.catalog import CostType, Project, ProjectCodes
from pex_procore.domain.settings import Settings
from pex_procore.domain.tag_source import (
    CODES_LIFE,
    cost_code_entries,
    cost_type_entries,
    natural,
    project_entries,
    projects_to_read,
    wanted_projects,
)
from tests.domain.build import NOW


def project(project_id: int, number: str = "", name: str = "Library", **fields: Any) -> Project:
    return Project(project_id=project_id, number=number, name=name, **fields)


def codes(project_id: int, age: timedelta = timedelta(hours=1), **names: str) -> ProjectCodes:
    return ProjectCodes(project_id=project_id, cost_codes=names, read_at=NOW - age)


def catalog(project_id: int, names: dict[str, str]) -> ProjectCodes:
    return ProjectCodes(project_id=project_id, cost_codes=names, read_at=NOW)


def test_numbers_sort_as_numbers_and_letters_without_case() -> None:
    texts = ["10-1", "2-10", "b", "2-9", "A", "02-9", "a2", "a10"]
    assert sorted(texts, key=natural) == ["02-9", "2-9", "2-10", "10-1", "A", "a2", "a10", "b"]


@given(st.sets(st.text(max_size=12)))
def test_any_texts_can_be_sorted_and_their_order_is_one(texts: set[str]) -> None:
    keys = sorted(map(natural, texts))
    assert keys == sorted(keys, reverse=True)[::-1]


def test_projects_read_as_number_and_name_in_order_of_their_numbers() -> None:
    found = [project(3, "25-10", "Bridge"), project(2, "25-9", "Mill"), project(1, "", "Annex")]
    entries = project_entries(wanted_projects(found, Settings()))
    assert [(one.value, one.name) for one in entries] == [("2", "25-9 - Mill"), ("3", "25-10 - Bridge"), ("1", "Annex")]


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        ({}, {1}),
        ({"include_inactive_projects": True}, {1, 2}),
        ({"include_demo_projects": True}, {1, 3}),
        ({"include_template_projects": True}, {1, 4}),
        ({"sync_projects": False, "project_ids": (1, 2, 99)}, {1}),
        ({"sync_projects": False, "project_ids": (2,), "include_inactive_projects": True}, {2}),
        ({"project_ids": (2,)}, {1}),
    ],
    ids=str,
)
def test_which_projects_cardholders_may_choose(choices: dict[str, Any], kept: set[int]) -> None:
    found = [project(1), project(2, active=False), project(3, demo=True), project(4, template=True)]
    assert {one.project_id for one in wanted_projects(found, Settings(**choices))} == kept


def test_cost_types_read_as_name_and_code() -> None:
    found = [CostType(cost_type_id=32, code="M", name="Materials"), CostType(cost_type_id=31, code="", name="Labor")]
    assert [(one.value, one.name) for one in cost_type_entries(found)] == [("31", "Labor"), ("32", "Materials (M)")]


def test_a_cost_code_is_one_entry_over_all_projects_under_the_name_most_of_them_use() -> None:
    catalogs = [
        catalog(1, {"01-500": "Temporary Utilities", "03-300": "Concrete"}),
        catalog(2, {"01-500": "Temporary Utilities"}),
        catalog(3, {"01-500": "Utilities"}),
    ]
    entries = cost_code_entries(catalogs)
    assert [(one.value, one.name) for one in entries] == [
        ("01-500", "01-500 Temporary Utilities"),
        ("03-300", "03-300 Concrete"),
    ]


CODES = st.sampled_from(["01-500", "01-a", "01-A", "1-500", "03,300", " 04"])
BOOKS = st.dictionaries(CODES, st.sampled_from(["Concrete", "CONCRETE", "Utilities", ""]), max_size=5)


@given(st.lists(BOOKS, max_size=6), st.randoms(use_true_random=False))
def test_the_entries_do_not_depend_on_the_order_of_the_projects(books: list[dict[str, str]], rng: Any) -> None:
    catalogs = [catalog(number, names) for number, names in enumerate(books)]
    entries = cost_code_entries(catalogs)
    rng.shuffle(catalogs)
    assert cost_code_entries(catalogs) == entries


@given(st.lists(BOOKS, max_size=6))
def test_a_code_whose_spellings_differ_only_in_case_is_one_entry(books: list[dict[str, str]]) -> None:
    values = [one.value.casefold() for one in cost_code_entries(map(catalog, range(len(books)), books))]
    assert len(values) == len(set(values))
    assert set(values) == {code.casefold() for names in books for code in names}


def read_now(projects: list[Project], known: list[ProjectCodes], **how: Any) -> list[int]:
    given = {"stale": frozenset(), "now": NOW, "fresh_since": None} | how
    return projects_to_read(projects, {one.project_id: one for one in known}, **given)


def test_never_read_projects_come_first_then_marked_ones_then_the_oldest() -> None:
    old, older = CODES_LIFE + timedelta(hours=1), CODES_LIFE + timedelta(hours=2)
    known = [codes(1, old), codes(2, older), codes(3), codes(4)]
    assert read_now([project(number) for number in range(1, 6)], known, stale=frozenset({3})) == [5, 3, 2, 1]


def test_a_project_that_changed_since_it_was_read_is_read_again() -> None:
    before, after = NOW - timedelta(hours=2), NOW - timedelta(minutes=5)
    projects = [project(1, updated_at=before), project(2, updated_at=after), project(3)]
    assert read_now(projects, [codes(1), codes(2), codes(3)]) == [2]


def test_a_day_without_news_still_reads_every_project_once() -> None:
    assert timedelta(days=1) > CODES_LIFE
    assert read_now([project(1)], [codes(1, CODES_LIFE)]) == []
    assert read_now([project(1)], [codes(1, CODES_LIFE + timedelta(seconds=1))]) == [1]


def test_nothing_older_than_asked_for_counts() -> None:
    known = [codes(1, timedelta(minutes=10)), codes(2, timedelta(minutes=30))]
    assert read_now([project(1), project(2)], known, fresh_since=NOW - timedelta(minutes=20)) == [2]
