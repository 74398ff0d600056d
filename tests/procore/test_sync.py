"""Many expenses in a few calls, against the simulated Procore."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_procore import OFF_PROJECT_VENDOR
from pex_procore.domain.amendment import PostedLine
from pex_procore.domain.errors import TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft
from pex_procore.net.messages import Answer
from pex_procore.procore import sync
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.sync_port import SyncAnswer
from pex_procore.services.vendor_ports import PostRefused
from tests.procore.drafts import LOST_ANSWERS, committed, draft

SYNC, LINES = "/direct_costs/sync$", "/line_items/sync$"


def drafts(sim: ProcoreSimulator, project: int, count: int = 3, **changes: Any) -> list[DirectCostDraft]:
    every = [draft(sim, project, reference=f"pex:7:{number}:{project}", **changes) for number in range(count)]
    return [one.with_line_ids() for one in every]


def begun(answer: SyncAnswer, made: list[DirectCostDraft]) -> list[tuple[int, DirectCostDraft]]:
    return [(answer.stored[one.reference].record_id, one) for one in made]


def answer(**body: Any) -> Answer:
    return Answer(200, {}, json.dumps(body).encode())


def test_headers_then_lines_then_status_make_the_expenses_a_create_makes(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    made = drafts(sim, project, status="pending")
    alone = procore.create_direct_cost(draft(sim, project, status="pending"))
    sim.requests.clear()
    headers = procore.sync_headers(made)
    assert {one.amount for one in headers.stored.values()} == {Decimal(0)}
    assert {cost["status"] for cost in committed(sim)[1:]} == {"draft"}
    lines = procore.sync_lines(begun(headers, made))
    assert [lines.stored[f"{made[0].reference}:{number}"].amount for number in (1, 2)] == [
        Decimal("120.50"),
        Decimal("-0.10"),
    ]
    status = procore.sync_statuses(begun(headers, made), "pending")
    assert {one.amount for one in status.stored.values()} == {alone.amount}
    assert len(sim.requests) == 3
    single, *others = (_plain(cost) for cost in committed(sim))
    assert others == [single] * 3


def _plain(cost: dict[str, Any]) -> dict[str, Any]:
    """Without what tells one expense from another."""
    own = ("id", "origin_id", "created_at", "updated_at", "complete_at")
    lines = [{name: value for name, value in line.items() if name not in own} for line in cost["line_items"]]
    return {**{name: value for name, value in cost.items() if name not in own}, "line_items": lines}


def test_a_row_that_fails_is_told_with_procores_words_and_stops_no_other(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    good, long = drafts(sim, project, 2)
    sim.switches.change(description_max=60)
    long = long.model_copy(update={"description": "x" * 61})
    headers = procore.sync_headers([good, long])
    assert list(headers.stored) == [good.reference]
    assert headers.refused == {long.reference: "description is too long (maximum is 60 characters)"}
    elsewhere = good.lines[0].model_copy(update={"wbs_code_id": 1})
    lines = procore.sync_lines(
        begun(headers, [good.model_copy(update={"lines": (elsewhere, good.lines[1])})]),
    )
    assert list(lines.stored) == [good.lines[1].origin_id]
    assert lines.refused == {good.lines[0].origin_id: "wbs_code does not belong to this project"}


def test_repeating_a_call_changes_nothing(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    made = drafts(sim, project)
    for _ in range(2):
        procore.sync_lines(begun(procore.sync_headers(made), made))
    assert [cost["grand_total"] for cost in committed(sim)] == ["120.40"] * 3


def test_an_error_row_that_names_nobody_tells_of_nobody(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    sim.switches.change(sync_errors_name_rows=False, description_max=5)
    assert procore.sync_headers(drafts(sim, project)) == SyncAnswer()


def test_a_vendor_that_the_projects_directory_lacks_is_put_there_first(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    absent = list(sim.world.vendors)[OFF_PROJECT_VENDOR]
    headers = procore.sync_headers(drafts(sim, project, vendor_id=absent))
    assert (len(headers.stored), headers.refused) == (3, {})
    assert {cost["vendor_id"] for cost in committed(sim)} == {absent}


@pytest.mark.parametrize(
    "fault", [*LOST_ANSWERS, {"kind": "status", "status": 409}, {"kind": "status", "status": 500}], ids=str
)
@pytest.mark.parametrize("path", [SYNC, LINES])
def test_an_answer_that_proves_nothing_is_unsure_and_the_call_not_repeated(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, path: str, fault: dict[str, Any]
) -> None:
    made = drafts(sim, project)
    parts = begun(procore.sync_headers(made), made)
    sim.requests.clear()
    sim.faults.add({**fault, "method": "PATCH", "path": path})
    calls: dict[str, Callable[[], object]] = {
        SYNC: lambda: procore.sync_headers(made),
        LINES: lambda: procore.sync_lines(parts),
    }
    with pytest.raises(Unsure):
        calls[path]()
    assert sim.requests.count("PATCH") == 1


def test_a_call_that_stores_some_rows_and_dies_is_unsure(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    sim.switches.change(sync_dies_after=2)
    with pytest.raises(Unsure):
        procore.sync_headers(drafts(sim, project))
    assert len(committed(sim)) == 2


def test_another_write_to_one_of_the_expenses_makes_all_of_them_unsure(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    made = drafts(sim, project)
    parts = begun(procore.sync_headers(made), made)
    with sim.touching([parts[1][0]]), pytest.raises(Unsure):
        procore.sync_lines(parts)
    assert {cost["grand_total"] for cost in committed(sim)} == {"0.00"}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 422])
def test_a_call_that_is_refused_as_a_whole_stored_nothing(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, status: int
) -> None:
    sim.faults.add({"kind": "status", "status": status, "path": SYNC, "answer": {"errors": "no"}})
    with pytest.raises(PostRefused) as caught:
        procore.sync_headers(drafts(sim, project))
    assert (caught.value.status, committed(sim)) == (status, [])


def test_being_turned_away_is_no_doubt(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    sim.faults.add({"kind": "limit_429", "path": SYNC, "reset_in": 600})
    with pytest.raises(TryLater) as caught:
        procore.sync_headers(drafts(sim, project))
    assert caught.value.resume_at is not None


@pytest.mark.parametrize("locks", [False, True])
def test_whether_lines_can_be_added_to_a_record_with_our_reference_is_procores_to_say(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, locks: bool
) -> None:
    sim.switches.change(origin_id_locks_record=locks)
    made = drafts(sim, project)
    lines = procore.sync_lines(begun(procore.sync_headers(made), made))
    assert (len(lines.stored), len(lines.refused)) == ((0, 6) if locks else (6, 0))


@pytest.mark.parametrize("locks", [False, True])
def test_a_line_written_as_it_is_shows_whether_lines_can_be_written_and_changes_nothing(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, locks: bool
) -> None:
    sim.switches.change(origin_id_locks_record=locks)
    made = procore.create_direct_cost(draft(sim, project))
    (before,) = committed(sim)
    assert procore.takes_lines(project, made.direct_cost_id) is not locks
    (after,) = committed(sim)
    assert _plain(after) == _plain(before)


def test_of_an_expense_that_is_gone_nothing_is_learnt(procore: ProcoreClient, project: int) -> None:
    assert procore.takes_lines(project, 12345) is None


def test_an_answer_without_the_line_tells_nothing() -> None:
    line = PostedLine(line_id=5, wbs_code_id=1, amount=Decimal(1))
    assert sync.read_same_line(answer(entities=[{"id": 6}]), line) is None
    assert sync.read_same_line(answer(entities=[], errors=[{"id": 5, "errors": {"base": ["locked"]}}]), line) is False


def test_an_answer_is_read_by_origin_id_in_whatever_order_and_shape() -> None:
    read = sync.read_headers(
        answer(
            entities=[
                {"id": 2, "origin_id": "b", "grand_total": "0.0", "vendor": None},
                {"id": 1, "origin_id": "a", "grand_total": "10.50"},
                {"id": 9, "origin_id": None, "grand_total": "0.0"},
            ],
            errors=[{"origin_id": "c", "id": None, "errors": {"base": ["No"], "vendor": ["is gone"]}}, {"errors": {}}],
        )
    )
    assert {name: (one.record_id, one.amount) for name, one in read.stored.items()} == {
        "b": (2, Decimal(0)),
        "a": (1, Decimal("10.50")),
    }
    assert read.refused == {"c": "No; vendor is gone"}


def test_only_errors_is_an_answer_too() -> None:
    assert sync.read_lines(answer(errors=[{"origin_id": "a", "errors": "No"}])).refused == {"a": "No"}


@pytest.mark.parametrize("body", [{}, [], {"entities": [{"origin_id": "a", "id": 1}]}, {"entities": "none"}], ids=str)
def test_what_cannot_be_read_is_not_taken_for_an_answer(body: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        sync.read_headers(Answer(200, {}, json.dumps(body).encode()))


def test_a_row_told_of_twice_is_in_doubt() -> None:
    entity = {"id": 1, "origin_id": "a", "grand_total": "1.0"}
    twice = answer(entities=[entity, {**entity, "id": 2}], errors=[])
    both = answer(entities=[entity], errors=[{"origin_id": "a", "errors": ["no"]}])
    assert sync.read_headers(twice) == sync.read_headers(both) == SyncAnswer()


def test_what_was_begun_is_completed_by_one_update_that_meets_a_late_call(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    (one,) = drafts(sim, project, 1)
    parts = begun(procore.sync_headers([one]), [one])
    sim.faults.add({"kind": "late_commit", "path": LINES, "seconds": 3600, "times": 1})
    with pytest.raises(Unsure):
        procore.sync_lines(parts)
    after = procore.write_lines(project, parts[0][0], [], one.lines, status="approved")
    assert (after.amount, after.status) == (one.amount, "approved")
    sim.faults.settle()
    (cost,) = committed(sim)
    assert (cost["grand_total"], len(cost["line_items"]), cost["status"]) == ("120.40", 2, "approved")
    assert procore.write_lines(project, parts[0][0], [], [], status="pending").status == "pending"
