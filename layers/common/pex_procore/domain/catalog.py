"""What Procore offers to code against: projects, cost codes, cost types, budget codes, vendors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pex_procore.domain.reasons import Waiting
from pex_procore.domain.values import Value


class Company(Value):
    company_id: int
    name: str
    active: bool = True


class Project(Value):
    project_id: int
    number: str = ""
    name: str = ""
    active: bool = True
    demo: bool = False
    template: bool = False
    updated_at: datetime | None = None
    erp_integrated: bool = False  # only known from the project's own page, not from lists

    @property
    def label(self) -> str:
        return f"{self.number} - {self.name}" if self.number else self.name


class CostType(Value):
    cost_type_id: int
    code: str  # "M"
    name: str  # "Materials"


class BudgetCode(Value):
    """One combination of cost code and cost type that a direct cost line can hang on (Procore: WBS code)."""

    wbs_code_id: int
    cost_code: str  # full code, "01-500"
    cost_type: str  # cost type code, "M"
    active: bool = True
    plain: bool = True  # no segment besides cost code and cost type


class Vendor(Value):
    vendor_id: int
    name: str
    active: bool = True


class ProjectCodes(Value):
    """One project's cost codes, full code → name, as read at `read_at`."""

    project_id: int
    cost_codes: Mapping[str, str]
    read_at: datetime


class ProjectCatalog(Value):
    """One project's coding, as read at `read_at`.

    `cost_codes`: full code → name, None until needed: the codes in use stand in the budget codes already.
    """

    project: Project
    cost_codes: Mapping[str, str] | None = None
    budget_codes: tuple[BudgetCode, ...]
    read_at: datetime

    def budget_code(self, cost_code: str, cost_type: str) -> BudgetCode | Waiting | None:
        """None: both parts may exist but were never combined."""
        found = [
            code
            for code in self.budget_codes
            if code.cost_code.casefold() == cost_code.casefold() and code.cost_type.casefold() == cost_type.casefold()
        ]
        plain = [code for code in found if code.plain] or found
        active = [code for code in plain if code.active]
        if len(active) == 1:
            return active[0]
        label = f"{cost_code}.{cost_type}"
        if active:
            return Waiting("budget_code_ambiguous", label)
        return Waiting("budget_code_inactive", label) if found else None
