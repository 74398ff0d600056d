"""Procore's lists as the entries of the three tags, in the order people should read them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pex_procore.domain.catalog import CostType, Project, ProjectCodes
from pex_procore.domain.settings import Settings
from pex_procore.domain.tag_plan import Entry

CODES_LIFE = timedelta(hours=20)  # so that everything is read again within a day


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts 2 before 10, and letters without regard to case."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def worked_on(projects: Iterable[Project], settings: Settings) -> list[Project]:
    """Those that may be chosen at all, before the admin's selection, in the order people read them."""
    kept = [
        project
        for project in projects
        if (project.active or settings.include_inactive_projects)
        and (not project.demo or settings.include_demo_projects)
        and (not project.template or settings.include_template_projects)
    ]
    return sorted(kept, key=lambda project: (natural(project.label), project.project_id))


def wanted_projects(projects: Iterable[Project], settings: Settings) -> list[Project]:
    """Those that cardholders may choose: the admin's selection, or all that are worked on."""
    kept = worked_on(projects, settings)
    return [one for one in kept if settings.sync_projects or one.project_id in settings.project_ids]


def coded_projects(projects: Iterable[Project], settings: Settings) -> list[Project]:
    """Those whose cost codes are offered: where no project was selected, everybody's."""
    return wanted_projects(projects, settings) or worked_on(projects, settings)


def selection_of(settings: Settings) -> str:
    """Changes when the admin's choice of projects does, so that a smaller list is no alarm."""
    chosen = (
        settings.sync_projects or sorted(settings.project_ids),
        settings.include_inactive_projects,
        settings.include_demo_projects,
        settings.include_template_projects,
    )
    return hashlib.sha256(repr(chosen).encode()).hexdigest()[:16]


def project_entries(projects: Sequence[Project]) -> list[Entry]:
    return [Entry(value=str(project.project_id), name=project.label) for project in projects]


def cost_type_entries(cost_types: Iterable[CostType]) -> list[Entry]:
    ordered = sorted(cost_types, key=lambda kind: (natural(kind.name), kind.cost_type_id))
    return [
        Entry(value=str(kind.cost_type_id), name=f"{kind.name} ({kind.code})" if kind.code else kind.name)
        for kind in ordered
    ]


def cost_code_entries(catalogs: Iterable[ProjectCodes]) -> list[Entry]:
    """One entry per full code over all projects, under the spelling and the name that most of them use."""
    pairs: Counter[tuple[str, str]] = Counter()
    for catalog in catalogs:
        pairs.update(catalog.cost_codes.items())
    spellings: dict[str, Counter[str]] = {}
    names: dict[str, Counter[str]] = {}
    for (code, name), times in pairs.items():
        key = code.casefold()
        spellings.setdefault(key, Counter())[code] += times
        names.setdefault(key, Counter())[name] += times
    found = {_favourite(spellings[key]): _favourite(names[key]) for key in spellings}
    return [Entry(value=code, name=f"{code} {found[code]}") for code in sorted(found, key=natural)]


def _favourite(texts: Counter[str]) -> str:
    return min(texts, key=lambda text: (-texts[text], text))


def projects_to_read(
    projects: Sequence[Project],
    known: Mapping[int, ProjectCodes],
    stale: frozenset[int],
    now: datetime,
    fresh_since: datetime | None,
    failed: frozenset[int] = frozenset(),
) -> list[int]:
    """Whose cost codes are to be read now: never read ones first, then changed ones, then the oldest; last those that
    `failed` before, so that nobody queues behind them.

    `fresh_since`: nothing older counts.
    """

    def due(project: Project) -> bool:
        codes = known.get(project.project_id)
        if codes is None or project.project_id in stale or now - codes.read_at > CODES_LIFE:
            return True
        changed = project.updated_at is not None and project.updated_at > codes.read_at
        return changed or (fresh_since is not None and codes.read_at < fresh_since)

    def urgency(project: Project) -> tuple[int, float]:
        codes = known.get(project.project_id)
        if project.project_id in failed:
            return (3, 0.0)
        if codes is None:
            return (0, 0.0)
        return (1 if project.project_id in stale else 2, codes.read_at.timestamp())

    return [project.project_id for project in sorted(filter(due, projects), key=urgency)]
