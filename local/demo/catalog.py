"""What the Procore simulator offers to code against, from its seed: known here without a call, so without quota."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from local.simulators.procore.world import World
from local.simulators.seed_procore import FIRST_COMPANY_ID, seed_procore, usable

SEED = 7  # the simulators' own default


class Line(NamedTuple):
    """A project, cost code and cost type, as PEX's tags name them."""

    project_id: int
    cost_code: str
    cost_type_id: int


@dataclass(frozen=True)
class SeededCatalog:
    company_id: int
    projects: dict[int, str]
    """Those an expense can be posted to: id to name."""
    cost_codes: dict[int, dict[str, str]]
    """Project to full code to name, without divisions: an expense goes to a leaf."""
    cost_types: dict[int, str]
    """Id to code: 563103 to "M"."""
    inactive: frozenset[Line]
    """Lines whose budget code must not be used."""
    budgeted: frozenset[Line]
    """Lines whose budget code is there and active."""

    def takes(self, line: Line) -> bool:
        """Whether an expense can be posted to the line. A budget code that is missing can be made."""
        return (
            line.project_id in self.projects
            and line.cost_code in self.cost_codes[line.project_id]
            and line.cost_type_id in self.cost_types
            and line not in self.inactive
        )


def seeded_catalog() -> SeededCatalog:
    return catalog_of(seed_procore(SEED))


def catalog_of(world: World) -> SeededCatalog:
    projects = [project for project in world.projects_of(FIRST_COMPANY_ID) if usable(project)]
    leaves = [code for code in world.cost_codes.values() if code.parent_id is not None and code.deleted_at is None]
    full_codes = {code.id: code.full_code for code in leaves}
    lines: dict[str, set[Line]] = {"active": set(), "inactive": set()}
    for row in world.wbs_codes.values():
        if row.cost_code_id in full_codes and row.line_item_type_id is not None:
            lines[row.status].add(Line(row.project_id, full_codes[row.cost_code_id], row.line_item_type_id))
    return SeededCatalog(
        company_id=FIRST_COMPANY_ID,
        projects={project.id: project.display_name for project in projects},
        cost_codes={
            project.id: {code.full_code: code.name for code in leaves if code.project_id == project.id}
            for project in projects
        },
        cost_types={kind.id: kind.code for kind in world.types_of(FIRST_COMPANY_ID)},
        inactive=frozenset(lines["inactive"]),
        budgeted=frozenset(lines["active"]),
    )
