"""Choices that only the vendors can prove right: the vendor exists, the tags are drop-downs."""

from __future__ import annotations

from pex_procore.domain.connection import Connection
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.settings import Problem, Settings
from pex_procore.domain.tags import TAG_KINDS, map_tags, what_is_wrong
from pex_procore.services.vendor_ports import Pex, Procore


def check_settings(
    new: Settings, old: Settings, *, connection: Connection, pex: Pex, procore: Procore
) -> list[Problem]:
    """Asks only about what changed, and about every tag when these settings are the ones that start the sync."""
    problems = []
    if new.vendor_id is not None and new.vendor_id != old.vendor_id:
        vendor = procore.find_vendor(new.vendor_id)
        if vendor is None or not vendor.active:
            problems.append(_problem("vendor_id", "vendor_inactive", f"vendor {new.vendor_id}"))
    if connection.status == "active" and _lacks_vendor(new) and not _lacks_vendor(old):
        problems.append(_problem("vendor_id", "vendor_missing", "purchases are posted under one"))
    starting = connection.status == "setting_up" and new.vendor_id is not None and new.sync_expenses
    if starting or new.tags != old.tags:
        definitions, chosen = pex.list_tags(), new.tags.model_dump()
        tags = map_tags(definitions, chosen)
        for kind in TAG_KINDS:
            uncoded = starting and tags.tag(kind) is None and getattr(new.defaults, kind) is None
            if kind in tags.broken or uncoded:
                problems.append(_problem(f"tags.{kind}", "tag_missing", what_is_wrong(kind, definitions, chosen[kind])))
    return problems


def _lacks_vendor(settings: Settings) -> bool:
    return settings.sync_expenses and settings.vendor_id is None


def _problem(field: str, code: str, what: str) -> Problem:
    known = REASONS[code]
    return Problem(field=field, code=code, message=f"{known.text} ({what}) {known.todo}")
