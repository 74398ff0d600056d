"""Coding against Procore: what is asked how often, and what a hole in the catalog does to whom."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.catalog import BudgetCode, CostType, Project, Vendor
from tests.services.world import CLOSED, P1, P2, VENDOR_ID, World, coding

READS = ("list_projects", "show_project", "list_cost_types", "list_cost_codes", "list_budget_codes", "find_vendor")


def reads(world: World) -> dict[str, int]:
    return {name: world.procore.calls[name] for name in READS}


def test_many_purchases_cost_one_read_of_each_list(world: World) -> None:
    for _ in range(20):
        world.purchase()
    world.sync()
    assert len(world.procore.live()) == 20
    assert all(calls <= 1 for calls in reads(world).values()), reads(world)
    assert world.pex.calls["cardholders"] == 1


def test_the_next_step_and_the_next_run_read_nothing_again(world: World) -> None:
    world.purchase()
    world.sync()
    before = reads(world)
    world.clock.forward(60)
    world.purchase()
    world.sync()
    assert reads(world) == before
    assert len(world.procore.live()) == 2


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (coding(999), "project_not_permitted"),
        (coding("Nowhere"), "option_unknown"),
        (coding(P1, "99-999"), "cost_code_not_in_project"),
        (coding(P1, "01-500", "Furniture"), "option_unknown"),
    ],
)
def test_misses_cost_one_read_and_not_one_per_transaction(world: World, tags: dict[str, str], reason: str) -> None:
    world.purchase()
    world.sync()
    world.clock.forward(3600)
    ids = [world.purchase(tags=tags).transaction_id for _ in range(20)]
    before = reads(world)
    world.procore.seconds_per_call = 0.5
    run = world.sync()
    assert [world.ledger[one].reason for one in ids] == [reason] * 20
    assert run.reasons == {reason: 20}
    assert all(calls - before[name] <= 2 for name, calls in reads(world).items()), (before, reads(world))


def test_a_wrong_option_fails_only_its_own_transaction_and_is_named(world: World) -> None:
    bad, well = world.purchase("10.00", coding(P1, "99-999")), world.purchase("20.00")
    world.sync()
    assert world.posted_amounts(well) == [Decimal("20.00")]
    assert world.posted_amounts(bad) == []
    assert "99-999" in world.ledger[bad.transaction_id].detail


def test_a_cost_code_of_another_project_is_refused_with_that_explanation(world: World) -> None:
    one = world.purchase(tags=coding(P2, "01-500"))
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("waiting", "cost_code_not_in_project")
    assert "Temporary Utilities" in row.detail
    assert "Hilltop" in row.detail


def test_a_closed_project_waits_until_it_is_reopened(world: World) -> None:
    one = world.purchase(tags=coding(CLOSED))
    world.sync()
    assert world.ledger[one.transaction_id].reason == "project_closed"
    world.procore.projects[CLOSED] = Project(project_id=CLOSED, name="Old Mill")
    world.procore.cost_codes[CLOSED] = {"01-500": "Temporary Utilities"}
    world.clock.forward(900)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("kind", ["demo", "template"])
def test_a_demo_or_template_is_posted_to_only_when_the_admin_includes_those(
    world: World, kind: str, wanted: bool
) -> None:
    world.choose(**{f"include_{kind}_projects": wanted})
    world.procore.projects[105] = Project.model_validate({"project_id": 105, "name": "Riverside", kind: True})
    world.procore.cost_codes[105] = {"01-500": "Temporary Utilities"}
    by_name, by_id = world.purchase("10.00", coding("Riverside")), world.purchase("20.00", coding(105))
    world.sync()
    assert [cost.draft.project_id for cost in world.costs(by_name)] == ([] if wanted else [P1])
    assert [cost.draft.project_id for cost in world.costs(by_id)] == ([105] if wanted else [])


def test_a_project_made_just_now_is_found_at_once(world: World) -> None:
    world.purchase()
    world.sync()
    world.clock.forward(120)
    world.procore.projects[104] = Project(project_id=104, name="Fresh")
    world.procore.cost_codes[104] = {"03-300": "Concrete"}
    one = world.purchase(tags=coding(104, "03-300"))
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_budget_code_is_made_when_its_parts_were_never_combined(world: World) -> None:
    first, second = (world.purchase(tags=coding(P1, "01-500", 32)) for _ in range(2))
    world.sync()
    assert len(world.costs(first)) == len(world.costs(second)) == 1
    assert world.procore.calls["create_budget_code"] == 1


def test_a_budget_code_that_cannot_be_made_holds_only_its_transaction(world: World) -> None:
    world.procore.cost_types.append(CostType(cost_type_id=33, code="X", name="Exotic"))
    bad, well = world.purchase(tags=coding(P1, "01-500", 33)), world.purchase()
    world.procore.cost_types = world.procore.cost_types[:2]
    world.cache.save(
        "cost types", [{"cost_type_id": 31, "code": "M", "name": "M"}, {"cost_type_id": 33, "code": "X", "name": "X"}]
    )
    world.sync()
    assert world.ledger[bad.transaction_id].reason == "cost_type_not_in_project"
    assert len(world.costs(well)) == 1


def test_a_project_without_budget_rights_holds_only_its_own_transactions(world: World) -> None:
    bad, well = world.purchase(tags=coding(P2, "03-300", 32)), world.purchase()
    world.procore.forbidden_budget_codes = {P2}
    run = world.sync()
    assert len(world.costs(well)) == 1
    assert world.ledger[bad.transaction_id].state == "waiting"
    assert run.verdict == "success"


def test_an_inactive_budget_code_waits_and_is_used_once_active(world: World) -> None:
    code = BudgetCode(wbs_code_id=21, cost_code="03-300", cost_type="M", active=False)
    world.procore.budget_codes[P2] = [code]
    one = world.purchase(tags=coding(P2, "03-300"))
    world.sync()
    assert world.ledger[one.transaction_id].reason == "budget_code_inactive"
    world.procore.budget_codes[P2] = [code.model_copy(update={"active": True})]
    world.clock.forward(3600)
    world.sync()
    assert len(world.costs(one)) == 1


def test_a_forbidden_project_is_asked_once_a_step_and_stops_nobody_else(world: World) -> None:
    bad = [world.purchase(tags=coding(P2, "03-300")) for _ in range(5)]
    well = world.purchase()
    world.procore.forbidden = {P2}
    run = world.sync()
    assert len(world.costs(well)) == 1
    assert {world.ledger[one.transaction_id].reason for one in bad} == {"project_not_permitted"}
    assert world.procore.calls["show_project"] <= 2
    assert run.verdict == "success"


def test_a_project_forbidden_since_we_read_it_stops_nobody_else(world: World) -> None:
    """Its catalog is remembered; the miss that has it read again meets a closed door."""
    world.purchase(tags=coding(P2, "03-300"))
    world.sync()
    world.clock.forward(2 * 3600)
    world.procore.forbidden = {P2}
    bad = [world.purchase(tags=coding(P2, "99-999")), world.purchase(tags=coding(P2, "03-300", 32))]
    well = world.purchase()
    run = world.sync()
    assert len(world.costs(well)) == 1
    assert {world.ledger[one.transaction_id].state for one in bad} == {"waiting"}
    assert run.verdict == "success"


def test_a_project_that_always_fails_does_not_hold_up_the_others_for_ever(world: World) -> None:
    bad = world.purchase(tags=coding(P2, "03-300"))
    well = world.purchase("20.00")
    world.procore.unreadable = {P2}
    for _ in range(3):
        world.sync()
        world.clock.forward(900)
    assert world.posted_amounts(well) == [Decimal("20.00")]
    assert world.ledger[bad.transaction_id].state in ("announced", "waiting")


@pytest.mark.parametrize(
    ("vendor_id", "vendor", "reason"),
    [
        (None, None, "vendor_missing"),
        (VENDOR_ID, None, "vendor_inactive"),
        (VENDOR_ID, Vendor(vendor_id=VENDOR_ID, name="PEX", active=False), "vendor_inactive"),
    ],
)
def test_without_a_vendor_the_run_stops_before_anything_is_posted(
    world: World, vendor_id: int | None, vendor: Vendor | None, reason: str
) -> None:
    one = world.purchase()
    world.choose(vendor_id=vendor_id)
    world.procore.vendors = {VENDOR_ID: vendor} if vendor else {}
    run = world.sync()
    assert (run.verdict, run.reasons) == ("failed", {reason: 1})
    assert world.procore.calls["create_direct_cost"] == 0
    connection = world.connections.load()
    assert connection is not None
    assert connection.procore_problem == reason
    world.procore.vendors = {VENDOR_ID: Vendor(vendor_id=VENDOR_ID, name="PEX")}
    world.choose(vendor_id=VENDOR_ID)
    world.clock.forward(901)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]
    connection = world.connections.load()
    assert connection is not None
    assert connection.procore_problem is None


def test_the_vendor_is_asked_for_again_when_a_quarter_of_an_hour_has_passed(world: World) -> None:
    world.purchase()
    world.sync()
    world.procore.vendors = {}
    world.clock.forward(901)
    world.purchase()
    assert world.sync().reasons == {"vendor_inactive": 1}
    assert len(world.procore.live()) == 1


def test_a_cardholder_pex_does_not_list_costs_no_call_per_transaction(world: World) -> None:
    for _ in range(5):
        world.purchase(account_id=99)
    world.procore.seconds_per_call = 0.5
    world.sync()
    assert len(world.procore.live()) == 5
    assert world.pex.calls["cardholders"] == 1


def test_an_erp_project_keeps_its_origin_id_free(world: World) -> None:
    world.procore.projects[P2] = Project(project_id=P2, name="Hilltop", erp_integrated=True)
    one = world.split("30.00", [("10.00", coding(P1)), ("20.00", coding(P2, "03-300"))])
    world.sync()
    schemes = {cost.draft.project_id: cost.draft.scheme for cost in world.costs(one)}
    assert schemes == {P1: "origin_id", P2: "description"}


def test_tags_that_are_not_remembered_are_asked_for_and_never_guessed(world: World) -> None:
    """With no tags at all, the defaults would code everything."""
    world.choose(defaults={"project": str(P2), "cost_code": "03-300", "cost_type": "31"})
    one = world.purchase(tags=coding(P1))
    run = world.opened()
    ids = world.list_all(run).transaction_ids
    world.cache.forget()
    world.post(run, ids)
    assert [cost.draft.project_id for cost in world.costs(one)] == [P1]


def test_a_deleted_mapped_tag_holds_everything_and_names_the_mapping(world: World) -> None:
    world.choose(tags={"project": "tag-p"}, defaults={"project": str(P2)})
    one = world.purchase()
    world.pex.tags = [tag for tag in world.pex.tags if tag.tag_id != "tag-p"]
    run = world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason, row.detail) == ("waiting", "tag_missing", "Procore Projects")
    assert run.verdict == "success"


def test_a_share_without_a_project_waits_is_shown_and_is_posted_once_tagged(world: World) -> None:
    one = world.purchase(tags={"tag-c": "01-500", "tag-t": "31"})
    world.sync()
    row = world.ledger[one.transaction_id]
    assert (row.state, row.reason) == ("waiting", "missing_project")
    assert row.transaction is not None
    assert (row.transaction.amount, row.transaction.merchant) == (Decimal("120.50"), "Home Depot")
    tagged = one.allocations[0].model_copy(update={"tags": coding()})
    world.pex.change(one.transaction_id, allocations=(tagged,))
    world.clock.forward(hours=1)
    world.sync()
    assert world.posted_amounts(one) == [Decimal("120.50")]


def test_a_catalog_older_than_a_day_is_read_again(world: World) -> None:
    world.purchase()
    world.sync()
    before = world.procore.calls["list_budget_codes"]
    world.clock.now += timedelta(hours=25)
    world.purchase()
    world.sync()
    assert world.procore.calls["list_budget_codes"] == before + 1
