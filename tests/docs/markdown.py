"""The repository's own pages, and the parts of one that tests ask about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@cache
def read(path: Path) -> str:
    return path.read_text()


def page(name: str) -> str:
    return read(ROOT / name)


def prose(text: str) -> str:
    """Without blocks of code."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    return _LINK.findall(_CODE.sub("", prose(text)))


def anchors(text: str) -> set[str]:
    """As GitHub makes them from headings."""
    return {slug(heading) for heading in _HEADING.findall(prose(text))}


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def section(text: str, heading: str) -> str:
    """From the heading to the next one of its rank or above."""
    lines = text.splitlines()
    start = lines.index(heading)
    rank = heading.index(" ")
    ends = (place for place in range(start + 1, len(lines)) if re.match(rf"#{{1,{rank}}} ", lines[place]))
    return "\n".join(lines[start + 1 : next(ends, len(lines))])


def names_in_first_column(text: str) -> Iterator[str]:
    """What stands in `code` in the first cell of each row."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
