"""Many purchases at once: few calls, no refusal, progress to see, and nobody else kept waiting."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest

from local.simulators.pex import world as pex_world
from local.simulators.pex.founding import add_admin, found_business
from tests.flow.story import Story
from tests.flow.worlds import SETUP

SYNC, LINES = r"/direct_costs/sync$", r"/line_items/sync$"
PATIENCE_SECONDS = 240.0  # real ones: a thousand purchases take ten on a quick machine


def buy(story: Story, count: int) -> None:
    """Long before we came: no callback tells of them."""
    subscriptions = story.pex.world.subscriptions.values()
    for one in subscriptions:
        one.active = False
    for number in range(count):
        story.purchase(f"{number + 1}.25", card=number % 2)
    for one in subscriptions:
        one.active = True


def sync(story: Story) -> dict[str, Any]:
    run_id = story.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
    assert set(story.cloud.finish(patience_seconds=PATIENCE_SECONDS)) == {"SUCCEEDED"}
    return story.run(run_id)


def paths(story: Story) -> list[str]:
    return [f"{one.method} {one.path.rsplit('direct_costs', 1)[-1]}" for one in story.procore.requests.all()]


@pytest.fixture
def proven(connected: Story) -> Story:
    """Procore was seen to add lines to what has an origin id."""
    buy(connected, 3)
    connected.sync()
    connected.procore.requests.clear()
    return connected


def test_a_thousand_purchases_take_a_tenth_of_a_call_each_and_show_as_they_go(connected: Story) -> None:
    connected.set(attach_receipts=False, write_notes=False)
    buy(connected, 1000)
    posted: list[int] = []

    def look() -> None:
        newest = next(one for one in connected.runs() if one["kind"] == "transactions")
        run = connected.run(newest["run_id"])
        assert run["status"] == "running"
        posted.append(run["counts"].get("posted", 0))

    for _ in range(2):
        connected.cloud.after("PostTransactions", look)
    run = sync(connected)
    assert (run["verdict"], run["counts"]) == ("success", {"posted": 1000})
    assert posted[0] > 0
    assert len(connected.costs()) == 1000
    assert len(connected.procore.requests) <= 100
    assert connected.procore.books()["refused_429"] == 0


@pytest.mark.parametrize("status", ["draft", "approved"])
def test_what_is_posted_together_is_what_a_create_makes(proven: Story, status: str) -> None:
    proven.set(expense_status=status)
    buy(proven, 2)
    split = proven.purchase("100.00", split=[("60.00", "Library", "01-500"), ("40.00", "Library", "03-300")])
    refund = proven.refund("5.00")
    run = proven.sync()
    assert run["counts"]["posted"] == 4
    assert proven.creates() == 0
    assert {cost["status"] for cost in proven.costs_of(split) + proven.costs_of(refund)} == {status}
    (cost,) = proven.costs_of(split)
    assert sorted(line["amount"] for line in cost["line_items"]) == ["40.00", "60.00"]
    assert [cost["grand_total"] for cost in proven.costs_of(refund)] == ["-5.00"]
    assert paths(proven).count("PATCH /sync") == (1 if status == "draft" else 2)


def test_splits_over_two_projects_are_parts_of_two_batches(proven: Story) -> None:
    buy(proven, 4)
    halves = [("60.00", "Library", SETUP), ("40.00", "Bridge", SETUP)]
    splits = [proven.purchase("100.00", split=halves, receipts=("jpg",)) for _ in range(3)]
    proven.sync()
    assert (proven.creates(), paths(proven).count("PATCH /sync"), paths(proven).count("PATCH /line_items/sync")) == (
        0,
        3,
        3,
    )
    for one in splits:
        costs = proven.costs_of(one)
        assert sorted((cost["grand_total"], len(cost["attachments"])) for cost in costs) == [("40.00", 1), ("60.00", 1)]


def test_receipts_and_notes_follow_as_ever(proven: Story) -> None:
    made = [proven.purchase(f"{number}.00", receipts=("jpg", "pdf")) for number in (1, 2, 3)]
    run = proven.sync()
    assert (run["counts"]["posted"], run["counts"]["receipts_attached"]) == (3, 6)
    assert [len(cost["attachments"]) for one in made for cost in proven.costs_of(one)] == [2, 2, 2]
    assert all(len(proven.notes(one)) == 1 for one in made)


LOST = [
    {"kind": "drop_after"},
    {"kind": "drop_before"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 504, "commit": True},
    {"kind": "status", "status": 409, "answer": {"error": "Conflict"}},
    {"kind": "truncate"},
    {"kind": "late_commit", "seconds": 3600},
]


@pytest.mark.parametrize("path", [SYNC, LINES])
@pytest.mark.parametrize("trouble", LOST, ids=str)
def test_a_lost_answer_doubles_nothing_and_loses_nothing(proven: Story, trouble: dict[str, Any], path: str) -> None:
    proven.set(expense_status="pending")
    proven.procore.faults.add({**trouble, "path": path, "times": 1})
    proven.clock.later(20, proven.procore.faults.settle)
    buy(proven, 4)
    proven.sync()
    proven.sweep()
    assert [row["state"] for row in proven.rows()] == ["complete"] * 7
    assert sorted(cost["grand_total"] for cost in proven.costs()[3:]) == ["1.25", "2.25", "3.25", "4.25"]
    assert {cost["status"] for cost in proven.costs()[3:]} == {"pending"}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_call_that_dies_in_the_middle_leaves_drafts_that_are_completed(proven: Story, rows: int) -> None:
    proven.set(expense_status="approved")
    buy(proven, 4)
    proven.procore.switches.change(sync_dies_after=rows)
    seen: list[set[str]] = []

    def heal() -> None:
        seen.append({cost["status"] for cost in proven.costs()[3:] if len(cost["line_items"]) == 0})
        proven.procore.switches.change(sync_dies_after=0)

    proven.cloud.after("PostTransactions", heal)
    proven.sync()
    proven.sweep()
    assert seen == [{"draft"}], "half made counts in no budget"
    assert {(cost["status"], len(cost["line_items"])) for cost in proven.costs()[3:]} == {("approved", 1)}
    assert [row["state"] for row in proven.rows()] == ["complete"] * 7


@pytest.mark.parametrize("split", [None, [("4.50", "Library", SETUP), ("3.00", "Bridge", SETUP)]], ids=["one", "two"])
def test_a_step_killed_before_any_of_its_writes_is_continued(proven: Story, split: Any) -> None:
    """Write by write, until the step makes no further one."""
    at, died = 0, True
    amounts = ["3.00", "4.50"] if split else ["7.50"]
    while died:
        at += 1
        proven.cloud.crash("PostTransactions", at=at, how="Runtime.ExitError" if at % 2 else "Sandbox.Timedout")
        made = [proven.purchase("7.50", split=split) for _ in range(3)]
        proven.sync()
        died = proven.cloud.forget_crashes() == 0
        assert [proven.row(one)["state"] for one in made] == ["complete"] * 3, f"killed before write {at}"
        for one in made:
            assert sorted(cost["grand_total"] for cost in proven.costs_of(one)) == amounts
    assert at > 6


@pytest.mark.parametrize("path", [SYNC, LINES])
@pytest.mark.parametrize("status", [403, 404, 405])
def test_without_the_calls_for_many_each_expense_is_made_by_itself(proven: Story, path: str, status: int) -> None:
    proven.procore.faults.add({"kind": "status", "status": status, "path": path, "method": "PATCH"})
    buy(proven, 5)
    run = proven.sync()
    assert (run["verdict"], run["counts"]["posted"]) == ("success", 5)


def test_where_what_has_an_origin_id_is_locked_each_expense_is_made_by_itself(connected: Story) -> None:
    connected.procore.switches.change(origin_id_locks_record=True)
    connected.set(attach_receipts=False)
    buy(connected, 10)
    run = connected.sync()
    assert (run["verdict"], run["counts"]) == ("success", {"posted": 10})
    assert connected.creates() == 10


class Neighbour(Story):
    """Another business whose service account is the same app, and with it the same quota."""

    TOKEN = "neighbours-pex-token"

    @classmethod
    def of(cls, story: Story) -> Neighbour:
        sim = story.pex
        business = found_business(sim.world, "Next Door LLC", "next.example", [("Ada", "Byrne")], sim.now())
        admin = add_admin(sim.world, business, "Kim", "Ode", "kim.ode@next.example")
        sim.issue_token(business, admin.admin_id, None, token=cls.TOKEN)
        made = cls(story._vendors, story.cloud)
        made.names = copy(story.names)
        made.names.business_id, made.names.account_ids = business.business_id, list(business.cardholders)
        first = next(one for one in sim.world.businesses.values() if one.business_id == story.names.business_id)
        for tag in first.tags.values():
            own = sim.new_tag(business, tag.name, tag.type)
            own.options = [pex_world.TagOption(one.name, one.value, one.order) for one in tag.options]
        assert made.sign_in(cls.TOKEN).status == 201
        return made


def test_a_backfill_that_waits_for_quota_keeps_no_other_businesss_callback_waiting(connected: Story) -> None:
    connected.set(reference="description", attach_receipts=False, write_notes=False)
    neighbour = Neighbour.of(connected)
    neighbour.connect(attach_receipts=False, write_notes=False)
    buy(connected, 440)
    told: dict[str, Any] = {}

    def neighbours_purchase() -> None:
        """Once the backfill has used up its share, and before it waits."""
        if connected.creates() < 400:
            connected.cloud.after("PostTransactions", neighbours_purchase)
            return
        at_work = connected.cloud.executions()
        began, creates = connected.clock(), connected.creates()
        made = neighbour.purchase("77.00")
        neighbour.receive()
        connected.cloud.pump()
        assert connected.cloud.finish(but=at_work) == ["SUCCEEDED"]
        told.update(
            state=neighbour.row(made)["state"],
            creates=connected.creates() - creates,
            seconds=(connected.clock() - began).total_seconds(),
        )

    connected.cloud.after("PostTransactions", neighbours_purchase)
    run = sync(connected)
    assert (told["state"], told["creates"]) == ("complete", 1)
    assert told["seconds"] < 60, "not the hour that the backfill waits"
    assert run["counts"] == {"posted": 440}
    assert max(connected.clock.waits) > 60, "for the hour"
    assert connected.procore.books()["refused_429"] == 0
