"""Which PEX rows become expenses. Decided before any tag is looked at."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.reasons import Refused, Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.transactions import Transaction

REACH = timedelta(days=365)  # PEX does not list older rows


def in_scope(transaction: Transaction, settings: Settings, start_date: date) -> bool:
    """Only rows in scope are listed at all: settled, and not before the start date."""
    return transaction.settled and transaction.posting_date(settings.post_date) >= start_date


def judge(transaction: Transaction, settings: Settings, now: datetime) -> Waiting | Refused | None:
    """None: eligible. Expects a row in scope."""
    if transaction.kind == "other":
        return Refused("not_a_purchase")
    if transaction.amount == 0:
        return Refused("zero_amount")
    if transaction.posting_date(settings.post_date) < eastern_date(now - REACH):
        return Refused("too_old")
    if settings.transactions == "approved" and not transaction.approved:
        return Waiting("not_approved")
    total = sum((allocation.amount for allocation in transaction.allocations), Decimal())
    if total != abs(transaction.amount) or any(allocation.amount <= 0 for allocation in transaction.allocations):
        return Waiting("allocations_do_not_add_up", f"{total} of {abs(transaction.amount)}")
    return None
