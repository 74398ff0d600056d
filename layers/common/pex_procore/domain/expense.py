"""The one place where PEX's words become Procore's: a transaction and its coding become direct cost drafts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import ExpenseStatus, Settings
from pex_procore.domain.text import clean, cut
from pex_procore.domain.transactions import Allocation, Transaction
from pex_procore.domain.values import Value

Scheme = Literal["origin_id", "description"]

DESCRIPTION_LIMIT = 255  # characters; Procore publishes no limit (docs/behaviour.md#description-length)
LINES_AT_ONCE = 100  # what one call to Procore may carry
MOST_LINES = 1000


class LineDraft(Value):
    wbs_code_id: int
    amount: Decimal  # dollars, signed like the direct cost
    description: str
    ref: str  # echoed by Procore, not stored
    origin_id: str | None = None  # by which a line written in a step of its own is known


class DirectCostDraft(Value):
    """One expense to post. `reference` is how it is found again (`scheme` says where Procore keeps it)."""

    project_id: int
    scheme: Scheme
    reference: str
    date: date
    status: ExpenseStatus
    vendor_id: int
    description: str
    lines: tuple[LineDraft, ...]

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal())

    def body_hash(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def coding_hash(self) -> str:
        return coding_hash((line.wbs_code_id, line.amount) for line in self.lines)

    def with_line_ids(self) -> DirectCostDraft:
        lines = tuple(
            line.model_copy(update={"origin_id": f"{self.reference}:{number}"})
            for number, line in enumerate(self.lines, start=1)
        )
        return self.model_copy(update={"lines": lines})

    def opening(self) -> DirectCostDraft:
        """What the first call carries; the other lines follow."""
        return self.model_copy(update={"lines": self.lines[:LINES_AT_ONCE]})


class CodedShare(Value):
    """An allocation whose project and budget code are known."""

    allocation: Allocation
    project_id: int
    wbs_code_id: int


def coding_hash(lines: Iterable[tuple[int, Decimal]]) -> str:
    """Of budget codes and amounts, in whatever order: equal for an expense nobody recoded."""
    told = ",".join(sorted(f"{wbs_code_id}:{amount:.2f}" for wbs_code_id, amount in lines))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def origin_id(business_id: int, transaction_id: int, project_id: int, revision: int = 1) -> str:
    """Unique per Procore company and record type, which is how far Procore's own check reaches."""
    return f"pex:{business_id}:{transaction_id}:{project_id}" + (f":r{revision}" if revision > 1 else "")


def description_token(business_id: int, transaction_id: int, revision: int = 1) -> str:
    return f"[pex:{business_id}-{transaction_id}" + (f"-r{revision}]" if revision > 1 else "]")


def describe(transaction: Transaction, cardholder: str, token: str) -> str:
    """Merchant, cardholder and notes, cut so that the token always survives at the end."""
    title = clean(transaction.merchant) or clean(transaction.description) or "Card purchase"
    text = " - ".join(part for part in (title, *map(clean, (cardholder, *transaction.notes))) if part)
    return f"{cut(text, DESCRIPTION_LIMIT - len(token) - 1)} {token}"


def choose_scheme(settings: Settings, erp_integrated: bool) -> Scheme:
    """An ERP connector owns `origin_id`, so there the description carries the reference."""
    if settings.reference != "auto":
        return settings.reference
    return "description" if erp_integrated else "origin_id"


def draft_direct_costs(
    transaction: Transaction,
    shares: Sequence[CodedShare],
    *,
    business_id: int,
    vendor_id: int,
    cardholder: str,
    settings: Settings,
    schemes: dict[int, Scheme],
    revision: int = 1,
) -> list[DirectCostDraft] | Waiting:
    """One direct cost per project, one line per share; together they sum to the transaction's amount, cent for cent.

    `revision` grows when a person wants it posted again: Procore remembers the references of deleted records.
    """
    sign = -1 if transaction.amount < 0 else 1
    token = description_token(business_id, transaction.transaction_id, revision)
    description = describe(transaction, cardholder, token)
    drafts = []
    for project_id in dict.fromkeys(share.project_id for share in shares):
        mine = [share for share in shares if share.project_id == project_id]
        if len(mine) > MOST_LINES:
            return Waiting("too_many_lines", str(len(mine)))
        scheme = schemes[project_id]
        lines = tuple(
            LineDraft(
                wbs_code_id=share.wbs_code_id,
                amount=sign * share.allocation.amount,
                description=cut(clean(transaction.merchant) or "Card purchase", DESCRIPTION_LIMIT),
                ref=str(number),
            )
            for number, share in enumerate(mine, start=1)
        )
        drafts.append(
            DirectCostDraft(
                project_id=project_id,
                scheme=scheme,
                reference=token
                if scheme == "description"
                else origin_id(business_id, transaction.transaction_id, project_id, revision),
                date=transaction.posting_date(settings.post_date),
                status=settings.expense_status,
                vendor_id=vendor_id,
                description=description,
                lines=lines,
            )
        )
    return drafts
