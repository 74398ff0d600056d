"""What of a connection a person must look at, for the first lines of the administrator's page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pex_procore.domain.alerts import token_warning
from pex_procore.domain.checks import PermissionCheck, TagCheck, ToolCheck
from pex_procore.domain.connection import Connection
from pex_procore.domain.runs import Run
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TagKind
from pex_procore.domain.values import Value

Where = Literal["pex", "procore", "tags", "settings"]
OF_SETTINGS = ("vendor_missing", "vendor_inactive")
OF_TAG_RUNS: Mapping[str, Where] = {
    "source_shrank": "tags",
    "tag_refused": "tags",
    "selected_project_gone": "settings",
}


class Item(Value):
    """`code`: of `domain.reasons`; `detail` names what it is about."""

    code: str
    side: Where
    detail: str = ""


def find_attention(
    connection: Connection,
    settings: Settings,
    *,
    permissions: Iterable[PermissionCheck],
    tags: Mapping[TagKind, TagCheck],
    tools: Iterable[ToolCheck],
    last_tags_run: Run | None,
    silent: Iterable[Literal["pex", "procore"]] = (),
    now: datetime,
) -> list[Item]:
    """Each cause once, what stops everything first. `silent`: sides that gave no answer just now."""
    found = [Item(code="busy", side=side) for side in sorted(silent)]
    lacking = [one.label for one in permissions if one.status == "missing"]
    if connection.pex_problem:
        found.append(Item(code=connection.pex_problem, side="pex", detail=", ".join(lacking)))
    elif lacking:
        found.append(Item(code="pex_permission_missing", side="pex", detail=", ".join(lacking)))
    if (warning := token_warning(connection, now)) and connection.pex_problem != "pex_token_rejected":
        found.append(Item(code=warning, side="pex"))
    if problem := connection.procore_problem:
        found.append(Item(code=problem, side="settings" if problem in OF_SETTINGS else "procore"))
    if connection.status != "active":
        return found
    if needed := [one.label for one in tools if one.status == "missing" and not one.optional]:
        found.append(Item(code="procore_permission_missing", side="procore", detail=", ".join(needed)))
    if broken := [one.name or one.expected_name for kind, one in tags.items() if _hurts(kind, one, settings)]:
        found.append(Item(code="tag_missing", side="tags", detail=", ".join(broken)))
    reasons = last_tags_run.reasons if last_tags_run else {}
    found += [Item(code=code, side=side) for code, side in OF_TAG_RUNS.items() if reasons.get(code)]
    return list({(one.code, one.side): one for one in reversed(found)}.values())[::-1]


def _hurts(kind: TagKind, tag: TagCheck, settings: Settings) -> bool:
    """A tag that is not there matters where it is to follow Procore, or purchases are coded by it."""
    if tag.status in ("found", "unknown"):
        return False
    codes = settings.sync_expenses and getattr(settings.defaults, kind) is None
    return settings.follows(kind) or codes
