"""The page of reasons is the code's list."""

from __future__ import annotations

from tests.docs.markdown import page as read_page
from tests.docs.reasons_page import page


def test_the_page_of_reasons_is_up_to_date() -> None:
    assert read_page("docs/reasons.md") == page(), (
        "Write docs/reasons.md again: PYTHONPATH=layers/common .venv/bin/python -m tests.docs.reasons_page"
    )
