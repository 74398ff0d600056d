"""Expenses written, found, shown and changed, against the simulated Procore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_procore import (
    INACTIVE_VENDOR,
    OFF_PROJECT_VENDOR,
)
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.vendor_ports import PostRefused, ReceiptFile, Reference
from tests.net.moving_time import MovingTime
from tests.procore.drafts import COSTS, LOST_ANSWERS, Connect, by_description, committed, draft, look


def test_an_expense_is_one_call_and_arrives_to_the_cent(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    procore.check()
    sim.requests.clear()
    made = procore.create_direct_cost(draft(sim, project))
    assert len(sim.requests) == 1
    (booked,) = committed(sim)
    assert (made.direct_cost_id, made.amount) == (booked["id"], Decimal("120.40"))
    assert made.origin_id == f"pex:7:500100:{project}"
    assert made.description == "BOLT & BEAM 😀 [pex:7-500100]"
    assert [line["amount"] for line in booked["line_items"]] == ["120.50", "-0.10"]


@pytest.mark.parametrize("fault", LOST_ANSWERS)
@pytest.mark.parametrize("make", [draft, by_description])
def test_after_a_lost_answer_the_expense_is_not_posted_again_but_found(
    sim: ProcoreSimulator,
    procore: ProcoreClient,
    project: int,
    time: MovingTime,
    make: Callable[[ProcoreSimulator, int], DirectCostDraft],
    fault: dict[str, Any],
) -> None:
    sent = make(sim, project)
    sim.faults.add({**fault, "method": "POST", "path": COSTS})
    with pytest.raises(Unsure):
        procore.create_direct_cost(sent)
    sim.faults.settle()
    assert sim.requests.count("POST", "direct_costs") == 1
    (booked,) = committed(sim)
    (found,) = procore.find_direct_costs(look(sent, time))
    assert (found.direct_cost_id, found.amount) == (booked["id"], Decimal("120.40"))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "redirect"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 409, "answer": {"error": "This action does not support concurrent requests"}},
        {"kind": "status", "status": 418},
    ],
)
def test_an_answer_that_proves_nothing_is_unsure(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, time: MovingTime, fault: dict[str, Any]
) -> None:
    sent = draft(sim, project)
    sim.faults.add({**fault, "method": "POST", "path": COSTS})
    with pytest.raises(Unsure):
        procore.create_direct_cost(sent)
    assert sim.requests.count("POST", "direct_costs") == 1
    assert procore.find_direct_costs(look(sent, time)) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "limit_429", "reset_in": 3},
        {"kind": "limit_429", "headers": False, "retry_after": 2},
        {"kind": "status", "status": 503, "headers": {"Retry-After": 2}},
    ],
)
def test_an_expense_turned_away_for_a_moment_is_posted_once(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    sim.faults.add({**fault, "method": "POST", "path": COSTS, "times": 1})
    procore.create_direct_cost(draft(sim, project))
    assert len(committed(sim)) == 1


def test_an_expense_turned_away_for_long_is_for_later(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, time: MovingTime
) -> None:
    sim.faults.add({"kind": "limit_429", "limit": 600, "reset_in": 2400, "path": COSTS})
    procore.check()
    sent = draft(sim, project)
    with pytest.raises(TryLater) as caught:
        procore.create_direct_cost(sent)
    assert caught.value.resume_at is not None
    assert abs(caught.value.resume_at - time.now - timedelta(seconds=2400)) < timedelta(seconds=2)


def test_a_second_expense_with_the_same_reference_is_a_duplicate(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    procore.create_direct_cost(draft(sim, project))
    with pytest.raises(PostRefused) as caught:
        procore.create_direct_cost(draft(sim, project, description="again"))
    assert (caught.value.status, caught.value.duplicate) == (422, True)
    assert len(committed(sim)) == 1


def test_an_inactive_budget_code_is_a_refusal_and_no_duplicate(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    sent = draft(sim, project)
    sim.act_set_wbs_code(sent.lines[0].wbs_code_id, "inactive")
    with pytest.raises(PostRefused, match="inactive") as caught:
        procore.create_direct_cost(sent)
    assert not caught.value.duplicate
    assert committed(sim) == []


def test_where_an_erp_connector_owns_the_references_ours_is_refused_and_not_called_a_duplicate(
    sim: ProcoreSimulator, procore: ProcoreClient
) -> None:
    erp = next(one.id for one in sim.world.projects.values() if one.is_erp_integrated)
    with pytest.raises(PostRefused) as caught:
        procore.create_direct_cost(draft(sim, erp))
    assert not caught.value.duplicate
    procore.create_direct_cost(by_description(sim, erp))


def test_a_vendor_the_projects_directory_lacks_is_put_there_first(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int
) -> None:
    absent = list(sim.world.vendors)[OFF_PROJECT_VENDOR]
    procore.create_direct_cost(draft(sim, project, vendor_id=absent))
    assert [one["vendor_id"] for one in committed(sim)] == [absent]


def test_a_closed_vendor_stays_a_refusal(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    closed = list(sim.world.vendors)[INACTIVE_VENDOR]
    with pytest.raises(PostRefused, match="vendor") as caught:
        procore.create_direct_cost(draft(sim, project, vendor_id=closed))
    assert caught.value.status == 422
    assert committed(sim) == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_tool_that_is_off_refuses_the_expense_and_hides_no_other(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, time: MovingTime, status: int
) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    sim.switches.change(disabled_tool_status=status)
    sim.act_set_tool(project, active=False)
    with pytest.raises(PostRefused) as caught:
        procore.create_direct_cost(draft(sim, project, reference="pex:7:500101:1"))
    assert caught.value.status == status
    with pytest.raises(PostRefused):
        procore.attach_receipts(project, made.direct_cost_id, [ReceiptFile("a.pdf", "application/pdf", b"%PDF")])
    looks = [
        lambda: procore.find_direct_costs(look(draft(sim, project), time)),
        lambda: procore.show_direct_cost(project, made.direct_cost_id),
    ]
    for one in looks:
        with pytest.raises(NeedsAttention, match=f"project {project}") as attention:
            one()
        assert attention.value.reason == "procore_permission_missing"


def test_only_live_expenses_with_exactly_our_reference_are_found(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, time: MovingTime
) -> None:
    sent = draft(sim, project)
    gone = procore.create_direct_cost(draft(sim, project, reference=sent.reference + "0"))
    sim.faults.add(
        {
            "kind": "status",
            "status": 200,
            "answer": [
                {"id": 1, "grand_total": "1.0", "origin_id": sent.reference, "deleted_at": "2026-06-01T00:00:00Z"},
                {"id": 2, "grand_total": "1.0", "origin_id": sent.reference + "0"},
                {"id": 3, "grand_total": "1.0", "origin_id": None, "description": sent.reference},
                {"id": 4, "grand_total": "1.0", "origin_id": sent.reference},
            ],
            "headers": {"Total": "4"},
            "times": 1,
        }
    )
    assert [one.direct_cost_id for one in procore.find_direct_costs(look(sent, time))] == [4]
    sim.act_change_direct_cost(gone.direct_cost_id, delete=True)
    assert procore.find_direct_costs(look(draft(sim, project, reference=sent.reference + "0"), time)) == []


@pytest.mark.parametrize("quoted", [True, False])
def test_a_reference_in_the_description_is_found_among_many_and_with_clocks_apart(
    sim: ProcoreSimulator, connect: Connect, project: int, time: MovingTime, quoted: bool
) -> None:
    sim.switches.change(quoted_ranges_only=quoted, page_cap=2, hourly_limit=1000, spike_limit=1000)
    procore = connect(quoted_ranges=quoted)
    for number in range(5):
        token = f"[pex:7-{number}]"
        procore.create_direct_cost(
            draft(sim, project, scheme="description", reference=token, description=f"BOLT {token}")
        )
    wanted = Reference(
        project_id=project, scheme="description", reference="[pex:7-3]", sent_at=time.now + timedelta(minutes=9)
    )
    assert [one.description for one in procore.find_direct_costs(wanted)] == ["BOLT [pex:7-3]"]


def test_a_deleted_expense_is_shown_as_none(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    shown = procore.show_direct_cost(project, made.direct_cost_id)
    assert shown == made
    sim.act_change_direct_cost(made.direct_cost_id, delete=True)
    assert procore.show_direct_cost(project, made.direct_cost_id) is None


def test_all_receipts_of_an_expense_go_in_one_call(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    sim.requests.clear()
    files = [ReceiptFile("a.pdf", "application/pdf", b"%PDF-1.4"), ReceiptFile("b.png", "image/png", b"\x89PNG" * 9)]
    shown = procore.attach_receipts(project, made.direct_cost_id, files)
    assert shown.filenames == ("a.pdf", "b.png")
    assert len(sim.requests) == 1
    (booked,) = committed(sim)
    assert [(one["filename"], one["size"]) for one in booked["attachments"]] == [("a.pdf", 8), ("b.png", 36)]


@pytest.mark.parametrize("fault", [*LOST_ANSWERS[:5], {"kind": "status", "status": 409}])
def test_receipts_that_may_have_arrived_are_not_sent_again(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    sim.faults.add({**fault, "method": "PATCH"})
    with pytest.raises(Unsure):
        procore.attach_receipts(project, made.direct_cost_id, [ReceiptFile("a.pdf", "application/pdf", b"%PDF")])
    assert sim.requests.count("PATCH") == 1


def test_lines_are_changed_added_and_taken_away(sim: ProcoreSimulator, procore: ProcoreClient, project: int) -> None:
    one = draft(sim, project)
    made = procore.create_direct_cost(one)
    first, second = made.lines
    assert (made.status, made.coding_hash()) == ("draft", one.coding_hash())
    becomes = one.lines[0].model_copy(update={"amount": Decimal("100.40")})
    after = procore.write_lines(project, made.direct_cost_id, [(first.line_id, becomes)], [one.lines[0]])
    assert [line.line_id for line in after.lines[:2]] == [first.line_id, second.line_id]
    assert [line.amount for line in after.lines] == [Decimal("100.40"), Decimal("-0.10"), Decimal("120.50")]
    assert after.amount == Decimal("220.80")
    for _ in range(2):
        procore.delete_line(project, made.direct_cost_id, second.line_id)
    shown = procore.show_direct_cost(project, made.direct_cost_id)
    assert shown is not None
    assert [line.amount for line in shown.lines] == [Decimal("100.40"), Decimal("120.50")]
    (cost,) = committed(sim)
    assert cost["grand_total"] == "220.90"


@pytest.mark.parametrize("go", [False, True])
def test_a_line_that_is_named_stays(sim: ProcoreSimulator, procore: ProcoreClient, project: int, go: bool) -> None:
    sim.switches.change(lines_left_out_go=go)
    one = draft(sim, project)
    made = procore.create_direct_cost(one)
    first, second = made.lines
    after = procore.write_lines(project, made.direct_cost_id, [(first.line_id, one.lines[1])], [], [second.line_id])
    assert sorted(line.line_id for line in after.lines) == [first.line_id, second.line_id]
    assert [line.amount for line in after.lines] == [Decimal("-0.10"), Decimal("-0.10")]


@pytest.mark.parametrize("locks", [False, True])
def test_whether_a_record_with_our_reference_can_be_changed_is_procores_to_say(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, locks: bool
) -> None:
    sim.switches.change(origin_id_locks_record=locks)
    made = procore.create_direct_cost(draft(sim, project))
    change = [(made.lines[0].line_id, draft(sim, project).lines[1])]
    if locks:
        with pytest.raises(PostRefused):
            procore.write_lines(project, made.direct_cost_id, change, [])
    else:
        assert procore.write_lines(project, made.direct_cost_id, change, []).amount == Decimal("-0.20")


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=str)
def test_a_change_whose_answer_is_lost_is_unsure_and_never_repeated(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    sim.faults.add({**fault, "method": "PATCH"})
    with pytest.raises(Unsure):
        procore.write_lines(project, made.direct_cost_id, [], [draft(sim, project).lines[0]])
    assert sim.requests.count("PATCH") == 1


@pytest.mark.parametrize("fault", [{"kind": "drop_after"}, {"kind": "html_502", "commit": True}], ids=str)
def test_a_removal_whose_answer_is_lost_is_unsure_and_never_repeated(
    sim: ProcoreSimulator, procore: ProcoreClient, project: int, fault: dict[str, Any]
) -> None:
    made = procore.create_direct_cost(draft(sim, project))
    sim.faults.add({**fault, "method": "DELETE"})
    with pytest.raises(Unsure):
        procore.delete_line(project, made.direct_cost_id, made.lines[0].line_id)
    assert sim.requests.count("DELETE") == 1
