"""Values of the domain with sensible defaults, and hypothesis strategies for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pex_procore.domain.expense import CodedShare, DirectCostDraft, Scheme, draft_direct_costs
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.transactions import Allocation, Transaction

NOW = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)


def transaction(amount: str | Decimal = "120.50", **fields: Any) -> Transaction:
    amount = Decimal(amount)
    known: dict[str, Any] = {
        "transaction_id": 1001,
        "account_id": 7,
        "kind": "purchase",
        "amount": amount,
        "transacted_at": NOW - timedelta(days=2),
        "settled_at": NOW - timedelta(days=1),
        "merchant": "Home Depot",
        "allocations": (Allocation(amount=abs(amount), tags={"tag-p": "101"}),),
    }
    return Transaction(**{**known, **fields})


def shares_of(one: Transaction, projects: Sequence[int]) -> list[CodedShare]:
    """Allocation by allocation, on the project at the same place."""
    return [
        CodedShare(allocation=allocation, project_id=project_id, wbs_code_id=project_id * 10)
        for allocation, project_id in zip(one.allocations, projects, strict=True)
    ]


def drafts_of(
    one: Transaction,
    projects: Sequence[int],
    settings: Settings | None = None,
    scheme: Scheme = "origin_id",
    business_id: int = 42,
    cardholder: str = "Rosa Diaz",
) -> list[DirectCostDraft]:
    drafts = draft_direct_costs(
        one,
        shares_of(one, projects),
        business_id=business_id,
        vendor_id=900,
        cardholder=cardholder,
        settings=settings or Settings(),
        schemes=dict.fromkeys(projects, scheme),
    )
    assert not isinstance(drafts, Waiting)
    return drafts


CENTS = st.integers(min_value=1, max_value=999_999_999_99)
PROJECTS = st.integers(min_value=1, max_value=6)


@st.composite
def splits(draw: st.DrawFn) -> tuple[Transaction, list[int]]:
    """A purchase or a refund of any amount, cut into any parts, and the project of each part."""
    parts = draw(st.lists(CENTS, min_size=1, max_size=12))
    sign = draw(st.sampled_from((1, -1)))
    projects = draw(st.lists(PROJECTS, min_size=len(parts), max_size=len(parts)))
    allocations = tuple(Allocation(amount=Decimal(part) / 100, tags={}) for part in parts)
    return transaction(Decimal(sign * sum(parts)) / 100, allocations=allocations), projects


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)
SETTINGS = st.builds(
    Settings,
    transactions=st.sampled_from(("all", "approved")),
    expense_status=st.sampled_from(("draft", "pending", "approved")),
    post_date=st.sampled_from(("settlement", "transaction")),
    attach_receipts=st.booleans(),
    write_notes=st.booleans(),
    vendor_id=st.none() | st.integers(min_value=1, max_value=10**9),
)
