"""`kill -9` in the middle of a run: it goes on, nothing is lost, nothing is posted twice."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.demo.books import EASTERN, Terms, audit, expected_expenses
from local.demo.catalog import seeded_catalog
from tests.whole_stack.program import Life, Program, Stranger, until

pytestmark = pytest.mark.whole_stack
AMOUNTS = ("10.00", "20.00", "30.00", "40.00", "50.00", "60.00")
LONGEST_REST_SECONDS = 90
"""Less than the business's lease: the run itself goes on, no other one takes its place."""


def test_a_run_that_was_killed_ends_with_everything_posted_once(tmp_path: Path) -> None:
    arguments = ("up", "--port", "0", "--state", str(tmp_path / "state"), "--sweep-seconds", "86400")
    program = Program(*arguments)
    try:
        life, stranger = Life(program.urls["control_url"]), Stranger(program.urls["url"])
        today = datetime.now(EASTERN).date()
        stranger.connect((today - timedelta(days=1)).isoformat())
        life.act("pex", "drop_callbacks", n=len(AMOUNTS))
        ids = [life.purchase(amount, line) for amount, line in zip(AMOUNTS, first_lines(), strict=False)]
        life.fault("procore", kind="slow", method="POST", path="/direct_costs$", seconds=1)
        run_id = stranger.start_run()
        until(lambda: len(life.books("procore")["direct_costs"]) >= 2 or None)
    finally:
        program.kill()

    program = Program(*arguments)
    began = time.monotonic()
    try:
        life = Life(program.urls["control_url"])
        assert 2 <= len(life.books("procore")["direct_costs"]) < len(AMOUNTS)
        stranger = Stranger(program.urls["url"])
        assert stranger.sign_in().status_code == 201
        assert stranger.ask("GET", "/v1/settings").json()["start_date"] == (today - timedelta(days=1)).isoformat()
        run = until(lambda: finished(stranger, run_id), LONGEST_REST_SECONDS)
        print(f"the killed run ended {time.monotonic() - began:.0f} s after the restart")
        assert run["verdict"] == "success"
        posting = [one for one in stranger.ask("GET", "/v1/runs").json()["items"] if one["kind"] == "transactions"]
        assert [one["run_id"] for one in posting] == [run_id]
        for id in ids:
            stranger.transaction(id, "complete")
        judge(life.books(), today - timedelta(days=1), len(AMOUNTS))
    finally:
        program.stop()


def finished(stranger: Stranger, run_id: str) -> dict[str, Any] | None:
    run: dict[str, Any] = stranger.ask("GET", f"/v1/runs/{run_id}").json()
    return run if run["status"] == "finished" else None


def first_lines() -> list[dict[str, str]]:
    """One per project: what is in one project is posted together."""
    lines = {line.project_id: line for line in sorted(seeded_catalog().budgeted, reverse=True)}
    return [
        {"project": str(line.project_id), "cost_code": line.cost_code, "cost_type": str(line.cost_type_id)}
        for line in sorted(lines.values())
    ]


def first_line() -> dict[str, str]:
    return first_lines()[0]


def judge(books: dict[str, Any], start: date, number: int, business_id: int | None = None) -> None:
    catalog = seeded_catalog()
    vendor_id = books["procore"]["direct_costs"][0]["vendor_id"]
    business_id = business_id or books["pex"]["businesses"][0]["business_id"]
    terms = Terms(business_id, catalog.company_id, vendor_id, start)
    assert len(expected_expenses(books["pex"], terms, catalog)) >= number
    assert audit(books["pex"], books["procore"], terms, catalog) == []
