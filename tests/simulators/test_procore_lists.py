"""Catalog lists: pages, filters, views, and what hides in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.seed_procore import FIRST_COMPANY_ID, full_codes_of
from tests.simulators.procore_site import Site, procore_site

COMPANY = {"company_id": FIRST_COMPANY_ID}


@pytest.fixture
def site() -> Iterator[Site]:
    with procore_site() as site:
        yield site


def wbs_path(site: Site) -> str:
    return f"/rest/v1.0/projects/{site.project.id}/work_breakdown_structure"


def test_a_larger_page_than_the_cap_is_lowered_without_a_word(site: Site) -> None:
    answer = site.get(f"{wbs_path(site)}/wbs_codes", per_page=1000)
    total = int(answer.headers["Total"])
    assert (len(answer.json()), answer.headers["Per-Page"]) == (100, "100")
    assert total > 300
    seen = [row["id"] for page in range(1, 9) for row in site.get(answer_path(site), per_page=1000, page=page).json()]
    assert len(seen) == len(set(seen)) == total
    assert site.get(answer_path(site), page=99).json() == []


def answer_path(site: Site) -> str:
    return f"{wbs_path(site)}/wbs_codes"


def test_the_link_header_loses_the_filters_and_ends_with_the_last_page(site: Site) -> None:
    query = {**COMPANY, "per_page": 20}
    first = site.get("/rest/v1.1/projects", **query)
    assert set(first.links) == {"next", "last"}
    assert "company_id" not in first.links["next"]["url"]
    assert "next" not in site.get("/rest/v1.1/projects", **query, page=2).links
    site.sim.switches.change(link_drops_params=False)
    assert site.http.get(site.get("/rest/v1.1/projects", **query).links["next"]["url"], timeout=3).status_code == 200


def test_projects_have_their_own_page_rules(site: Site) -> None:
    assert site.get("/rest/v1.0/projects", **COMPANY).headers["Per-Page"] == "25"
    assert site.get("/rest/v1.1/projects", **COMPANY).headers["Per-Page"] == "100"
    assert site.get("/rest/v1.1/projects", **COMPANY, per_page=900).headers["Per-Page"] == "300"
    ids = site.get("/rest/v1.1/projects", **COMPANY, view="ids", per_page=2)
    assert ids.headers["Per-Page"] == "200000"
    assert all(isinstance(id, int) for id in ids.json())
    assert len(ids.json()) == 35


def test_projects_are_active_ones_unless_asked_otherwise(site: Site) -> None:
    def count(**filters: Any) -> int:
        query = {f"filters[{name}]": value for name, value in filters.items()}
        return int(site.get("/rest/v1.1/projects", **COMPANY, **query).headers["Total"])

    assert (count(), count(by_status="Active"), count(by_status="Inactive"), count(by_status="All")) == (35, 35, 3, 38)
    assert (count(is_demo="true"), count(template="true"), count(project_number="25-101")) == (1, 1, 1)
    assert count(name="bridge") == 1
    assert site.get("/rest/v1.1/projects", **COMPANY, **{"filters[by_status]": "Closed"}).status_code == 400


def test_an_incremental_read_sees_the_change_and_leaves_out_the_end_of_its_range(site: Site) -> None:
    at = site.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    site.sim.act_change_project(site.project.id, name="Harbor Point Clinic")
    filtered = {"filters[by_status]": "All", "filters[updated_at]": f"{at}...2026-10-06T00:00:00Z"}
    rows = site.get("/rest/v1.1/projects", **COMPANY, **filtered).json()
    assert [row["name"] for row in rows] == ["Harbor Point Clinic"]
    filtered["filters[updated_at]"] = f'"2026-10-01...{at}"'
    assert site.get("/rest/v1.1/projects", **COMPANY, **filtered).json() == []
    site.sim.switches.change(range_end_inclusive=True)
    assert len(site.get("/rest/v1.1/projects", **COMPANY, **filtered).json()) == 1
    for wrong in ("2026-10-01", "2026-10-01...", "yesterday...today"):
        assert site.get("/rest/v1.1/projects", **COMPANY, **{"filters[updated_at]": wrong}).status_code == 400


def test_a_query_name_the_schema_does_not_know_is_refused_while_strict(site: Site) -> None:
    refused = site.get(site.costs_path, **{"filters[vendor_id]": 1})
    assert refused.status_code == 400
    assert "filters[vendor_id]" in refused.json()["reason"]
    site.sim.switches.change(strict=False)
    assert site.get(site.costs_path, **{"filters[vendor_id]": 1}).status_code == 200


def test_show_tells_erp_and_template_which_lists_do_not(site: Site) -> None:
    rows = site.get("/rest/v1.1/projects", **COMPANY).json()
    assert not any("is_erp_integrated" in row or "template" in row for row in rows)
    shown = [site.get(f"/rest/v1.0/projects/{row['id']}", **COMPANY).json() for row in rows]
    assert sum(row["is_erp_integrated"] for row in shown) == 1
    assert sum(row["template"] for row in shown) == 1
    assert site.get(f"/rest/v1.0/projects/{site.project.id}").status_code == 400


def test_cost_codes_are_a_tree_and_removed_ones_stay_with_a_date(site: Site) -> None:
    query = {"project_id": site.project.id, "per_page": 100}
    rows = site.get("/rest/v1.0/cost_codes", **query).json()
    by_code = {row["full_code"]: row for row in rows}
    assert by_code["01-500"]["parent"]["id"] == by_code["01"]["id"]
    assert (by_code["01-500"]["code"], by_code["01"]["parent"]["id"]) == ("500", None)
    site.sim.act_remove_cost_code(site.project.id, "01-500")
    removed = site.get("/rest/v1.0/cost_codes", **query).json()
    assert [row["full_code"] for row in removed if row["deleted_at"]] == ["01-500"]
    two = {"project_id": site.project.id, "filters[id]": f"[{rows[0]['id']},{rows[1]['id']}]"}
    assert len(site.get("/rest/v1.0/cost_codes", **two).json()) == 2
    assert site.get(f"/rest/v1.0/projects/{site.project.id}/cost_codes").status_code == 404


def test_budget_codes_hold_divisions_inactive_ones_and_an_empty_row_until_asked_otherwise(site: Site) -> None:
    site.project = list(site.world.projects.values())[2]
    path = answer_path(site)
    narrow = {
        "required_segments[]": ["cost_code", "line_item_type"],
        "can_select_divisions": "false",
        "scope": "budget_code",
    }

    def rows(**query: Any) -> list[dict[str, Any]]:
        pages = [site.get(path, per_page=100, page=page, **query).json() for page in range(1, 7)]
        return [row for page in pages for row in page]

    everything, picked = rows(), rows(**narrow)
    assert [row["flat_code"] for row in everything if not row["segment_items"]] == [""]
    assert any(row["segment_items"] and row["segment_items"][0]["is_parent"] for row in everything)
    assert not any(row["segment_items"][0]["is_parent"] for row in picked)
    assert {row["status"] for row in picked} == {"active", "inactive"}
    active = rows(**narrow, **{"filters[status][]": "active"})
    assert {row["status"] for row in active} == {"active"}
    item, kind = active[0]["segment_items"]
    assert active[0]["flat_code"] == f"{item['path_code']}.{kind['code']}"
    assert item["id"] in site.world.cost_codes
    assert kind["id"] in site.world.line_item_types


def test_a_missing_budget_code_is_made_and_an_existing_one_is_returned_with_its_description_overwritten(
    site: Site,
) -> None:
    segments = {row["type"]: row["id"] for row in site.get(f"{wbs_path(site)}/segments").json()}
    leaf = next(code for code in site.world.cost_codes_of(site.project.id) if code.parent_id is not None)
    existing = next(code for code in site.world.wbs_codes_of(site.project.id) if code.cost_code_id == leaf.id)

    def body(cost_type_id: int | None, **more: str) -> dict[str, Any]:
        pairs = (("cost_code", leaf.id), ("line_item_type", cost_type_id))
        return {"segment_items": [{"segment_id": segments[kind], "segment_item_id": id} for kind, id in pairs], **more}

    kept = site.call("POST", answer_path(site), json=body(existing.line_item_type_id, description="Mine"))
    assert (kept.status_code, kept.json()["id"], kept.json()["description"]) == (201, existing.id, "Mine")
    new_type = site.sim.act_add_cost_type(FIRST_COMPANY_ID, "R", "Rental")["id"]
    made = site.call("PATCH", f"{answer_path(site)}/bulk_create", json={"bulk": [body(new_type), body(999)]})
    assert made.status_code == 201
    assert [row["flat_code"] for row in made.json()["entities"]] == [f"{leaf.full_code}.R"]
    assert "segment_items" in made.json()["errors"][0]["errors"]
    assert site.sim.books()["wbs_codes_made"] == 1
    site.sim.act_set_level("read_only", tool="budget", project_id=site.project.id)
    assert site.call("POST", answer_path(site), json=body(new_type)).status_code == 403


def test_segment_items_may_live_in_another_id_space_and_still_join_by_code(site: Site) -> None:
    site.sim.switches.change(segment_items_share_ids=False)
    segments = site.get(f"{wbs_path(site)}/segments").json()
    items = site.get(f"{wbs_path(site)}/segments/{segments[0]['id']}/segment_items", per_page=100).json()
    assert not {item["id"] for item in items} & set(site.world.cost_codes)
    assert {item["path_code"] for item in items if not item["is_parent"]} == full_codes_of(site.world, site.project.id)


def test_vendors_are_searched_filtered_and_shown_and_inactive_ones_live_elsewhere(site: Site) -> None:
    active = site.get("/rest/v1.0/vendors", **COMPANY, view="compact").json()
    assert len(active) == 12
    found = site.get("/rest/v1.0/vendors", **COMPANY, **{"filters[search]": "home depot"}).json()
    assert [row["name"] for row in found] == ["Home Depot Pro"]
    two = {"filters[id][]": [active[0]["id"], active[2]["id"]]}
    assert len(site.get("/rest/v1.0/vendors", **COMPANY, **two).json()) == 2
    gone = site.get(f"/rest/v1.0/companies/{FIRST_COMPANY_ID}/vendors/inactive").json()
    assert [row["is_active"] for row in gone] == [False]
    assert site.get(f"/rest/v1.0/vendors/{gone[0]['id']}", **COMPANY).json()["name"] == gone[0]["name"]


def test_cost_types_answer_for_the_company_or_a_project(site: Site) -> None:
    rows = site.get("/rest/v1.0/line_item_types", **COMPANY).json()
    assert [row["code"] for row in rows] == ["E", "L", "M", "O", "OC", "S", "SVC"]
    assert site.get("/rest/v1.0/line_item_types", project_id=site.project.id).json() == rows
    assert site.get("/rest/v1.0/line_item_types").status_code == 400


def test_small_pages_answer_in_their_documented_shape(site: Site) -> None:
    assert set(site.get("/rest/v1.0/company_base_url").json()) == {"zone", "web_base_url"}
    assert site.get("/rest/v1.0/tax_codes", **COMPANY).json() == []
    currency = site.get(f"/rest/v1.0/companies/{FIRST_COMPANY_ID}/currency_configuration").json()
    assert (currency["currency_iso_code"], currency["multicurrency_enabled"]) == ("USD", False)
    assert set(site.get("/rest/v1.0/me").json()) == {"id", "login", "name"}
