from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pex_procore.domain.expense import DirectCostDraft, Scheme
from pex_procore.domain.ledger import (
    TIMELINE_LENGTH,
    Row,
    announce,
    finish,
    hold,
    intend,
    move,
    record_not_found,
    record_posted,
    record_unknown,
    retreat,
)
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.transactions import Allocation
from tests.domain.build import NOW, drafts_of, transaction

PROJECTS = (101, 102, 103)


def drafts(*projects: int, scheme: Scheme = "origin_id") -> list[DirectCostDraft]:
    allocations = tuple(Allocation(amount=Decimal("10.00"), tags={}) for _ in projects)
    return drafts_of(transaction(Decimal(10 * len(projects)), allocations=allocations), projects, scheme=scheme)


def intended(*projects: int) -> Row:
    return intend(announce(1001, 7, NOW, "test", transaction()), drafts(*projects), NOW, "run")


def test_the_intent_names_every_direct_cost_before_any_is_sent() -> None:
    row = intended(101, 102)
    assert row.state == "posting"
    assert [(one.project_id, one.state, one.attempt, one.amount) for one in row.postings] == [
        (101, "posting", 1, Decimal("10.00")),
        (102, "posting", 1, Decimal("10.00")),
    ]
    assert all(one.body_hash and one.reference and one.sent_at == NOW for one in row.postings)


def test_a_row_is_posted_when_its_last_part_is() -> None:
    row = record_posted(intended(101, 102), 101, 5001, NOW, "posted", "run")
    assert row.state == "posting"
    row = record_posted(row, 102, 5002, NOW, "posted", "run")
    assert row.state == "posted"
    assert [one.direct_cost_id for one in row.postings] == [5001, 5002]


@pytest.mark.parametrize("scheme", ["origin_id", "description"])
def test_the_second_look_is_at_least_30_seconds_after_the_first(scheme: Scheme) -> None:
    sent = intend(announce(1001, 7, NOW, "test", transaction()), drafts(101, scheme=scheme), NOW, "run")
    first_look_at = NOW + timedelta(seconds=7)
    looked = record_not_found(record_unknown(sent, 101, NOW, "timeout", "run"), 101, first_look_at, "run")
    assert looked.state == "unknown"
    assert timedelta(seconds=30) <= looked.postings[0].second_look_at() - first_look_at <= timedelta(minutes=2)


def test_another_attempt_keeps_the_reference_and_counts() -> None:
    first = record_not_found(record_unknown(intended(101), 101, NOW, "timeout", "run"), 101, NOW, "run")
    second = intend(first, drafts(101), NOW + timedelta(minutes=1), "run")
    assert [one.reference for one in second.postings] == [one.reference for one in first.postings]
    assert (second.postings[0].attempt, second.postings[0].first_look_at) == (2, None)


def test_a_retreat_forgets_what_was_only_meant_and_keeps_what_was_posted() -> None:
    row = record_posted(intended(101, 102), 101, 5001, NOW, "posted", "run")
    row = retreat(row, "waiting", NOW, "run", Waiting("direct_costs_tool_off", "102"))
    assert [one.direct_cost_id for one in row.postings] == [5001]
    assert (row.state, row.reason, row.detail) == ("waiting", "direct_costs_tool_off", "102")


def test_holding_for_the_same_reason_is_no_move() -> None:
    row = hold(announce(1, 7, NOW, "test"), Waiting("missing_project"), NOW, "run")
    assert hold(row, Waiting("missing_project"), NOW + timedelta(days=1), "run") is row
    other = hold(row, Refused("zero_amount"), NOW, "run")
    assert (other.state, other.reason, len(other.timeline)) == ("refused", "zero_amount", len(row.timeline) + 1)


def test_a_reason_does_not_outlive_its_move() -> None:
    row = hold(announce(1, 7, NOW, "test"), Waiting("missing_project", "x"), NOW, "run")
    assert (move(row, "announced", NOW).reason, move(row, "announced", NOW).detail) == (None, "")


class LedgerMoves(RuleBasedStateMachine):
    """Any sequence of moves: nothing that was posted is ever forgotten, changed or meant again."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.row = announce(1001, 7, NOW, "test", transaction())
        self.posted: dict[int, int] = {}
        self.next_id = 5000

    def step(self, row: Row, grown_by: int = 1) -> None:
        before = self.row.timeline
        assert row.timeline[-1].at == self.now
        assert len(row.timeline) == min(len(before) + grown_by, TIMELINE_LENGTH)
        assert row.timeline[: -grown_by or None][-5:] == before[-5:]
        assert row.updated_at == self.now
        assert row.timeline[-1].to == row.state
        self.row = Row.model_validate_json(row.model_dump_json())
        self.now += timedelta(seconds=1)

    def unsettled(self) -> list[int]:
        return [one.project_id for one in self.row.unsettled_postings]

    @rule(projects=st.sets(st.sampled_from(PROJECTS), min_size=1))
    def intend(self, projects: set[int]) -> None:
        todo = sorted(projects - self.posted.keys())
        if todo:
            self.step(intend(self.row, drafts(*todo), self.now, "run"))

    @precondition(lambda self: self.unsettled())
    @rule(data=st.data(), cause=st.sampled_from(("posted", "adopted")))
    def post(self, data: st.DataObject, cause: str) -> None:
        project_id = data.draw(st.sampled_from(self.unsettled()))
        self.next_id += 1
        self.posted[project_id] = self.next_id
        self.step(record_posted(self.row, project_id, self.next_id, self.now, cause, "run"))

    @precondition(lambda self: self.unsettled())
    @rule(data=st.data())
    def doubt(self, data: st.DataObject) -> None:
        project_id = data.draw(st.sampled_from(self.unsettled()))
        self.step(record_unknown(self.row, project_id, self.now, "timeout", "run"))

    @precondition(lambda self: self.unsettled())
    @rule(data=st.data())
    def miss(self, data: st.DataObject) -> None:
        project_id = data.draw(st.sampled_from(self.unsettled()))
        self.step(record_not_found(self.row, project_id, self.now, "run"))

    @rule(to=st.sampled_from(("announced", "waiting", "exception")))
    def retreat(self, to: Any) -> None:
        self.step(retreat(self.row, to, self.now, "run", Waiting("direct_costs_tool_off")))

    @rule(verdict=st.sampled_from((Waiting("missing_project"), Refused("too_old"))))
    def hold(self, verdict: Waiting | Refused) -> None:
        held = hold(self.row, verdict, self.now, "run")
        if held is not self.row:
            self.step(held)

    @rule()
    def finish(self) -> None:
        self.step(finish(self.row, self.now, "run"))

    @invariant()
    def what_was_posted_stays_posted(self) -> None:
        kept = {one.project_id: one.direct_cost_id for one in self.row.postings if one.state == "posted"}
        assert kept == self.posted

    @invariant()
    def one_posting_per_project(self) -> None:
        projects = [one.project_id for one in self.row.postings]
        assert len(projects) == len(set(projects))

    @invariant()
    def the_timeline_is_bounded_and_in_order(self) -> None:
        moments = [entry.at for entry in self.row.timeline]
        assert len(moments) <= TIMELINE_LENGTH
        assert moments == sorted(moments)


LedgerMoves.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLedgerMoves = LedgerMoves.TestCase


def test_a_timeline_never_grows_past_its_length() -> None:
    row = announce(1, 7, NOW, "test")
    for second in range(3 * TIMELINE_LENGTH):
        row = move(row, "announced", NOW + timedelta(seconds=second))
    assert len(row.timeline) == TIMELINE_LENGTH
    assert row.timeline[-1].at == NOW + timedelta(seconds=3 * TIMELINE_LENGTH - 1)
