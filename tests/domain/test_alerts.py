"""When an administrator is told, and what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pex_procore.domain.alerts import (
    PERIODS,
    break_due_at,
    digest,
    due_period,
    token_notice,
    token_warning,
)
from pex_procore.domain.connection import Connection
from pex_procore.domain.ledger import Row, announce, move
from tests.domain.build import transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HARBOR = Connection(business_id=98702, business_name="Harbor Builders", pex_username="ada", pex_expires_at=NOON + DAY)


def period(days_left: float, told: int | None = None, *, dead: bool = False) -> int | None:
    return due_period(NOON + timedelta(days=days_left), dead=dead, now=NOON, told=told)


@pytest.mark.parametrize(
    ("days_left", "expected"),
    [(31, None), (30, 30), (14.5, 30), (14, 14), (7, 7), (6, 7), (3, 3), (1.5, 3), (1, 1), (0.1, 1), (0, 0), (-9, 0)],
)
def test_a_period_begins_so_many_days_before_the_end(days_left: float, expected: int | None) -> None:
    assert period(days_left) == expected


def test_each_period_is_told_once_and_no_earlier_one_afterwards() -> None:
    told: int | None = None
    heard = []
    for hours in range(40 * 24, -10 * 24, -6):
        if (now := period(hours / 24, told)) is not None:
            heard.append(now)
            told = now
    assert tuple(heard) == PERIODS


def test_a_token_that_died_early_is_told_once() -> None:
    assert period(100, dead=True) == 0
    assert period(100, told=0, dead=True) is None


def test_nothing_is_told_of_a_token_whose_end_nobody_knows() -> None:
    assert due_period(None, dead=False, now=NOON, told=None) is None
    assert due_period(None, dead=True, now=NOON, told=None) == 0


def test_the_dashboard_is_warned_in_the_last_thirty_days_of_a_connection_that_lives() -> None:
    far = HARBOR.model_copy(update={"pex_expires_at": NOON + 31 * DAY})
    gone = HARBOR.model_copy(update={"status": "disconnected"})
    unknown = HARBOR.model_copy(update={"pex_expires_at": None})
    assert token_warning(HARBOR, NOON) == "pex_token_expires_soon"
    assert [token_warning(one, NOON) for one in (far, gone, unknown)] == [None, None, None]


def test_a_notice_names_business_login_and_day() -> None:
    text = token_notice(HARBOR, 1).text
    assert all(part in text for part in ("Harbor Builders", "98702", "ada", "May 05, 2026", "Sign in"))
    assert "no longer accepts" in token_notice(HARBOR, 0).text


def broken(reason: str | None = "procore_secret_rejected", at: datetime | None = NOON, **fields: object) -> Connection:
    known = HARBOR.model_copy(update={"status": "active", **fields})
    return known.model_copy(update={"procore_problem": reason, "procore_broken_at": at})


def test_a_break_is_told_now_or_a_day_after_the_one_before_it() -> None:
    assert break_due_at(broken(), None, NOON) == NOON
    assert break_due_at(broken(), NOON - 2 * DAY, NOON) == NOON
    assert break_due_at(broken(), NOON - DAY / 4, NOON) == NOON + DAY * 3 / 4
    assert break_due_at(broken(), NOON, NOON + 9 * DAY) is None


def test_a_break_that_an_earlier_version_found_is_told_once() -> None:
    assert break_due_at(broken(at=None), None, NOON) == NOON
    assert break_due_at(broken(at=None), NOON, NOON + 9 * DAY) is None


def test_no_break_is_told_of_a_side_that_is_well_or_a_connection_that_is_not_active() -> None:
    assert break_due_at(broken(reason=None), None, NOON) is None
    assert [break_due_at(broken(status=one), None, NOON) for one in ("setting_up", "disconnected")] == [None, None]


def test_the_same_problem_found_again_is_the_same_break() -> None:
    well = broken(reason=None, at=None)
    first = well.found({"procore_problem": "vendor_inactive"}, NOON)
    assert first.procore_broken_at == NOON
    assert first.found({"procore_problem": "vendor_inactive"}, NOON + DAY) == first
    assert first.found({"pex_problem": "tags_disabled"}, NOON + DAY).procore_broken_at == NOON
    mended = first.found({"procore_problem": None}, NOON + DAY)
    assert mended.found({"procore_problem": "vendor_inactive"}, NOON + 2 * DAY).procore_broken_at == NOON + 2 * DAY
    assert first.found({"procore_problem": "vendor_missing"}, NOON + DAY).procore_broken_at == NOON + DAY


def stopped(transaction_id: int, reason: str, at: datetime) -> Row:
    row = announce(transaction_id, 7, NOON - 30 * DAY, "listed", transaction(transaction_id=transaction_id))
    return move(row, "exception", at, reason, "run", reason=reason, detail="4111111111111111 for 99.95")


def test_the_digest_counts_what_is_new_by_cause_the_most_frequent_first() -> None:
    rows = [stopped(1, "refused_by_procore", NOON), stopped(2, "refused_by_procore", NOON - DAY / 2)]
    rows += [stopped(3, "reference_found_twice", NOON), stopped(4, "reference_found_twice", NOON - 2 * DAY)]
    notice = digest(HARBOR, rows, NOON - DAY, NOON)
    assert notice is not None
    assert notice.subject == "3 card purchases need a look"
    one = digest(HARBOR, rows[:1], NOON - DAY, NOON)
    assert one is not None
    assert one.subject == "1 card purchase needs a look"
    first, second, third = notice.text.splitlines()
    assert "Harbor Builders" in first
    assert (second[:2], third[:2]) == ("2:", "1:")


def test_the_digest_tells_no_amount_no_card_and_no_detail() -> None:
    notice = digest(HARBOR, [stopped(1, "refused_by_procore", NOON)], NOON - DAY, NOON)
    assert notice is not None
    for secret in ("4111", "99.95", str(transaction().amount)):
        assert secret not in notice.text + notice.subject


def test_without_news_there_is_no_digest() -> None:
    assert digest(HARBOR, [], NOON - DAY, NOON) is None
    assert digest(HARBOR, [stopped(1, "refused_by_procore", NOON - 2 * DAY)], NOON - DAY, NOON) is None
