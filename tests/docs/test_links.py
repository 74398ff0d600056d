"""Every way from a page leads somewhere, and so does every way from the code to a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchors, links, page, read, section

SHIPPED = ROOT / "layers" / "common" / "pex_procore"
SOURCES = [
    path
    for folder in ("layers/common", "functions", "statemachines", "local", "tests", "tools")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".yaml", "") and path.is_file() and "cache" not in str(path)
]
FACTS = re.findall(r"^### (.+)$", page("docs/behaviour.md"), re.MULTILINE)


def broken(source: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    path = (source.parent / file).resolve() if file else source
    return not path.exists() or (bool(anchor) and anchor not in anchors(read(path)))


@pytest.mark.parametrize("source", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_resolves(source: Path) -> None:
    inside = [target for target in links(read(source)) if not target.startswith(("http:", "https:"))]
    assert [target for target in inside if broken(source, target)] == []


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (source.parent / target.partition("#")[0]).resolve() for source in PAGES for target in links(read(source))
    }
    folders = {path for path in linked if path.is_dir()}
    assert [path for path in PAGES[1:] if path not in linked and path.parent not in folders] == []


def test_every_page_and_anchor_that_the_code_names_exists() -> None:
    named = {
        (str(path.relative_to(ROOT)), target)
        for path in (*SOURCES, ROOT / "template.yaml", ROOT / "Makefile")
        for target in re.findall(r"docs/[\w/-]+\.md(?:#[\w-]+)?", path.read_text(errors="ignore"))
    }
    assert any("#" in target for _, target in named)
    assert [one for one in named if broken(ROOT / "README.md", one[1])] == []


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_about_a_vendor_says_why_it_matters_and_where(fact: str) -> None:
    told = section(page("docs/behaviour.md"), f"### {fact}").split("\n## ")[0]
    _, _, why = " ".join(told.split()).partition("*Why it matters:*")
    files = re.findall(r"`([a-z]+/[a-z_]+\.py)`", why)
    assert files
    assert [file for file in files if not (SHIPPED / file).exists()] == []


def test_every_switch_is_where_the_page_says() -> None:
    unknown = section(page("docs/behaviour.md"), "## What nobody could tell us")
    pairs = re.findall(r"`(\w+)` in `([a-z]+/[a-z_]+\.py)`", unknown)
    assert len(pairs) > 5
    assert [pair for pair in pairs if pair[0] not in (SHIPPED / pair[1]).read_text()] == []
