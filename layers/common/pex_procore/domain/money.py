"""Dollars are `Decimal` with exactly two places."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

CENT = Decimal("0.01")
TOO_MUCH = Decimal(10) ** 13


def parse_amount(raw: object) -> Decimal:
    """Dollars from a vendor's number or numeric string, e.g. `-8.08`, `"0.50"`, `7`.

    Raises ValueError for anything that is not a finite amount of whole cents; a float is read by its shortest decimal
    form, so a JSON parser without Decimal support loses nothing.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
        raise ValueError(f"not an amount: {raw!r}")
    try:
        amount = Decimal(str(raw).strip())
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {raw!r}") from error
    if not amount.is_finite() or abs(amount) >= TOO_MUCH or amount != (cents := amount.quantize(CENT)):
        raise ValueError(f"not an amount in whole cents: {raw!r}")
    return cents + 0  # plus zero turns -0.00 into 0.00
