"""Many purchases of many projects: looking for those that go together does not outlast the step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pex_procore.domain.catalog import BudgetCode, Project
from tests.services.world import World, coding

PROJECTS = range(200, 230)
STEP, LIFE = timedelta(seconds=40), timedelta(seconds=60)  # when a step stops by itself, and when Lambda ends it


@pytest.mark.parametrize("proven", [True, None])
def test_a_step_that_meets_thirty_unknown_projects_stops_in_time_and_the_next_ones_go_on(
    world: World, proven: bool | None
) -> None:
    if proven:
        world.cache.save("steps", True)
    for number in PROJECTS:
        world.procore.projects[number] = Project(project_id=number, name=f"House {number}")
        world.procore.budget_codes[number] = [BudgetCode(wbs_code_id=number, cost_code="01-500", cost_type="M")]
    bought = [world.purchase("1.00", coding(number)) for number in PROJECTS]
    world.procore.seconds_per_call = 2.0
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    steps = 0
    while ids:
        began = world.clock()
        ids = world.post(run, ids, may_go_on=lambda: world.clock() < began + STEP).remaining  # noqa: B023
        assert world.clock() - began < LIFE
        steps += 1
    assert all(len(world.costs(one)) == 1 for one in bought)
    assert 3 < steps < 15
