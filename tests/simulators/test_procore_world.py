"""What the simulated Procore knows, however large: found by project, and the same for the same seed."""

from __future__ import annotations

import pickle

from local.simulators.procore.world import World
from local.simulators.seed_procore import big_procore, full_codes_of
from tests.simulators.procore_site import procore_site


def test_codes_are_found_by_project_whatever_became_of_them() -> None:
    with procore_site() as site:
        world, id = site.world, site.project.id
        site.sim.act_add_cost_code(id, "88-100", "Robots")
        site.sim.act_remove_cost_code(id, "01-310")
    for table, found in ((world.cost_codes, world.cost_codes_of), (world.wbs_codes, world.wbs_codes_of)):
        assert {record.id for record in found(id)} == {one.id for one in table.values() if one.project_id == id}
    copied: World = pickle.loads(pickle.dumps(world))
    assert [code.id for code in copied.cost_codes_of(id)] == [code.id for code in world.cost_codes_of(id)]


def test_the_big_world_shares_each_full_code_among_about_ten_projects() -> None:
    world = big_procore(50, 40)
    codes = [full_codes_of(world, project_id) for project_id in world.projects]
    assert {len(one) for one in codes} == {40}
    assert 0.95 * 200 < len(set().union(*codes)) <= 200
    names = {name: {code.name for code in world.cost_codes.values() if code.full_code == name} for name in codes[0]}
    assert any(len(called) == 2 for called in names.values())
    assert len(world.wbs_codes) == 50 * 40
    assert pickle.dumps(world) == pickle.dumps(big_procore(50, 40))
