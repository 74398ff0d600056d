"""Whatever lines an expense has, following the plan gives the lines it should have."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.amendment import PostedLine, plan_amendment
from pex_procore.domain.expense import LineDraft, coding_hash

CODED = st.tuples(st.integers(1, 4), st.sampled_from(["1.00", "2.50", "-3.00"]).map(Decimal))


def line(line_id: int, wbs_code_id: int, amount: str | Decimal) -> PostedLine:
    return PostedLine(line_id=line_id, wbs_code_id=wbs_code_id, amount=Decimal(amount))


def wanted(*lines: tuple[int, str | Decimal]) -> list[LineDraft]:
    return [
        LineDraft(wbs_code_id=wbs_code_id, amount=Decimal(amount), description="", ref=str(number))
        for number, (wbs_code_id, amount) in enumerate(lines, start=1)
    ]


def test_a_line_that_is_right_is_left_alone_and_a_wrong_one_is_changed_in_place() -> None:
    plan = plan_amendment([line(7, 11, "50.00"), line(8, 12, "50.00")], wanted((11, "50.00"), (12, "70.00")))
    assert [(line_id, draft.amount) for line_id, draft in plan.changed] == [(8, Decimal("70.00"))]
    assert (plan.added, plan.removed) == ((), ())


def test_of_equal_lines_the_surplus_goes() -> None:
    plan = plan_amendment([line(7, 11, "5.00"), line(8, 11, "5.00"), line(9, 11, "5.00")], wanted((11, "5.00")))
    assert (plan.changed, plan.added, plan.removed) == ((), (), (8, 9))


@given(st.lists(CODED, max_size=8), st.lists(CODED, max_size=8))
def test_following_the_plan_gives_what_is_wanted_with_as_few_lines_touched_as_can_be(
    now: list[tuple[int, Decimal]], then: list[tuple[int, Decimal]]
) -> None:
    lines = [line(number, *coded) for number, coded in enumerate(now, start=1)]
    drafts = wanted(*then)
    plan = plan_amendment(lines, drafts)
    becomes = dict(plan.changed)
    after = [
        (becomes[one.line_id].wbs_code_id, becomes[one.line_id].amount)
        if one.line_id in becomes
        else (one.wbs_code_id, one.amount)
        for one in lines
        if one.line_id not in plan.removed
    ] + [(draft.wbs_code_id, draft.amount) for draft in plan.added]
    assert sorted(after) == sorted(then)
    assert coding_hash(after) == coding_hash(then)
    assert not (plan.added and plan.removed)
    kept = sum(min(now.count(coded), then.count(coded)) for coded in set(now))
    assert len(plan.changed) + len(plan.added) + len(plan.removed) == max(len(now), len(then)) - kept
