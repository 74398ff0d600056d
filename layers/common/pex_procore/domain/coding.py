"""From the tag options a cardholder chose to the Procore records they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from pex_procore.domain.catalog import CostType, Project, ProjectCatalog
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import DEFAULT_TAG_NAMES, TAG_KINDS, TagKind, TagMap, TagOption, squash
from pex_procore.domain.transactions import Allocation
from pex_procore.domain.values import Value

R = TypeVar("R")


class OptionIndex(Generic[R]):
    """Records by option value, then by name; never by guess.

    An option made by hand may carry a name as its value: then its value or display name decides, if exactly one record
    bears that name. Entries are (option value, names, record).
    """

    def __init__(self, entries: Iterable[tuple[str, Iterable[str], R]]) -> None:
        self._by_value: dict[str, R] = {}
        self._by_name: dict[str, list[R]] = {}
        for value, names, record in entries:
            self._by_value[value.casefold()] = record
            for name in {squash(name) for name in names}:
                self._by_name.setdefault(name, []).append(record)

    def match(self, chosen: str, display: str) -> R | Waiting:
        if (record := self._by_value.get(chosen.strip().casefold())) is not None:
            return record
        for name in (chosen, display):
            found = self._by_name.get(squash(name), [])
            if len(found) == 1:
                return found[0]
            if found:
                return Waiting("option_ambiguous", display)
        return Waiting("option_unknown", display)


def index_projects(projects: Sequence[Project]) -> OptionIndex[Project]:
    return OptionIndex((str(project.project_id), (project.name, project.label), project) for project in projects)


def index_cost_types(cost_types: Sequence[CostType]) -> OptionIndex[CostType]:
    return OptionIndex(
        (str(kind.cost_type_id), (kind.name, kind.code, f"{kind.name} ({kind.code})"), kind) for kind in cost_types
    )


def index_cost_codes(catalog: ProjectCatalog) -> OptionIndex[str]:
    used = {code.cost_code: code.cost_code for code in catalog.budget_codes}
    named = used | dict(catalog.cost_codes or {})
    return OptionIndex((code, (name, f"{code} {name}"), code) for code, name in named.items())


class Choice(Value):
    """What the cardholder (or the default) says for one kind: the option's value and what a person saw.

    `enabled`: it can still be chosen in PEX; we switch off what is gone in Procore.
    """

    value: str
    display: str
    enabled: bool = True

    def unmatched(self, verdict: Waiting) -> Waiting:
        """Why an option that stands for no record any more stands for none."""
        gone = verdict.reason == "option_unknown" and not self.enabled
        return Waiting("option_disabled_in_procore", self.display) if gone else verdict


class OptionBook:
    """The options of the mapped tags by value: a tag may have 20,000 of them."""

    def __init__(self, tags: TagMap) -> None:
        self.tags = tags
        self._options: dict[str, dict[str, TagOption]] = {
            tag.tag_id: {option.value.casefold(): option for option in reversed(tag.options)}
            for tag in filter(None, map(tags.tag, TAG_KINDS))
        }

    def choice(self, tag_id: str, value: str) -> Choice:
        option = self._options[tag_id].get(value.casefold())
        return Choice(value=value, display=option.name, enabled=option.enabled) if option else _unnamed(value)


def choices(allocation: Allocation, book: OptionBook, settings: Settings) -> Mapping[TagKind, Choice] | Waiting:
    """The three choices of one share, each from its tag or else from the settings' default."""
    found: dict[TagKind, Choice] = {}
    for kind in TAG_KINDS:
        if kind in book.tags.broken:
            return Waiting("tag_missing", DEFAULT_TAG_NAMES[kind])
        chosen = _chosen(allocation, kind, book) or _default(settings, kind)
        if chosen is None:
            return Waiting(f"missing_{kind}")
        found[kind] = chosen
    return found


def _chosen(allocation: Allocation, kind: TagKind, book: OptionBook) -> Choice | None:
    tag = book.tags.tag(kind)
    value = allocation.tags.get(tag.tag_id, "").strip() if tag else ""
    return book.choice(tag.tag_id, value) if tag and value else None


def _default(settings: Settings, kind: TagKind) -> Choice | None:
    value = getattr(settings.defaults, kind)
    return _unnamed(value) if value else None


def _unnamed(value: str) -> Choice:
    return Choice(value=value, display=value)


def match_project(choice: Choice, projects: OptionIndex[Project]) -> Project | Waiting:
    found = projects.match(choice.value, choice.display)
    if isinstance(found, Waiting):
        hidden = found.reason == "option_unknown" and choice.value.isdecimal()
        return Waiting("project_not_permitted", choice.display) if hidden else choice.unmatched(found)
    return found if found.active else Waiting("project_closed", found.label)


def match_cost_code(choice: Choice, catalog: ProjectCatalog, codes: OptionIndex[str]) -> str | Waiting:
    found = codes.match(choice.value, choice.display)
    if not isinstance(found, Waiting):
        return found
    verdict = choice.unmatched(found)
    if verdict.reason == "option_unknown":
        return Waiting("cost_code_not_in_project", f"{choice.display} in {catalog.project.label}")
    return verdict
