"""One tag in PEX, what we remember of it, and what PEX takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pex_procore.domain.tag_plan import NAME_LIMIT, Entry, Memory, TagPlan, plan_tag_update
from pex_procore.domain.tags import TagDefinition, TagOption

TEST = TagOption(value="Test", name="Test")


class Kept:
    """One tag in PEX and what we remember of it, through many nights."""

    def __init__(self, *options: TagOption) -> None:
        self.tag = TagDefinition(tag_id="tag-p", name="Procore Projects", type="Dropdown", options=options or (TEST,))
        self.memory = Memory()

    def refresh(self, *entries: Entry, **how: Any) -> TagPlan:
        before = self.tag.options
        plan = plan_tag_update(self.tag, entries, self.memory, **how)
        self.memory = plan.memory
        if plan.options is not None:
            self.tag = self.tag.model_copy(update={"options": plan.options})
        refusal = pex_refuses(self.tag.options)
        assert refusal is None, refusal
        assert {one.value for one in before} <= {one.value for one in self.tag.options}, "an option was removed"
        return plan

    def set(self, value: str, **fields: Any) -> None:
        """An administrator changes an option."""
        options = [one.model_copy(update=fields) if one.value == value else one for one in self.tag.options]
        self.tag = self.tag.model_copy(update={"options": tuple(options)})

    def add(self, option: TagOption) -> None:
        self.tag = self.tag.model_copy(update={"options": (*self.tag.options, option)})

    def __getitem__(self, value: str) -> TagOption:
        return next(one for one in self.tag.options if one.value == value)

    @property
    def enabled(self) -> list[str]:
        return [one.value for one in self.tag.options if one.enabled]

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.tag.options]


def pex_refuses(options: Sequence[TagOption]) -> str | None:
    if not any(one.enabled for one in options):
        return "no option is enabled"
    for what in ("name", "value"):
        texts = [str(getattr(one, what)).lower() for one in options]
        if len(texts) != len(set(texts)):
            return f"a {what} is there twice: {texts}"
    wrong = [one.name for one in options if not one.name.strip() or len(one.name) > NAME_LIMIT]
    return f"names {wrong}" if wrong else None


def counts(plan: TagPlan) -> tuple[int, int, int, int]:
    return plan.added, plan.renamed, plan.enabled, plan.disabled


def entry(value: str | int, name: str) -> Entry:
    return Entry(value=str(value), name=name)
