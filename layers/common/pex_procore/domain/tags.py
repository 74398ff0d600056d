"""PEX drop-down tags and how a chosen option becomes the Procore record it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pex_procore.domain.values import Value

TagKind = Literal["project", "cost_code", "cost_type"]
TAG_KINDS: tuple[TagKind, ...] = ("project", "cost_code", "cost_type")
DEFAULT_TAG_NAMES: dict[TagKind, str] = {
    "project": "Procore Projects",
    "cost_code": "Procore Cost Codes",
    "cost_type": "Procore Cost Types",
}


class TagOption(Value):
    value: str
    name: str
    enabled: bool = True


class TagDefinition(Value):
    tag_id: str
    name: str
    type: str  # PEX's word: "Dropdown", "Allocation", "Text" …
    enabled: bool = True
    deleted: bool = False
    required: bool = False
    order: int = 0
    description: str | None = None
    concurrency_key: str = ""
    options: tuple[TagOption, ...] = ()

    @property
    def usable(self) -> bool:
        return self.type == "Dropdown" and self.enabled and not self.deleted


def squash(text: str) -> str:
    """For comparing names: case and spaces do not count."""
    return "".join(text.split()).casefold()


def find_default_tag(definitions: Iterable[TagDefinition], kind: TagKind) -> TagDefinition | None:
    wanted = squash(DEFAULT_TAG_NAMES[kind])
    return next((tag for tag in definitions if tag.usable and squash(tag.name) == wanted), None)


class TagMap(Value):
    """Which PEX tag carries which kind, for one run. A kind without a tag is coded by the settings' default; a kind
    whose chosen tag is gone is broken, and nothing is coded by guess."""

    project: TagDefinition | None = None
    cost_code: TagDefinition | None = None
    cost_type: TagDefinition | None = None
    broken: tuple[TagKind, ...] = ()

    def tag(self, kind: TagKind) -> TagDefinition | None:
        found: TagDefinition | None = getattr(self, kind)
        return found


def map_tags(definitions: Sequence[TagDefinition], chosen: Mapping[str, str | None]) -> TagMap:
    """Each kind's tag: the admin's choice, or else the one with the usual name."""
    usable = {tag.tag_id: tag for tag in definitions if tag.usable}
    found: dict[str, TagDefinition | None] = {}
    broken = []
    for kind in TAG_KINDS:
        tag_id = chosen.get(kind)
        found[kind] = usable.get(tag_id) if tag_id else find_default_tag(definitions, kind)
        if tag_id and tag_id not in usable:
            broken.append(kind)
    return TagMap.model_validate({**found, "broken": tuple(broken)})


def what_is_wrong(kind: TagKind, definitions: Sequence[TagDefinition], chosen_id: str | None) -> str:
    """Why no tag carries the kind, naming the tag that should."""
    name = DEFAULT_TAG_NAMES[kind]
    found = next((tag for tag in definitions if tag.tag_id == chosen_id), None)
    if chosen_id is None:
        found = next((tag for tag in definitions if squash(tag.name) == squash(name)), None)
    if found is None:
        return f'the tag for "{name}" does not exist'
    if found.deleted or found.type == "Dropdown":
        return f'the tag "{found.name}" is {"deleted" if found.deleted else "disabled"}'
    return f'the tag "{found.name}" is of type {found.type}, not a drop-down'
