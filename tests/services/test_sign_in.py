"""Who gets in, and whose token the business works with afterwards."""

from __future__ import annotations

import pytest

from pex_procore.domain.errors import NeedsAttention
from tests.fakes.stores import FakeConnections
from tests.services.test_connect import connected, connection_of, enter
from tests.services.world import World


@pytest.fixture
def fresh(world: World) -> World:
    """Nobody has signed in yet."""
    world.connections = FakeConnections()
    return world


def test_a_cardholder_does_not_get_in_and_changes_nothing(fresh: World) -> None:
    with pytest.raises(NeedsAttention) as refused:
        enter(fresh, is_admin=False)
    assert refused.value.reason == "pex_permission_missing"
    assert (fresh.connections.load(), fresh.connections.pex_token) == (None, None)


@pytest.mark.parametrize(
    ("permissions", "tags_on", "problem"),
    [({"ViewCardTransactions": False}, True, "pex_permission_missing"), ({}, False, "tags_disabled")],
)
def test_an_administrator_who_cannot_do_the_work_yet_gets_in_to_see_what_is_lacking(
    fresh: World, permissions: dict[str, bool], tags_on: bool, problem: str
) -> None:
    fresh.pex.permissions = permissions
    fresh.pex.tags_on = tags_on
    assert fresh.sessions.find(enter(fresh)) is not None
    assert (connection_of(fresh).pex_problem, fresh.connections.pex_token) == (problem, "t1")
    assert fresh.checks.load().pex is not None


def test_an_administrator_who_lacks_a_permission_does_not_replace_a_login_that_works(fresh: World) -> None:
    connected(fresh)
    fresh.pex.permissions = {"ManageCardholder": False}
    assert fresh.sessions.find(enter(fresh, "bob", token="t2")) is not None
    after = connection_of(fresh)
    assert (after.pex_username, after.pex_problem, fresh.connections.pex_token) == ("ada", None, "t1")
    assert fresh.pex.calls["delete_token"] == 0, "a token that a person made is theirs"
    enter(fresh, "bob", token="t3", ours=True)
    assert fresh.pex.calls["delete_token"] == 1, "nobody holds it any more"
    enter(fresh, "ada", token="t4")
    assert (connection_of(fresh).pex_problem, fresh.connections.pex_token) == ("pex_permission_missing", "t4")
