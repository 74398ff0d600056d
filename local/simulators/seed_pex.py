"""One contractor's PEX business: 25 cards, tags as if already synced from Procore, 300 transactions of every sort.

    world = seed_pex(7)                      # its projects, codes and types are those of seed_procore(7)
    world = seed_pex(7, procore_world, clock=clock)

The same seed, Procore world and clock make the same PEX world. Times are the last 120 days before the clock's now.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from local.simulators.pex.founding import add_admin, found_business
from local.simulators.pex.simulator import PexSimulator
from local.simulators.pex.times import eastern
from local.simulators.pex.world import TAG_NAMES, Business, Tag, TagOption, World
from local.simulators.procore.world import World as ProcoreWorld
from local.simulators.seed_pex_rows import Catalog, write_history
from local.simulators.seed_procore import seed_procore, usable
from local.simulators.web import Clock, utc_now

TOKEN = "demo-pex-token"
TOKEN_NO_PERMISSIONS = "demo-pex-token-no-permissions"
TOKEN_CARDHOLDER = "demo-pex-token-cardholder"
CALLBACK_SECRET = "demo-callback-secret"
APP_ID, APP_SECRET = "demo-pex-app", "demo-pex-app-secret"

_PEOPLE = (
    "Dana Whitaker,Luis Ortega,Marcus Bell,Priya Raman,Tom Kowalski,Angela Ruiz,Derek Olson,Shauna Begay,"
    "Hector Salas,Beth Lindqvist,Jamal Carter,Nina Petrov,Carl Jensen,Rosa Delgado,Owen Pratt,Minh Tran,"
    "Kayla Brooks,Ivan Horvat,Steve McCray,Lupe Navarro,Aaron Feld,Tasha Greene,Raul Mendoza,Ella Novak,Pete Sandoval"
)


def seed_pex(seed: int = 7, procore: ProcoreWorld | None = None, *, clock: Clock = utc_now) -> World:
    catalog = catalog_of(procore or seed_procore(seed))
    now = eastern(clock())
    world = World(seed=seed, apps={APP_ID: APP_SECRET}, callback_secret=CALLBACK_SECRET, random=random.Random(seed))
    sim = PexSimulator(world, clock=lambda: now)
    business = _business(sim, catalog.company, now)
    _tags(sim, business, catalog)
    write_history(sim, business, catalog, random.Random(seed + 1), now)
    return world


def small_pex(seed: int = 1, *, clock: Clock = utc_now) -> World:
    """Two cards, the four tags with a few options, no transaction: a world for tests, under the same tokens."""
    lines = {101: [("01-500", 11), ("03-300", 12)], 102: [("01-500", 11)]}
    projects = [(101, "25-101 - Library", True), (102, "25-102 - Bridge", True), (103, "24-001 - Old Mill", False)]
    codes = [("01-500", "Temporary Facilities"), ("03-300", "Cast-in-Place Concrete")]
    types = [(11, "Materials (M)"), (12, "Labor (L)")]
    catalog = Catalog("Small Builders LLC", projects, codes, types, lines, {101: {"01-500", "03-300"}, 102: {"01-500"}})
    now = eastern(clock())
    world = World(seed=seed, apps={APP_ID: APP_SECRET}, callback_secret=CALLBACK_SECRET, random=random.Random(seed))
    sim = PexSimulator(world, clock=lambda: now)
    _tags(sim, _business(sim, catalog.company, now, people=2), catalog)
    return world


def catalog_of(procore: ProcoreWorld) -> Catalog:
    """The first company's lists, in the values and names the connector writes into PEX."""
    company = next(iter(procore.companies.values()))
    projects = [each for each in procore.projects_of(company.id) if not each.template]
    types = procore.types_of(company.id)
    codes: dict[str, str] = {}
    codes_of: dict[int, set[str]] = {}
    full_code_of: dict[int, str] = {}
    for project in projects:
        every = [code for code in procore.cost_codes_of(project.id) if code.deleted_at is None]
        parents = {code.parent_id for code in every}
        living = [code for code in every if code.id not in parents]
        codes_of[project.id] = {code.full_code for code in living}
        for code in living:
            codes.setdefault(code.full_code, code.name)
            full_code_of[code.id] = code.full_code
    lines: dict[int, list[tuple[str, int]]] = {}
    open_projects = {each.id for each in projects if usable(each)}
    for row in procore.wbs_codes.values():
        if row.project_id in open_projects and row.status == "active" and row.cost_code_id in full_code_of:
            assert row.line_item_type_id is not None
            lines.setdefault(row.project_id, []).append((full_code_of[row.cost_code_id], row.line_item_type_id))
    return Catalog(
        company=company.name,
        projects=[
            (each.id, f"{each.number} - {each.name}" if each.number else each.name, each.active) for each in projects
        ],
        cost_codes=sorted(codes.items()),
        cost_types=[(each.id, f"{each.name} ({each.code})") for each in types],
        lines=lines,
        codes_of=codes_of,
    )


def _business(sim: PexSimulator, name: str, now: datetime, people: int = 25) -> Business:
    world = sim.world
    names = [tuple(person.split(" ", 1)) for person in _PEOPLE.split(",")[:people]]
    domain = "".join(letter for letter in name.lower() if letter.isalnum())[:20] + ".example"
    business = found_business(world, name, domain, [(first, last) for first, last in names], now)
    full = add_admin(world, business, "Pat", "Lee", f"pat.lee@{domain}")
    bare = add_admin(world, business, "Chris", "Moreno", f"chris.moreno@{domain}", ("ViewAdministration",))
    sim.issue_token(business, full.admin_id, None, token=TOKEN)
    sim.issue_token(business, bare.admin_id, None, token=TOKEN_NO_PERMISSIONS)
    sim.issue_token(business, None, next(iter(business.cardholders)), token=TOKEN_CARDHOLDER)
    return business


def _tags(sim: PexSimulator, business: Business, catalog: Catalog) -> None:
    projects = sim.new_tag(business, TAG_NAMES["project"], "Dropdown", description="Project names")
    codes = sim.new_tag(business, TAG_NAMES["cost_code"], "Dropdown", required=True, description="Cost codes")
    types = sim.new_tag(business, TAG_NAMES["cost_type"], "Dropdown", required=True, description="Cost types")
    sim.new_tag(business, "Allocation_6215", "Allocation")
    _fill(projects, ((str(project_id), name, active) for project_id, name, active in catalog.projects))
    _fill(codes, ((full_code, f"{full_code} {name}", True) for full_code, name in catalog.cost_codes))
    _fill(types, ((str(type_id), name, True) for type_id, name in catalog.cost_types))
    for tag in (projects, codes, types):
        tag.updated_at, tag.updated_by = tag.created_at + timedelta(days=1), tag.created_by


def _fill(tag: Tag, options: Iterable[tuple[str, str, bool]]) -> None:
    """Behind the disabled placeholder; an equal name gets an asterisk, as the synced tags have it."""
    tag.options = [TagOption("Test", "Test", 0, False)]
    taken = {"test"}
    for value, name, enabled in options:
        while name.lower() in taken:
            name += "*"
        taken.add(name.lower())
        tag.options.append(TagOption(name, value, len(tag.options), enabled))


def described(world: World) -> dict[str, int]:
    """How many rows of each sort the seed wrote."""
    counts: dict[str, int] = {}
    for row in world.transactions.values():
        if not row.is_gone:
            counts[row.why] = counts.get(row.why, 0) + 1
    return counts
