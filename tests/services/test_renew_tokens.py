"""A PEX token is renewed in its last month and never lost over it; its administrator is told in time, once a period,
and once of each break of Procore's side."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pex_procore.domain.alerts import PERIODS
from pex_procore.domain.connection import Connection, PexIdentity
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.ledger import announce, move
from pex_procore.domain.reasons import REASONS
from pex_procore.services.renew_tokens import Outcome, begin_care, look_after
from pex_procore.services.runs import CONNECTION_PROBLEMS
from tests.fakes.clock import FakeClock
from tests.fakes.pex import FakePex
from tests.fakes.stores import FakeConnections, FakeLedger, FakeNotices

BUSINESS = 42
OLD, NEW = "the old token", "the new token"
DEAD = NeedsAttention("pex_token_rejected", "Token expired or does not exist", 401)


class Care:
    """A business whose token ends in `days_left`, and PEX as the old and as the new token see it."""

    def __init__(self, days_left: float = 20) -> None:
        self.clock = FakeClock()
        self.old, self.new = FakePex(BUSINESS), FakePex(BUSINESS)
        self.old.token_ends_at = self.clock() + timedelta(days=days_left)
        self.new.token_ends_at = self.clock() + timedelta(days=180)
        self.old.renews_with = NEW
        self.connections = FakeConnections()
        self.connections.seal_pex_token(OLD)
        self.connections.save(Connection(business_id=BUSINESS, status="active", pex_expires_at=self.old.token_ends_at))
        begin_care(self.connections, BUSINESS, self.clock, fresh=True)
        self.ledger, self.notices = FakeLedger(), FakeNotices()

    @property
    def connection(self) -> Connection:
        found = self.connections.load()
        assert found is not None
        return found

    @property
    def due_at(self) -> datetime:
        assert self.connections.care is not None
        return self.connections.care.due_at

    def change(self, **fields: object) -> None:
        self.connections.save(self.connection.model_copy(update=fields))

    def broken(self, reason: str | None = "procore_secret_rejected") -> None:
        """What a run finds of Procore's side; None: it is well."""
        self.connections.save(self.connection.found({"procore_problem": reason}, self.clock()))

    def look(self) -> Outcome | None:
        return look_after(
            pex=lambda: self.seen_with(self.connections.pex_token),
            with_token=self.seen_with,
            connections=self.connections,
            ledger=lambda: self.ledger,
            notices=self.notices,
            clock=self.clock,
        )

    def seen_with(self, token: str | None) -> FakePex:
        return {OLD: self.old, NEW: self.new}[token or ""]

    def told(self) -> list[str]:
        return [notice.subject for _, notice in self.notices.published]


def test_a_token_in_its_last_month_is_renewed_and_nobody_is_bothered() -> None:
    care = Care()
    assert care.look() == "renewed"
    assert (care.connections.pex_token, care.connections.next_pex_token) == (NEW, None)
    assert care.connection.pex_expires_at == care.new.token_ends_at
    assert care.connection.pex_token_ours
    assert care.told() == []


def test_a_token_with_time_left_costs_no_call() -> None:
    care = Care(days_left=32)
    assert care.look() == "kept"
    assert not care.old.calls


def test_an_end_that_nobody_wrote_down_is_asked_for() -> None:
    care = Care(days_left=90)
    care.change(pex_expires_at=None)
    assert care.look() == "kept"
    assert care.connection.pex_expires_at == care.old.token_ends_at
    assert care.old.calls == {"identity": 1}


def test_a_new_token_takes_over_only_once_it_has_proven_itself() -> None:
    care = Care()
    care.new.fail("identity", TryLater("PEX is down"))
    assert care.look() == "later"
    assert (care.connections.pex_token, care.connections.next_pex_token) == (OLD, NEW)
    assert care.look() == "renewed"
    assert care.connections.pex_token == NEW
    assert care.old.calls["renew_token"] == 1, "what is sealed beside is proven, not renewed once more"


@pytest.mark.parametrize("why", ["dead", "another business", "a cardholder"])
def test_a_new_token_that_is_not_as_good_leaves_the_old_one(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    care = Care()
    if why == "dead":
        care.new.fail("identity", DEAD)
    elif why == "another business":
        care.new.business_id = 43
    else:
        care.new = Cardholder(BUSINESS)
    assert care.look() == "not_renewed"
    assert (care.connections.pex_token, care.connections.next_pex_token) == (OLD, None)


class Cardholder(FakePex):
    def identity(self) -> PexIdentity:
        return super().identity().model_copy(update={"is_admin": False})


def test_a_lost_answer_to_a_renewal_harms_nothing() -> None:
    care = Care()
    care.old.fail("renew_token", Unsure("no answer"))
    assert care.look() == "later"
    assert care.connections.pex_token == OLD
    assert care.look() == "renewed"


def test_a_token_whose_renewal_killed_it_is_replaced_though_it_is_dead() -> None:
    care = Care()
    care.new.fail("identity", TryLater("PEX is down"))
    care.look()
    care.old.fail("identity", DEAD)
    care.change(pex_problem="pex_token_rejected")  # a run noticed meanwhile
    assert care.look() == "renewed"
    assert care.connection.pex_problem is None


def test_whoever_signs_in_meanwhile_keeps_their_token() -> None:
    care = Care()
    care.new.fail("identity", TryLater("PEX is down"))
    care.look()
    care.connections.seal_pex_token(OLD)
    assert care.connections.next_pex_token is None


def test_where_pex_does_not_renew_the_administrator_is_told_once_in_each_period() -> None:
    care = Care(days_left=40)
    care.old.renews_with = None
    for _ in range(50 * 4):
        ends_at = care.old.token_ends_at
        assert ends_at is not None
        if care.clock() >= ends_at:
            care.old.fail("identity", DEAD)
        care.look()
        care.clock.forward(hours=6)
    assert len(care.told()) == len(PERIODS)
    assert care.told()[-1].startswith("Procore sync has stopped")
    assert care.connection.pex_problem == "pex_token_rejected"


def test_a_dead_token_is_known_by_its_words_and_told_once() -> None:
    care = Care()
    for _ in range(3):
        care.old.fail("identity", DEAD)
        assert care.look() == "dead"
        care.clock.forward(days=1)
    assert len(care.told()) == 1
    assert care.connection.pex_problem == "pex_token_rejected"


def test_a_token_that_works_again_is_no_problem_any_more_and_other_problems_stay() -> None:
    care = Care(days_left=90)
    care.change(pex_problem="pex_token_rejected")
    assert care.look() == "kept"
    assert care.connection.pex_problem is None
    care.change(pex_problem="tags_disabled")
    care.look()
    assert care.connection.pex_problem == "tags_disabled"


def test_a_new_token_starts_the_periods_anew() -> None:
    care = Care(days_left=2)
    care.old.renews_with = None
    care.look()
    care.look()
    assert len(care.told()) == 1
    begin_care(care.connections, BUSINESS, care.clock, fresh=False)
    care.look()
    assert len(care.told()) == 1, "signing in with the same token is no reason to be told again"
    begin_care(care.connections, BUSINESS, care.clock, fresh=True)
    care.look()
    assert len(care.told()) == 2


@pytest.mark.parametrize("broken", ["pex", "procore"])
def test_a_message_that_did_not_get_through_is_not_sent_twice(broken: str) -> None:
    """That somebody was told is on record before they are."""
    if broken == "pex":
        care = Care(days_left=2)
        care.old.renews_with = None
    else:
        care = Care(days_left=90)
        care.broken()
    care.notices.fails = True
    with pytest.raises(TryLater):
        care.look()
    care.notices.fails = False
    care.look()
    assert care.told() == []


def test_somebody_else_who_saves_the_connection_meanwhile_is_no_hindrance() -> None:
    care = Care()
    care.connections.interfere = 2
    assert care.look() == "renewed"
    assert care.connection.pex_expires_at == care.new.token_ends_at


def test_a_disconnected_business_is_left_alone() -> None:
    care = Care()
    care.change(status="disconnected")
    assert care.look() is None
    assert care.connections.care is None
    assert not care.old.calls


def test_what_arose_since_yesterday_is_told_once_a_day() -> None:
    care = Care(days_left=90)
    for transaction_id in (1, 2):
        row = announce(transaction_id, 7, care.clock(), "listed")
        at = care.clock() + timedelta(minutes=1)
        care.ledger.save(move(row, "exception", at, "refused_by_procore", "run", reason="refused_by_procore"))
    care.clock.forward(days=1)
    care.look()
    assert care.told() == ["2 card purchases need a look"]
    care.clock.forward(days=1)
    care.look()
    assert len(care.told()) == 1


def test_after_trouble_it_is_looked_at_again_within_the_hour_and_else_the_next_day() -> None:
    care = Care()
    care.old.fail("identity", TryLater("PEX is down"))
    care.look()
    assert care.connections.care is not None
    assert care.connections.care.due_at == care.clock() + timedelta(hours=1)
    care.look()
    assert timedelta() < care.connections.care.due_at - care.clock() <= timedelta(days=1)


@pytest.mark.parametrize("reason", CONNECTION_PROBLEMS["procore_problem"])
def test_a_break_of_procores_side_is_told_once_with_its_reason(reason: str) -> None:
    care = Care(days_left=90)
    care.change(business_name="Harbor Builders")
    care.look()
    care.broken(reason)
    for _ in range(5):
        care.look()
        care.clock.forward(days=1)
        care.broken(reason)
    ((business_id, notice),) = care.notices.published
    assert (business_id, notice.kind) == (BUSINESS, "procore_problem")
    assert notice.subject.startswith("Procore sync has stopped: ")
    assert len(notice.subject) <= 99
    parts = ("Harbor Builders", str(BUSINESS), REASONS[reason].text, REASONS[reason].todo)
    assert all(part in notice.text for part in parts)


def test_another_break_of_procores_side_is_told_whether_or_not_the_last_one_was_mended_first() -> None:
    care = Care(days_left=90)
    for reason in ("procore_secret_rejected", "vendor_inactive", None, "vendor_inactive"):
        care.broken(reason)
        care.look()
        care.clock.forward(days=1)
    assert len(care.told()) == 3
    assert care.told()[1] == care.told()[2] != care.told()[0]


def test_a_side_that_breaks_again_and_again_is_told_of_once_a_day() -> None:
    care = Care(days_left=90)
    days = 4
    for quarter in range(days * 24 * 4):
        care.broken(None if quarter % 2 else "vendor_inactive")
        care.look()
        care.clock.forward(minutes=15)
    assert days - 1 <= len(care.told()) <= days


@pytest.mark.parametrize("mended", [False, True])
def test_a_break_that_had_to_wait_for_its_day_is_told_then_unless_it_was_mended(mended: bool) -> None:
    care = Care(days_left=90)
    told_at = care.clock()
    care.broken()
    care.look()
    care.clock.forward(hours=3)
    care.broken("vendor_inactive")
    care.look()
    if mended:
        care.broken(None)
    while len(care.told()) == 1 and care.clock() < told_at + timedelta(days=3):
        care.clock.wait_until(care.due_at)
        care.look()
    assert mended or care.clock() == told_at + timedelta(days=1)
    assert len(care.told()) == (1 if mended else 2)


def test_a_business_that_disconnected_or_never_began_is_told_of_no_break() -> None:
    for status in ("setting_up", "disconnected"):
        care = Care(days_left=90)
        care.broken()
        care.change(status=status)
        care.look()
        assert care.told() == []


def test_care_brought_forward_brings_no_second_digest() -> None:
    care = Care(days_left=90)
    care.clock.forward(days=1)
    care.look()
    row = announce(1, 7, care.clock(), "listed")
    care.clock.forward(hours=1)
    care.ledger.save(move(row, "exception", care.clock(), "refused_by_procore", "run", reason="refused_by_procore"))
    care.broken()
    care.look()
    assert len(care.told()) == 1
    care.clock.wait_until(care.due_at)
    care.look()
    assert care.told()[1:] == ["1 card purchase needs a look"]
