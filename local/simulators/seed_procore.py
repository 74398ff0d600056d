"""A contractor's Procore as it might be found on any Monday. The same seed makes the same world, ids included.

    world = seed_procore(7)
    project_rows(world)      [(project id, number, name)] of the first company, fit for purchases (see `usable`)
    cost_code_rows(world)    [(full code, name)] of the leaves most projects share, "01-500"
    cost_type_rows(world)    [(code, name)], "L" … "SVC"
    big_procore(1000, 200)  the first company at the size of a large contractor, for measuring

What is odd, on purpose (first company): three closed projects, one demo, one template, one ERP-integrated, two outside
the permitted projects, one with the Direct Costs tool off, one without a number, six that lack some cost codes, budget
codes missing or inactive in every project, an empty placeholder budget code in two, one inactive vendor, one vendor on
no project. The second company's ids do not fit in 32 bits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from local.simulators.procore.world import Client, Company, CostCode, LineItemType, Project, Vendor, WbsCode, World

CLIENT_ID, CLIENT_SECRET = "demo-procore-client", "demo-procore-secret"
SECOND_CLIENT_ID, SECOND_CLIENT_SECRET = "other-procore-client", "other-procore-secret"
FIRST_COMPANY_ID, SECOND_COMPANY_ID = 4_267_118, 562_949_953_508_586
BEGAN = datetime(2025, 3, 3, 14, 0, tzinfo=UTC)

PLACES = (
    ("Harbor Point Medical Office", "Baltimore", "MD", "21231"),
    ("Route 9 Bridge Rehabilitation", "Poughkeepsie", "NY", "12601"),
    ("Maple Grove Elementary School", "Hartford", "CT", "06106"),
    ("Riverside Lofts Phase 2", "Providence", "RI", "02903"),
    ("Northgate Distribution Center", "Allentown", "PA", "18106"),
    ("St. Brendan Parish Hall", "Worcester", "MA", "01604"),
    ("County Courthouse Renovation", "Trenton", "NJ", "08608"),
    ("Eastside Water Treatment Plant", "Scranton", "PA", "18505"),
    ("Union Station Concourse", "Albany", "NY", "12207"),
    ("Lakeview Senior Living", "Burlington", "VT", "05401"),
    ("Summit Ridge Apartments", "Stamford", "CT", "06902"),
    ("Precision Tool Plant Expansion", "Rochester", "NY", "14624"),
    ("Cedar Street Fire House", "New Haven", "CT", "06519"),
    ("Bayfront Hotel Tower", "Atlantic City", "NJ", "08401"),
    ("Pine Hill Data Center", "Nashua", "NH", "03063"),
    ("Franklin Library Annex", "Portland", "ME", "04101"),
    ("Interstate 84 Noise Walls", "Danbury", "CT", "06810"),
    ("Kensington Grocery Fit-Out", "Philadelphia", "PA", "19125"),
    ("Old Mill Brewery", "Lowell", "MA", "01852"),
    ("Greenway Parking Garage", "Boston", "MA", "02110"),
    ("Westfield Middle School Gym", "Westfield", "NJ", "07090"),
    ("Canal Street Townhomes", "Easton", "PA", "18042"),
    ("Mercy Hospital Imaging Suite", "Syracuse", "NY", "13202"),
    ("Airport Cargo Apron", "Newark", "NJ", "07114"),
    ("Orchard Solar Field", "Ithaca", "NY", "14850"),
    ("Granite Bank Branch 14", "Concord", "NH", "03301"),
    ("State College Science Building", "Willimantic", "CT", "06226"),
    ("Dockside Seafood Market", "Gloucester", "MA", "01930"),
    ("Hillcrest Country Club", "White Plains", "NY", "10605"),
    ("Veterans Clinic Interior", "Springfield", "MA", "01103"),
    ("Steelworks Loft & Offices", "Bethlehem", "PA", "18015"),
    ("Quarry Road Pump Station", "Barre", "VT", "05641"),
    ("Central High Stadium Lights", "Bridgeport", "CT", "06604"),
    ("Rivertown Rail Platform", "Yonkers", "NY", "10701"),
    ("Oakdale Veterinary Hospital", "Warwick", "RI", "02886"),
    ("Elm City Food Hall", "New Haven", "CT", "06510"),
    ("Town Green Bandstand", "Milford", "CT", "06460"),
    ("Demo: Sandbox Tower", "Carpinteria", "CA", "93013"),
    ("Template: Commercial Interior", "Carpinteria", "CA", "93013"),
    ("Yard & Shop Overhead", "Hartford", "CT", "06114"),
)
CLOSED, DEMO, TEMPLATE, ERP, NOT_PERMITTED, TOOL_OFF, NO_NUMBER = (16, 27, 36), 37, 38, 13, (25, 31), 34, 39
FEWER_CODES = (4, 9, 15, 20, 28, 33)
PLACEHOLDERS = (2, 11)

DIVISIONS: dict[str, tuple[str, dict[str, str]]] = {
    "01": ("General Requirements", {"310": "Project Management", "450": "Quality Control",
                                    "500": "Temporary Facilities", "560": "Temporary Fencing",
                                    "740": "Final Cleaning"}),
    "02": ("Existing Conditions", {"210": "Surveys", "410": "Selective Demolition", "500": "Site Remediation",
                                   "820": "Asbestos Abatement", "840": "Lead Abatement"}),
    "03": ("Concrete", {"110": "Formwork", "210": "Reinforcing Steel", "300": "Cast-in-Place Concrete",
                        "350": "Concrete Finishing", "600": "Grouting"}),
    "04": ("Masonry", {"050": "Mortar and Supplies", "210": "Brick Masonry", "220": "Concrete Unit Masonry",
                       "400": "Stone Assemblies", "900": "Masonry Restoration"}),
    "05": ("Metals", {"120": "Structural Steel", "310": "Steel Deck", "500": "Metal Fabrications",
                      "510": "Metal Stairs", "730": "Ornamental Railings"}),
    "06": ("Wood and Plastics", {"100": "Rough Carpentry", "160": "Sheathing", "200": "Finish Carpentry",
                                 "400": "Architectural Woodwork", "610": "Cultured Marble"}),
    "07": ("Thermal and Moisture", {"110": "Dampproofing", "210": "Insulation", "310": "Shingles",
                                    "540": "Membrane Roofing", "920": "Joint Sealants"}),
    "08": ("Openings", {"110": "Metal Doors and Frames", "140": "Wood Doors", "410": "Storefronts",
                        "710": "Door Hardware", "800": "Glazing"}),
    "09": ("Finishes", {"250": "Gypsum Board", "300": "Tile", "510": "Acoustical Ceilings", "650": "Resilient Flooring",
                        "900": "Painting"}),
    "22": ("Plumbing", {"050": "Plumbing Basics", "110": "Water Piping", "130": "Sanitary Sewer", "400": "Fixtures",
                        "600": "Gas Piping"}),
    "26": ("Electrical", {"050": "Electrical Basics", "200": "Low-Voltage Distribution", "270": "Wiring Devices",
                          "500": "Lighting", "560": "Exterior Lighting"}),
    "31": ("Earthwork", {"100": "Site Clearing", "200": "Grading", "230": "Excavation and Fill",
                         "250": "Erosion Control", "500": "Shoring"}),
}  # fmt: skip
COST_TYPES = (
    ("E", "Equipment", "equipment"),
    ("L", "Labor", "labor"),
    ("M", "Materials", "materials"),
    ("O", "Other", "other"),
    ("OC", "Owner Cost", "owner_cost"),
    ("S", "Commitment", "commitment"),
    ("SVC", "Professional Services", "professional_services"),
)
VENDORS = (
    "PEX Card Purchases", "Home Depot Pro", "Grainger Industrial Supply", "White Cap Construction Supply",
    "Sunbelt Rentals", "United Rentals", "Ferguson Enterprises", "Sherwin-Williams", "Fastenal", "Lowe's Pro",
    "Bob's Towing & Recovery", "Old Colony Lumber (closed)",
)  # fmt: skip
INACTIVE_VENDOR, OFF_PROJECT_VENDOR = 11, 10


def seed_procore(seed: int) -> World:
    world, rng = World(), random.Random(seed)
    _first_company(world, rng)
    _second_company(world, rng)
    companies = [FIRST_COMPANY_ID, SECOND_COMPANY_ID]
    world.clients[CLIENT_ID] = Client(CLIENT_ID, CLIENT_SECRET, companies, world.next_id("user"))
    only = [SECOND_COMPANY_ID]
    world.clients[SECOND_CLIENT_ID] = Client(SECOND_CLIENT_ID, SECOND_CLIENT_SECRET, only, world.next_id("user"))
    return world


def big_procore(projects: int, codes: int, seed: int = 7) -> World:
    """Only the first company: so many projects with so many cost codes (leaves) each, one budget code per cost code.

    The full codes are drawn from a tenth as many as there are cost codes in all, so that about ten projects share each:
    1,000 projects with 200 codes each have about 20,000. One name in twenty is not what other projects call that code.
    Every fiftieth project is closed.
    """
    world, rng = World(), random.Random(seed)
    company = Company(FIRST_COMPANY_ID, "Hudson & Vale Builders, Inc.")
    world.companies[company.id] = company
    world.clients[CLIENT_ID] = Client(CLIENT_ID, CLIENT_SECRET, [company.id], world.next_id("user"))
    kinds = _cost_types(world, company.id)
    book = _code_book(max(codes, projects * codes // 10))
    in_use = min(len(book), max(1, codes // 20))
    for number in range(projects):
        project = _project(world, rng, company.id, world.next_id("project"), number % len(PLACES))
        project.number, project.active = f"{1 + number // 100:02}-{number:04}", number % 50 != 49
        project.name = f"{project.name} {1 + number // len(PLACES)}"
        for position, division in enumerate(sorted(rng.sample(sorted(book), in_use))):
            parent = _cost_code(world, project, division, division, f"Division {division}", None)
            share = codes // in_use + (position < codes % in_use)
            for full_code, code, name, other_name in sorted(
                rng.sample(book[division], min(share, len(book[division])))
            ):
                called = other_name if rng.random() < 0.05 else name
                leaf = _cost_code(world, project, code, full_code, called, parent.id)
                _wbs_code(world, project, leaf.id, kinds[leaf.id % len(kinds)].id)
    vendor = _vendor(world, rng, company.id, world.next_id("vendor"), VENDORS[0])
    vendor.project_ids = [project.id for project in world.projects_of(company.id)]
    return world


def _code_book(distinct: int) -> dict[str, list[tuple[str, str, str, str]]]:
    """Division → full code, code, name and another name; evenly spread over divisions of at most 400."""
    divisions = [f"{number:02}" for number in range(1, 2 + (distinct - 1) // 400)]
    book: dict[str, list[tuple[str, str, str, str]]] = {division: [] for division in divisions}
    for number in range(distinct):
        division, code = divisions[number % len(divisions)], str(1000 + 10 * (number // len(divisions)))
        name = f"Work item {division}-{code}"
        book[division].append((f"{division}-{code}", code, name, f"{name} (revised)"))
    return book


def usable(project: Project) -> bool:
    """A project an expense can be posted to: open, real, permitted, with the tool on."""
    return (
        project.active
        and project.permitted
        and not (project.is_demo or project.template)
        and "direct_costs" not in project.tools_off
    )


def project_rows(world: World) -> list[tuple[int, str, str]]:
    projects = world.projects_of(FIRST_COMPANY_ID)
    return [(project.id, project.number or "", project.name) for project in projects if usable(project)]


def cost_code_rows(world: World) -> list[tuple[str, str]]:
    return [(f"{division}-{code}", name) for division, (_, codes) in DIVISIONS.items() for code, name in codes.items()]


def cost_type_rows(world: World) -> list[tuple[str, str]]:
    return [(code, name) for code, name, _ in COST_TYPES]


def full_codes_of(world: World, project_id: int) -> set[str]:
    """The leaves one project really has."""
    return {
        code.full_code for code in world.cost_codes_of(project_id) if code.parent_id is not None and not code.deleted_at
    }


def _first_company(world: World, rng: random.Random) -> None:
    company = Company(FIRST_COMPANY_ID, "Hudson & Vale Builders, Inc.")
    world.companies[company.id] = company
    kinds = _cost_types(world, company.id)
    for position in range(len(PLACES)):
        project = _project(world, rng, company.id, world.next_id("project"), position)
        project.active = position not in CLOSED
        project.is_demo, project.template = position == DEMO, position == TEMPLATE
        project.is_erp_integrated = position == ERP
        project.permitted = position not in NOT_PERMITTED
        project.number = None if position == NO_NUMBER else project.number
        if position == TOOL_OFF:
            project.tools_off.add("direct_costs")
        _codes(world, rng, project, kinds, list(DIVISIONS), lacking=rng.randint(4, 8) if position in FEWER_CODES else 0)
        if position in PLACEHOLDERS:
            _wbs_code(world, project, None, None)
    everywhere = [project.id for project in world.projects_of(company.id)]
    for position, name in enumerate(VENDORS):
        vendor = _vendor(world, rng, company.id, world.next_id("vendor"), name)
        vendor.is_active = position != INACTIVE_VENDOR
        vendor.project_ids = [] if position == OFF_PROJECT_VENDOR else list(everywhere)
    own = _vendor(world, rng, company.id, world.next_id("vendor"), company.name)
    own.company_vendor = True


def _second_company(world: World, rng: random.Random) -> None:
    company = Company(SECOND_COMPANY_ID, "Vale Paving LLC")
    world.companies[company.id] = company
    kinds = _cost_types(world, company.id)
    for number in range(4):
        project = _project(world, rng, company.id, 562_949_953_700_100 + number, number)
        project.number, project.name = f"P-{number + 1:03}", f"Paving {project.city}"
        _codes(world, rng, project, kinds, ["01", "31"], lacking=0)
    vendor = _vendor(world, rng, company.id, 562_949_953_900_001, "PEX Card Purchases")
    vendor.project_ids = [project.id for project in world.projects_of(company.id)]


def _cost_types(world: World, company_id: int) -> list[LineItemType]:
    for code, name, base_type in COST_TYPES:
        id = world.next_id("line_item_type")
        world.line_item_types[id] = LineItemType(id, company_id, code, name, base_type, BEGAN)
    return world.types_of(company_id)


def _project(world: World, rng: random.Random, company_id: int, id: int, position: int) -> Project:
    name, city, state_code, zip_code = PLACES[position]
    created_at = BEGAN + timedelta(days=7 * position, minutes=rng.randint(0, 400))
    project = Project(
        id=id,
        company_id=company_id,
        number=f"{25 + position // 30}-{101 + position}",
        name=name,
        created_at=created_at,
        updated_at=created_at + timedelta(days=rng.randint(1, 60)),
        address=f"{rng.randint(10, 980)} {rng.choice(('Main', 'Water', 'Mill', 'Church', 'Front'))} Street",
        city=city,
        state_code=state_code,
        zip=zip_code,
        stage=rng.choice(("Course of Construction", "Pre-Construction", "Course of Construction", "Warranty")),
        start_date=date(2025, 3, 3) + timedelta(days=7 * position),
        total_value=Decimal(rng.randint(180, 42_000)) * 1000,
    )
    world.projects[id] = project
    return project


def _codes(
    world: World,
    rng: random.Random,
    project: Project,
    kinds: Sequence[LineItemType],
    divisions: Sequence[str],
    lacking: int,
) -> None:
    leaves = [f"{division}-{code}" for division in divisions for code in DIVISIONS[division][1]]
    lacked = set(rng.sample(leaves, lacking))
    for division in divisions:
        title, codes = DIVISIONS[division]
        parent = _cost_code(world, project, division, division, title, None)
        _wbs_code(world, project, parent.id, kinds[3].id)
        for code, name in codes.items():
            full_code = f"{division}-{code}"
            if full_code in lacked:
                continue
            leaf = _cost_code(world, project, code, full_code, name, parent.id)
            for kind in kinds:
                chance = rng.random()
                if chance >= 0.08:
                    _wbs_code(world, project, leaf.id, kind.id, "inactive" if chance < 0.10 else "active")


def _cost_code(world: World, project: Project, code: str, full_code: str, name: str, parent_id: int | None) -> CostCode:
    id = world.next_id("cost_code")
    at = project.created_at
    made = CostCode(id, project.id, code, full_code, name, parent_id, id % 1000, at, at)
    world.cost_codes[id] = made
    return made


def _wbs_code(
    world: World, project: Project, cost_code_id: int | None, line_item_type_id: int | None, status: str = "active"
) -> None:
    id = world.next_id("wbs_code")
    at = project.created_at
    world.wbs_codes[id] = WbsCode(id, project.id, cost_code_id, line_item_type_id, at, at, status)


def _vendor(world: World, rng: random.Random, company_id: int, id: int, name: str) -> Vendor:
    at = BEGAN + timedelta(days=rng.randint(0, 90))
    vendor = Vendor(id, company_id, name, at, at, city="Hartford", state_code="CT")
    world.vendors[id] = vendor
    return vendor
