"""What Procore knows. Plain data without locks or clocks, so that it can be pickled; the simulator guards it.

Ids come from one range per kind, far apart, so that an id used in the wrong place is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Protocol, TypeVar

LEVELS = ("none", "read_only", "standard", "admin")
PROJECT_TOOLS = ("home", "directory", "documents", "budget", "commitments", "direct_costs", "daily_log")


@dataclass(slots=True)
class Client:
    id: str
    secret: str
    company_ids: list[int]
    user_id: int


@dataclass(slots=True)
class Token:
    client_id: str
    created_at: datetime
    expires_at: datetime
    revoked: bool = False


@dataclass(slots=True)
class Company:
    id: int
    name: str
    is_active: bool = True
    currency: str = "USD"
    levels: dict[str, str] = field(default_factory=lambda: {"directory": "admin"})


@dataclass(slots=True)
class Project:
    id: int
    company_id: int
    number: str | None
    name: str
    created_at: datetime
    updated_at: datetime
    address: str
    city: str
    state_code: str
    zip: str
    stage: str
    start_date: date
    total_value: Decimal
    active: bool = True
    is_demo: bool = False
    template: bool = False
    is_erp_integrated: bool = False
    permitted: bool = True
    tools_off: set[str] = field(default_factory=set)
    levels: dict[str, str] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        return f"{self.number} {self.name}" if self.number else self.name

    def level(self, tool: str) -> str:
        return self.levels.get(tool, "admin")


@dataclass(slots=True)
class CostCode:
    id: int
    project_id: int
    code: str
    full_code: str
    name: str
    parent_id: int | None
    position: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(slots=True)
class LineItemType:
    id: int
    company_id: int
    code: str
    name: str
    base_type: str
    created_at: datetime


@dataclass(slots=True)
class WbsCode:
    """A budget code. Both items None: the empty placeholder row some projects carry."""

    id: int
    project_id: int
    cost_code_id: int | None
    line_item_type_id: int | None
    created_at: datetime
    updated_at: datetime
    status: str = "active"
    description: str | None = None


@dataclass(slots=True)
class Vendor:
    id: int
    company_id: int
    name: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    company_vendor: bool = False
    city: str = ""
    state_code: str = ""
    origin_id: str | None = None
    origin_code: str | None = None
    project_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Attachment:
    id: int
    filename: str
    content_type: str
    size: int
    sha256: str
    created_at: datetime


@dataclass(slots=True)
class Line:
    id: int
    wbs_code_id: int
    amount: Decimal
    created_at: datetime
    updated_at: datetime
    extended_type: str = "manual"
    quantity: Decimal | None = None
    unit_cost: Decimal | None = None
    uom: str | None = None
    description: str | None = None
    origin_id: str | None = None
    origin_data: str | None = None


@dataclass(slots=True)
class DirectCost:
    id: int
    company_id: int
    project_id: int
    client_id: str
    direct_cost_type: str
    status: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    description: str | None = None
    direct_cost_date: date | None = None
    received_date: date | None = None
    payment_date: date | None = None
    vendor_id: int | None = None
    employee_id: int | None = None
    invoice_number: str | None = None
    terms: str | None = None
    origin_id: str | None = None
    origin_data: str | None = None
    lines: list[Line] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    @property
    def grand_total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal())


@dataclass(slots=True)
class Trigger:
    id: str
    resource_name: str
    event_type: str


@dataclass(slots=True)
class Hook:
    """`failures` in a row make a pause until `paused_until` (seconds of the machine's clock, like `failing_since`)."""

    id: str
    company_id: int
    payload_version: str
    namespace: str
    destination_url: str
    authorization: str | None
    created_at: datetime
    updated_at: datetime
    status: str = "active"
    triggers: dict[str, Trigger] = field(default_factory=dict)
    failures: int = 0
    paused_until: float = 0.0
    failing_since: float | None = None


@dataclass(slots=True)
class Delivery:
    """One event on its way to one hook. `status`: enqueued, retrying, delivered, discarded; what is forged (sending,
    delivered or failed) or lost on purpose is known to the books only."""

    id: str
    hook_id: str
    resource_name: str
    event_type: str
    payload: dict[str, Any]
    created_at: datetime
    status: str = "enqueued"
    forged: bool = False
    attempts: list[dict[str, Any]] = field(default_factory=list)


class OfProject(Protocol):
    project_id: int


Record = TypeVar("Record", bound=OfProject)


class ByProject(dict[int, Record]):
    """Records by id which are quickly found by project, too. Only changed through the methods below."""

    def __init__(self, records: Mapping[int, Record] | None = None) -> None:
        super().__init__()
        self._of: dict[int, dict[int, Record]] = {}
        self.update(records or {})

    def of(self, project_id: int) -> list[Record]:
        return list(self._of.get(project_id, {}).values())

    def __setitem__(self, id: int, record: Record) -> None:
        super().__setitem__(id, record)
        self._of.setdefault(record.project_id, {})[id] = record

    def __delitem__(self, id: int) -> None:
        del self._of[self[id].project_id][id]
        super().__delitem__(id)

    def update(self, records: Mapping[int, Record]) -> None:  # type: ignore[override]
        for id, record in records.items():
            self[id] = record

    def clear(self) -> None:
        super().clear()
        self._of.clear()


FIRST_IDS = {
    "project": 2_310_400,
    "cost_code": 81_204_000,
    "line_item_type": 563_100,
    "wbs_code": 910_330_000,
    "vendor": 3_411_800,
    "segment": 41_200,
    "direct_cost": 71_600_000,
    "line": 152_800_000,
    "attachment": 440_900_000,
    "user": 9_120_300,
    "event": 5_310_000_000,
    "hook": 0,
    "trigger": 0,
}
ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

LONG_TABLES: dict[str, type] = {"cost_codes": CostCode, "wbs_codes": WbsCode}


def _packed(kind: type, table: dict[int, Any]) -> list[tuple[Any, ...]]:
    row = attrgetter(*(one.name for one in fields(kind)))
    return [row(record) for record in table.values()]


@dataclass
class World:
    companies: dict[int, Company] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    cost_codes: ByProject[CostCode] = field(default_factory=ByProject)
    line_item_types: dict[int, LineItemType] = field(default_factory=dict)
    wbs_codes: ByProject[WbsCode] = field(default_factory=ByProject)
    vendors: dict[int, Vendor] = field(default_factory=dict)
    direct_costs: dict[int, DirectCost] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    event_mood: dict[str, dict[str, Any]] = field(default_factory=dict)
    wbs_codes_made: int = 0
    refused_429: int = 0
    _last_ids: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))

    def __getstate__(self) -> dict[str, Any]:
        """The two long tables as plain tuples: the world is written after every request, and this makes it six times
        faster."""
        return vars(self) | {name: _packed(kind, getattr(self, name)) for name, kind in LONG_TABLES.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        unpacked = {name: ByProject({row[0]: kind(*row) for row in state[name]}) for name, kind in LONG_TABLES.items()}
        vars(self).update(vars(World()) | state | unpacked)
        self._last_ids = FIRST_IDS | self._last_ids

    def next_id(self, kind: str) -> int:
        self._last_ids[kind] += 1
        return self._last_ids[kind]

    def next_ulid(self, kind: str, at: datetime) -> str:
        """Ids of v2 are strings: 26 digits, those of the time first."""
        return _digits(int(at.timestamp() * 1000), 10) + _digits(self.next_id(kind), 16)

    def projects_of(self, company_id: int) -> list[Project]:
        return [project for project in self.projects.values() if project.company_id == company_id]

    def cost_codes_of(self, project_id: int) -> list[CostCode]:
        return self.cost_codes.of(project_id)

    def wbs_codes_of(self, project_id: int) -> list[WbsCode]:
        return self.wbs_codes.of(project_id)

    def types_of(self, company_id: int) -> list[LineItemType]:
        return [kind for kind in self.line_item_types.values() if kind.company_id == company_id]

    def find_wbs_code(self, project_id: int, cost_code_id: int | None, line_item_type_id: int | None) -> WbsCode | None:
        for code in self.wbs_codes_of(project_id):
            if (code.cost_code_id, code.line_item_type_id) == (cost_code_id, line_item_type_id):
                return code
        return None

    def living_direct_costs(self, company_id: int) -> Iterator[DirectCost]:
        return (
            cost for cost in self.direct_costs.values() if cost.company_id == company_id and cost.deleted_at is None
        )


def _digits(number: int, length: int) -> str:
    text = ""
    while len(text) < length:
        number, digit = divmod(number, 32)
        text = ULID_DIGITS[digit] + text
    return text
