"""Joining a business to a company, and taking them apart."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pex_procore.domain.connection import Connection, PexIdentity, ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.settings import Settings, TagChoices
from pex_procore.services.check_settings import check_settings
from pex_procore.services.connect import (
    CALLBACK_TYPES,
    CompanyChange,
    activate,
    choose_company,
    disconnect,
    listen_to_procore,
    put_procore,
)
from pex_procore.services.sign_in import sign_in
from tests.fakes.stores import FakeConnections
from tests.services.world import BUSINESS_ID, VENDOR_ID, World

PUBLIC_URL = "https://connector.example.com"
CREDENTIALS = ProcoreCredentials(client_id="id", client_secret="hush")


@pytest.fixture
def fresh(world: World) -> World:
    """Nobody has signed in yet."""
    world.connections = FakeConnections()
    return world


def enter(world: World, username: str = "ada", is_admin: bool = True, token: str = "t1", ours: bool = False) -> str:
    identity = PexIdentity(
        business_id=BUSINESS_ID, business_name="Harbor", username=username, is_admin=is_admin, expires_at=None
    )
    return sign_in(
        token,
        identity,
        ours=ours,
        pex=world.pex,
        checks=world.checks,
        connections=world.connections,
        sessions=world.sessions,
        clock=world.clock,
    )


def connection_of(world: World) -> Connection:
    connection = world.connections.load()
    assert connection is not None
    return connection


def choose(world: World, company_id: int, confirm: bool = False) -> Connection:
    return choose_company(
        company_id,
        confirm=confirm,
        procore=world.procore,
        former=world.procore,
        connections=world.connections,
        connection=connection_of(world),
        clock=world.clock,
    )


def come_alive(world: World, **settings: Any) -> Connection:
    return activate(
        connection_of(world),
        Settings(**{"vendor_id": VENDOR_ID, **settings}),
        public_url=PUBLIC_URL,
        pex=world.pex,
        connections=world.connections,
        clock=world.clock,
    )


def connected(world: World) -> Connection:
    enter(world)
    put_procore(CREDENTIALS, procore=world.procore, connections=world.connections, connection=connection_of(world))
    choose(world, 5)
    return come_alive(world)


def test_signing_in_makes_a_connection_and_a_session_for_ten_hours(fresh: World) -> None:
    token = enter(fresh)
    session = fresh.sessions.find(token)
    assert session is not None
    assert (session.business_id, session.username) == (BUSINESS_ID, "ada")
    assert (connection_of(fresh).status, fresh.connections.pex_token) == ("setting_up", "t1")
    fresh.clock.forward(hours=10)
    assert fresh.sessions.find(token) is None


def test_another_administrator_takes_over_and_settings_stay(fresh: World) -> None:
    connected(fresh)
    before = connection_of(fresh)
    fresh.connections.save(before.model_copy(update={"pex_problem": "pex_token_rejected"}))
    enter(fresh, "bob", token="t2")
    after = connection_of(fresh)
    assert (after.pex_username, after.pex_problem, fresh.connections.pex_token) == ("bob", None, "t2")
    assert (after.company_id, after.status, after.generation) == (5, "active", before.generation)


def test_a_permission_pex_does_not_name_is_not_held_against_anybody(fresh: World) -> None:
    fresh.pex.permissions = {"ManageCardholder": True}
    assert enter(fresh)


def test_signing_in_survives_somebody_elses_write(fresh: World) -> None:
    enter(fresh)
    fresh.connections.interfere = 2
    enter(fresh, "bob")
    assert connection_of(fresh).pex_username == "bob"
    fresh.connections.interfere = 99
    with pytest.raises(TryLater):
        enter(fresh, "eve")


def test_credentials_are_kept_only_when_procore_takes_them(fresh: World) -> None:
    enter(fresh)

    def refuse() -> Any:
        raise NeedsAttention("procore_secret_rejected", "no", 401)

    fresh.procore.list_companies = refuse  # type: ignore[method-assign]
    with pytest.raises(NeedsAttention):
        put_procore(CREDENTIALS, procore=fresh.procore, connections=fresh.connections, connection=connection_of(fresh))
    assert fresh.connections.procore_credentials is None
    assert not connection_of(fresh).has_procore_credentials


def test_the_first_company_needs_no_confirmation_and_sets_the_start(fresh: World) -> None:
    enter(fresh)
    connection = choose(fresh, 5)
    assert (connection.company_id, connection.company_name, connection.generation) == (5, "Harbor Builders", 5)
    assert connection.connected_on == date(2026, 5, 4)


def test_a_company_the_app_does_not_see_is_refused(fresh: World) -> None:
    enter(fresh)
    with pytest.raises(NeedsAttention, match="procore_app_not_connected"):
        choose(fresh, 77)


def test_another_company_needs_confirmation_and_starts_a_ledger_of_its_own(fresh: World) -> None:
    connected(fresh)
    with pytest.raises(CompanyChange):
        choose(fresh, 6)
    assert connection_of(fresh).company_id == 5
    connection = choose(fresh, 6, confirm=True)
    assert (connection.company_id, connection.generation, connection.backfilled) == (6, 6, False)


def test_choices_that_name_records_of_the_former_company_are_dropped_and_the_others_stay(fresh: World) -> None:
    listening(fresh)
    choices = Settings(vendor_id=VENDOR_ID, project_ids=(101,), transactions="approved", defaults={"project": "101"})
    fresh.connections.save_settings(choices, fresh.connections.load_settings()[1])
    connection = choose(fresh, 6, confirm=True)
    assert (connection.status, connection.procore_hook_id, fresh.connections.sweep_due_at) == ("setting_up", "", None)
    assert fresh.connections.load_settings()[0] == Settings(transactions="approved")
    assert fresh.procore.hooks == {}


def test_choosing_the_same_company_again_changes_no_ledger(fresh: World) -> None:
    connected(fresh)
    assert choose(fresh, 5).generation == 5


def test_going_back_to_a_company_finds_its_old_ledger(fresh: World) -> None:
    """Else everything would be posted a second time: a reference in the description stops no duplicate."""
    connected(fresh)
    first = connection_of(fresh).generation
    choose(fresh, 6, confirm=True)
    assert choose(fresh, 5, confirm=True).generation == first


def test_a_connection_that_is_ready_is_subscribed_and_scheduled(fresh: World) -> None:
    connection = connected(fresh)
    assert connection.status == "active"
    urls = {(one.type, one.url) for one in fresh.pex.subscriptions.values()}
    assert urls == {(name, f"{PUBLIC_URL}/callbacks/pex/{fresh.connections.hook_key}") for name in CALLBACK_TYPES}
    assert set(connection.subscription_ids) == fresh.pex.subscriptions.keys()
    assert fresh.connections.sweep_due_at == fresh.clock()


@pytest.mark.parametrize("missing", ["company", "vendor", "credentials"])
def test_a_connection_that_lacks_something_stays_asleep(fresh: World, missing: str) -> None:
    enter(fresh)
    if missing != "credentials":
        put_procore(CREDENTIALS, procore=fresh.procore, connections=fresh.connections, connection=connection_of(fresh))
    if missing != "company":
        choose(fresh, 5)
    connection = come_alive(fresh, vendor_id=None if missing == "vendor" else VENDOR_ID)
    assert (connection.status, fresh.pex.subscriptions, fresh.connections.sweep_due_at) == ("setting_up", {}, None)


def test_activating_again_subscribes_nothing_twice(fresh: World) -> None:
    connected(fresh)
    key = fresh.connections.hook_key
    come_alive(fresh)
    assert len(fresh.pex.subscriptions) == len(CALLBACK_TYPES)
    assert fresh.connections.hook_key == key


@pytest.mark.parametrize("method", ["list_subscriptions", "subscribe", "unsubscribe"])
def test_a_subscription_that_fails_keeps_nobody_from_syncing_and_is_made_good_next_time(
    fresh: World, method: str
) -> None:
    if method == "unsubscribe":
        fresh.pex.subscribe(CALLBACK_TYPES[0], f"{PUBLIC_URL}/callbacks/pex/old")
    fresh.pex.fail(method, TryLater("503"))
    connection = connected(fresh)
    assert (connection.status, connection.subscription_ids) == ("active", ())
    connection = come_alive(fresh)
    assert set(connection.subscription_ids) == fresh.pex.subscriptions.keys()
    assert len(fresh.pex.subscriptions) == len(CALLBACK_TYPES)


def test_a_new_public_address_is_subscribed_and_the_old_one_given_up(fresh: World) -> None:
    connected(fresh)
    moved = activate(
        connection_of(fresh),
        Settings(vendor_id=VENDOR_ID),
        public_url="https://new.example.com",
        pex=fresh.pex,
        connections=fresh.connections,
        clock=fresh.clock,
    )
    urls = [one.url for one in fresh.pex.subscriptions.values()]
    assert len(urls) == len(CALLBACK_TYPES)
    assert all(url.startswith("https://new.example.com/callbacks/pex/") for url in urls)
    assert set(moved.subscription_ids) == fresh.pex.subscriptions.keys()


def test_other_peoples_subscriptions_are_left_alone(fresh: World) -> None:
    fresh.pex.subscribe("SettlementPostedRealtime", "https://somebody.example.com/hook")
    connection = connected(fresh)
    assert len(fresh.pex.subscriptions) == 1 + len(CALLBACK_TYPES)
    disconnect(connection, pex=fresh.pex, connections=fresh.connections)
    assert [one.url for one in fresh.pex.subscriptions.values()] == ["https://somebody.example.com/hook"]


@pytest.mark.parametrize("settings", [{"automatic_sync": False}, {"sync_expenses": False}])
def test_without_automatic_sync_nothing_is_scheduled(fresh: World, settings: dict[str, Any]) -> None:
    connected(fresh)
    come_alive(fresh, **settings)
    assert fresh.connections.sweep_due_at is None


def test_disconnecting_erases_everything_but_the_history(fresh: World) -> None:
    connection, left = disconnect(connected(fresh), pex=fresh.pex, procore=fresh.procore, connections=fresh.connections)
    store = fresh.connections
    assert left == []
    assert (connection.status, connection.subscription_ids, connection.has_procore_credentials) == (
        "disconnected",
        (),
        False,
    )
    assert (store.pex_token, store.procore_credentials, store.hook_key, store.callback_secret) == (None,) * 4
    assert (store.sweep_due_at, fresh.pex.subscriptions) == (None, {})
    assert (connection.company_id, connection.generation) == (5, 5)


@pytest.mark.parametrize("error", [TryLater("503"), NeedsAttention("pex_token_rejected", "401")])
def test_disconnecting_works_also_when_pex_does_not(fresh: World, error: Exception) -> None:
    connection = connected(fresh)
    fresh.pex.fail("unsubscribe", error)
    after, left = disconnect(connection, pex=fresh.pex, connections=fresh.connections)
    assert (after.status, fresh.connections.pex_token) == ("disconnected", None)
    assert [(one.what, one.why) for one in left] == [("the callback subscription 1 in PEX", str(error))]


def test_disconnecting_works_without_a_pex_token(fresh: World) -> None:
    connection, _ = disconnect(connected(fresh), pex=None, connections=fresh.connections)
    assert (connection.status, fresh.connections.procore_credentials) == ("disconnected", None)


@pytest.mark.parametrize("ours", [False, True])
def test_only_a_token_that_was_made_for_us_is_deleted_in_pex(fresh: World, ours: bool) -> None:
    connection = connected(fresh).model_copy(update={"pex_token_ours": ours})
    disconnect(connection, pex=fresh.pex, procore=fresh.procore, connections=fresh.connections)
    assert (fresh.pex.calls["delete_token"], fresh.procore.calls["sign_out"]) == (int(ours), 1)


def test_a_disconnected_connection_does_not_come_alive_by_a_change_of_settings(fresh: World) -> None:
    disconnect(connected(fresh), pex=fresh.pex, connections=fresh.connections)
    assert come_alive(fresh).status == "disconnected"


def test_reconnecting_the_same_company_keeps_its_ledger(fresh: World) -> None:
    disconnect(connected(fresh), pex=fresh.pex, connections=fresh.connections)
    connection = connected(fresh)
    assert (connection.status, connection.generation, connection.connected_on) == ("active", 5, date(2026, 5, 4))


def test_a_secret_never_shows_in_a_representation() -> None:
    assert "hush" not in repr(CREDENTIALS)


def check(world: World, new: Settings, old: Settings | None = None) -> list[tuple[str, str]]:
    problems = check_settings(
        new, old or Settings(), connection=connection_of(world), pex=world.pex, procore=world.procore
    )
    return [(problem.field, problem.code) for problem in problems]


def test_a_vendor_that_is_gone_is_named_before_it_is_saved(world: World) -> None:
    assert check(world, Settings(vendor_id=VENDOR_ID)) == []
    assert check(world, Settings(vendor_id=1)) == [("vendor_id", "vendor_inactive")]


def test_a_tag_that_cannot_be_used_is_named_before_it_is_saved(world: World) -> None:
    chosen = Settings(tags=TagChoices(project="nowhere", cost_code="tag-c"))
    assert check(world, chosen) == [("tags.project", "tag_missing")]


def test_what_did_not_change_is_not_asked_about(world: World) -> None:
    settings = Settings(vendor_id=VENDOR_ID, tags=TagChoices(project="nowhere"))
    assert check(world, settings.model_copy(update={"write_notes": False}), settings) == []
    assert (world.procore.calls["find_vendor"], world.pex.calls["list_tags"]) == (0, 0)


def test_the_settings_that_start_the_sync_need_a_tag_or_a_default_for_every_kind(fresh: World) -> None:
    enter(fresh)
    fresh.pex.tags = fresh.pex.tags[:1]
    assert check(fresh, Settings.model_validate({"vendor_id": VENDOR_ID, "defaults": {"cost_type": "31"}})) == [
        ("tags.cost_code", "tag_missing")
    ]


def listening(fresh: World) -> Connection:
    return listen_to_procore(
        connected(fresh), public_url=PUBLIC_URL, procore=fresh.procore, connections=fresh.connections
    )


def test_an_active_connection_has_one_webhook_in_procore_however_often_it_asks(fresh: World) -> None:
    connection = listening(fresh)
    again = listen_to_procore(connection, public_url=PUBLIC_URL, procore=fresh.procore, connections=fresh.connections)
    (hook,) = fresh.procore.hooks.values()
    assert (again.procore_hook_id, hook.url) == (
        hook.hook_id,
        f"{PUBLIC_URL}/callbacks/procore/{fresh.connections.hook_keys['procore']}",
    )


def test_a_new_public_address_moves_the_webhook(fresh: World) -> None:
    connection = listening(fresh)
    listen_to_procore(
        connection, public_url="https://elsewhere.example", procore=fresh.procore, connections=fresh.connections
    )
    (hook,) = fresh.procore.hooks.values()
    assert hook.url.startswith("https://elsewhere.example/callbacks/procore/")


def test_a_company_without_webhooks_is_connected_all_the_same(fresh: World) -> None:
    connection = connected(fresh)
    fresh.procore.fail_next(NeedsAttention("procore_permission_missing", "Webhooks API: None"))
    after = listen_to_procore(connection, public_url=PUBLIC_URL, procore=fresh.procore, connections=fresh.connections)
    assert (after.status, after.procore_hook_id) == ("active", "")


def test_disconnecting_takes_the_webhook_away_and_its_key_dies(fresh: World) -> None:
    connection = listening(fresh)
    after, _ = disconnect(connection, pex=fresh.pex, procore=fresh.procore, connections=fresh.connections)
    assert (fresh.procore.hooks, fresh.connections.hook_keys, after.procore_hook_id) == ({}, {}, "")
