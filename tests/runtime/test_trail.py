"""Every move of a row is one line and one figure, whoever made it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pex_procore.domain.ledger import Row, announce, move
from pex_procore.domain.search import Wanted
from pex_procore.net.limiter import PROCORE_WINDOWS
from pex_procore.runtime.metrics import measured
from pex_procore.runtime.observe import about
from pex_procore.runtime.trail import HeardLimiter, ToldLedger, Traffic, Trail
from tests.store.tables import Stage

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Read:
    """The lines since the last reading."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ledger_of(stage: Stage, *traffic: Traffic) -> ToldLedger:
    return ToldLedger(stage.dynamodb, stage.history, 7, 1, Trail(7, list(traffic)))


def announced(ledger: ToldLedger) -> Row:
    return ledger.save(announce(1001, 9, NOON, "callback"))


def test_a_move_is_told_once_however_often_its_row_is_saved(stage: Stage, read: Read) -> None:
    ledger = ledger_of(stage)
    row = announced(ledger)
    row = ledger.save(move(row, "posting", later(1), "intent", "run-1"))
    ledger.save(row.model_copy(update={"noted": True}))
    first, second = read()
    assert (first["from"], first["to"], first["cause"]) == (None, "announced", "callback")
    assert (second["from"], second["to"], second["cause"], second["run_id"]) == (
        "announced", "posting", "intent", "run-1",
    )  # fmt: skip
    assert (second["business_id"], second["transaction_id"]) == (7, 1001)


def test_moves_that_are_saved_together_are_told_one_by_one(stage: Stage, read: Read) -> None:
    ledger = ledger_of(stage)
    row = move(announce(1001, 9, NOON, "listed"), "posting", later(1), "intent", "run-1")
    ledger.save(row)
    assert [(line["from"], line["to"]) for line in read()] == [(None, "announced"), ("announced", "posting")]


@pytest.mark.parametrize("how", ["load", "load_many", "list_by_state", "search"])
def test_a_row_another_invocation_moved_is_told_from_where_it_was_read(stage: Stage, read: Read, how: str) -> None:
    announced(ledger_of(stage))
    read()
    ledger = ledger_of(stage)
    rows = {
        "load": lambda: ledger.load(1001),
        "load_many": lambda: ledger.load_many([1001])[1001],
        "list_by_state": lambda: ledger.list_by_state("announced")[0],
        "search": lambda: ledger.search(Wanted(), 10, None)[0][0],
    }
    row = rows[how]()
    assert row is not None
    ledger.save(move(row, "waiting", later(2), "missing_project", "run-2"))
    assert [(line["from"], line["to"]) for line in read()] == [("announced", "waiting")]


def test_a_save_that_lost_is_not_told(stage: Stage, read: Read) -> None:
    from pex_procore.services.ports import Conflict

    ledger = ledger_of(stage)
    row = announced(ledger)
    ledger.save(move(row, "waiting", later(1), "missing_project", "run-1"))
    read()
    with pytest.raises(Conflict):
        ledger.save(move(row, "posting", later(1), "intent", "run-2"))
    assert read() == []


def test_what_the_vendor_said_stands_with_the_move_it_led_to_and_with_no_later_one(stage: Stage, read: Read) -> None:
    traffic = Traffic("Procore")
    limiter = HeardLimiter(PROCORE_WINDOWS, share=0.8, traffic=traffic)
    ledger = ledger_of(stage, traffic)
    row = announced(ledger)
    limiter.take(NOON)
    headers = {"x-request-id": "r-17", "x-rate-limit-remaining": "598", "x-rate-limit-limit": "600"}
    limiter.learn(NOON, 201, headers)
    row = ledger.save(move(row, "posted", later(1), "posted 55", "run-1"))
    ledger.save(move(row, "complete", later(2), "", "run-1"))
    _, posted, complete = read()
    assert posted["procore"] == {"status": 201, "request_id": "r-17", "quota_left": 598}
    assert "procore" not in complete


def test_a_line_knows_the_run_it_belongs_to_also_where_the_entry_does_not(stage: Stage, read: Read) -> None:
    with about(step="ListTransactions", business_id=7, run_id="run-3"):
        announced(ledger_of(stage))
    assert read()[0]["run_id"] == "run-3"


def test_a_secret_in_a_cause_is_hidden(stage: Stage, read: Read) -> None:
    row = announce(1001, 9, NOON, "PEX said: Authorization: token 0123456789abcdef0123456789abcdef")
    ledger_of(stage).save(row)
    assert "0123456789abcdef" not in json.dumps(read())


def figures(stage: Stage, read: Read, *moves: tuple[str, str]) -> dict[str, Any]:
    """Of a row that is announced, then makes these moves, one second each."""
    with measured("F"):
        ledger = ledger_of(stage)
        row = announced(ledger)
        for number, (to, cause) in enumerate(moves, 1):
            row = ledger.save(move(row, to, later(number), cause, "run"))  # type: ignore[arg-type]
    found = [line for line in read() if "_aws" in line]
    return found[0] if found else {}


def test_a_purchase_counts_from_when_we_knew_of_it(stage: Stage, read: Read) -> None:
    told = figures(stage, read, ("posting", "intent"), ("posted", "posted 55"), ("complete", ""))
    assert (told["Posted"], told["EligibleToPosted"]) == (1, 2000.0)


def test_one_that_had_waited_is_counted_without_a_time(stage: Stage, read: Read) -> None:
    told = figures(stage, read, ("waiting", "missing_project"), ("posting", "intent"), ("posted", "posted 55"))
    assert (told["Waiting"], told["Posted"]) == (1, 1)
    assert "EligibleToPosted" not in told


def test_one_that_was_approved_counts_from_its_approval_as_we_saw_it(stage: Stage, read: Read) -> None:
    moves = [("waiting", "not_approved"), ("announced", "approved"), ("posting", "intent"), ("posted", "posted 55")]
    assert figures(stage, read, *moves)["EligibleToPosted"] == 2000.0


def test_a_try_that_was_turned_away_does_not_start_the_time_anew(stage: Stage, read: Read) -> None:
    moves = [("posting", "intent"), ("announced", "not sent"), ("posting", "intent"), ("posted", "posted 55")]
    assert figures(stage, read, *moves)["EligibleToPosted"] == 4000.0


def test_an_expense_that_was_changed_or_got_a_receipt_is_not_posted_once_more(stage: Stage, read: Read) -> None:
    moves = [("posted", "posted 55"), ("posting", "intent to change 55"), ("posted", "changed 55")]
    moves += [("complete", ""), ("posted", "a new receipt"), ("complete", "")]
    assert figures(stage, read, *moves)["Posted"] == 1


@pytest.mark.parametrize(
    ("cause", "metric"),
    [
        ("reference_found_twice", "Duplicates"),
        ("found_with_other_amount", "ReconcileDrift"),
        ("deleted_in_procore", "ReconcileDrift"),
    ],
)
def test_what_must_never_be_is_a_figure_of_its_own(stage: Stage, read: Read, cause: str, metric: str) -> None:
    told = figures(stage, read, ("posting", "intent"), ("unknown", "no answer"), ("exception", cause))
    assert (told["UnknownOutcome"], told["Exceptions"], told[metric]) == (1, 1, 1)


def test_calls_and_refusals_are_counted(read: Read) -> None:
    with measured("F"):
        for vendor in ("Pex", "Procore"):
            limiter = HeardLimiter(PROCORE_WINDOWS, share=0.8, traffic=Traffic(vendor))
            limiter.take(NOON)
            limiter.learn(NOON, 429, {"retry-after": "5"})
            limiter.take(NOON)
    (line,) = read()
    assert (line["PexCalls"], line["ProcoreCalls"], line["Throttled429"]) == (2, 2, 2)
