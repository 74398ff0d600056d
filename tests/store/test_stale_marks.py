from __future__ import annotations

from dataclasses import replace

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.store import keys
from pex_procore.store.catalog import MAX_MARKS, DynamoCatalog
from tests.store.conftest import Hands
from tests.store.mischief import BusyClient, LosingClient, Rival
from tests.store.tables import Stage


def catalog_of(stage: Stage, clock: Hands) -> DynamoCatalog:
    return DynamoCatalog(stage.dynamodb, stage.connections, 1, 7, clock)


def fill(stage: Stage, attribute: str, number: int = MAX_MARKS) -> frozenset[str]:
    marks = [f"codes:{project_id}" for project_id in range(number)]
    stage.dynamodb.update_item(
        TableName=stage.connections,
        Key={name: {"S": value} for name, value in keys.stale_marks(1, 7).items()},
        UpdateExpression="ADD #marks :marks",
        ExpressionAttributeNames={"#marks": attribute},
        ExpressionAttributeValues={":marks": {"SS": marks}},
    )
    return frozenset(marks)


def test_marks_stay_until_they_are_cleared(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    assert cache.stale() == frozenset()
    for mark in ("projects", "codes:5", "projects"):
        cache.mark_stale(mark)
    assert cache.stale() == {"projects", "codes:5"}
    assert catalog_of(stage, clock).stale() == {"projects", "codes:5"}
    cache.clear_stale(frozenset({"projects", "codes:6"}))
    assert cache.stale() == {"codes:5"}
    cache.clear_stale(frozenset({"codes:5"}))
    assert cache.stale() == frozenset()


def test_clearing_nothing_is_no_error(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.clear_stale(frozenset())
    cache.clear_stale(frozenset({"projects"}))
    assert cache.stale() == frozenset()


def test_a_mark_set_since_they_were_asked_for_survives_also_when_it_is_the_same(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    cache.mark_stale("codes:5")
    seen = cache.stale()
    cache.mark_stale("codes:5")
    cache.mark_stale("cost types")
    cache.clear_stale(seen)
    assert cache.stale() == {"codes:5", "cost types"}


def test_a_mark_set_while_they_are_asked_for_survives(stage: Stage, clock: Hands) -> None:
    catalog_of(stage, clock).mark_stale("codes:5")
    rival = Rival(stage.dynamodb, "update_item", lambda: catalog_of(stage, clock).mark_stale("projects"))
    seen = catalog_of(replace(stage, dynamodb=rival), clock).stale()
    assert seen == {"codes:5"}
    catalog_of(stage, clock).clear_stale(seen)
    assert catalog_of(stage, clock).stale() == {"projects"}


def test_where_there_are_too_many_marks_one_stands_for_all_projects(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    marks = fill(stage, "marks")
    cache.mark_stale("codes:7")
    assert cache.stale() == marks
    cache.clear_stale(marks)
    fill(stage, "marks")
    cache.mark_stale("codes:100000")
    cache.mark_stale("cost types")
    assert cache.stale() == {"codes", "cost types"}


def test_marks_that_nobody_clears_do_not_grow_without_end(stage: Stage, clock: Hands) -> None:
    cache = catalog_of(stage, clock)
    marks = fill(stage, "taken")
    for mark in ("codes:7", "codes:100000", "projects"):
        cache.mark_stale(mark)
        cache.stale()
    assert cache.stale() == {*marks, "codes", "projects"}
    cache.clear_stale(marks)
    assert cache.stale() == {"codes", "projects"}


@pytest.mark.parametrize("resend", [False, True])
def test_lost_answers_change_nothing_about_marks(stage: Stage, clock: Hands, resend: bool) -> None:
    def losing() -> DynamoCatalog:
        return catalog_of(replace(stage, dynamodb=LosingClient(stage.dynamodb, "update_item", resend=resend)), clock)

    losing().mark_stale("projects")
    losing().mark_stale("codes:5")
    assert losing().stale() == {"projects", "codes:5"}
    losing().clear_stale(frozenset({"projects"}))
    assert losing().stale() == {"codes:5"}


def test_throttling_asks_to_try_later(clock: Hands) -> None:
    cache = DynamoCatalog(BusyClient("ThrottlingException"), "Connections", 1, 7, clock)
    for act in (cache.stale, lambda: cache.mark_stale("projects"), lambda: cache.clear_stale(frozenset({"projects"}))):
        with pytest.raises(TryLater):
            act()
