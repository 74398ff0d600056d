"""The history as a file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest

from pex_procore.runtime import history
from tests.flow.gateway import Reply
from tests.flow.story import Story
from tests.functions.test_setup_credentials import check_problem


def lines(answer: Reply) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text
    assert answer.text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(answer.text[1:])))


def test_every_purchase_is_a_line_with_exact_cents_and_times_with_their_offset(connected: Story) -> None:
    posted = connected.purchase("120.50", receipts=("jpg",))
    back = connected.refund("0.10")
    waiting = connected.purchase("9.90", project=None)
    connected.sync()
    answer = connected.api("GET", "/v1/history.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pex-procore-history.csv"'
    assert "Link" not in answer.headers
    by_id = {int(one["transaction_id"]): one for one in lines(answer)}
    assert by_id.keys() == {posted, back, waiting}
    assert by_id[posted].keys() == set(history.COLUMNS)
    assert [by_id[one]["amount"] for one in (posted, back, waiting)] == ["120.50", "-0.10", "9.90"]
    cost = connected.costs_of(posted)[0]
    assert by_id[posted]["expenses"] == str(cost["id"])
    assert by_id[posted]["references"] == cost["origin_id"]
    assert by_id[posted]["projects"] == "25-101 - Library"
    assert by_id[posted]["receipts_attached"] == "1"
    assert by_id[posted]["settled_at"].endswith(("-04:00", "-05:00"))
    assert by_id[waiting]["reason"] == "missing_project"
    assert by_id[waiting]["explanation"] == "No project is chosen."
    assert by_id[waiting]["cardholder"] == "Dana Whitaker"


@pytest.mark.parametrize("merchant", ['=HYPERLINK("http://x","y")', "+1", "-2+3", "@SUM(A1)", "\uff1d1+1"])
def test_no_cell_is_run_by_a_spreadsheet(connected: Story, merchant: str) -> None:
    connected.purchase(merchant=merchant)
    connected.sync()
    (line,) = lines(connected.api("GET", "/v1/history.csv"))
    assert line["merchant"] == f"'{merchant}"
    assert Decimal(line["amount"]) == Decimal("120.50")


def test_spaces_before_a_formula_do_not_help_it() -> None:
    assert history.safe("  =1+1") == "'  =1+1"
    assert history.safe("\t=1") == "'\t=1"
    assert history.safe("HOME DEPOT, #4512") == "HOME DEPOT, #4512"


def test_days_are_asked_for_and_stand_in_the_name(connected: Story) -> None:
    old = connected.purchase()
    connected.clock.forward(3 * 86_400)
    new = connected.purchase()
    connected.sync()
    today = connected.clock().date()
    day = (today - timedelta(days=1)).isoformat()
    answer = connected.api("GET", "/v1/history.csv", **{"from": day})
    assert [int(one["transaction_id"]) for one in lines(answer)] == [new]
    assert f"pex-procore-history-{day}.csv" in answer.headers["Content-Disposition"]
    assert [int(one["transaction_id"]) for one in lines(connected.api("GET", "/v1/history.csv", to=day))] == [old]
    check_problem(connected.api("GET", "/v1/history.csv", **{"from": day, "to": "2026-01-01"}), 422, "invalid", "to")
    check_problem(connected.api("GET", "/v1/history.csv", next="x"), 422, "invalid", "next")


def test_what_does_not_fit_one_file_is_told_in_it_and_follows_by_its_link(
    connected: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [connected.purchase(f"{number}.00") for number in range(1, 6)]
    connected.sync()
    monkeypatch.setattr(history, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(history, "LONGEST", 10)
    seen: list[int] = []
    query: dict[str, str] = {}
    parts = 0
    while True:
        parts += 1
        answer = connected.api("GET", "/v1/history.csv", **query)
        found = lines(answer)
        link = answer.headers.get("Link")
        if link is None:
            seen += [int(one["transaction_id"]) for one in found]
            break
        assert found[-1]["date"].startswith("This file is not whole")
        seen += [int(one["transaction_id"]) for one in found[:-1]]
        query = {"next": link.split("next=")[1].split(">")[0]}
    assert parts == 3
    assert sorted(seen) == made
