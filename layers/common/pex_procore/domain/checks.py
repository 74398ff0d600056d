"""What a look at both sides found: permissions, tags and tools, in the words of the administrator's page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from pex_procore.domain.catalog import Project
from pex_procore.domain.connection import REQUIRED_PERMISSIONS, AdminProfile
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import DEFAULT_TAG_NAMES, TAG_KINDS, TagDefinition, TagKind, squash
from pex_procore.domain.values import Value

Status = Literal["ok", "missing", "unknown"]
TagStatus = Literal["found", "missing", "wrong_type", "disabled", "deleted", "unknown"]
PROJECTS_TRIED = 3  # of those that sync; each costs a call or two
WRITES = frozenset({"create_direct_cost", "update_direct_cost"})


class PermissionCheck(Value):
    name: str
    label: str  # as PEX's page calls it
    status: Status
    where: str


class SeenTag(Value):
    """A PEX tag without its options. Whether it is the right one is judged anew for every choice of tags."""

    tag_id: str
    name: str
    type: str
    enabled: bool
    deleted: bool
    required: bool
    options: int

    @property
    def status(self) -> TagStatus:
        if self.deleted:
            return "deleted"
        if self.type != "Dropdown":
            return "wrong_type"
        return "found" if self.enabled else "disabled"


class TagCheck(Value):
    status: TagStatus
    expected_name: str
    id: str | None = None
    name: str = ""
    options: int | None = None
    required: bool | None = None


class ToolAccess(Value):
    """What Procore's permission manifest says about one tool. `actions`: granular ones that add to the level."""

    name: str
    level: Literal["none", "read_only", "standard", "admin"]
    actions: frozenset[str] = frozenset()


class ToolCheck(Value):
    """`needs`: the least that is enough. Without an `optional` one everything works, later or with a hand."""

    name: str
    label: str
    needs: str
    status: Status
    message: str = ""
    optional: bool = False


class PexChecks(Value):
    """`tags` is None where PEX did not show them."""

    checked_at: datetime
    permissions: tuple[PermissionCheck, ...]
    tags: tuple[SeenTag, ...] | None = None


class ProcoreChecks(Value):
    checked_at: datetime
    company_id: int
    tools: tuple[ToolCheck, ...]


class Checks(Value):
    """The last look at each side, kept with the connection."""

    pex: PexChecks | None = None
    procore: ProcoreChecks | None = None


def check_permissions(profile: AdminProfile | None) -> tuple[PermissionCheck, ...]:
    def status(name: str) -> Status:
        allowed = profile.permissions.get(name) if profile is not None else None
        return "unknown" if allowed is None else "ok" if allowed else "missing"

    return tuple(
        PermissionCheck(
            name=name,
            label=label,
            status=status(name),
            where=f"Switch it on in PEX: My Profile > Permissions > {label}.",
        )
        for name, label in REQUIRED_PERMISSIONS.items()
    )


def see_tags(definitions: Iterable[TagDefinition]) -> tuple[SeenTag, ...]:
    return tuple(
        SeenTag(
            tag_id=tag.tag_id,
            name=tag.name,
            type=tag.type,
            enabled=tag.enabled,
            deleted=tag.deleted,
            required=tag.required,
            options=len(tag.options),
        )
        for tag in definitions
    )


def check_tags(seen: Sequence[SeenTag] | None, chosen: Mapping[str, str | None]) -> dict[TagKind, TagCheck]:
    """For each kind the tag an administrator chose, or else the one with the usual name. A chosen one that PEX does not
    show any more is "deleted"; one with the usual name that was deleted may be made again, and is "missing"."""
    return {kind: _check_tag(seen, DEFAULT_TAG_NAMES[kind], chosen.get(kind)) for kind in TAG_KINDS}


def _check_tag(seen: Sequence[SeenTag] | None, usual_name: str, chosen_id: str | None) -> TagCheck:
    if seen is None:
        return TagCheck(status="unknown", expected_name=usual_name, id=chosen_id)
    if chosen_id is not None:
        found = next((tag for tag in seen if tag.tag_id == chosen_id), None)
        absent: TagStatus = "deleted"
    else:
        named = [tag for tag in seen if squash(tag.name) == squash(usual_name) and not tag.deleted]
        found = next((tag for tag in named if tag.status == "found"), next(iter(named), None))
        absent = "missing"
    if found is None:
        return TagCheck(status=absent, expected_name=usual_name, id=chosen_id)
    return TagCheck(
        status=found.status,
        expected_name=usual_name,
        id=found.tag_id,
        name=found.name,
        options=found.options,
        required=found.required,
    )


def projects_to_try(projects: Sequence[Project], settings: Settings) -> list[Project]:
    """A few of those that sync stand for all: levels are given to a service account by template, mostly."""
    syncing = [one for one in projects if one.active and not one.template]
    if not settings.sync_projects and settings.project_ids:
        syncing = [one for one in syncing if one.project_id in settings.project_ids] or syncing
    return syncing[:PROJECTS_TRIED]


def check_projects(projects: Sequence[Project]) -> ToolCheck:
    active = sum(one.active for one in projects)
    return ToolCheck(
        name="projects",
        label="Permitted projects",
        needs="at least one active project",
        status="ok" if active else "missing",
        message=""
        if active
        else "The service account sees no active project. Add those that are to sync to its permitted projects.",
    )


def check_directory(readable: bool) -> ToolCheck:
    return ToolCheck(
        name="directory",
        label="Directory (company)",
        needs="Read Only, to list the vendors",
        status="ok" if readable else "missing",
        message="" if readable else "Set Directory to Read Only or higher for the service account.",
    )


def check_direct_costs(found: Sequence[tuple[Project, Status]]) -> ToolCheck:
    """`found`: what may be done in each project that was tried."""
    lacking = [project.label for project, one in found if one == "missing"]
    unsure = not found or any(one == "unknown" for _, one in found)
    status: Status = "missing" if lacking else "unknown" if unsure else "ok"
    messages: dict[Status, str] = {
        "ok": "",
        "missing": f"Lacking in {', '.join(lacking)}" + (f" ({len(found)} were tried)." if len(found) > 1 else "."),
        "unknown": "It can be read; whether expenses may be created shows with the first one." if found else "",
    }
    return ToolCheck(
        name="direct_costs",
        label="Direct Costs (projects)",
        needs="Admin, or Read Only or Standard with Create Direct Cost and Update Direct Cost",
        status=status,
        message=messages[status],
    )


def direct_costs_status(access: Sequence[ToolAccess] | None, readable: bool) -> Status:
    """Of one project. What its manifest does not tell, a look at its expenses does: a tool that cannot be read cannot
    be written."""
    if not readable:
        return "missing"
    known = next((one for one in access or () if squash(one.name).replace("_", "") == "directcosts"), None)
    if known is None:
        return "unknown"
    return "ok" if known.level == "admin" or known.actions >= WRITES else "missing"


def check_budget_codes(readable: bool | None) -> ToolCheck:
    return ToolCheck(
        name="work_breakdown_structure",
        label="Work breakdown structure (projects)",
        needs="to be read; the right to add budget codes lets the connector add those a project lacks",
        status="unknown" if readable is None else "ok" if readable else "missing",
    )


def check_webhooks(heard: bool, tried: bool) -> ToolCheck:
    """`tried`: the connection is active, so that a webhook would be there if Procore had let us."""
    lacking = "Without it new projects appear in PEX with the next scheduled refresh, not within moments."
    return ToolCheck(
        name="webhooks",
        label="Webhooks API (company and projects)",
        needs="Standard; optional",
        status="ok" if heard else "missing" if tried else "unknown",
        message="" if heard else lacking if tried else "It is tried when syncing is turned on.",
        optional=True,
    )
