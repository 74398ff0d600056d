"""A business's tags, its Procore, and refreshes played as the state machine plays them: all fake."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from pex_procore.domain.catalog import CostType, Project
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Run, Tally, Trigger
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TAG_KINDS, TagDefinition, TagKind, TagOption
from pex_procore.services.refresh_tags import CodesRead, TagResult, read_codes, refresh_tag, tally_tags
from tests.fakes.clock import FakeClock
from tests.fakes.pex import FakePex
from tests.fakes.procore import FakeProcore
from tests.fakes.stores import FakeCatalogCache

TAGS: dict[TagKind, str] = {"project": "tag-p", "cost_code": "tag-c", "cost_type": "tag-t"}
NAMES = {"project": "Procore Projects", "cost_code": "procore costcodes", "cost_type": "PROCORE COST TYPES"}
TEST = TagOption(value="Test", name="Test")
SWEEPS = timedelta(minutes=5)


class GuardedPex(FakePex):
    """Refuses a copy that is not the latest, and loses updates or their answers on request."""

    def __init__(self) -> None:
        super().__init__(42)
        self.meanwhile: deque[Callable[[], object]] = deque()  # what an administrator does just before our writes
        self.lose_updates: deque[str] = deque()  # "answer": it arrived, "request": it did not, "": all is well
        self._keys = count(1)

    def update_tag(self, tag: TagDefinition) -> None:
        if self.meanwhile:
            self.meanwhile.popleft()()
        if self.find(tag.tag_id).concurrency_key != tag.concurrency_key:
            self.calls["update_tag"] += 1
            raise Unsure("409 Please update your outdated ConcurrencyKey value.")
        lost = self.lose_updates.popleft() if self.lose_updates else ""
        if lost == "request":
            self.calls["update_tag"] += 1
            raise Unsure("no answer")
        super().update_tag(tag.model_copy(update={"concurrency_key": f"key {next(self._keys)}"}))
        if lost == "answer":
            raise Unsure("the answer was lost")

    def find(self, tag_id: str) -> TagDefinition:
        return next(tag for tag in self.tags if tag.tag_id == tag_id)

    def change(self, tag_id: str, **fields: Any) -> None:  # type: ignore[override]
        """An administrator saves the tag."""
        fields["concurrency_key"] = f"key {next(self._keys)}"
        self.tags = [one.model_copy(update=fields) if one.tag_id == tag_id else one for one in self.tags]

    def add_option(self, tag_id: str, value: str, name: str) -> None:
        self.change(tag_id, options=(*self.find(tag_id).options, TagOption(value=value, name=name)))

    def set_option(self, tag_id: str, value: str, **fields: Any) -> None:
        options = self.find(tag_id).options
        self.change(
            tag_id, options=tuple(one.model_copy(update=fields) if one.value == value else one for one in options)
        )


@dataclass
class Refreshed:
    results: dict[TagKind, TagResult]
    read: CodesRead
    tally: Tally

    def __getitem__(self, kind: TagKind) -> TagResult:
        return self.results[kind]


class Office:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pex = GuardedPex()
        self.pex.tags = [
            TagDefinition(tag_id=TAGS[kind], name=NAMES[kind], type="Dropdown", options=(TEST,)) for kind in TAG_KINDS
        ]
        self.procore = FakeProcore(self.clock)
        self.procore.cost_types = [
            CostType(cost_type_id=31, code="M", name="Materials"),
            CostType(cost_type_id=32, code="L", name="Labor"),
        ]
        self.company_id = 77
        self.cache = FakeCatalogCache(self.clock)
        self.memories = FakeCatalogCache(self.clock)
        self.settings = Settings()
        for number, name in enumerate(("Library", "Bridge", "Annex"), start=101):
            self.open(number, name)

    def open(self, project_id: int, name: str, **codes: str) -> None:
        self.procore.projects[project_id] = Project(project_id=project_id, number=f"25-{project_id}", name=name)
        self.procore.cost_codes[project_id] = codes or {"01-500": "Utilities", f"90-{project_id}": name}

    def open_many(self, number: int, first: int = 1001) -> None:
        for project_id in range(first, first + number):
            self.open(project_id, f"Site {project_id}")

    def switch_company(self, company_id: int) -> None:
        self.company_id = company_id
        self.cache = FakeCatalogCache(self.clock)
        self.procore.projects.clear()
        self.procore.cost_codes.clear()

    def change(self, project_id: int, **fields: Any) -> None:
        known = self.procore.projects[project_id]
        self.procore.projects[project_id] = known.model_copy(update={**fields, "updated_at": self.clock()})

    def choose(self, **fields: Any) -> None:
        self.settings = Settings.model_validate({**self.settings.model_dump(), **fields})

    def refresh(self, trigger: Trigger = "sweep", *, confirmed: bool = False, reads: int = 10_000) -> Refreshed:
        """A whole run; in its budget so many projects' cost codes can be read. Then five minutes pass."""
        self.pex.calls.clear()
        self.procore.calls.clear()
        run = self.run(trigger, confirmed=confirmed)
        results = {kind: self.refresh_tag(kind, run) for kind in ("project", "cost_type")}
        read = self.read(run, reads)
        results["cost_code"] = self.refresh_tag("cost_code", run)
        self.clock.forward(SWEEPS.total_seconds())
        return Refreshed(results, read, tally_tags(list(results.values())))

    def run(self, trigger: Trigger = "sweep", *, confirmed: bool = False) -> Run:
        now = self.clock()
        return Run(
            run_id=f"{now:%H%M%S}",
            kind="tags",
            trigger=trigger,
            settings=self.settings,
            confirmed=confirmed,
            started_at=now,
        )

    def refresh_tag(self, kind: TagKind, run: Run) -> TagResult:
        for _ in range(5):
            try:
                return refresh_tag(
                    kind,
                    run=run,
                    company_id=self.company_id,
                    pex=self.pex,
                    procore=self.procore,
                    cache=self.cache,
                    memories=self.memories,
                    clock=self.clock,
                )
            except TryLater:
                self.clock.forward(5)
            except NeedsAttention as error:
                return TagResult(kind=kind, reason=error.reason, detail=error.message)
        return TagResult(kind=kind, reason="busy")

    def read(self, run: Run, reads: int = 10_000) -> CodesRead:
        already = self.procore.calls["list_cost_codes"]

        def may_go_on() -> bool:
            return self.procore.calls["list_cost_codes"] - already < reads

        return read_codes(run=run, procore=self.procore, cache=self.cache, clock=self.clock, may_go_on=may_go_on)

    def close_some(self, number: int) -> None:
        for project_id in [one for one in self.procore.projects if one > 1000][:number]:
            del self.procore.projects[project_id]

    def enabled(self, kind: TagKind) -> list[str]:
        return [one.value for one in self.pex.find(TAGS[kind]).options if one.enabled]

    def option(self, kind: TagKind, value: str) -> TagOption:
        return next(one for one in self.pex.find(TAGS[kind]).options if one.value == value)
