"""Keeping the three PEX tags equal to Procore: reading what is stale, and writing only what differs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from pex_procore.domain.catalog import CostType, Project, ProjectCodes
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Run, Tally
from pex_procore.domain.settings import Settings
from pex_procore.domain.tag_plan import Entry, Memory, TagPlan, has_shrunk, plan_tag_update
from pex_procore.domain.tag_source import (
    coded_projects,
    cost_code_entries,
    cost_type_entries,
    project_entries,
    projects_to_read,
    selection_of,
    wanted_projects,
    worked_on,
)
from pex_procore.domain.tags import (
    DEFAULT_TAG_NAMES,
    TAG_KINDS,
    TagDefinition,
    TagKind,
    TagOption,
    map_tags,
    squash,
    what_is_wrong,
)
from pex_procore.domain.values import WHEN_USED, Value
from pex_procore.services.ports import CatalogCache, Clock
from pex_procore.services.progress import Progress, work_through
from pex_procore.services.vendor_ports import Pex, Procore

TRIES = 3  # of one tag, each on a fresh copy
CODES_SHARE = 0.4  # of Procore's quota: the codes' long reading leaves room for postings and new projects' lists
CALLS_PER_PROJECT = 3  # of 200 cost codes, where a page has 100
LISTS_PER_HOUR = 60  # calls for projects and cost types, which come first
SECONDS_PER_PROJECT = CALLS_PER_PROJECT * 3600 / (600 * CODES_SHARE - LISTS_PER_HOUR)
PACE_KNOWN_AFTER = timedelta(minutes=70)  # an hour's share may be used up in its first minutes
LIST_LIFE = timedelta(minutes=15)
MEMORY_REFRESHED = timedelta(days=1)  # what is not saved again is forgotten after a month
PROJECTS = TypeAdapter(list[Project], config=WHEN_USED)
COST_TYPES = TypeAdapter(list[CostType], config=WHEN_USED)


class TagResult(Value):
    """What one refresh did to one tag. `reason`: why it did nothing, or not all."""

    kind: TagKind
    added: int = 0
    renamed: int = 0
    enabled: int = 0
    disabled: int = 0
    reason: str | None = None
    detail: str = ""

    @property
    def has_failed(self) -> bool:
        return self.reason is not None and self.reason != "selected_project_gone"


class Source(Value):
    """What a tag should hold. `everything`: the values before the admin's selection, to notice a broken list; `known`:
    every value Procore has. Both case-folded."""

    entries: tuple[Entry, ...]
    everything: frozenset[str]
    known: frozenset[str]
    complete: bool = True
    gone: tuple[int, ...] = ()  # selected projects that cardholders cannot be offered
    projects: list[Project] | None = None  # the list itself, kept once it is believed


class CodesRead(Value):
    progress: Progress
    left: int  # projects whose cost codes are still to be read
    done_by: datetime | None = None  # an estimate


def refresh_tag(
    kind: TagKind,
    *,
    run: Run,
    company_id: int,
    pex: Pex,
    procore: Procore,
    cache: CatalogCache,
    memories: CatalogCache,
    clock: Clock,
) -> TagResult:
    """A refusal concerns this tag alone and is a result. Raises TryLater and what breaks the whole connection.

    `cache` belongs to the company, `memories` to the business: when another company is chosen, the options of the
    former one are still known as ours.
    """
    settings = run.settings
    selection = f"{company_id}:{selection_of(settings)}"
    if not settings.follows(kind):
        return TagResult(kind=kind)
    definitions = pex.list_tags()
    chosen = settings.tags.model_dump()
    tag = map_tags(definitions, chosen).tag(kind)
    if tag is None:
        return TagResult(kind=kind, reason="tag_missing", detail=what_is_wrong(kind, definitions, chosen[kind]))
    source = _source(kind, settings, procore, cache, clock)
    memory, remembered_at = _memory(memories, tag.tag_id)
    comparable = memory.selection == selection or not source.everything
    if source.complete and comparable and not run.confirmed and has_shrunk(memory, source.everything):
        detail = f"{len(source.everything)} of {len(memory.source)} are left"
        return TagResult(kind=kind, reason="source_shrank", detail=detail)
    if source.projects is not None:
        _save_projects(source.projects, cache)
    if remembered_at is None or clock() - remembered_at > MEMORY_REFRESHED:
        memories.save(f"memory {tag.tag_id}", _dump(memory))
    try:
        plan = _write(tag.tag_id, source, memory, selection, settings.rename_options, pex, memories)
    except NeedsAttention as error:
        if error.reason not in ("tag_missing", "tag_refused"):
            raise
        return TagResult(kind=kind, reason=error.reason, detail=error.message)
    gone = ", ".join(map(str, source.gone))
    return TagResult(
        kind=kind,
        added=plan.added,
        renamed=plan.renamed,
        enabled=plan.enabled,
        disabled=plan.disabled,
        reason="selected_project_gone" if gone else None,
        detail=gone,
    )


def _write(
    tag_id: str, source: Source, memory: Memory, selection: str, rename: bool, pex: Pex, memories: CatalogCache
) -> TagPlan:
    """Planned on the tag as it is at this moment, so that what an administrator just did to it survives.

    What we disabled is remembered before it is written, and forgotten only after it was written that it is enabled.
    """
    in_doubt: TagPlan | None = None
    for _ in range(TRIES):
        tag = pex.show_tag(tag_id)
        if tag is None or not tag.usable:
            raise NeedsAttention("tag_missing", "the tag was deleted or disabled just now")
        plan = plan_tag_update(
            tag,
            source.entries,
            memory,
            known=source.known,
            complete=source.complete,
            rename=rename,
        )
        everything = source.everything if source.complete else memory.source | source.everything
        after = plan.memory.model_copy(update={"source": everything, "selection": selection})
        if plan.options is None:
            _remember(after, memory, tag_id, memories)
            return in_doubt or plan
        before = after.model_copy(update={"disabled": memory.disabled | after.disabled})
        memory = _remember(before, memory, tag_id, memories)
        try:
            pex.update_tag(tag.model_copy(update={"options": plan.options}))
        except Unsure:  # it may have arrived, or somebody was faster: look again
            in_doubt = plan
            continue
        _remember(after, memory, tag_id, memories)
        return plan
    raise TryLater("PEX did not say whether it took the tag")


def _remember(now: Memory, before: Memory, tag_id: str, memories: CatalogCache) -> Memory:
    if now != before:
        memories.save(f"memory {tag_id}", _dump(now))
    return now


def _dump(memory: Memory) -> dict[str, Any]:
    lists = {name: sorted(getattr(memory, name)) for name in ("source", "ours", "disabled")}
    return {**lists, "selection": memory.selection}


def _memory(memories: CatalogCache, tag_id: str) -> tuple[Memory, datetime | None]:
    stored = memories.load(f"memory {tag_id}")
    return (Memory.model_validate(stored[0]), stored[1]) if stored else (Memory(), None)


def _source(kind: TagKind, settings: Settings, procore: Procore, cache: CatalogCache, clock: Clock) -> Source:
    if kind == "project":
        projects = procore.list_projects(templates=settings.include_template_projects)
        wanted = wanted_projects(projects, settings)
        offered = {project.project_id for project in wanted}
        return Source(
            entries=tuple(project_entries(wanted)),
            everything=frozenset(str(project.project_id) for project in worked_on(projects, settings)),
            known=frozenset(str(project.project_id) for project in projects),
            gone=() if settings.sync_projects else tuple(one for one in settings.project_ids if one not in offered),
            projects=projects,
        )
    if kind == "cost_type":
        cost_types = procore.list_cost_types()
        cache.save("cost types", COST_TYPES.dump_python(cost_types, mode="json"))
        return _whole(cost_type_entries(cost_types))
    wanted = coded_projects(_known_projects(settings, procore, cache, clock), settings)
    known = cache.load_codes(project.project_id for project in wanted)
    return _whole(cost_code_entries(known.values()), complete=len(known) == len(wanted))


def _whole(entries: list[Entry], *, complete: bool = True) -> Source:
    everything = frozenset(entry.value.casefold() for entry in entries)
    return Source(entries=tuple(entries), everything=everything, known=everything, complete=complete)


def _save_projects(projects: list[Project], cache: CatalogCache) -> None:
    cache.save("projects", PROJECTS.dump_python(projects, mode="json"))


def _known_projects(settings: Settings, procore: Procore, cache: CatalogCache, clock: Clock) -> list[Project]:
    """As the project tag's refresh believed them. Where there is no such tag they are listed now, and believed unless
    the list shrank suspiciously."""
    stored = cache.load("projects")
    known = PROJECTS.validate_python(stored[0]) if stored else []
    if stored is not None and clock() - stored[1] <= LIST_LIFE:
        return known
    listed = procore.list_projects(templates=settings.include_template_projects)
    before = Memory(source=frozenset(str(one.project_id) for one in known))
    if has_shrunk(before, frozenset(str(one.project_id) for one in listed)):
        return known
    _save_projects(listed, cache)
    return listed


def read_codes(
    *, run: Run, procore: Procore, cache: CatalogCache, clock: Clock, may_go_on: Callable[[], bool]
) -> CodesRead:
    """Reads the cost codes of the projects whose copy is missing, marked, changed or a day old, most urgent first."""
    if not run.settings.sync_cost_codes:
        return CodesRead(progress=Progress(), left=0)
    projects = coded_projects(_known_projects(run.settings, procore, cache, clock), run.settings)
    known = cache.load_codes(project.project_id for project in projects)
    marks = cache.stale()
    stale = frozenset(one.project_id for one in projects if f"codes:{one.project_id}" in marks)
    failed = _failed(cache)
    fresh_since = _fresh_since(run, marks, cache, clock())
    todo = projects_to_read(projects, known, stale, clock(), fresh_since, failed)
    failing: set[int] = set()
    done: set[int] = set()

    def act(project_id: int) -> None:
        read_at = clock()
        try:
            codes = procore.list_cost_codes(project_id)
        except NeedsAttention as error:
            if error.reason != "procore_permission_missing":
                raise
            codes = dict(known[project_id].cost_codes) if project_id in known else {}
        except TryLater as wait:
            if wait.resume_at is None:
                failing.add(project_id)
            raise
        cache.save_codes(ProjectCodes(project_id=project_id, cost_codes=codes, read_at=read_at))
        done.add(project_id)
        if project_id in stale:
            cache.clear_stale(frozenset({f"codes:{project_id}"}))

    began_at, first_left = _reading(cache, len(todo), clock())
    try:
        progress = work_through(todo, act, may_go_on=may_go_on, clock=clock)
    except TryLater:  # several in a row: the next run begins with others
        progress = Progress()
    if (still := (failed | failing) - done) != failed:
        cache.save("codes failed", sorted(still))
    left = len(todo) - len(done)
    if not left and todo:
        cache.save("codes reading", None)
    return CodesRead(progress=progress, left=left, done_by=_estimate(began_at, first_left, left, clock()))


def _reading(cache: CatalogCache, left: int, now: datetime) -> tuple[datetime, int]:
    """When the reading that is under way began, and how many projects were left then; it may take many runs."""
    stored = cache.load("codes reading")
    if stored is not None and stored[0] is not None:
        return datetime.fromisoformat(stored[0]["began_at"]), int(stored[0]["left"])
    if left:
        cache.save("codes reading", {"began_at": now.isoformat(), "left": left})
    return now, left


def _failed(cache: CatalogCache) -> frozenset[int]:
    stored = cache.load("codes failed")
    return frozenset(stored[0]) if stored else frozenset()


def _fresh_since(run: Run, marks: frozenset[str], cache: CatalogCache, now: datetime) -> datetime | None:
    """Nothing read before this counts: a person asked, or Procore said that codes changed, and not whose.

    It is remembered, so that the runs after this one go on where it stops.
    """
    stored = cache.load("codes stale since")
    since = datetime.fromisoformat(stored[0]) if stored else None
    asked = [run.started_at] if run.trigger == "manual" else []
    asked += [now] if "codes" in marks else []
    newest = max([*asked, *([since] if since else [])], default=None)
    if newest is not None and newest != since:
        cache.save("codes stale since", newest.isoformat())
    if "codes" in marks:
        cache.clear_stale(frozenset({"codes"}))
    return newest


def _estimate(began_at: datetime, first_left: int, left: int, now: datetime) -> datetime | None:
    """At the pace of this reading so far, or before that is known, at the tags' share of the documented quota."""
    if not left:
        return None
    pace_seconds = SECONDS_PER_PROJECT
    if now - began_at >= PACE_KNOWN_AFTER and first_left > left:
        pace_seconds = (now - began_at).total_seconds() / (first_left - left)
    return now + left * timedelta(seconds=pace_seconds)


def tally_tags(results: list[TagResult]) -> Tally:
    tally = Tally()
    for result in results:
        for what in ("added", "renamed", "enabled", "disabled"):
            if number := getattr(result, what):
                tally = tally.add(f"{result.kind}_{what}", number=number)
        if result.reason:
            tally = tally.add("failed" if result.has_failed else "needs_attention", result.reason)
    return tally


def create_missing_tags(pex: Pex, settings: Settings, kinds: Collection[TagKind] = TAG_KINDS) -> list[TagDefinition]:
    """Of `kinds` those tags that no drop-down carries yet, each with the placeholder that PEX wants before real options
    come."""
    definitions = pex.list_tags()
    tags = map_tags(definitions, settings.tags.model_dump())
    created: list[TagDefinition] = []
    for kind, name in DEFAULT_TAG_NAMES.items():
        taken = any(squash(tag.name) == squash(name) and not tag.deleted for tag in definitions)
        if kind in kinds and tags.tag(kind) is None and kind not in tags.broken and not taken:
            created.append(pex.create_tag(new_tag(name, order=len(definitions) + len(created))))
    return created


def new_tag(name: str, order: int) -> TagDefinition:
    placeholder = TagOption(value="Test", name="Test")
    description = f"Filled from Procore: {name}"
    return TagDefinition(
        tag_id="", name=name, type="Dropdown", order=order, description=description, options=(placeholder,)
    )
