"""Credentials are exchanged while everything works, and nobody's purchase notices."""

from __future__ import annotations

from local.simulators.procore.world import Client
from tests.flow.story import Story
from tests.flow.worlds import CLIENT_ID, COMPANY_ID

NEW = {"client_id": "flow-client-anew", "client_secret": "flow-client-secret-anew"}


def issue_another(story: Story) -> None:
    """Procore's portal gives out new credentials; the former ones still work."""
    world = story.procore.world
    world.clients[NEW["client_id"]] = Client(
        NEW["client_id"], NEW["client_secret"], [COMPANY_ID], world.clients[CLIENT_ID].user_id
    )


def withdraw_former(story: Story) -> None:
    story.procore.act_rotate_secret(CLIENT_ID, "withdrawn", revoke_tokens=True)


def test_new_procore_credentials_are_taken_while_a_run_works_with_the_former_ones(connected: Story) -> None:
    connected.purchase("10.00")
    issue_another(connected)
    connected.cloud.before("PostTransactions", lambda: connected.ask("PUT", "/v1/connection/procore", NEW))
    assert connected.sync()["verdict"] == "success"
    withdraw_former(connected)
    connected.cloud.forget_warm_state()
    connected.purchase("20.00")
    assert connected.sync()["verdict"] == "success"
    assert sorted(cost["grand_total"] for cost in connected.costs()) == ["10.00", "20.00"]


def test_a_warm_function_that_remembers_the_former_secret_opens_the_new_one(connected: Story) -> None:
    connected.purchase("10.00")
    connected.sync()
    issue_another(connected)
    connected.ask("PUT", "/v1/connection/procore", NEW)
    withdraw_former(connected)
    connected.purchase("20.00")
    assert connected.sync()["verdict"] == "success"


def test_a_mistyped_new_secret_does_not_replace_the_one_that_works(connected: Story) -> None:
    wrong = {"client_id": CLIENT_ID, "client_secret": "mistyped"}
    assert connected.api("PUT", "/v1/connection/procore", wrong).status >= 400
    connected.cloud.forget_warm_state()
    connected.purchase()
    assert connected.sync()["verdict"] == "success"
