"""Writes docs/reasons.md from `domain.reasons`.

PYTHONPATH=layers/common .venv/bin/python -m tests.docs.reasons_page
"""

from __future__ import annotations

from pathlib import Path

from pex_procore.domain.reasons import REASONS, Actor

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reasons.md"
ACTORS: dict[Actor, str] = {
    "cardholder": "cardholder",
    "approver": "approver",
    "admin": "PEX administrator",
    "procore_admin": "Procore administrator",
    "nobody": "nobody",
}
INTRODUCTION = """# Reasons

Why a purchase is no expense, a run stopped or a request was refused. The HTTP API shows the code as `reason` or
`code` and the rest as `help`. This page is made from `domain/reasons.py`; a test tells when it is out of date, and how
to make it again.

| code | what happened | who acts | what to do |
|---|---|---|---|
"""


def page() -> str:
    rows = (f"| `{code}` | {one.text} | {ACTORS[one.actor]} | {one.todo} |\n" for code, one in REASONS.items())
    return INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
