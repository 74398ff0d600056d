"""Keeping a PEX drop-down equal to a Procore list without ever losing an option: pure, and linear in the options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pex_procore.domain.tags import TagDefinition, TagOption, squash
from pex_procore.domain.text import clean, cut
from pex_procore.domain.values import Value

NAME_LIMIT = 200  # characters; PEX publishes no limit (docs/behaviour.md#option-names)
PLACEHOLDER = "test"  # the option an administrator needs to save a new tag (docs/behaviour.md#placeholder-option)
SHRINK_AT_LEAST = 20
MOST_MARKS = 5
SHRINK_SHARE = 0.3


class Entry(Value):
    """What an option should be: `value` is how a purchase is matched again, `name` what cardholders read."""

    value: str
    name: str


class Memory(Value):
    """What we did to a tag so far. Values are case-folded, as PEX compares them."""

    source: frozenset[str] = frozenset()  # of the last list that was accepted
    ours: frozenset[str] = frozenset()  # options we made, or that Procore knows
    disabled: frozenset[str] = frozenset()  # those of them that we disabled, so that we may enable them again
    selection: str = ""  # which choice of projects the source belongs to


class TagPlan(Value):
    """`options` is the whole list to write, None when nothing changes."""

    options: tuple[TagOption, ...] | None
    memory: Memory
    added: int = 0
    renamed: int = 0
    enabled: int = 0
    disabled: int = 0


def has_shrunk(memory: Memory, values: frozenset[str]) -> bool:
    """Whether so much is gone that the list is rather wrong than new. `values` are case-folded."""
    lost = len(memory.source - values)
    if not values:
        return lost > 0
    return lost > SHRINK_AT_LEAST and lost > SHRINK_SHARE * len(memory.source)


def plan_tag_update(
    tag: TagDefinition,
    entries: Sequence[Entry],
    memory: Memory,
    *,
    known: frozenset[str] = frozenset(),
    complete: bool = True,
    rename: bool = True,
) -> TagPlan:
    """The options after this refresh.

    Entries come in the order people should read them. New ones are added and enabled, behind the entry before them;
    changed names follow (`rename`); ours that are gone are disabled, and enabled again when they come back, unless an
    administrator disabled them. An incomplete list only adds. Nothing is ever removed, and options that people made are
    left alone. `known`: values, case-folded, that Procore knows although they are not wanted now: they are ours too.
    """
    wanted = _unique(entries)
    matched = _match(tag.options, wanted)
    names = _names(wanted, matched, tag.options, rename and complete)
    ours = memory.ours | known | wanted.keys()
    disabled = set(memory.disabled)
    options: list[TagOption] = []
    for option in tag.options:
        key = option.value.casefold()
        if matched.get(key) is option:
            options.append(_as(option, names[key], option.enabled or key in disabled))
            disabled.discard(key)
        elif complete and option.enabled and key in ours and key not in wanted:
            options.append(option.model_copy(update={"enabled": False}))
            disabled.add(key)
        else:
            options.append(option)
    options = _settle_placeholder(_insert(options, wanted, matched, names), wanted.keys())
    source = frozenset(wanted) if complete else memory.source | wanted.keys()
    remembered = memory.model_copy(update={"source": source, "ours": frozenset(ours), "disabled": frozenset(disabled)})
    if options == list(tag.options):
        return TagPlan(options=None, memory=remembered)
    before = {option.value: option for option in tag.options}
    pairs = [(before[option.value], option) for option in options if option.value in before]
    return TagPlan(
        options=tuple(options),
        memory=remembered,
        added=len(options) - len(tag.options),
        renamed=sum(old.name != new.name for old, new in pairs),
        enabled=sum(new.enabled and not old.enabled for old, new in pairs),
        disabled=sum(old.enabled and not new.enabled for old, new in pairs),
    )


def _as(option: TagOption, name: str, enabled: bool) -> TagOption:
    same = (option.name, option.enabled) == (name, enabled)
    return option if same else option.model_copy(update={"name": name, "enabled": enabled})


def _unique(entries: Iterable[Entry]) -> dict[str, Entry]:
    """By case-folded value; of two that PEX takes for one, the first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry.value.casefold(), entry)
    return found


def _match(options: Iterable[TagOption], wanted: dict[str, Entry]) -> dict[str, TagOption]:
    """The option of each entry; of two that only casing tells apart, the first."""
    found: dict[str, TagOption] = {}
    for option in options:
        if (key := option.value.casefold()) in wanted:
            found.setdefault(key, option)
    return found


def _names(
    wanted: dict[str, Entry], matched: dict[str, TagOption], options: Iterable[TagOption], rename: bool
) -> dict[str, str]:
    """A name for every entry, none equal to another option's.

    Equal ones carry their value, all of them, as often as it takes: so the names do not depend on who came first, and
    stay the same night after night.
    """
    plain = {key: cut(clean(entry.name), NAME_LIMIT) or entry.value for key, entry in wanted.items()}
    fixed = {} if rename else {key: option.name for key, option in matched.items()}
    moving = {key: name for key, name in plain.items() if key not in fixed}
    mine = {id(option) for option in matched.values()}
    kept = Counter(squash(option.name) for option in options if id(option) not in mine)
    kept.update(squash(name) for name in fixed.values())
    marks = dict.fromkeys(moving, 0)
    names = dict(moving)
    while True:
        times = kept + Counter(squash(name) for name in names.values())
        equal = [key for key, name in names.items() if times[squash(name)] > 1 and marks[key] < MOST_MARKS]
        if not equal:
            return names | fixed
        for key in equal:
            marks[key] += 1
            names[key] = _marked(moving[key], wanted[key].value, marks[key])


def _marked(name: str, value: str, times: int) -> str:
    mark = f" ({value})" * times
    return cut(name, max(0, NAME_LIMIT - len(mark))) + mark


def _insert(
    options: list[TagOption], wanted: dict[str, Entry], matched: dict[str, TagOption], names: dict[str, str]
) -> list[TagOption]:
    """New entries behind the nearest entry before them that exists already; the others' order is people's business."""
    behind: dict[str | None, list[TagOption]] = {}
    before: str | None = None
    for key, entry in wanted.items():
        if key in matched:
            before = matched[key].value
        else:
            behind.setdefault(before, []).append(TagOption(value=entry.value, name=names[key]))
    placed = behind.pop(None, [])
    for option in options:
        placed += [option, *behind.pop(option.value, [])]
    return placed


def _settle_placeholder(options: list[TagOption], real: Iterable[str]) -> list[TagOption]:
    """PEX wants one enabled option always: a real one, or else the placeholder, or else the first."""
    known = set(real)
    has_real = any(option.enabled and option.value.casefold() in known for option in options)
    if has_real and PLACEHOLDER not in known:
        return [
            option.model_copy(update={"enabled": False}) if option.value.casefold() == PLACEHOLDER else option
            for option in options
        ]
    if options and not any(option.enabled for option in options):
        chosen = next((i for i, option in enumerate(options) if option.value.casefold() == PLACEHOLDER), 0)
        options = [*options]
        options[chosen] = options[chosen].model_copy(update={"enabled": True})
    return options
