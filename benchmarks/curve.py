"""How planning a tag grows with its options: all new, unchanged, and a third renamed with a third gone. Processor time,
each size in a process of its own; every code is used by two projects of 200 codes.
"""

from __future__ import annotations

from typing import Any

from benchmarks.costs import exponent
from benchmarks.tags import START, plan_elsewhere
from pex_procore.domain.catalog import ProjectCodes

CODES = 200  # of a project
USED_BY = 2  # projects


def measure(sizes: tuple[int, ...]) -> dict[str, Any]:
    found = [{"count": size, **plan_elsewhere(projects_with(size))} for size in sizes]
    names = ("first_seconds", "seconds", "changed_seconds", "megabytes")
    return {"sizes": found, "exponents": {name: exponent(found[0], found[-1], name) for name in names}}


def projects_with(options: int) -> list[ProjectCodes]:
    codes = [f"{1 + number // 1000:03}-{1000 + number % 1000}" for number in range(options)]
    rounds = [codes[start : start + CODES] for _ in range(USED_BY) for start in range(0, options, CODES)]
    return [
        ProjectCodes(project_id=1 + number, cost_codes={code: f"Work item {code}" for code in some}, read_at=START)
        for number, some in enumerate(rounds)
    ]
