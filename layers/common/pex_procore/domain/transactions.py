"""A PEX card transaction as we reason about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.values import Value

Kind = Literal["purchase", "dispute", "other"]
PostDate = Literal["settlement", "transaction"]


class Allocation(Value):
    """One tagged share of a transaction. `amount` is in dollars and never negative, whatever the transaction's sign."""

    amount: Decimal
    tags: Mapping[str, str]  # PEX tag id → chosen option value


class Transaction(Value):
    """`amount` in dollars: positive is money spent, negative is money that came back. Times are aware."""

    transaction_id: int
    account_id: int
    kind: Kind
    amount: Decimal
    transacted_at: datetime
    settled_at: datetime | None
    pending: bool = False
    declined: bool = False
    approved: bool = False
    merchant: str = ""
    place: str = ""
    description: str = ""
    notes: tuple[str, ...] = ()  # people's notes
    system_notes: tuple[str, ...] = ()  # written by programs, ours among them
    allocations: tuple[Allocation, ...] = ()
    foreign_currency: str | None = None

    @property
    def settled(self) -> bool:
        return self.settled_at is not None and not (self.pending or self.declined)

    def posting_date(self, choice: PostDate) -> date:
        """Eastern calendar day; a row without a settlement time falls back to the transaction's own time."""
        moment = self.settled_at if choice == "settlement" and self.settled_at else self.transacted_at
        return eastern_date(moment)

    def fingerprint(self) -> str:
        """Changes when anything that could change the expense changes."""
        document = json.dumps(self.model_dump(mode="json", exclude={"system_notes"}), sort_keys=True)
        return hashlib.sha256(document.encode()).hexdigest()[:16]


class Receipt(Value):
    """A receipt's card in PEX, without its bytes."""

    receipt_id: str
    size: int | None = None  # bytes
    ready: bool = True  # False while PEX is still scanning the file
    broken: bool = False  # PEX found malware, or could not load it
