"""Once a day, with PEX as it may be: renewing in the last month, any time or never, the old token living on or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flow.story import Story
from tests.flow.worlds import PEX_TOKEN


def next_day(story: Story) -> dict[str, object]:
    story.clock.forward(24 * 3600)
    return story.cloud.care()


def tokens(story: Story) -> set[str]:
    return set(story.pex.world.tokens)


def end_in(story: Story, days: float) -> None:
    """As if the administrator had brought a token that ends then."""
    story.pex.act_age_token(PEX_TOKEN, days)
    story.sign_in()


@pytest.mark.parametrize("dies", [False, True], ids=["the old one lives on", "the old one dies"])
@pytest.mark.parametrize("when", ["last_month", "any_time"])
def test_a_token_is_renewed_in_its_last_month_and_syncing_goes_on(connected: Story, when: str, dies: bool) -> None:
    connected.pex.switches.change(renewal=when, renewed_token_dies=dies)
    end_in(connected, 20)
    assert next_day(connected) == {"looked_after": 1, "more": False}
    (made,) = tokens(connected) - {PEX_TOKEN}
    assert (PEX_TOKEN in tokens(connected)) is not dies
    connected.clock.forward(days=25)
    connected.purchase()
    connected.cloud.beat()
    connected.cloud.finish()
    assert connected.sign_in(made).status == 201
    assert len(connected.costs()) == 1
    assert connected.cloud.notices() == []


def test_where_it_is_never_renewed_the_administrator_is_told_and_a_new_sign_in_mends_it(connected: Story) -> None:
    connected.pex.switches.change(renewal="never")
    end_in(connected, 6)
    next_day(connected)
    next_day(connected)
    (notice,) = connected.cloud.notices()
    assert "ends soon" in notice[0]
    assert str(connected.names.business_id) in notice[1]
    assert PEX_TOKEN not in str(notice)
    assert tokens(connected) == {PEX_TOKEN}


def test_a_business_is_looked_after_once_a_day(connected: Story) -> None:
    assert next_day(connected)["looked_after"] == 1
    connected.clock.forward(3600)
    assert connected.cloud.care()["looked_after"] == 0
    connected.clock.forward(23 * 3600)
    assert connected.cloud.care()["looked_after"] == 1


def test_what_went_wrong_is_told_the_next_day(connected: Story) -> None:
    connected.procore.faults.add(
        {"method": "POST", "path": r"/direct_costs$", "kind": "status", "status": 422, "answer": {"errors": "no"}}
    )
    connected.purchase()
    connected.sync()
    next_day(connected)
    assert [subject for subject, _ in connected.cloud.notices()] == ["1 card purchase needs a look"]


def test_a_disconnected_business_is_looked_after_no_more(connected: Story) -> None:
    connected.ask("DELETE", "/v1/connection")
    assert next_day(connected)["looked_after"] == 0
    assert connected.pex.requests.all()[-1].at < connected.clock() - timedelta(hours=23)
