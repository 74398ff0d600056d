"""The demo as a newcomer runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.whole_stack.program import ROOT, SECRETS

pytestmark = pytest.mark.whole_stack


def test_the_demo_ends_with_books_that_are_right() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--exit", "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    figures = json.loads(next(line for line in demo.stdout.splitlines() if line.startswith("figures "))[8:])
    assert figures["problems"] == 0
    assert figures["refused_429"] == 0
    assert figures["expenses"] >= 18
    assert figures["procore_calls_per_expense"] <= 2
    assert figures["callbacks"] == 14
    assert figures["memory_mb"] <= 1500
    assert "\033[" not in demo.stdout
    assert not [secret for secret in SECRETS if secret in demo.stdout + demo.stderr]
