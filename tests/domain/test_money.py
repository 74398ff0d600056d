from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.money import parse_amount


@pytest.mark.parametrize(
    ("raw", "dollars"),
    [
        (-8.08, "-8.08"),
        ("0.50", "0.50"),
        (7, "7.00"),
        (" 12.5 ", "12.50"),
        (Decimal("3.080"), "3.08"),
        (0.1 + 0.7, None),  # 0.7999999999999999 is no amount in cents
        (0.29, "0.29"),
        (1.15, "1.15"),
        ("-0.00", "0.00"),
        ("1E+2", "100.00"),
        ("999999999.99", "999999999.99"),
        (987654321.09, "987654321.09"),
    ],
)
def test_numbers_and_strings_become_dollars_and_cents(raw: object, dollars: str | None) -> None:
    if dollars is None:
        with pytest.raises(ValueError, match="cents"):
            parse_amount(raw)
    else:
        assert str(parse_amount(raw)) == dollars


@pytest.mark.parametrize(
    "raw",
    ["", "abc", "1,000.00", "12.345", None, True, [], {}, "NaN", "sNaN", "Infinity", float("nan"), float("inf"), "$5"],
)
def test_what_is_no_amount_of_whole_cents_is_a_value_error(raw: object) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(raw)


@pytest.mark.parametrize("raw", ["1e30", 10**40, "9" * 60, Decimal("1e400"), "1e999999"])
def test_an_absurdly_large_number_is_a_value_error_too(raw: object) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(raw)


@given(st.text() | st.integers() | st.floats() | st.decimals() | st.none() | st.booleans())
def test_anything_at_all_is_either_whole_cents_or_a_value_error(raw: object) -> None:
    try:
        amount = parse_amount(raw)
    except ValueError:
        return
    assert amount == amount.quantize(Decimal("0.01"))
    assert amount.as_tuple().exponent == -2


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_every_amount_survives_each_way_a_vendor_may_write_it(cents: int) -> None:
    amount = Decimal(cents) / 100
    written = f"{amount:.2f}"
    assert parse_amount(written) == parse_amount(json.loads(written, parse_float=Decimal)) == amount
    if abs(cents) < 10**12:
        assert parse_amount(json.loads(written)) == amount


def test_zero_has_no_sign() -> None:
    assert not parse_amount("-0").is_signed()
