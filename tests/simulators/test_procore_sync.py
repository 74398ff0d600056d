"""The v1.0 line endpoints, the two sync endpoints, and trouble on the line."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_procore import cost_code_rows, cost_type_rows, full_codes_of, project_rows, seed_procore
from local.simulators.state import StateFile, StateUnreadable
from local.simulators.web import AdjustableClock
from tests.simulators.procore_site import QUIET, Site, procore_site


@pytest.fixture
def site() -> Iterator[Site]:
    with procore_site() as site:
        yield site


def v10(site: Site) -> str:
    return site.costs_path.replace("v1.1", "v1.0")


def found(site: Site, origin_id: str) -> list[int]:
    return [row["id"] for row in site.get(site.costs_path, **{"filters[origin_id]": origin_id}).json()]


def test_a_line_by_cost_code_and_type_makes_the_missing_budget_code(site: Site) -> None:
    id = site.posted(10)
    leaf = next(code for code in site.world.cost_codes_of(site.project.id) if code.parent_id is not None)
    kind = site.sim.act_add_cost_type(site.project.company_id, "R", "Rental")["id"]
    line = {"amount": 4.5, "cost_code_id": leaf.id, "line_item_type_id": kind, "extended_type": "manual"}
    made = site.call("POST", f"{v10(site)}/{id}/line_items", json={"line_item": line})
    assert (made.status_code, made.json()["wbs_code"]["flat_code"]) == (201, f"{leaf.full_code}.R")
    assert made.json()["holder"] == {"id": id, "holder_type": "DirectCost::Item"}
    both = line | {"wbs_code_id": site.budget_codes()[7]}
    wins = site.call("POST", f"{v10(site)}/{id}/line_items", json={"line_item": both}).json()
    assert wins["wbs_code"]["id"] == both["wbs_code_id"]
    assert site.get(f"{site.costs_path}/{id}").json()["grand_total"] == "19.0"
    path = f"{v10(site)}/{id}/line_items/{wins['id']}"
    assert site.call("PATCH", path, json={"line_item": {"amount": 1}}).json()["amount"] == "1.0"
    assert site.call("DELETE", path).content == b""
    assert site.get(f"{site.costs_path}/{id}").json()["grand_total"] == "14.5"
    filtered = site.get(f"{v10(site)}/line_items", **{"filters[direct_cost_id]": id, "filters[cost_code_id]": leaf.id})
    assert made.json()["id"] in [row["id"] for row in filtered.json()]


def test_a_calculated_line_is_quantity_times_unit_cost(site: Site) -> None:
    lines = [{"wbs_code_id": site.budget_codes()[0], "quantity": 3, "unit_cost": 1.115}]
    line = site.post(site.expense(line_items=lines)).json()["line_items"][0]
    assert (line["amount"], line["extended_type"], line["quantity"]) == ("3.35", "calculated", "3.0")


def test_sync_creates_then_updates_by_origin_id_and_reports_bad_rows_beside_good_ones(site: Site) -> None:
    rows = [
        {"origin_id": "a", "direct_cost_type": "expense", "description": "one"},
        {"origin_id": "b", "direct_cost_type": "expense"},
        {"origin_id": "c"},
        {"id": 5, "description": "nobody"},
    ]
    first = site.call("PATCH", f"{v10(site)}/sync", json={"updates": rows})
    assert first.status_code == 200
    assert [entity["origin_id"] for entity in first.json()["entities"]] == ["b", "a"]
    assert [list(row["errors"]) for row in first.json()["errors"]] == [["direct_cost_type"], ["id"]]
    assert first.json()["errors"][1]["errors"]["id"] == ["Entity with this ID not found"]
    again = site.call("PATCH", f"{v10(site)}/sync", json={"updates": [{"origin_id": "a", "description": "two"}]})
    assert again.json()["entities"][0]["description"] == "two"
    assert len(site.sim.books()["direct_costs"]) == 2
    renamed = {"id": found(site, "a")[0], "origin_id": "z"}
    site.call("PATCH", f"{v10(site)}/sync", json={"updates": [renamed]})
    assert (found(site, "a"), found(site, "z")) == ([], [renamed["id"]])
    many = [{"origin_id": str(n), "direct_cost_type": "expense"} for n in range(1001)]
    assert site.call("PATCH", f"{v10(site)}/sync", json={"updates": many}).status_code == 400


def test_line_sync_is_harmless_to_repeat(site: Site) -> None:
    id, codes = site.posted(line_items=[]), site.budget_codes()
    rows = [
        {"direct_cost_id": id, "wbs_code_id": codes[n], "amount": 1.25, "origin_id": f"pex:1:{n}"} for n in range(3)
    ]
    for _ in range(2):
        answer = site.call("PATCH", f"{v10(site)}/line_items/sync", json={"updates": rows}).json()
        assert [row["origin_id"] for row in answer["entities"]] == ["pex:1:2", "pex:1:1", "pex:1:0"]
    assert site.get(f"{site.costs_path}/{id}").json()["grand_total"] == "3.75"
    lost = [{"wbs_code_id": codes[0], "amount": 1}]
    answer = site.call("PATCH", f"{v10(site)}/line_items/sync", json={"updates": lost}).json()
    assert "direct_cost_id" in answer["errors"][0]["errors"]


def test_an_answer_lost_after_the_commit_is_found_by_its_origin_id(site: Site) -> None:
    site.sim.faults.add({"kind": "drop_after", "method": "POST", "path": "/direct_costs$", "nth": 1})
    with pytest.raises(requests.ConnectionError):
        site.post(site.expense(origin_id="pex:1"))
    assert len(found(site, "pex:1")) == 1
    assert site.post(site.expense(origin_id="pex:1")).status_code == 422
    assert len(site.sim.books()["direct_costs"]) == 1


def test_a_late_commit_is_invisible_at_the_first_look_and_there_at_the_second(site: Site) -> None:
    site.sim.faults.add({"kind": "late_commit", "method": "POST", "seconds": 60, "times": 1})
    assert site.post(site.expense(origin_id="pex:1")).status_code == 504
    assert found(site, "pex:1") == []
    site.sim.faults.settle()
    assert len(found(site, "pex:1")) == 1


def test_a_lagging_replica_hides_a_fresh_record_from_lists_and_shows_but_not_from_writes(site: Site) -> None:
    site.sim.faults.add({"kind": "hide_fresh", "seconds": 20, "method": "GET"})
    id = site.posted(origin_id="pex:1")
    assert found(site, "pex:1") == []
    assert site.get(f"{site.costs_path}/{id}").status_code == 404
    assert site.call("PATCH", f"{site.costs_path}/{id}", json={"direct_cost": {"terms": "30"}}).status_code == 200
    site.clock.advance(20)
    assert found(site, "pex:1") == [id]


def test_a_429_on_request_speaks_procores_words(site: Site) -> None:
    site.sim.faults.add({"kind": "limit_429", "times": 1})
    answer = site.post(site.expense())
    assert answer.status_code == 429
    assert answer.json()["error"].startswith("You have surpassed")
    assert site.sim.books()["direct_costs"] == []


def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    assert pickle.dumps(seed_procore(7)) == pickle.dumps(seed_procore(7))
    assert seed_procore(7) != seed_procore(8)


def test_the_seeded_company_is_as_odd_as_promised() -> None:
    world = seed_procore(7)
    first, second = world.companies
    projects = world.projects_of(first)
    assert second > 2**32
    assert len(projects) == 40
    for name, expected in (
        ("is_demo", 1),
        ("template", 1),
        ("is_erp_integrated", 1),
        ("permitted", 38),
        ("active", 37),
    ):
        assert sum(getattr(project, name) for project in projects) == expected, name
    assert sum("direct_costs" in project.tools_off for project in projects) == 1
    assert len(project_rows(world)) == 32
    assert (len(cost_code_rows(world)), len(cost_type_rows(world))) == (60, 7)
    lacking = [project for project in projects if len(full_codes_of(world, project.id)) < 60]
    assert len(lacking) == 6
    leaves = {code.id for code in world.cost_codes_of(projects[0].id) if code.parent_id is not None}
    statuses = [code.status for code in world.wbs_codes_of(projects[0].id) if code.cost_code_id in leaves]
    assert 350 < len(statuses) < 420
    assert 0 < statuses.count("inactive") < 30
    vendors = [vendor for vendor in world.vendors.values() if vendor.company_id == first and not vendor.company_vendor]
    assert [len(vendors), sum(not vendor.is_active for vendor in vendors)] == [12, 1]


def test_what_was_committed_is_on_disk_before_the_answer_leaves(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "procore.state")

    def start() -> ProcoreSimulator:
        return ProcoreSimulator(state.load() or seed_procore(7), switches=QUIET, save=state.save).start()

    sim = start()
    site = Site(sim, AdjustableClock())
    site.posted(12.5, origin_id="pex:1")
    sim.faults.add({"kind": "drop_after", "method": "POST", "times": 1})
    with pytest.raises(requests.ConnectionError):
        site.posted(7, origin_id="pex:2")
    sim.stop()
    sim = start()
    try:
        books = sim.books()["direct_costs"]
        assert [(cost["origin_id"], cost["grand_total"]) for cost in books] == [("pex:1", "12.50"), ("pex:2", "7.00")]
        restarted = Site(sim, AdjustableClock())
        restarted.http.headers["Authorization"] = site.http.headers["Authorization"]
        assert restarted.get(restarted.costs_path).status_code == 200
        assert restarted.posted(1) not in [cost["id"] for cost in books]
    finally:
        sim.stop()


def test_a_damaged_state_file_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "procore.state").write_bytes(b"half a world")
    with pytest.raises(StateUnreadable, match=r"procore\.state .* delete it to start afresh"):
        StateFile(tmp_path / "procore.state").load()


def test_life_in_the_company_shows_in_the_catalog(site: Site) -> None:
    new = site.sim.act_add_project("Harbor Annex", "26-201", like=site.project.id)["project_id"]
    codes: list[Any] = site.get("/rest/v1.0/cost_codes", project_id=new, per_page=100).json()
    assert {code["full_code"] for code in codes if code["parent"]["id"]} == full_codes_of(site.world, new)
    assert len(full_codes_of(site.world, new)) == 60
    site.sim.act_add_cost_code(new, "99-100", "Warranty Work")
    site.sim.act_change_project(new, active=False)
    assert new not in site.get("/rest/v1.1/projects", company_id=site.project.company_id, view="ids").json()
    assert full_codes_of(site.world, new) >= {"99-100"}
