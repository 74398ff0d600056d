"""A contractor small enough to be read: one company, three projects, two cost codes, two cost types, two cardholders.

Library has both cost codes, Bridge only the first, Old Mill is closed. Materials are budgeted everywhere, labor nowhere
but at Library's first cost code.
"""

from __future__ import annotations

import pickle
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from local.simulators.pex import PexSimulator
from local.simulators.pex import world as pex_world
from local.simulators.pex.founding import add_admin, found_business
from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.world import Client, Company, CostCode, LineItemType, Project, Vendor, WbsCode, World
from tests.flow.clock import FlowClock

PEX_TOKEN, CLIENT_ID, CLIENT_SECRET = "flow-pex-token", "flow-client", "flow-client-secret"
PEX_APP_ID, PEX_APP_SECRET = "flow-pex-app", "flow-pex-app-secret"
CALLBACK_SECRET = "flow-callback-secret"
COMPANY_ID = 4_000_001
SETUP, CONCRETE = "01-500", "03-300"


@dataclass
class Names:
    """Ids by the names the tests use."""

    projects: dict[str, int] = field(default_factory=dict)
    codes: dict[tuple[str, str], int] = field(default_factory=dict)  # project, full code
    types: dict[str, int] = field(default_factory=dict)
    budget_codes: dict[tuple[str, str, str], int] = field(default_factory=dict)  # project, full code, type code
    vendor_id: int = 0
    account_ids: list[int] = field(default_factory=list)
    business_id: int = 0
    tags: dict[str, str] = field(default_factory=dict)  # kind → tag id


def small_procore(now: datetime, names: Names) -> World:
    began = now - timedelta(days=300)
    world = World()
    world.companies[COMPANY_ID] = Company(COMPANY_ID, "Small Builders LLC")
    for code, name, base in (("M", "Materials", "materials"), ("L", "Labor", "labor")):
        names.types[code] = id = world.next_id("line_item_type")
        world.line_item_types[id] = LineItemType(id, COMPANY_ID, code, name, base, began)
    for number, name in (("25-101", "Library"), ("25-102", "Bridge"), ("24-001", "Old Mill")):
        _add_project(world, names, number, name, began)
    names.vendor_id = vendor_id = world.next_id("vendor")
    world.vendors[vendor_id] = Vendor(vendor_id, COMPANY_ID, "PEX Card Purchases", began, began)
    world.vendors[vendor_id].project_ids = list(names.projects.values())
    world.clients[CLIENT_ID] = Client(CLIENT_ID, CLIENT_SECRET, [COMPANY_ID], world.next_id("user"))
    return world


def _add_project(world: World, names: Names, number: str, name: str, began: datetime) -> None:
    place = ("1 Main Street", "Denver", "CO", "80202", "Course of Construction", began.date(), Decimal(1_000_000))
    names.projects[name] = id = world.next_id("project")
    world.projects[id] = Project(id, COMPANY_ID, number, name, began, began, *place)
    world.projects[id].active = name != "Old Mill"
    for full_code, title in ((SETUP, "Temporary Facilities"), (CONCRETE, "Cast-in-Place Concrete")):
        if name == "Bridge" and full_code == CONCRETE:
            continue
        division, code = full_code.split("-")
        parent_id, code_id = world.next_id("cost_code"), world.next_id("cost_code")
        world.cost_codes[parent_id] = CostCode(
            parent_id, id, division, division, f"Division {division}", None, 1, began, began
        )
        world.cost_codes[code_id] = CostCode(code_id, id, code, full_code, title, parent_id, 2, began, began)
        names.codes[name, full_code] = code_id
        for kind in ("M", "L") if (name, full_code) == ("Library", SETUP) else ("M",):
            wbs_id = world.next_id("wbs_code")
            world.wbs_codes[wbs_id] = WbsCode(wbs_id, id, code_id, names.types[kind], began, began)
            names.budget_codes[name, full_code, kind] = wbs_id


def small_pex(now: datetime, names: Names) -> pex_world.World:
    apps = {PEX_APP_ID: PEX_APP_SECRET}
    world = pex_world.World(seed=1, apps=apps, callback_secret=CALLBACK_SECRET, random=random.Random(1))
    sim = PexSimulator(world, clock=lambda: now)
    people = [("Dana", "Whitaker"), ("Luis", "Ortega")]
    business = found_business(world, "Small Builders LLC", "small.example", people, sim.now())
    admin = add_admin(world, business, "Pat", "Lee", "pat.lee@small.example")
    sim.issue_token(business, admin.admin_id, None, token=PEX_TOKEN)
    options = {
        "project": [(str(id), name) for name, id in names.projects.items()],
        "cost_code": [(SETUP, f"{SETUP} Temporary Facilities"), (CONCRETE, f"{CONCRETE} Cast-in-Place Concrete")],
        "cost_type": [(str(id), code) for code, id in names.types.items()],
    }
    for kind, rows in options.items():
        tag = sim.new_tag(business, pex_world.TAG_NAMES[kind], "Dropdown")
        tag.options = [pex_world.TagOption(name, value, place) for place, (value, name) in enumerate(rows)]
        names.tags[kind] = tag.tag_id
    sim.new_tag(business, "Allocation", "Allocation")
    names.business_id, names.account_ids = business.business_id, list(business.cardholders)
    return world


class Vendors:
    """Both vendors, who listen on the same ports through all tests; `restore` gives them the worlds of the next one."""

    def __init__(self, clock: FlowClock) -> None:
        self.clock = clock
        self.names = Names()
        self.procore = ProcoreSimulator(
            small_procore(clock(), self.names), clock=clock, switches={"update_seconds": 0.0}
        ).start()
        # PEX's own count of calls would outlive a test; the story counts them afterwards
        self.pex = PexSimulator(
            small_pex(clock(), self.names), clock=clock, switches={"overall_per_minute": 1_000_000}
        ).start()
        self.urls = {
            "PEX_API_URL": self.pex.api_url,
            "PEX_OAUTH_URL": self.pex.oauth_url,
            "PROCORE_API_URL": self.procore.api_url,
            "PROCORE_LOGIN_URL": self.procore.login_url,
        }
        self._switches = [(one, one.switches.as_dict()) for one in (self.procore, self.pex)]
        self.founded = self.save()

    def save(self) -> bytes:
        return pickle.dumps((self.procore.world, self.pex.world))

    def restore(self, saved: bytes) -> None:
        for simulator, world in zip((self.procore, self.pex), pickle.loads(saved), strict=True):
            simulator.faults.clear()
            simulator.faults.settle()
            _become(simulator.world, world)
            simulator.requests.clear()
        for simulator, switches in self._switches:
            simulator.switches.change(**switches)
        self.procore.limiter.forget()

    def stop(self) -> None:
        self.pex.stop()
        self.procore.stop()


def _become(world: object, other: object) -> None:
    """In place, tables too: the simulators' routes hold them."""
    for name, value in vars(other).items():
        held = getattr(world, name)
        if isinstance(value, dict):
            held.clear()
            held.update(value)
        elif isinstance(value, list):
            held[:] = value
        else:
            setattr(world, name, value)
