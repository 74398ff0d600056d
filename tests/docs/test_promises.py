"""Every promise names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.markdown import page

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+|\*)`", page("docs/promises.md"))


def test_every_promise_is_proven_by_something() -> None:
    rows = [line for line in page("docs/promises.md").splitlines() if line.startswith("| ") and " | " in line]
    heads = ("| | promise | proven by |", "| promise | proven by |", "| fault | proven by |")
    unproven = [row for row in rows if "::" not in row and row not in heads]
    assert len(rows) > 100
    assert unproven == []


def test_no_promise_and_no_invariant_is_missing() -> None:
    numbers = re.findall(r"^\| (I?\d+) \| ", page("docs/promises.md"), re.MULTILINE)
    assert numbers == [*map(str, range(1, 53)), *(f"I{number}" for number in range(1, 11))]


def test_every_test_a_promise_names_exists() -> None:
    missing = []
    for path, name in NAMED:
        file = ROOT / "tests" / path
        source = file.read_text() if file.is_file() else ""
        wanted = "def test_" if name == "*" else f"def test_{name}("
        if wanted not in source:
            missing.append(f"{path}::{name}")
    assert missing == []
