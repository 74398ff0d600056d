"""REASONS is the one list: every reason the code gives is in it, and nothing in it is dead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pex_procore.domain.reasons import REASONS
from pex_procore.domain.tags import TAG_KINDS
from pex_procore.services.runs import CONNECTION_PROBLEMS

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("layers/common/pex_procore", "functions")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name != "reasons.py"
]
GIVERS = ("Waiting", "Refused", "NeedsAttention")


def texts(node: ast.AST) -> Iterator[str]:
    """The words an expression may be, `f"missing_{kind}"` included."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield from (str(node.values[0].value) + kind for kind in TAG_KINDS)


def given() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            places = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            if name in GIVERS:
                places += node.args[:1]
            elif name == "_stop":
                places += node.args[1:2]
            for place in places:
                yield from ((text, f"{path.relative_to(ROOT)}:{node.lineno}") for text in texts(place))


def test_the_scan_sees_the_code() -> None:
    found = dict(given())
    assert {"missing_cost_type", "direct_costs_tool_off", "refused_by_procore", "vendor_missing"} <= found.keys()


def test_every_reason_the_code_gives_has_a_help_text() -> None:
    assert {text: where for text, where in given() if text not in REASONS} == {}


def test_every_reason_that_marks_a_connection_broken_has_a_help_text() -> None:
    assert {reason for reasons in CONNECTION_PROBLEMS.values() for reason in reasons} <= REASONS.keys()


def test_every_reason_is_given_somewhere() -> None:
    words = {
        text
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for text in texts(node)
    }
    assert REASONS.keys() - words == set()


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_says_what_happened_and_what_to_do(reason: str) -> None:
    known = REASONS[reason]
    assert reason == reason.lower().replace(" ", "_")
    assert known.text.endswith(".")
    assert known.todo.endswith(".")
