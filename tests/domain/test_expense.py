from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.expense import (
    DESCRIPTION_LIMIT,
    choose_scheme,
    describe,
    description_token,
    draft_direct_costs,
    origin_id,
)
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.transactions import Allocation, Transaction
from tests.domain.build import SETTINGS, TEXTS, drafts_of, shares_of, splits, transaction


@given(splits())
def test_the_direct_costs_of_a_split_sum_to_the_amount_to_the_cent(split: tuple[Transaction, list[int]]) -> None:
    one, projects = split
    drafts = drafts_of(one, projects)
    assert sum((draft.amount for draft in drafts), Decimal()) == one.amount
    for draft in drafts:
        mine = [share for share, at in zip(one.allocations, projects, strict=True) if at == draft.project_id]
        assert abs(draft.amount) == sum((share.amount for share in mine), Decimal())


@given(splits())
def test_a_split_becomes_one_direct_cost_per_project(split: tuple[Transaction, list[int]]) -> None:
    one, projects = split
    drafts = drafts_of(one, projects)
    assert sorted(draft.project_id for draft in drafts) == sorted(set(projects))
    assert len({draft.reference for draft in drafts}) == len(drafts)
    assert sum(len(draft.lines) for draft in drafts) == len(projects)


@given(splits())
def test_a_refund_is_negative_on_every_line_and_a_purchase_on_none(split: tuple[Transaction, list[int]]) -> None:
    one, projects = split
    lines = [line for draft in drafts_of(one, projects) for line in draft.lines]
    assert all((line.amount < 0) == (one.amount < 0) and line.amount != 0 for line in lines)


@given(splits(), SETTINGS)
def test_drafting_twice_gives_the_same_reference_and_body(
    split: tuple[Transaction, list[int]], settings: Settings
) -> None:
    one, projects = split
    stored = Transaction.model_validate_json(one.model_dump_json())
    first, second = drafts_of(one, projects, settings), drafts_of(stored, projects, settings)
    assert [(draft.reference, draft.body_hash()) for draft in first] == [
        (draft.reference, draft.body_hash()) for draft in second
    ]


@given(splits(), SETTINGS, SETTINGS, st.sampled_from(("origin_id", "description")))
def test_settings_change_no_reference(
    split: tuple[Transaction, list[int]], before: Settings, after: Settings, scheme: Any
) -> None:
    one, projects = split
    references = [[draft.reference for draft in drafts_of(one, projects, kept, scheme)] for kept in (before, after)]
    assert references[0] == references[1]


def test_the_body_hash_sees_every_change_of_the_body() -> None:
    one = transaction("100.00")
    bodies = {
        drafts_of(changed, [101], settings)[0].body_hash()
        for changed, settings in [
            (one, Settings()),
            (transaction("100.01"), Settings()),
            (one, Settings(expense_status="approved")),
            (one, Settings(post_date="transaction")),
            (one.model_copy(update={"merchant": "Lowe's"}), Settings()),
        ]
    }
    assert len(bodies) == 5


@given(st.tuples(*[st.integers(1, 10**15)] * 3), st.tuples(*[st.integers(1, 10**15)] * 3))
def test_different_purchases_businesses_and_projects_have_different_origin_ids(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    assert (origin_id(*one) == origin_id(*other)) == (one == other)
    assert len(origin_id(*one)) <= 64


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3), st.integers(1, 2**63))
def test_the_description_keeps_its_token_within_the_limit(
    merchant: str, cardholder: str, notes: list[str], transaction_id: int
) -> None:
    one = transaction(merchant=merchant, notes=tuple(notes), transaction_id=transaction_id)
    token = description_token(42, transaction_id)
    description = describe(one, cardholder, token)
    assert description.endswith(token)
    assert len(description) <= DESCRIPTION_LIMIT
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029]", description)


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"notes": ("PO 77",)}, "Home Depot - Rosa Diaz - PO 77 ["),
        ({"merchant": "", "description": "Cash back"}, "Cash back - Rosa Diaz ["),
        ({"merchant": "", "description": ""}, "Card purchase - Rosa Diaz ["),
        ({"merchant": " \n ", "description": ""}, "Card purchase - Rosa Diaz ["),
        ({"notes": ("line\r\nbreak\x00and NUL",)}, "Home Depot - Rosa Diaz - line break and NUL ["),
    ],
)
def test_the_description_reads_as_merchant_cardholder_and_notes(fields: dict[str, Any], start: str) -> None:
    assert drafts_of(transaction(**fields), [101])[0].description.startswith(start)


def test_a_note_cannot_forge_another_purchases_token() -> None:
    forged = transaction(notes=(description_token(42, 9),))
    assert drafts_of(forged, [101])[0].description.endswith(description_token(42, 1001))


def test_a_long_merchant_never_overruns_a_line() -> None:
    lines = drafts_of(transaction(merchant="M" * 1000), [101])[0].lines
    assert all(0 < len(line.description) <= DESCRIPTION_LIMIT for line in lines)


@pytest.mark.parametrize(
    ("reference", "erp", "scheme"),
    [
        ("auto", False, "origin_id"),
        ("auto", True, "description"),
        ("origin_id", True, "origin_id"),
        ("description", False, "description"),
    ],
)
def test_the_reference_goes_where_no_erp_connector_wants_it(reference: Any, erp: bool, scheme: str) -> None:
    assert choose_scheme(Settings(reference=reference), erp) == scheme


@pytest.mark.parametrize(("lines", "fits"), [(1000, True), (1001, False)])
def test_more_than_1000_lines_in_one_project_wait(lines: int, fits: bool) -> None:
    allocations = tuple(Allocation(amount=Decimal("1.00"), tags={}) for _ in range(lines))
    one = transaction(Decimal(lines), allocations=allocations)
    drafts = draft_direct_costs(
        one,
        shares_of(one, [101] * lines),
        business_id=42,
        vendor_id=900,
        cardholder="",
        settings=Settings(),
        schemes={101: "origin_id"},
    )
    if fits:
        assert not isinstance(drafts, Waiting)
        assert (len(drafts[0].lines), len(drafts[0].opening().lines)) == (1000, 100)
    else:
        assert drafts == Waiting("too_many_lines", "1001")


def test_101_shares_over_two_projects_fit() -> None:
    allocations = tuple(Allocation(amount=Decimal("1.00"), tags={}) for _ in range(101))
    drafts = drafts_of(transaction("101.00", allocations=allocations), [101] * 51 + [102] * 50)
    assert [len(draft.lines) for draft in drafts] == [51, 50]


def test_the_date_is_the_chosen_one() -> None:
    one = transaction()
    dates = [
        drafts_of(one, [101], Settings.model_validate({"post_date": choice}))[0].date.isoformat()
        for choice in ("settlement", "transaction")
    ]
    assert dates == ["2026-05-03", "2026-05-02"]
