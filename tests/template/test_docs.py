"""The pages name what there is: commands, environment, endpoints, settings, reasons; and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pex_procore.domain.reasons import REASONS
from pex_procore.domain.settings import Settings
from tests.template.cfn import ROOT, every_environment, folder_of, functions, load_template, routes

OPERATIONS = (ROOT / "docs/operations.md").read_text()
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
ANCHOR = re.compile(r"docs/([\w/-]+\.md)#([\w-]+)")


def cells(text: str) -> set[str]:
    """Everything written as code."""
    return set(re.findall(r"`([^`\n]+)`", text))


def slug(heading: str) -> str:
    """As GitHub makes a heading's anchor."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(one) for one in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


def test_every_make_target_is_on_the_operations_page() -> None:
    targets = re.findall(r"^([a-z][\w.-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) > 5
    assert [one for one in targets if f"`make {one}`" not in OPERATIONS] == []


def test_every_environment_name_and_parameter_is_on_the_operations_page() -> None:
    assert [name for name in every_environment() if name not in OPERATIONS] == []
    assert [name for name in load_template()["Parameters"] if name not in OPERATIONS] == []


def test_every_function_is_on_the_operations_page() -> None:
    assert [name for name in functions() if folder_of(name) not in OPERATIONS and name not in OPERATIONS] == []


def test_every_endpoint_is_on_the_operations_page() -> None:
    missing = []
    for route in routes():
        line = next((one for one in OPERATIONS.splitlines() if route.path in one and route.method in one), None)
        if line is None:
            missing.append(f"{route.method} {route.path}")
    assert missing == []


def test_every_setting_is_on_the_operations_page() -> None:
    named = " ".join(cells(OPERATIONS))
    assert [name for name in Settings.model_fields if not re.search(rf"\b{name}\b", named)] == []


def test_the_page_of_reasons_names_all_of_them_and_no_other() -> None:
    text = (ROOT / "docs/reasons.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert rows == set(REASONS)


def test_every_reason_the_code_gives_is_known() -> None:
    given = set()
    for path in (ROOT / "layers/common/pex_procore").rglob("*.py"):
        given |= set(re.findall(r"""(?:Waiting|Refused|NeedsAttention)\(\s*f?"([a-z_]+)"[,)]""", path.read_text()))
    assert len(given) > 15
    assert given <= set(REASONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other)):
            dead.append(target)
    assert dead == []


def test_what_the_code_points_to_in_the_pages_is_there() -> None:
    dead = []
    for folder in ("layers/common/pex_procore", "functions", "local", "statemachines"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in (".py", ".yaml"):
                continue
            for name, anchor in ANCHOR.findall(path.read_text()):
                page = ROOT / "docs" / name
                if not page.exists() or anchor not in anchors(page):
                    dead.append(f"{path.relative_to(ROOT)}: {name}#{anchor}")
    assert dead == []


def test_no_two_decisions_have_one_number() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers)) > 10
