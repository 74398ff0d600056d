"""What keeping the three tags of a large contractor costs: `make bench-tags` prints it and ends within two minutes.

Both vendors are the simulators, with their limits; the clients and use cases are the shipped ones. Time is simulated:
waiting moves the clock, calls take none. Our own stores are in memory. Planning is measured in processes of its own,
so that neither the simulators nor what was measured before counts.

    python -m benchmarks.tags                 the whole table (PYTHONPATH=layers/common)
    python -m benchmarks.tags plan CODES      seconds and peak memory of planning from that file, as JSON
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.simulators.pex import PexSimulator
from local.simulators.pex import world as pex_world
from local.simulators.pex.founding import add_admin, found_business
from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.world import World
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, FIRST_COMPANY_ID, big_procore
from local.simulators.web import AdjustableClock
from pex_procore.domain.catalog import ProjectCodes
from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Run
from pex_procore.domain.tag_plan import Memory, plan_tag_update
from pex_procore.domain.tag_source import cost_code_entries
from pex_procore.domain.tags import TagDefinition, TagKind, TagOption
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Limiter
from pex_procore.net.session import Session
from pex_procore.pex.client import PexClient
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.runtime.wiring import TAG_SHARE
from pex_procore.services.refresh_tags import CODES_SHARE, CodesRead, TagResult, read_codes, refresh_tag
from tests.fakes.stores import FakeCatalogCache

PROJECTS, CODES = 1_000, 200
BEAT, BUDGET = timedelta(seconds=300), timedelta(seconds=150)  # as template.yaml starts and ends the runs
STEP = timedelta(seconds=40)  # of the 60 s that a step may live, 20 are kept for ending well
START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEGABYTE = 2**20
PATIENCE_SECONDS = 60  # for the simulated hours of the first full read

Row = tuple[str, str, str]  # what, measured, target


@dataclass(frozen=True)
class Refreshed:
    results: dict[TagKind, TagResult]
    left: int
    done_by: datetime | None
    calls: int  # to Procore's API
    puts: int


class Kept(FakeCatalogCache):
    """Codes are kept as they are: reading them from text thousands of times would be most of the time."""

    def __init__(self, clock: AdjustableClock) -> None:
        super().__init__(clock)  # type: ignore[arg-type]
        self.codes: dict[int, ProjectCodes] = {}

    def load_codes(self, project_ids: Iterable[int]) -> dict[int, ProjectCodes]:
        return {one: self.codes[one] for one in project_ids if one in self.codes}

    def save_codes(self, codes: ProjectCodes) -> None:
        self.codes[codes.project_id] = codes


class Contractor:
    """Both vendors, and one business's tags."""

    def __init__(self, projects: int, codes: int) -> None:
        self.clock = AdjustableClock(START)
        self.procore_side = ProcoreSimulator(big_procore(projects, codes), clock=self.clock).start()
        self.pex_side = PexSimulator(_pex_world(self.clock()), clock=self.clock).start()
        self.cache = Kept(self.clock)
        self._limits: dict[str, dict[str, Any]] = {}
        self._pex_session = Session(self.pex_side.api_url)
        self._procore_session = Session(self.procore_side.api_url)
        credentials = ProcoreCredentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        self._account = ServiceAccount(credentials, Session(self.procore_side.login_url), clock=self.clock)

    def stop(self) -> None:
        self.procore_side.stop()
        self.pex_side.stop()

    @contextmanager
    def clients(self, share: float) -> Iterator[tuple[PexClient, ProcoreClient]]:
        """Of one step: they begin with the limits that the last step left behind."""
        limiters = {"pex": Limiter(PEX_WINDOWS, share=1.0), "procore": Limiter(PROCORE_WINDOWS, share=share)}
        for name, limiter in limiters.items():
            limiter.restore(self._limits.get(name, {}))
        how: dict[str, Any] = {"clock": self.clock, "sleep": self.clock.advance}
        pex = PexClient(self._pex_session, "bench-token", limiters["pex"], **how)
        procore = ProcoreClient(
            self._procore_session, self._account, limiters["procore"], company_id=FIRST_COMPANY_ID, **how
        )
        try:
            yield pex, procore
        finally:
            self._limits = {name: limiter.snapshot() for name, limiter in limiters.items()}

    def refresh(self, *, write_codes: bool = True) -> Refreshed:
        """A run as statemachines/refresh_tags.asl.yaml orders it. `write_codes` false leaves the last step out."""
        for side in (self.procore_side, self.pex_side):
            side.requests.clear()
        now = self.clock()
        run = Run(run_id=f"{now:%d%H%M%S}", kind="tags", trigger="sweep", started_at=now)
        results = {kind: self._tag(kind, run) for kind in ("project", "cost_type")}
        read = self._read(run, now + BUDGET)
        if write_codes:
            results["cost_code"] = self._tag("cost_code", run)
        puts = sum(one.method == "PUT" for one in self.pex_side.requests.all())
        return Refreshed(results, read.left, read.done_by, len(self.procore_side.requests), puts)

    def read_everything(self) -> None:
        """What takes hours is there at once."""
        for codes in codes_of(self.procore_side.world):
            self.cache.save_codes(codes.model_copy(update={"read_at": self.clock()}))

    def wait_for_beat(self) -> None:
        passed = (self.clock() - START) % BEAT
        self.clock.advance((BEAT - passed).total_seconds())

    def _tag(self, kind: TagKind, run: Run) -> TagResult:
        for wait_seconds in (2, 4, 8, 16, 0):
            try:
                with self.clients(TAG_SHARE) as (pex, procore):
                    return refresh_tag(
                        kind,
                        run=run,
                        company_id=FIRST_COMPANY_ID,
                        pex=pex,
                        procore=procore,
                        cache=self.cache,
                        memories=self.cache,
                        clock=self.clock,
                    )
            except TryLater:
                self.clock.advance(wait_seconds)
        return TagResult(kind=kind, reason="busy")

    def _read(self, run: Run, deadline: datetime) -> CodesRead:
        while True:
            step_ends = min(deadline, self.clock() + STEP)
            with self.clients(CODES_SHARE) as (_, procore):
                read = read_codes(
                    run=run,
                    procore=procore,
                    cache=self.cache,
                    clock=self.clock,
                    may_go_on=lambda until=step_ends: self.clock() < until,  # type: ignore[misc]
                )
            resume_at = read.progress.resume_at
            if resume_at is None or resume_at >= deadline:
                return read
            self.clock.advance(max(0.0, (resume_at - self.clock()).total_seconds()))


def _pex_world(now: datetime) -> pex_world.World:
    world = pex_world.World(seed=1, apps={}, callback_secret="bench", random=random.Random(1))
    sim = PexSimulator(world, clock=lambda: now)
    business = found_business(world, "Hudson & Vale Builders", "hudson.example", [("Dana", "Whitaker")], now)
    admin = add_admin(world, business, "Pat", "Lee", "pat.lee@hudson.example")
    sim.issue_token(business, admin.admin_id, None, token="bench-token")
    for name in pex_world.TAG_NAMES.values():
        sim.new_tag(business, name, "Dropdown").options = [pex_world.TagOption("Test", "Test", 0)]
    return world


def first_full_read(contractor: Contractor) -> list[Row]:
    """Run after run, every 5 minutes, until no project is left. On the way a project is added.

    The codes' options are only written by the first run and the last one. What takes this machine too long is told at
    the pace so far.
    """
    stop_at = time.perf_counter() + PATIENCE_SECONDS
    first = latest = contractor.refresh()
    runs, calls, busy = 1, first.calls, int(first.results["project"].reason is not None)
    opened_at: datetime | None = None
    shown_after: timedelta | None = None
    while latest.left and time.perf_counter() < stop_at:
        if opened_at is None and latest.left < 0.8 * first.left:
            opened_at = contractor.clock()
            contractor.procore_side.act_add_project("Depot", "99-0001")
        contractor.wait_for_beat()
        began = contractor.clock()
        latest = contractor.refresh(write_codes=False)
        runs, calls, busy = runs + 1, calls + latest.calls, busy + (latest.results["project"].reason is not None)
        if opened_at and not shown_after and latest.results["project"].added:
            shown_after = began - opened_at
    took = contractor.clock() - START
    refused = contractor.procore_side.books()["refused_429"]
    told = (first.done_by or START) - START
    rows = [
        ("first full read: runs, hours", f"{runs} runs, {_hours(took)}", "resumes by itself"),
        ("  when done, as the first run told", f"after {_hours(told)}", "says so"),
        (
            "  calls, calls an hour, refused with 429",
            f"{calls:,}, {calls * HOUR / took:.0f}, {refused}",
            "≤ 600 an hour, 0",
        ),
        ("  runs that could not list the projects", str(busy), "0"),
        ("  a project added meanwhile shows after", str(shown_after or "never"), "minutes"),
    ]
    if latest.left:
        in_all = took * (PROJECTS / (PROJECTS - latest.left))
        rows.insert(1, ("  then left, done at this pace", f"{latest.left}, after {_hours(in_all)}", "within a day"))
    return rows


def quiet_and_renamed(contractor: Contractor) -> list[Row]:
    contractor.read_everything()
    began = time.perf_counter()
    filled = contractor.refresh()
    contractor.clock.advance(3600)
    quiet = contractor.refresh()
    project_id = next(iter(contractor.procore_side.world.projects))
    contractor.procore_side.act_change_project(project_id, name="Renamed")
    contractor.clock.advance(3600)
    renamed = contractor.refresh()
    tags = contractor.pex_side.books()["tags"]
    options = len(next(tag["options"] for tag in tags if tag["name"] == pex_world.TAG_NAMES["cost_code"]))
    return [
        ("options of the cost codes, all projects read", f"{options:,}, {filled.puts} PUT", "~20,000"),
        ("refresh with nothing changed: calls, PUTs", f"{quiet.calls}, {quiet.puts}", "≤ 10, 0"),
        ("refresh with one renamed project: calls, PUTs", f"{renamed.calls}, {renamed.puts}", "≤ 12, 1"),
        ("  these three took", f"{time.perf_counter() - began:.1f} s", "with both simulators"),
    ]


def planning(contractor: Contractor) -> list[Row]:
    smaller = codes_of(big_procore(PROJECTS // 10, CODES))
    large, small = plan_elsewhere(list(contractor.cache.codes.values())), plan_elsewhere(smaller)
    ratio = large["seconds"] / small["seconds"]
    return [
        ("planning: options, codes in all projects", f"{large['options']:,.0f}, {large['rows']:,.0f}", "~20,000"),
        ("  all new", f"{large['first_seconds']:.2f} s", "≤ 1 s"),
        ("  nothing changed", f"{large['seconds']:.2f} s", "≤ 1 s"),
        ("  a third renamed, a third gone", f"{large['changed_seconds']:.2f} s", "≤ 1 s"),
        ("  peak memory of the whole process", f"{large['megabytes']:.0f} MB", "≤ 300 MB"),
        (f"  nothing changed, {PROJECTS // 10} projects", f"{small['seconds']:.3f} s", ""),
        (f"  growth from {PROJECTS // 10} to {PROJECTS:,} projects", f"{ratio:.1f} times", "10: linear"),
    ]


def codes_of(world: World) -> list[ProjectCodes]:
    found = []
    for project in world.projects.values():
        leaves = [code for code in world.cost_codes_of(project.id) if code.parent_id is not None]
        names = {code.full_code: code.name for code in leaves}
        found.append(ProjectCodes(project_id=project.id, cost_codes=names, read_at=START))
    return found


def plan_elsewhere(known: list[ProjectCodes]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.jsonl"
        path.write_text("\n".join(one.model_dump_json() for one in known))
        command = [sys.executable, "-m", "benchmarks.tags", "plan", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def plan(path: str) -> dict[str, float]:
    """From the codes as our store keeps them to the list that is written; the best of three."""
    with open(path) as lines:
        known = [ProjectCodes.model_validate_json(line) for line in lines]
    empty = TagDefinition(
        tag_id="t", name="Procore Cost Codes", type="Dropdown", options=(TagOption(value="Test", name="Test"),)
    )
    first = plan_tag_update(empty, cost_code_entries(known), Memory())
    full = empty.model_copy(update={"options": first.options})
    third = len(known) // 3
    changed = [_renamed(one) for one in known[:third]] + known[third : 2 * third]
    return {
        "rows": sum(len(one.cost_codes) for one in known),
        "options": len(full.options),
        "first_seconds": _best(lambda: plan_tag_update(empty, cost_code_entries(known), Memory())),
        "seconds": _best(lambda: plan_tag_update(full, cost_code_entries(known), first.memory)),
        "changed_seconds": _best(lambda: plan_tag_update(full, cost_code_entries(changed), first.memory)),
        "megabytes": _peak_bytes() / MEGABYTE,
    }


def _peak_bytes() -> float:
    """Of this process alone: what getrusage tells is never less than the process that started it had."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def _renamed(one: ProjectCodes) -> ProjectCodes:
    return one.model_copy(update={"cost_codes": {code: f"{name} new" for code, name in one.cost_codes.items()}})


def _best(act: Callable[[], object]) -> float:
    found = []
    for _ in range(3):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return min(found)


def _hours(span: timedelta) -> str:
    return f"{span / HOUR:.1f} h"


def show(title: str, rows: list[Row]) -> None:
    print(f"\n{title}")
    for what, measured, target in rows:
        print(f"  {what:<52} {measured:>24}   {target}", flush=True)


def main() -> None:
    began = time.perf_counter()
    contractor = Contractor(PROJECTS, CODES)
    try:
        print(f"{PROJECTS:,} projects with {CODES} cost codes each", flush=True)
        show("Procore's quota", first_full_read(contractor) + quiet_and_renamed(contractor))
        show("Planning", planning(contractor))
    finally:
        contractor.stop()
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    if sys.argv[1:2] == ["plan"]:
        print(json.dumps(plan(sys.argv[2])))
    else:
        main()
