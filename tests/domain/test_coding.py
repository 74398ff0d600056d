from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pex_procore.domain.catalog import BudgetCode, CostType, Project, ProjectCatalog
from pex_procore.domain.coding import (
    Choice,
    OptionBook,
    choices,
    index_cost_codes,
    index_cost_types,
    index_projects,
    match_cost_code,
    match_project,
)
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import Defaults, Settings
from pex_procore.domain.tags import TagDefinition, TagMap, TagOption, map_tags
from pex_procore.domain.transactions import Allocation
from tests.domain.build import NOW

RIVERSIDE = Project(project_id=101, number="24-001", name="Riverside")
PROJECTS = [
    RIVERSIDE,
    Project(project_id=102, number="24-002", name="Annex"),
    Project(project_id=103, number="24-003", name="Annex"),
    Project(project_id=104, name="Old Mill", active=False),
]


def choice(value: str, display: str | None = None) -> Choice:
    return Choice(value=value, display=display or value)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (choice("101"), 101),
        (choice(" 101 "), 101),
        (choice("Riverside"), 101),
        (choice("river SIDE"), 101),
        (choice("24-001 - Riverside"), 101),
        (choice("made by hand", "Riverside"), 101),
        (choice("102", "Annex"), 102),
        (choice("103", "Annex"), 103),
        (choice("24-003 - Annex"), 103),
        (choice("101", "Annex"), 101),  # the id outranks the name
        (choice("Annex"), Waiting("option_ambiguous", "Annex")),
        (choice("Nowhere"), Waiting("option_unknown", "Nowhere")),
        (choice("River"), Waiting("option_unknown", "River")),
        (choice("999", "Gone"), Waiting("project_not_permitted", "Gone")),
        (choice("104", "Old Mill"), Waiting("project_closed", "Old Mill")),
    ],
)
def test_a_project_is_found_by_id_then_by_name_and_never_by_guess(chosen: Choice, found: int | Waiting) -> None:
    project = match_project(chosen, index_projects(PROJECTS))
    assert (project if isinstance(project, Waiting) else project.project_id) == found


@pytest.mark.parametrize(
    ("chosen", "found"),
    [("31", 31), ("Materials", 31), ("m", 31), ("Materials (M)", 31), ("L", 32), ("X", None)],
)
def test_a_cost_type_is_found_by_id_name_or_code(chosen: str, found: int | None) -> None:
    types = [
        CostType(cost_type_id=31, code="M", name="Materials"),
        CostType(cost_type_id=32, code="L", name="Labor"),
    ]
    answer = index_cost_types(types).match(chosen, chosen)
    assert answer == Waiting("option_unknown", chosen) if found is None else answer.cost_type_id == found  # type: ignore[union-attr]


def catalog(*budget_codes: BudgetCode) -> ProjectCatalog:
    names = {"01-500": "Temporary Utilities", "03-300": "Concrete", "03-310": "Concrete"}
    return ProjectCatalog(project=RIVERSIDE, cost_codes=names, budget_codes=budget_codes, read_at=NOW)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("01-500", "01-500"),
        ("temporary utilities", "01-500"),
        ("03-310 Concrete", "03-310"),
        ("Concrete", Waiting("option_ambiguous", "Concrete")),
        ("99-999", Waiting("cost_code_not_in_project", "99-999 in 24-001 - Riverside")),
    ],
)
def test_a_cost_code_must_exist_in_the_chosen_project(chosen: str, found: str | Waiting) -> None:
    assert match_cost_code(choice(chosen), catalog(), index_cost_codes(catalog())) == found


def budget(wbs_code_id: int, active: bool = True, plain: bool = True) -> BudgetCode:
    return BudgetCode(wbs_code_id=wbs_code_id, cost_code="01-500", cost_type="M", active=active, plain=plain)


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        ([], None),
        ([budget(1)], 1),
        ([budget(1), budget(2, plain=False)], 1),
        ([budget(2, plain=False)], 2),
        ([budget(1, active=False), budget(3)], 3),
        ([budget(1, active=False)], "budget_code_inactive"),
        ([budget(1, active=False), budget(2, plain=False)], "budget_code_inactive"),
        ([budget(1), budget(2)], "budget_code_ambiguous"),
        ([budget(1, plain=False), budget(2, plain=False)], "budget_code_ambiguous"),
    ],
)
def test_the_one_active_plain_budget_code_is_used(codes: list[BudgetCode], found: int | str | None) -> None:
    answer = catalog(*codes).budget_code("01-500", "m")
    if isinstance(answer, Waiting):
        assert answer.reason == found
    else:
        assert (answer and answer.wbs_code_id) == found


TAGS = [
    TagDefinition(
        tag_id="p", name="procore  PROJECTS", type="Dropdown", options=(TagOption(value="101", name="Riverside"),)
    ),
    TagDefinition(tag_id="c", name="Procore Cost Codes", type="Dropdown"),
    TagDefinition(tag_id="t", name="Procore Cost Types", type="Dropdown"),
    TagDefinition(tag_id="x", name="Our Jobs", type="Dropdown"),
    TagDefinition(tag_id="text", name="Comment", type="Text"),
    TagDefinition(tag_id="gone", name="Gone", type="Dropdown", deleted=True),
    TagDefinition(tag_id="off", name="Off", type="Dropdown", enabled=False),
]


def test_tags_of_the_usual_names_are_found_unless_the_admin_chose_others() -> None:
    tags = map_tags(TAGS, {"project": "x"})
    found = [tag.tag_id if (tag := tags.tag(kind)) else None for kind in ("project", "cost_code", "cost_type")]
    assert (found, tags.broken) == (["x", "c", "t"], ())


@pytest.mark.parametrize("tag_id", ["text", "gone", "off", "nowhere"])
def test_a_chosen_tag_that_cannot_be_used_is_broken_and_nothing_is_guessed(tag_id: str) -> None:
    tags = map_tags(TAGS, {"project": tag_id})
    assert (tags.project, tags.broken) == (None, ("project",))
    allocation = Allocation(amount=Decimal(1), tags={"p": "101", "c": "01-500", "t": "31"})
    settings = Settings(defaults=Defaults(project="101", cost_code="01-500", cost_type="31"))
    assert choices(allocation, OptionBook(tags), settings) == Waiting("tag_missing", "Procore Projects")


@pytest.mark.parametrize(
    ("tags", "defaults", "expected"),
    [
        ({"p": "101", "c": "01-500", "t": "31"}, {}, [("101", "Riverside"), ("01-500", "01-500"), ("31", "31")]),
        ({"c": "01-500", "t": "31"}, {"project": "102"}, [("102", "102"), ("01-500", "01-500"), ("31", "31")]),
        (
            {"p": "101", "c": "01-500", "t": "31"},
            {"project": "102"},
            [("101", "Riverside"), ("01-500", "01-500"), ("31", "31")],
        ),
        ({"c": "01-500", "t": "31"}, {}, "missing_project"),
        ({"p": "  ", "c": "01-500", "t": "31"}, {}, "missing_project"),
        ({"p": "101", "t": "31"}, {}, "missing_cost_code"),
        ({"p": "101", "c": "01-500"}, {}, "missing_cost_type"),
        (
            {"p": "101", "c": "01-500", "t": "31", "deleted-tag": "x"},
            {},
            [("101", "Riverside"), ("01-500",) * 2, ("31",) * 2],
        ),
    ],
)
def test_each_share_is_coded_by_its_tags_and_else_by_the_defaults(
    tags: dict[str, str], defaults: dict[str, str], expected: Any
) -> None:
    found = choices(
        Allocation(amount=Decimal(1), tags=tags),
        OptionBook(map_tags(TAGS, {})),
        Settings(defaults=Defaults(**defaults)),
    )
    if isinstance(found, Waiting):
        assert found.reason == expected
    else:
        assert [(one.value, one.display) for one in found.values()] == expected


def test_a_kind_without_a_tag_is_coded_by_its_default() -> None:
    found = choices(
        Allocation(amount=Decimal(1), tags={}),
        OptionBook(TagMap()),
        Settings(defaults=Defaults(project="101", cost_code="01-500", cost_type="31")),
    )
    assert not isinstance(found, Waiting)
    assert [one.value for one in found.values()] == ["101", "01-500", "31"]
