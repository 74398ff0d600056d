"""Expenses and look-ups as the tests of the client use them, and the world they happen in."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_procore import (
    seed_procore,
)
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.vendor_ports import Reference
from tests.net.moving_time import MovingTime

COSTS = r"/direct_costs$"
LOST_ANSWERS = [
    {"kind": "drop_after"},
    {"kind": "reset_mid_answer"},
    {"kind": "html_502", "commit": True},
    {"kind": "status", "status": 500, "commit": True},
    {"kind": "status", "status": 503, "commit": True},
    {"kind": "status", "status": 408, "commit": True},
    {"kind": "truncate"},
    {"kind": "empty"},
    {"kind": "status", "status": 201, "body_text": "Created", "commit": True},
    {"kind": "late_commit"},
]


def small_procore() -> bytes:
    """The seeded world with the coding of only those projects that are used here; pickled, which is quick to copy."""
    world = seed_procore(7)
    used = {next(iter(world.projects)), *(one.id for one in world.projects.values() if one.is_erp_integrated)}
    for codes in (world.cost_codes, world.wbs_codes):
        for one in [one for one in codes.values() if one.project_id not in used]:
            del codes[one.id]
    return pickle.dumps(world)


SEED = small_procore()
Connect = Callable[..., ProcoreClient]


def draft(sim: ProcoreSimulator, project: int, **changes: Any) -> DirectCostDraft:
    leaves = {code.id for code in sim.world.cost_codes_of(project) if code.parent_id is not None}
    active = [
        code.id for code in sim.world.wbs_codes_of(project) if code.cost_code_id in leaves and code.status == "active"
    ]
    given = {
        "project_id": project,
        "scheme": "origin_id",
        "reference": f"pex:7:500100:{project}",
        "date": date(2026, 6, 4),
        "status": "draft",
        "vendor_id": next(iter(sim.world.vendors)),
        "description": "BOLT & BEAM 😀 [pex:7-500100]",
        "lines": (
            LineDraft(wbs_code_id=active[0], amount=Decimal("120.50"), description="BOLT & BEAM", ref="1"),
            LineDraft(wbs_code_id=active[1], amount=Decimal("-0.10"), description="BOLT & BEAM", ref="2"),
        ),
    }
    return DirectCostDraft(**{**given, **changes})


def by_description(sim: ProcoreSimulator, project: int) -> DirectCostDraft:
    return draft(sim, project, scheme="description", reference="[pex:7-500100]")


def look(draft: DirectCostDraft, time: MovingTime) -> Reference:
    return Reference(project_id=draft.project_id, scheme=draft.scheme, reference=draft.reference, sent_at=time.now)


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(NeedsAttention) as caught:
        call()
    return caught.value.reason


def committed(sim: ProcoreSimulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sim.books()["direct_costs"]
    return found
