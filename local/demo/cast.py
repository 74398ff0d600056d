"""Who buys what in the story: PEX's cardholders at the merchants of a building site, coded to projects in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from typing import Any

from local.demo.catalog import Line, SeededCatalog

SHOPPING = (
    ("WHITE CAP 218", "612.48", "03-110", "M"),
    ("SUNBELT RENTALS #388", "1284.00", "31-230", "E"),
    ("THE HOME DEPOT #6209", "87.16", "06-100", "M"),
    ("FASTENAL COMPANY 01CTHAR", "43.95", "05-500", "M"),
    ("SHERWIN-WILLIAMS 708412", "219.30", "09-900", "M"),
    ("UNITED RENTALS 0415", "940.00", "01-500", "E"),
    ("FERGUSON ENT #1552", "356.72", "22-110", "M"),
    ("GRAINGER", "128.09", "26-270", "M"),
    ("LOWES #01742", "64.53", "08-710", "M"),
    ("HILTI INC", "501.77", "03-210", "E"),
    ("TILCON CONNECTICUT", "1733.25", "31-200", "M"),
)
"""Merchant, dollars, and the cost code and type it is for."""


@dataclass(frozen=True)
class Purchase:
    account_id: int
    cardholder: str
    merchant: str
    amount: Decimal
    line: Line

    @property
    def tags(self) -> dict[str, str]:
        return dict(zip(("project", "cost_code", "cost_type"), (str(part) for part in self.line), strict=True))


class Cast:
    """Deals one purchase after another. `project_ids`: projects whose lists the connector knows already, so that the
    story is about expenses and not about reading lists."""

    def __init__(self, business: Mapping[str, Any], catalog: SeededCatalog, project_ids: list[int]) -> None:
        self._catalog = catalog
        self._people = cycle([each for each in business["cardholders"] if each["status"] == "OPEN"])
        self._shopping = cycle(SHOPPING)
        self._projects = cycle(project_ids)

    def purchase(self) -> Purchase:
        person, (merchant, amount, cost_code, cost_type) = next(self._people), next(self._shopping)
        line = self.line(next(self._projects), cost_code, cost_type)
        return Purchase(person["account_id"], person["name"], merchant, Decimal(amount), line)

    def line(self, project_id: int, cost_code: str, cost_type: str) -> Line:
        """The nearest the project has: not every project has every budget code."""
        types = self._catalog.cost_types
        lines = [line for line in self._catalog.budgeted if line.project_id == project_id]
        return min(lines, key=lambda one: (one.cost_code != cost_code, types[one.cost_type_id] != cost_type, one))

    def words(self, line: Line) -> str:
        """`25-103 Maple Grove Elementary School, 03-300 Cast-in-Place Concrete, M`."""
        name = self._catalog.cost_codes[line.project_id][line.cost_code]
        project = self._catalog.projects[line.project_id]
        return f"{project}, {line.cost_code} {name}, {self._catalog.cost_types[line.cost_type_id]}"
