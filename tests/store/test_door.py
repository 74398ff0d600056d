"""Sign-ins at PEX under way, caps, and the last look: as the table keeps them."""

from __future__ import annotations

from datetime import timedelta

from pex_procore.domain.checks import Checks, PexChecks, check_permissions
from pex_procore.domain.ledger import announce, move
from pex_procore.services.door_ports import CheckStore, Login, Logins
from pex_procore.store.caps import Cap, Caps
from pex_procore.store.checks import DynamoChecks
from pex_procore.store.counts import DynamoCounts
from pex_procore.store.ledger import DynamoLedger
from pex_procore.store.logins import DynamoLogins
from pex_procore.store.seal import Sealer
from tests.store.conftest import Hands
from tests.store.tables import Stage


def logins_of(stage: Stage, clock: Hands) -> DynamoLogins:
    logins = DynamoLogins(stage.dynamodb, stage.connections, Sealer(stage.kms, stage.key_id), clock)
    _: Logins = logins
    return logins


def begun(clock: Hands) -> Login:
    return Login("b", "c", closed=False, token=None, ends_at=clock() + timedelta(hours=1))


def test_a_login_keeps_the_first_token_sealed_until_it_ends(stage: Stage, clock: Hands) -> None:
    logins = logins_of(stage, clock)
    logins.begin("one", begun(clock))
    assert logins.bring_token("one", "first-token")
    assert logins.bring_token("one", "second-token")
    logins.close("one")
    login = logins.find("one")
    assert login is not None
    assert (login.token, login.closed, login.browser_hash, login.closing_hash) == ("first-token", True, "b", "c")
    assert "first-token" not in str(stage.dynamodb.scan(TableName=stage.connections)["Items"])
    clock.forward(3600)
    assert logins.find("one") is None, "also while the table still holds it"
    assert not logins.bring_token("one", "third-token")


def test_what_was_never_begun_or_was_ended_does_not_come_to_be(stage: Stage, clock: Hands) -> None:
    logins = logins_of(stage, clock)
    logins.close("never")
    assert not logins.bring_token("never", "token")
    logins.begin("one", begun(clock))
    logins.end("one")
    logins.close("one")
    assert (logins.find("never"), logins.find("one")) == (None, None)


def test_one_logins_token_does_not_open_as_anothers(stage: Stage, clock: Hands) -> None:
    logins = logins_of(stage, clock)
    for login_id in ("one", "two"):
        logins.begin(login_id, begun(clock))
    logins.bring_token("one", "token")
    items = stage.dynamodb.scan(TableName=stage.connections)["Items"]
    sealed = next(item["sealed"] for item in items if "sealed" in item)
    bare = next(item for item in items if "sealed" not in item)
    stage.dynamodb.put_item(TableName=stage.connections, Item={**bare, "sealed": sealed})
    assert logins.find("two") is None


def test_a_cap_counts_each_one_for_himself_and_begins_anew_with_the_span(stage: Stage, clock: Hands) -> None:
    caps, cap = Caps(stage.dynamodb, stage.connections, clock), Cap("look", 2, 300)
    clock.forward(100)
    assert [caps.count(cap, "7") for _ in range(3)] == [None, None, 200]
    assert caps.count(cap, "8") is None
    assert caps.count(Cap("run", 2, 300), "7") is None
    clock.forward(200)
    assert caps.count(cap, "7") is None


def test_the_last_look_is_kept_per_business(stage: Stage, clock: Hands) -> None:
    mine, other = (DynamoChecks(stage.dynamodb, stage.connections, business_id) for business_id in (1, 2))
    _: CheckStore = mine
    seen = Checks(pex=PexChecks(checked_at=clock(), permissions=check_permissions(None)))
    mine.save(seen)
    assert (mine.load(), other.load()) == (seen, Checks())


def test_rows_are_counted_up_to_a_bound_and_only_those_of_the_state_and_the_ledger(stage: Stage, clock: Hands) -> None:
    ledger = DynamoLedger(stage.dynamodb, stage.history, 1, 5)
    for number in range(1, 6):
        announced = announce(number, 7, clock(), "listing")
        ledger.save(move(announced, "waiting" if number < 5 else "refused", clock(), reason="pending"))
    counts = DynamoCounts(stage.dynamodb, stage.history, 1, 5)
    assert [counts.count("waiting", most) for most in (3, 4, 500)] == [(3, True), (4, False), (4, False)]
    assert (counts.count("refused", 500), counts.count("posted", 500)) == ((1, False), (0, False))
    assert DynamoCounts(stage.dynamodb, stage.history, 1, 6).count("waiting", 500) == (0, False)
