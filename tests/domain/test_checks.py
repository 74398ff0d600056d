"""What a look at both sides found, in words; and what of it a person must look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pex_procore.domain.attention import find_attention
from pex_procore.domain.catalog import Project
from pex_procore.domain.checks import (
    PROJECTS_TRIED,
    ToolAccess,
    check_direct_costs,
    check_permissions,
    check_tags,
    check_webhooks,
    direct_costs_status,
    projects_to_try,
    see_tags,
)
from pex_procore.domain.connection import AdminProfile, Connection
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.runs import Run
from pex_procore.domain.settings import Defaults, Settings
from pex_procore.domain.tags import TAG_KINDS, TagDefinition, TagOption

NOW = datetime(2026, 5, 4, 16, tzinfo=UTC)
CREATE, UPDATE = "create_direct_cost", "update_direct_cost"


def tag(tag_id: str, name: str, type: str = "Dropdown", **more: Any) -> TagDefinition:
    return TagDefinition(tag_id=tag_id, name=name, type=type, options=(TagOption(value="1", name="1"),), **more)


def statuses(tags: list[TagDefinition], **chosen: str) -> list[str]:
    return [check_tags(see_tags(tags), chosen)[kind].status for kind in TAG_KINDS]


def test_a_permission_that_pex_does_not_name_is_unknown_and_not_missing() -> None:
    profile = AdminProfile(permissions={"EditBusinessProfile": True, "ManageCardholder": False})
    assert [one.status for one in check_permissions(profile)] == ["ok", "missing", "unknown"]
    assert {one.status for one in check_permissions(None)} == {"unknown"}
    assert all(one.label in one.where for one in check_permissions(None))


def test_tags_are_found_by_their_usual_names_whatever_case_and_spaces() -> None:
    tags = [
        tag("1", "procore projects"),
        tag("2", "ProcoreCostCodes", enabled=False),
        tag("3", "Procore Cost Types", "Text"),
    ]
    assert statuses(tags) == ["found", "disabled", "wrong_type"]


def test_a_usable_tag_counts_before_a_broken_one_of_the_same_name() -> None:
    tags = [tag("1", "Procore Projects", "Text"), tag("2", "Procore Projects")]
    assert check_tags(see_tags(tags), {})["project"].id == "2"


def test_a_deleted_tag_of_the_usual_name_can_be_made_again_and_a_chosen_one_cannot() -> None:
    tags = [tag("1", "Procore Projects", deleted=True)]
    assert statuses(tags)[0] == "missing"
    assert statuses(tags, project="1")[0] == "deleted"
    assert statuses(tags, project="nine")[0] == "deleted"


def test_tags_that_pex_did_not_show_are_unknown() -> None:
    assert {one.status for one in check_tags(None, {}).values()} == {"unknown"}


@pytest.mark.parametrize(
    ("level", "actions", "readable", "status"),
    [
        ("admin", (), True, "ok"),
        ("standard", (CREATE, UPDATE), True, "ok"),
        ("read_only", (CREATE, UPDATE), True, "ok"),
        ("standard", (CREATE,), True, "missing"),
        ("read_only", (), True, "missing"),
        ("none", (), True, "missing"),
        ("admin", (), False, "missing"),
    ],
)
@pytest.mark.parametrize("name", ["Direct Costs", "direct_costs"])
def test_direct_costs_take_admin_or_the_two_granular_permissions(
    name: str, level: Any, actions: tuple[str, ...], readable: bool, status: str
) -> None:
    access = [ToolAccess(name="Budget", level="none"), ToolAccess(name=name, level=level, actions=frozenset(actions))]
    assert direct_costs_status(access, readable) == status


@pytest.mark.parametrize("access", [None, [], [ToolAccess(name="Budget", level="admin")]])
def test_a_manifest_that_does_not_tell_leaves_a_readable_tool_unknown(access: Any) -> None:
    assert direct_costs_status(access, readable=True) == "unknown"


def test_one_project_that_lacks_the_tool_is_named_and_outweighs_the_unknown() -> None:
    library, bridge, mill = (Project(project_id=number, name=name) for number, name in enumerate("LBM"))
    check = check_direct_costs([(library, "ok"), (bridge, "missing"), (mill, "unknown")])
    assert (check.status, check.message) == ("missing", "Lacking in B (3 were tried).")
    assert check_direct_costs([(library, "ok"), (mill, "unknown")]).status == "unknown"
    assert check_direct_costs([]).status == "unknown"


def test_a_few_of_the_projects_that_sync_are_tried() -> None:
    projects = [Project(project_id=number, active=number != 2, template=number == 3) for number in range(1, 9)]
    assert [one.project_id for one in projects_to_try(projects, Settings())] == [1, 4, 5][:PROJECTS_TRIED]
    picked = Settings(sync_projects=False, project_ids=(7, 2))
    assert [one.project_id for one in projects_to_try(projects, picked)] == [7]


def test_webhooks_are_optional_and_unknown_until_they_were_tried() -> None:
    assert [check_webhooks(*told).status for told in ((True, True), (False, True), (False, False))] == [
        "ok",
        "missing",
        "unknown",
    ]
    assert check_webhooks(heard=False, tried=True).optional


def attention(connection: Connection | None = None, settings: Settings | None = None, **more: Any) -> list[str]:
    found = find_attention(
        connection or Connection(business_id=1, status="active"),
        settings or Settings(),
        **{"permissions": (), "tags": {}, "tools": (), "last_tags_run": None, "now": NOW, **more},
    )
    assert {one.code for one in found} <= REASONS.keys()
    return [f"{one.side}: {one.code}" for one in found]


def active(**more: Any) -> Connection:
    return Connection(business_id=1, status="active", **more)


def test_nothing_to_look_at_is_nothing() -> None:
    assert attention() == []


def test_a_dead_token_is_not_also_one_that_ends_soon() -> None:
    ends_at = NOW + timedelta(days=3)
    assert attention(active(pex_expires_at=ends_at)) == ["pex: pex_token_expires_soon"]
    dead = active(pex_expires_at=ends_at, pex_problem="pex_token_rejected")
    assert attention(dead) == ["pex: pex_token_rejected"]


def test_a_problem_and_the_check_that_found_it_are_told_once() -> None:
    lacking = check_permissions(AdminProfile(permissions={"ManageCardholder": False}))
    assert attention(active(pex_problem="pex_permission_missing"), permissions=lacking) == [
        "pex: pex_permission_missing"
    ]
    assert attention(permissions=lacking) == ["pex: pex_permission_missing"]


def test_tags_matter_where_they_follow_procore_or_code_purchases() -> None:
    gone = check_tags((), {})
    assert attention(tags=gone) == ["tags: tag_missing"]
    tags_off = {"sync_projects": False, "sync_cost_codes": False, "sync_cost_types": False}
    assert attention(settings=Settings(**tags_off), tags=gone) == ["tags: tag_missing"]
    all_default = Defaults(project="1", cost_code="1", cost_type="1")
    assert attention(settings=Settings(**tags_off, defaults=all_default), tags=gone) == []
    assert attention(settings=Settings(**tags_off, sync_expenses=False), tags=gone) == []


def test_while_it_is_being_set_up_open_steps_are_no_alarm() -> None:
    assert attention(Connection(business_id=1), tags=check_tags((), {})) == []


def test_what_the_last_tag_refresh_stopped_at_is_told() -> None:
    run = Run(run_id="1", kind="tags", trigger="sweep", reasons={"source_shrank": 1, "busy": 2}, started_at=NOW)
    assert attention(last_tags_run=run) == ["tags: source_shrank"]


def test_a_vendor_that_is_gone_is_mended_in_the_settings() -> None:
    assert attention(active(procore_problem="vendor_inactive")) == ["settings: vendor_inactive"]
    assert attention(active(procore_problem="procore_secret_rejected")) == ["procore: procore_secret_rejected"]
