from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.errors import TryLater
from pex_procore.domain.settings import Settings, TagChoices
from pex_procore.services.ports import Conflict, Connections
from pex_procore.store.connections import KINDS, DynamoConnections
from pex_procore.store.hooks import Hook, HookDirectory
from pex_procore.store.seal import MAX_BYTES, SealBroken, Sealer
from tests.store.mischief import BusyClient, LosingClient, Rival
from tests.store.tables import Stage

CREDENTIALS = ProcoreCredentials(client_id="id-of-app", client_secret="very-secret-value")


def connections_of(stage: Stage, business_id: int = 1) -> DynamoConnections:
    sealer = Sealer(stage.kms, stage.key_id)
    connections = DynamoConnections(stage.dynamodb, stage.connections, business_id, sealer)
    _: Connections = connections
    return connections


def find_hook(stage: Stage, hook_key: str, vendor: str = "pex") -> Hook | None:
    return HookDirectory(stage.dynamodb, stage.connections).find(hook_key, vendor)


def everything_stored(stage: Stage) -> str:
    return str(stage.dynamodb.scan(TableName=stage.connections)["Items"])


def test_a_connection_comes_back_as_it_was_saved(stage: Stage) -> None:
    connections = connections_of(stage)
    assert connections.load() is None
    connection = Connection(
        business_id=1,
        status="active",
        company_id=7,
        pex_expires_at=datetime(2026, 9, 1, tzinfo=UTC),
        subscription_ids=(3, 4),
        connected_on=date(2026, 5, 4),
    )
    saved = connections.save(connection)
    assert saved == connection.model_copy(update={"version": 1})
    assert connections.load() == saved


def test_of_two_who_change_the_connection_the_second_gets_a_conflict(stage: Stage) -> None:
    connections = connections_of(stage)
    seen = connections.save(Connection(business_id=1))
    winner = connections.save(seen.model_copy(update={"company_id": 7}))
    with pytest.raises(Conflict):
        connections.save(seen.model_copy(update={"company_id": 8}))
    with pytest.raises(Conflict):
        connections.save(Connection(business_id=1))
    assert connections.load() == winner


def test_another_businesss_connection_is_not_saved_here(stage: Stage) -> None:
    with pytest.raises(ValueError, match="another business"):
        connections_of(stage, 1).save(Connection(business_id=2))


def test_settings_are_the_defaults_until_they_are_saved(stage: Stage) -> None:
    assert connections_of(stage).load_settings() == (Settings(), 0)


def test_settings_come_back_with_their_version(stage: Stage) -> None:
    connections = connections_of(stage)
    chosen = Settings(
        vendor_id=12, project_ids=(1, 2), tags=TagChoices(project="9"), start_date=date(2026, 1, 1), write_notes=False
    )
    assert connections.save_settings(chosen, 0) == 1
    assert connections.load_settings() == (chosen, 1)
    assert connections.save_settings(Settings(), 1) == 2


def test_of_two_admins_with_the_same_page_open_the_second_gets_a_conflict(stage: Stage) -> None:
    connections = connections_of(stage)
    connections.save_settings(Settings(vendor_id=1), 0)
    connections.save_settings(Settings(vendor_id=2), 1)
    for stale in (0, 1, 5):
        with pytest.raises(Conflict):
            connections.save_settings(Settings(vendor_id=3), stale)
    assert connections.load_settings() == (Settings(vendor_id=2), 2)


def test_settings_whose_answer_was_lost_are_saved_once(stage: Stage) -> None:
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "put_item"))
    assert connections_of(losing).save_settings(Settings(vendor_id=1), 0) == 1
    assert connections_of(stage).load_settings() == (Settings(vendor_id=1), 1)


def test_credentials_open_again_and_are_nowhere_in_the_table(stage: Stage) -> None:
    connections = connections_of(stage)
    assert connections.open_pex_token() is None
    assert connections.open_procore_credentials() is None
    connections.seal_pex_token("token-of-pex")
    connections.seal_procore_credentials(CREDENTIALS)
    assert connections.open_pex_token() == "token-of-pex"
    assert connections.open_procore_credentials() == CREDENTIALS
    stored = everything_stored(stage)
    assert "token-of-pex" not in stored
    assert "very-secret-value" not in stored


def test_erased_credentials_are_gone_and_the_connection_stays(stage: Stage) -> None:
    connections = connections_of(stage)
    saved = connections.save(Connection(business_id=1))
    connections.seal_pex_token("token-of-pex")
    connections.seal_procore_credentials(CREDENTIALS)
    connections.erase_credentials()
    connections.erase_credentials()
    assert connections.open_pex_token() is None
    assert connections.open_procore_credentials() is None
    assert connections.load() == saved


def test_a_seal_copied_to_another_business_does_not_open(stage: Stage) -> None:
    connections_of(stage, 1).seal_pex_token("token-of-pex")
    item = stage.dynamodb.get_item(TableName=stage.connections, Key={"pk": {"S": "B#1"}, "sk": {"S": "CRED#pex"}})
    stage.dynamodb.put_item(TableName=stage.connections, Item={**item["Item"], "pk": {"S": "B#2"}})
    with pytest.raises(SealBroken) as broken:
        connections_of(stage, 2).open_pex_token()
    assert "token-of-pex" not in "".join(traceback.format_exception(broken.value))


def test_a_seal_opens_with_its_own_context_only(stage: Stage) -> None:
    sealer = Sealer(stage.kms, stage.key_id)
    context = {"business_id": "1", "kind": "pex_token"}
    blob = sealer.seal("token-of-pex", context)
    assert sealer.open(blob, context) == "token-of-pex"
    for other in ({**context, "kind": "procore_credentials"}, {**context, "business_id": "2"}, {}):
        with pytest.raises(SealBroken):
            sealer.open(blob, other)


def test_a_warm_function_asks_for_the_same_credentials_once(stage: Stage) -> None:
    context = {"business_id": "1", "kind": "pex_token"}
    blob = Sealer(stage.kms, stage.key_id).seal("token-of-pex", context)
    sealer = Sealer(stage.kms, stage.key_id)
    assert sealer.open(blob, context) == "token-of-pex"
    sealer._kms = None
    assert sealer.open(blob, dict(reversed(context.items()))) == "token-of-pex"


def test_what_does_not_fit_the_seal_is_refused_without_being_quoted(stage: Stage) -> None:
    sealer = Sealer(stage.kms, stage.key_id)
    secret = "s" * (MAX_BYTES + 1)
    for text in ("", secret):
        with pytest.raises(ValueError, match="bytes") as refused:
            sealer.seal(text, {"kind": "pex_token"})
        assert secret not in str(refused.value)
    assert len(sealer.seal(secret[1:], {"kind": "pex_token"})) > 0


def test_sealed_rubbish_is_reported_without_being_quoted(stage: Stage) -> None:
    sealed = Sealer(stage.kms, stage.key_id).seal(
        '{"client_secret": "very-secret-value"}', {"business_id": "1", "kind": "procore_credentials"}
    )
    key = {"pk": {"S": "B#1"}, "sk": {"S": "CRED#procore"}}
    stage.dynamodb.put_item(TableName=stage.connections, Item={**key, "sealed": {"B": sealed}})
    with pytest.raises(SealBroken) as broken:
        connections_of(stage).open_procore_credentials()
    assert broken.value.__suppress_context__
    assert "very-secret-value" not in "".join(traceback.format_exception(broken.value))


def test_a_busy_key_service_asks_to_try_later() -> None:
    sealer = Sealer(BusyClient("ThrottlingException"), "key")
    with pytest.raises(TryLater):
        sealer.seal("token-of-pex", {})
    with pytest.raises(TryLater):
        sealer.open(b"blob", {})


def test_a_hook_key_finds_its_business_and_accepts_only_its_secret(stage: Stage) -> None:
    connections = connections_of(stage, 42)
    connections.save_hook("hook-key-1")
    connections.set_callback_secret("A35C")
    hook = find_hook(stage, "hook-key-1")
    assert hook is not None
    assert hook.business_id == 42
    assert hook.accepts("A35C")
    assert not any(hook.accepts(wrong) for wrong in ("", "a35c", "A35C ", "other", "é"))


def test_an_unknown_hook_key_finds_nothing(stage: Stage) -> None:
    connections_of(stage).save_hook("hook-key-1")
    assert find_hook(stage, "hook-key-2") is None
    assert find_hook(stage, "") is None


def test_without_a_secret_nothing_is_accepted(stage: Stage) -> None:
    connections_of(stage).save_hook("hook-key-1")
    hook = find_hook(stage, "hook-key-1")
    assert hook is not None
    assert not hook.accepts("")
    assert not hook.accepts("A35C")
    with pytest.raises(ValueError, match="empty"):
        connections_of(stage).set_callback_secret("")


def test_the_secret_may_come_before_the_hook_key_and_outlives_it(stage: Stage) -> None:
    connections = connections_of(stage)
    connections.set_callback_secret("A35C")
    connections.save_hook("hook-key-1")
    connections.save_hook("hook-key-2")
    assert find_hook(stage, "hook-key-1") is None, "a replaced key is dead"
    hook = find_hook(stage, "hook-key-2")
    assert hook is not None
    assert hook.accepts("A35C")
    connections.set_callback_secret("B46D")
    hook = find_hook(stage, "hook-key-2")
    assert hook is not None
    assert hook.accepts("B46D")
    assert not hook.accepts("A35C")


def test_a_replaced_hook_key_is_dead_even_when_its_entry_was_left_behind(stage: Stage) -> None:
    connections_of(stage).save_hook("hook-key-1")
    never_deletes = Rival(stage.dynamodb, "delete_item", lambda: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        connections_of(replace(stage, dynamodb=never_deletes)).save_hook("hook-key-2")
    assert "HOOK#" in everything_stored(stage)
    assert find_hook(stage, "hook-key-1") is None
    assert find_hook(stage, "hook-key-2") is not None


def test_saving_the_same_hook_key_again_keeps_it_alive(stage: Stage) -> None:
    connections_of(stage).save_hook("hook-key-1")
    connections_of(stage).save_hook("hook-key-1")
    assert find_hook(stage, "hook-key-1") is not None


def test_a_hook_key_of_another_business_cannot_be_taken(stage: Stage) -> None:
    connections_of(stage, 1).save_hook("hook-key-1")
    with pytest.raises(Conflict):
        connections_of(stage, 2).save_hook("hook-key-1")
    hook = find_hook(stage, "hook-key-1")
    assert hook is not None
    assert hook.business_id == 1


def test_an_erased_hook_takes_its_secret_along(stage: Stage) -> None:
    connections = connections_of(stage)
    connections.erase_hook()
    connections.save_hook("hook-key-1")
    connections.set_callback_secret("A35C")
    connections.erase_hook()
    assert find_hook(stage, "hook-key-1") is None
    assert stage.dynamodb.scan(TableName=stage.connections)["Count"] == 0


def test_each_vendor_has_a_hook_of_its_own(stage: Stage) -> None:
    connections = connections_of(stage, 42)
    for vendor in KINDS:
        connections.save_hook(f"key-of-{vendor}", vendor)
        connections.set_callback_secret(f"secret-of-{vendor}", vendor)
    assert find_hook(stage, "key-of-pex", "procore") is None
    assert find_hook(stage, "key-of-procore", "pex") is None
    connections.erase_hook("pex")
    assert find_hook(stage, "key-of-pex") is None
    hook = find_hook(stage, "key-of-procore", "procore")
    assert hook is not None
    assert hook.business_id == 42
    assert hook.accepts("secret-of-procore")
    assert not hook.accepts("secret-of-pex")


def test_neither_hook_key_nor_secret_is_stored_or_shown(stage: Stage) -> None:
    connections = connections_of(stage)
    connections.save_hook("hook-key-1")
    connections.set_callback_secret("A35C")
    stored = everything_stored(stage)
    assert "hook-key-1" not in stored
    assert "A35C" not in stored
    hook = find_hook(stage, "hook-key-1")
    assert hook is not None
    assert repr(hook) == "Hook(business_id=1)"


@pytest.mark.parametrize("other", [2, 11])
def test_nothing_of_another_business_can_be_reached(stage: Stage, other: int) -> None:
    mine = connections_of(stage, 1)
    saved = mine.save(Connection(business_id=1))
    mine.save_settings(Settings(vendor_id=1), 0)
    mine.seal_pex_token("token-of-pex")
    mine.seal_procore_credentials(CREDENTIALS)
    theirs = connections_of(stage, other)
    assert theirs.load() is None
    assert theirs.load_settings() == (Settings(), 0)
    assert theirs.open_pex_token() is None
    assert theirs.open_procore_credentials() is None
    theirs.erase_credentials()
    theirs.erase_hook()
    assert mine.load() == saved
    assert mine.open_pex_token() == "token-of-pex"
