from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.transactions import Allocation, Transaction
from tests.domain.build import splits, transaction


@given(splits())
def test_the_fingerprint_survives_the_store(split: tuple[Transaction, list[int]]) -> None:
    one, _ = split
    assert Transaction.model_validate_json(one.model_dump_json()).fingerprint() == one.fingerprint()


def test_the_fingerprint_of_an_eastern_time_survives_the_store() -> None:
    for fold in (0, 1):
        one = transaction(settled_at=datetime(2026, 11, 1, 1, 30, tzinfo=EASTERN, fold=fold))
        again = Transaction.model_validate_json(one.model_dump_json())
        assert again.fingerprint() == one.fingerprint()
        assert again.settled_at is not None
        assert again.settled_at.astimezone(UTC).hour == 5 + fold


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": Decimal("1.00")},
        {"approved": True},
        {"allocations": ()},
        {"notes": ("PO 77",)},
        {"settled_at": datetime(2026, 5, 1, tzinfo=UTC)},
        {"merchant": "Lowe's"},
    ],
)
def test_whatever_could_change_the_expense_changes_the_fingerprint(fields: dict[str, Any]) -> None:
    assert transaction(**{"amount": "120.50", **fields}).fingerprint() != transaction().fingerprint()


def test_notes_written_by_programs_do_not_change_the_fingerprint() -> None:
    assert transaction(system_notes=("Posted to Procore",)).fingerprint() == transaction().fingerprint()


def test_the_order_in_which_pex_lists_the_tags_is_no_change() -> None:
    tags = {"a": "1", "b": "2"}
    turned = dict(reversed(tags.items()))
    one, other = (
        transaction(allocations=(Allocation(amount=Decimal("120.50"), tags=order),)) for order in (tags, turned)
    )
    assert one == other
    assert one.fingerprint() == other.fingerprint()


def test_a_row_is_settled_only_with_a_settlement_time_and_neither_pending_nor_declined() -> None:
    assert transaction().settled
    later = datetime(2026, 5, 4, tzinfo=UTC) + timedelta(hours=1)
    for fields in ({"settled_at": None}, {"pending": True}, {"declined": True, "settled_at": later}):
        assert not transaction(**fields).settled
