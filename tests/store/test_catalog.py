from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from pex_procore.domain.catalog import BudgetCode, Project, ProjectCatalog, ProjectCodes
from pex_procore.services.ports import CatalogCache
from pex_procore.store import keys
from pex_procore.store.catalog import DynamoCatalog
from tests.store.conftest import Hands
from tests.store.mischief import Stopped, StoppingClient
from tests.store.tables import Stage

ITEM_LIMIT = 400 * 1024  # of DynamoDB


def catalog_of(stage: Stage, clock: Hands, business_id: int = 1, company_id: int = 7) -> DynamoCatalog:
    catalog = DynamoCatalog(stage.dynamodb, stage.connections, business_id, company_id, clock)
    _: CatalogCache = catalog
    return catalog


def project_catalog(clock: Hands, project_id: int = 5) -> ProjectCatalog:
    return ProjectCatalog(
        project=Project(project_id=project_id, number="24-01", name="Biblioteca José Martí", erp_integrated=True),
        cost_codes={f"01-{number}": f"Cost code {number}" for number in range(500)},
        budget_codes=tuple(
            BudgetCode(wbs_code_id=number, cost_code=f"01-{number}", cost_type="M") for number in range(2000)
        ),
        read_at=clock.now,
    )


def project_codes(clock: Hands, project_id: int, codes: int = 5) -> ProjectCodes:
    names = {f"{number:02d}-{project_id % 1000:03d}.10": f"Béton {number}" for number in range(codes)}
    return ProjectCodes(project_id=project_id, cost_codes=names, read_at=clock.now)


def memory(values: int) -> dict[str, list[str]]:
    """What is remembered of a tag, in no order: as hard to compress as it gets."""
    draw = random.Random(1)
    codes: set[str] = set()
    while len(codes) < values:
        code = f"{draw.randrange(50):02d}-{draw.randrange(10**4):04d}"
        codes.add(draw.choice([code, code[:6], f"{code}.{draw.randrange(100):02d}"]))
    return {name: draw.sample(sorted(codes), values) for name in ("source", "ours", "disabled")}


def bulky(seed: int) -> str:
    """Too much for one item."""
    return random.Random(seed).randbytes(400_000).hex()


def stored(stage: Stage) -> list[dict[str, dict[str, bytes]]]:
    pages = stage.dynamodb.get_paginator("scan").paginate(TableName=stage.connections)
    return [item for page in pages for item in page["Items"]]


def test_a_document_comes_back_with_the_moment_it_was_saved(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    assert cache.load("projects") is None
    document = [{"project_id": 1, "name": "Ünïted", "active": True, "parent": None}, 2.5]
    cache.save("projects", document)
    saved_at = clock.now
    clock.forward(90)
    assert cache.load("projects") == (document, saved_at)
    cache.save("projects", [])
    assert cache.load("projects") == ([], clock.now)


def test_a_projects_catalog_of_two_thousand_budget_codes_comes_back_whole(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    assert cache.load_project(5) is None
    cache.save_project(project_catalog(clock))
    assert cache.load_project(5) == project_catalog(clock)
    assert cache.load_project(6) is None


def test_the_codes_of_many_projects_come_back_at_once_as_they_were_read(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    saved = {}
    for project_id in range(598134325000000, 598134325000120):
        saved[project_id] = project_codes(clock, project_id)
        cache.save_codes(saved[project_id])
        clock.forward(1)
    assert cache.load_codes([*saved, 404, *saved]) == saved
    assert cache.load_codes([]) == {}


def test_codes_read_again_replace_the_old_ones(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.save_codes(project_codes(clock, 5, codes=7))
    clock.forward(60)
    cache.save_codes(project_codes(clock, 5, codes=3))
    assert cache.load_codes([5]) == {5: project_codes(clock, 5, codes=3)}


def test_a_document_a_projects_catalog_and_its_codes_never_take_each_others_place(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.save_project(project_catalog(clock))
    cache.save_codes(project_codes(clock, 5))
    for name in ("P#5", "C#5", "5", "STALE"):
        cache.save(name, "a document")
    assert cache.load_project(5) == project_catalog(clock)
    assert cache.load_codes([5]) == {5: project_codes(clock, 5)}
    assert cache.stale() == frozenset()


@pytest.mark.parametrize(("business_id", "company_id"), [(2, 7), (1, 8), (11, 7), (1, 77)])
def test_what_is_remembered_belongs_to_one_business_and_company(
    stage: Stage, clock: Hands, business_id: int, company_id: int
) -> None:
    catalog_of(stage, clock).save("projects", [1])
    catalog_of(stage, clock).save_project(project_catalog(clock))
    catalog_of(stage, clock).save_codes(project_codes(clock, 5))
    catalog_of(stage, clock).mark_stale("projects")
    other = catalog_of(stage, clock, business_id, company_id)
    assert other.load("projects") is None
    assert other.load_project(5) is None
    assert other.load_codes([5]) == {}
    assert other.stale() == frozenset()


@pytest.mark.parametrize(("values", "items"), [(20_000, 1), (60_000, 1 + 3)])
def test_what_is_remembered_of_a_large_tag_comes_back_whole(
    stage: Stage, clock: Hands, values: int, items: int
) -> None:
    document = memory(values)
    catalog_of(stage, clock).save("memory:9", document)
    assert catalog_of(stage, clock).load("memory:9") == (document, clock.now)
    sizes = [
        sum(len(str(name)) + len(next(iter(value.values()))) for name, value in item.items()) for item in stored(stage)
    ]
    assert len(sizes) == items
    assert max(sizes) < 0.9 * ITEM_LIMIT


def test_documents_in_parts_replace_each_other_without_leaving_more_and_more_behind(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    for seed in range(5):
        cache.save("tags", bulky(seed))
        assert cache.load("tags") == (bulky(seed), clock.now)
    assert len(stored(stage)) == 1 + 2 * 2
    cache.save("tags", "short")
    assert cache.load("tags") == ("short", clock.now)
    cache.save("tags", bulky(9))
    assert cache.load("tags") == (bulky(9), clock.now)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_save_that_dies_halfway_leaves_the_old_document_whole(stage: Stage, clock: Hands, written: int) -> None:
    before = (bulky(1), clock.now)
    catalog_of(stage, clock).save("tags", before[0])
    clock.forward(60)
    dying = replace(stage, dynamodb=StoppingClient(stage.dynamodb, "put_item", written))
    with pytest.raises(Stopped):
        catalog_of(dying, clock).save("tags", bulky(2))
    assert catalog_of(stage, clock).load("tags") == before
    catalog_of(stage, clock).save("tags", bulky(3))
    assert catalog_of(stage, clock).load("tags") == (bulky(3), clock.now)


def test_parts_of_two_documents_are_never_joined(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    part = keys.catalog_part(keys.catalog_document(1, 7, "tags"), 0, 0)
    first = {name: {"S": value} for name, value in part.items()}
    cache.save("tags", bulky(1))
    old = stage.dynamodb.get_item(TableName=stage.connections, Key=first)["Item"]
    cache.save("tags", bulky(2))
    cache.save("tags", bulky(3))
    stage.dynamodb.put_item(TableName=stage.connections, Item=old)
    assert cache.load("tags") is None
    stage.dynamodb.delete_item(TableName=stage.connections, Key=first)
    assert cache.load("tags") is None


def test_the_codes_of_a_project_too_many_for_one_item_come_back(stage: Stage, clock: Hands) -> None:
    codes = ProjectCodes(project_id=5, cost_codes={"01-500": bulky(1)}, read_at=clock.now)
    catalog_of(stage, clock).save_codes(codes)
    assert catalog_of(stage, clock).load_codes([5, 6]) == {5: codes}


def test_a_list_too_large_to_remember_is_not_kept_and_the_old_one_forgotten(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.save("projects", [1])
    cache.save("projects", random.Random(1).randbytes(2_200_000).hex())
    assert cache.load("projects") is None


def test_ten_thousand_projects_fit(stage: Stage, clock: Hands) -> None:
    draw = random.Random(1)
    projects = [
        {"project_id": draw.randrange(10**7), "number": f"24-{number:05d}", "name": f"Site {draw.randrange(10**6)}"}
        for number in range(10_000)
    ]
    catalog_of(stage, clock).save("projects", projects)
    loaded = catalog_of(stage, clock).load("projects")
    assert loaded is not None
    assert loaded[0] == projects


def test_what_is_not_read_again_for_a_month_is_forgotten(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.save("projects", [1])
    cache.save("tags", bulky(1))
    cache.save_codes(project_codes(clock, 5))
    cache.mark_stale("projects")
    ends = {int(item["expires_at"]["N"]) for item in stored(stage)}
    assert ends == {int((clock.now + timedelta(days=30)).timestamp())}
