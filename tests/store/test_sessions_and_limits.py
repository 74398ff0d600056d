from __future__ import annotations

from pex_procore.services.door_ports import Session, Sessions
from pex_procore.store.limits import LimitStore
from pex_procore.store.sessions import DynamoSessions
from tests.store.conftest import Hands
from tests.store.mischief import Rival
from tests.store.tables import Stage


def sessions_of(stage: Stage, clock: Hands) -> DynamoSessions:
    sessions = DynamoSessions(stage.dynamodb, stage.connections, clock)
    _: Sessions = sessions
    return sessions


def test_a_session_is_found_by_its_token_until_it_ends(stage: Stage, clock: Hands) -> None:
    sessions = sessions_of(stage, clock)
    token = sessions.create(7, "pat@example.com", 3600)
    assert sessions.find(token) == Session(business_id=7, username="pat@example.com")
    clock.forward(299)
    assert sessions.find(token) == Session(business_id=7, username="pat@example.com")
    clock.forward(3301)
    assert sessions.find(token) is None, "also while the table still holds it"


def test_a_session_that_is_used_lives_on_but_not_for_ever(stage: Stage, clock: Hands) -> None:
    sessions = sessions_of(stage, clock)
    token = sessions.create(7, "pat@example.com", 36_000)
    renewals = []
    while (found := sessions.find(token)) is not None:
        renewals.append(found.renewed)
        clock.forward(30_000)
    assert renewals == [False, *[True] * 19, False], "a week of 604,800 seconds; the last use gains nothing any more"


def test_a_session_that_was_ended_does_not_come_back_by_being_used(stage: Stage, clock: Hands) -> None:
    """Signing out while another request has just found the session and is about to write that it lives on."""
    sessions = sessions_of(stage, clock)
    token = sessions.create(7, "pat@example.com", 3600)
    clock.forward(1800)
    between = Rival(stage.dynamodb, "update_item", lambda: sessions.delete(token))
    rival = DynamoSessions(between, stage.connections, clock)
    assert rival.find(token) is None
    assert sessions.find(token) is None


def test_a_token_that_was_never_given_finds_nothing(stage: Stage, clock: Hands) -> None:
    sessions = sessions_of(stage, clock)
    sessions.create(7, "pat@example.com", 3600)
    for token in ("", "guess", "B#7", "x" * 5000):
        assert sessions.find(token) is None


def test_a_deleted_session_is_gone_and_others_stay(stage: Stage, clock: Hands) -> None:
    sessions = sessions_of(stage, clock)
    first, second = (sessions.create(business_id, "pat@example.com", 60) for business_id in (1, 2))
    sessions.delete(first)
    sessions.delete(first)
    assert sessions.find(first) is None
    assert sessions.find(second) == Session(business_id=2, username="pat@example.com")


def test_the_token_is_not_stored_and_the_table_forgets_the_session(stage: Stage, clock: Hands) -> None:
    token = sessions_of(stage, clock).create(7, "pat@example.com", 60)
    (item,) = stage.dynamodb.scan(TableName=stage.connections)["Items"]
    assert token not in str(item)
    assert int(item["expires_at"]["N"]) == int(clock.now.timestamp()) + 60


def test_the_last_saved_limit_is_loaded_for_a_day(stage: Stage, clock: Hands) -> None:
    limits = LimitStore(stage.dynamodb, stage.connections, clock)
    assert limits.load("procore:7") is None
    limits.save("procore:7", {"hour": {"left": 3600}, "burst": None})
    limits.save("procore:7", {"hour": {"left": 3599, "share": 0.25}})
    assert limits.load("procore:7") == {"hour": {"left": 3599, "share": 0.25}}
    assert limits.load("procore:8") is None
    clock.forward(24 * 3600)
    assert limits.load("procore:7") is None
