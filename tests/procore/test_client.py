"""Lists, login and limits, against the simulated Procore, which refuses what the published schemas do not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_procore import (
    CLIENT_ID,
    CLIENT_SECRET,
    FIRST_COMPANY_ID,
    INACTIVE_VENDOR,
    SECOND_CLIENT_ID,
    SECOND_CLIENT_SECRET,
    SECOND_COMPANY_ID,
)
from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.net.session import Session
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.vendor_ports import PostRefused
from tests.net.moving_time import MovingTime
from tests.procore.drafts import Connect, committed, draft, reason_of


def test_companies_are_listed_before_one_is_chosen(connect: Connect) -> None:
    names = {one.company_id: one.active for one in connect(None).list_companies()}
    assert names == {FIRST_COMPANY_ID: True, SECOND_COMPANY_ID: True}


def test_where_procore_wants_the_company_first_the_person_is_asked_for_its_number(
    sim: ProcoreSimulator, connect: Connect
) -> None:
    sim.switches.change(companies_need_company_header=True)
    with pytest.raises(NeedsAttention, match="Enter the number") as caught:
        connect(None).list_companies()
    assert caught.value.upstream_status == 400
    assert connect().list_companies()


def test_a_wrong_secret_is_told_at_once(connect: Connect) -> None:
    for company_id in (None, FIRST_COMPANY_ID):
        assert reason_of(connect(company_id, secret="wrong-one").check) == "procore_secret_rejected"


def test_a_company_without_the_app_is_told_apart_from_a_missing_permission(connect: Connect) -> None:
    other = connect(FIRST_COMPANY_ID, SECOND_CLIENT_ID, SECOND_CLIENT_SECRET)
    assert reason_of(other.check) == "procore_app_not_connected"
    assert reason_of(other.list_projects) == "procore_app_not_connected"
    connect(SECOND_COMPANY_ID, SECOND_CLIENT_ID, SECOND_CLIENT_SECRET).check()


def test_checking_costs_one_call(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    procore.check()
    assert sim.requests.count("GET") == 1


def test_all_permitted_projects_are_listed(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    listed = {one.project_id: one.active for one in procore.list_projects()}
    world = [one for one in sim.world.projects_of(FIRST_COMPANY_ID) if one.permitted and not one.template]
    assert listed == {one.id: one.active for one in world}
    assert False in listed.values(), "closed ones too: their tag options are switched off, not lost"


def test_templates_are_listed_when_asked_for_and_known_as_such(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    templates = {one.id for one in sim.world.projects_of(FIRST_COMPANY_ID) if one.permitted and one.template}
    listed = procore.list_projects(templates=True)
    assert {one.project_id for one in listed if one.template} == templates
    assert [one for one in listed if not one.template] == procore.list_projects()


def test_a_project_tells_whether_an_erp_connector_owns_its_references(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    erp = next(one.id for one in sim.world.projects.values() if one.is_erp_integrated)
    assert procore.show_project(erp).erp_integrated
    assert not procore.show_project(next(iter(sim.world.projects))).erp_integrated


@pytest.mark.parametrize("status", [403, 404])
def test_a_project_outside_the_permitted_ones_is_a_missing_permission(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, status: int
) -> None:
    sim.switches.change(unpermitted_project_status=status)
    sim.act_permit_project(project, permitted=False)
    assert reason_of(lambda: procore.show_project(project)) == "procore_permission_missing"
    assert reason_of(lambda: procore.list_budget_codes(project)) == "procore_permission_missing"


@pytest.mark.parametrize("cap", [100, 7])
def test_lists_are_read_whole_whatever_procore_gives_per_page(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, cap: int
) -> None:
    sim.switches.change(page_cap=cap)
    codes = procore.list_cost_codes(project)
    leaves = {
        code.full_code: code.name
        for code in sim.world.cost_codes_of(project)
        if code.parent_id is not None and code.deleted_at is None
    }
    assert codes == leaves
    assert sim.requests.count(status=429) == 0


def test_a_deleted_cost_code_is_no_longer_listed(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    code = next(iter(procore.list_cost_codes(project)))
    sim.act_remove_cost_code(project, code)
    assert code not in procore.list_cost_codes(project)


def test_rows_that_shift_between_pages_make_no_short_list(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    page = [{"id": number, "code": str(number), "full_code": str(number)} for number in range(3)]
    told = {"Total": "4", "Per-Page": "3"}
    sim.faults.add({"kind": "status", "status": 200, "answer": page, "headers": told, "path": "cost_codes"})
    with pytest.raises(TryLater, match="changed while"):
        procore.list_cost_codes(project)
    assert sim.requests.count("GET", "cost_codes") == 2


def test_a_list_without_totals_and_links_ends_at_a_page_without_news(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    page = [{"id": number, "code": str(number), "full_code": str(number)} for number in range(3)]
    sim.faults.add({"kind": "status", "status": 200, "answer": page, "path": "cost_codes"})
    assert len(procore.list_cost_codes(project)) == 3
    assert sim.requests.count("GET", "cost_codes") == 2


@pytest.mark.parametrize("answer", [{"data": []}, [1, 2], [{"name": "no id"}]])
def test_a_list_of_another_shape_needs_a_person(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, answer: object
) -> None:
    sim.faults.add({"kind": "status", "status": 200, "answer": answer, "path": "cost_codes"})
    assert reason_of(lambda: procore.list_cost_codes(project)) == "vendor_answer_unreadable"


@pytest.mark.parametrize("fault", [{"kind": "truncate"}, {"kind": "empty"}, {"kind": "html_502"}])
def test_half_a_list_is_no_list(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    sim.faults.add({**fault, "path": "cost_codes"})
    with pytest.raises(TryLater):
        procore.list_cost_codes(project)


def test_budget_codes_join_cost_codes_and_cost_types(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    found = procore.list_budget_codes(project)
    types = {one.code for one in procore.list_cost_types()}
    assert {one.cost_code for one in found} <= set(procore.list_cost_codes(project))
    assert {one.cost_type for one in found} <= types
    assert {one.active for one in found} == {True, False}
    asked = next(one for one in sim.requests.all() if one.path.endswith("wbs_codes"))
    assert asked.query["required_segments[]"] == ["cost_code", "line_item_type"]


@pytest.mark.parametrize("same_ids", [True, False])
def test_a_missing_budget_code_is_made_once_and_answered_again(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, same_ids: bool
) -> None:
    sim.switches.change(segment_items_share_ids=same_ids)
    have = {(one.cost_code, one.cost_type) for one in procore.list_budget_codes(project)}
    codes, types = procore.list_cost_codes(project), [one.code for one in procore.list_cost_types()]
    code, kind = next((code, kind) for code in codes for kind in types if (code, kind) not in have)
    made = procore.create_budget_code(project, code.upper(), kind.lower())
    assert (made.cost_code, made.cost_type, made.active, made.plain) == (code, kind, True, True)
    assert procore.create_budget_code(project, code, kind) == made
    assert made in procore.list_budget_codes(project)


def test_a_budget_code_of_parts_the_project_lacks_is_refused_without_a_write(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    with pytest.raises(PostRefused, match="cost_code '77-777'"):
        procore.create_budget_code(project, "77-777", "M")
    assert sim.requests.count("POST", "wbs_codes") == 0


def test_vendors_are_listed_searched_and_found(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    vendors = list(sim.world.vendors)
    listed = {one.vendor_id: one.active for one in procore.list_vendors()}
    assert listed[vendors[0]]
    assert [one.name for one in procore.list_vendors("Grainger")] == ["Grainger Industrial Supply"]
    found = procore.find_vendor(vendors[0])
    assert found is not None
    assert found.active
    closed = procore.find_vendor(vendors[INACTIVE_VENDOR])
    assert closed is None or not closed.active
    assert procore.find_vendor(4) is None


def test_a_token_is_used_for_most_of_its_life_and_renewed_before_its_end(
    sim: ProcoreSimulator, procore: ProcoreClient, time: MovingTime
) -> None:
    procore.check()
    time.sleep(5400 * 0.8)
    procore.check()
    assert sim.requests.count("POST", "/oauth/token") == 1
    time.sleep(5400 * 0.1)
    procore.check()
    assert sim.requests.count("POST", "/oauth/token") == 2
    assert sim.requests.count(status=401) == 0


@pytest.mark.parametrize("end", ["act_expire_tokens", "act_revoke_tokens"])
def test_a_token_that_ends_early_is_renewed_once_and_the_expense_posted_once(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, end: str
) -> None:
    procore.check()
    getattr(sim, end)()
    procore.create_direct_cost(draft(sim, project))
    assert len(committed(sim)) == 1
    assert sim.requests.count("POST", "/oauth/token") == 2


def test_signing_out_revokes_the_token_that_is_held_and_asks_nothing_without_one(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    procore.sign_out()
    assert len(sim.requests) == 0
    procore.check()
    procore.sign_out()
    assert [token.revoked for token in sim.world.tokens.values()] == [True]


def test_a_token_that_is_refused_again_ends_the_matter(sim: ProcoreSimulator, procore: ProcoreClient) -> None:
    sim.faults.add({"kind": "status", "status": 401, "answer": {"errors": "stale"}, "path": "/rest/"})
    assert reason_of(procore.list_projects) == "procore_secret_rejected"
    assert sim.requests.count("GET") == 2


def test_a_rotated_secret_is_noticed_when_the_token_ends(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    procore.check()
    sim.act_rotate_secret(CLIENT_ID, "another", revoke_tokens=True)
    assert reason_of(lambda: procore.create_direct_cost(draft(sim, project))) == "procore_secret_rejected"
    assert committed(sim) == []


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 500}, {"kind": "limit_429"}, {"kind": "drop_before"}, {"kind": "empty"}]
)
def test_a_login_out_of_order_is_for_later(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    sim.faults.add({**fault, "path": "/oauth/token"})
    with pytest.raises(TryLater):
        procore.create_direct_cost(draft(sim, project))


def test_workers_share_a_token_through_a_cache(sim: ProcoreSimulator, time: MovingTime) -> None:
    class Shelf:
        held: Any = None

        def load(self) -> Any:
            return self.held

        def save(self, *held: Any) -> None:
            self.held = held

    shelf = Shelf()
    credentials = ProcoreCredentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    tokens = {
        ServiceAccount(credentials, Session(sim.login_url), clock=time, cache=shelf).authorization() for _ in range(3)
    }
    assert len(tokens) == 1
    assert sim.requests.count("POST", "/oauth/token") == 1


def test_neither_secret_nor_token_shows_in_an_error(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    procore.check()
    (token,) = sim.world.tokens
    said = f"{CLIENT_SECRET} and {token}"
    sim.faults.add({"kind": "status", "status": 422, "answer": {"errors": [said]}})
    with pytest.raises(PostRefused) as refused:
        procore.create_direct_cost(draft(sim, project))
    assert refused.value.message == "[hidden] and [hidden]"


def test_a_burst_of_expenses_never_meets_the_limit(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, time: MovingTime
) -> None:
    began = time.now
    made: list[DirectCost] = []
    while len(made) < 60:
        try:
            made.append(procore.create_direct_cost(draft(sim, project, reference=f"pex:7:{len(made)}:1")))
        except TryLater as later:
            time.now = later.resume_at or pytest.fail("nobody knows when")
    assert sim.requests.count(status=429) == 0
    assert len(committed(sim)) == 60
    assert time.now - began < timedelta(minutes=1)
