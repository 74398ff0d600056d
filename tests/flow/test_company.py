"""Another company is chosen, also while a run is at work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.flow.story import Story
from tests.flow.worlds import CLIENT_ID, COMPANY_ID

OTHER = 9_000_001
ITS_VENDOR = 9_100_001


@pytest.fixture
def two(connected: Story) -> Story:
    """The app is installed in a second company, which has no projects yet."""
    world = connected.procore.world
    world.companies[OTHER] = type(world.companies[COMPANY_ID])(OTHER, "Other Builders")
    world.vendors[ITS_VENDOR] = replace(world.vendors[connected.names.vendor_id], id=ITS_VENDOR, company_id=OTHER)
    connected.procore.act_install_app(CLIENT_ID, OTHER)
    return connected


def switch(story: Story, company_id: int) -> None:
    story.ask("PUT", "/v1/connection/company", {"company_id": company_id, "confirm": True})


@pytest.mark.parametrize("step", ["ListTransactions", "PostTransactions", "StageReceipts", "AttachReceipts"])
def test_a_run_stops_where_another_company_is_chosen_and_nothing_gets_into_the_wrong_one(two: Story, step: str) -> None:
    two.purchase(receipts=("jpg",))
    two.cloud.before(step, lambda: switch(two, OTHER))
    run_id = two.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
    run = two.finish(run_id)
    assert run["reasons"] == {"disconnected": 1}
    assert {one["project_id"] for one in two.costs()} <= {two.names.projects["Library"]}
    assert two.ask("GET", "/v1/connection")["status"] == "setting_up"
    assert two.ask("GET", "/v1/settings")["vendor_id"] is None


def test_a_run_of_the_former_company_does_not_go_on_in_the_next_one_however_quickly_that_is_ready(two: Story) -> None:
    def move_on() -> None:
        switch(two, OTHER)
        two.set(vendor_id=ITS_VENDOR)

    one = two.purchase()
    two.cloud.before("PostTransactions", move_on)
    run = two.finish(two.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"])
    assert (run["verdict"], run["reasons"]) == ("failed", {"interrupted": 1})
    assert two.costs() == []
    two.sync()
    assert two.row(one)["reason"] == "project_not_permitted"


def test_back_at_the_first_company_nothing_is_posted_again_and_what_was_owed_follows(two: Story) -> None:
    posted = two.purchase("10.00", receipts=("jpg",))
    two.cloud.before("StageReceipts", lambda: switch(two, OTHER))
    two.finish(two.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"])
    late = two.purchase("20.00")
    switch(two, COMPANY_ID)
    two.set(vendor_id=two.names.vendor_id)
    two.sync()
    assert [two.row(one)["state"] for one in (posted, late)] == ["complete", "complete"]
    assert two.creates() == 2
    assert len(two.costs_of(posted)[0]["attachments"]) == 1
