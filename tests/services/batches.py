"""Purchases to be posted together, and whether they were posted well."""

from __future__ import annotations

from collections.abc import Sequence

from pex_procore.domain.transactions import Transaction
from tests.services.world import BUSINESS_ID, P1, World, coding

ONE_BY_ONE = ("create_direct_cost", "write_lines", "show_direct_cost", "find_direct_costs")
TOGETHER = ("sync_headers", "sync_lines", "sync_statuses")


def buy(world: World, count: int = 4) -> list[Transaction]:
    """One of them a split of two lines."""
    split = world.split("30.00", [("10.00", coding()), ("20.00", coding(cost_code="03-300"))])
    return [split, *(world.purchase(f"{number}.25") for number in range(1, count))]


def reference(one: Transaction, project_id: int = P1) -> str:
    return f"pex:{BUSINESS_ID}:{one.transaction_id}:{project_id}"


def calls(world: World, *names: str) -> list[int]:
    return [world.procore.calls[name] for name in names]


def check(world: World, bought: Sequence[Transaction], status: str = "draft") -> None:
    """Each purchase is one expense, whole, of its status, and known to the ledger."""
    for one in bought:
        (cost,) = world.costs(one)
        row = world.ledger[one.transaction_id]
        assert (row.state, row.reason, row.detail) == ("complete", None, "")
        assert [posting.direct_cost_id for posting in row.postings] == [cost.direct_cost_id]
        wanted = sorted(share.amount for share in one.allocations)
        assert (cost.amount, sorted(line.amount for line in cost.lines)) == (abs(one.amount), wanted)
        assert cost.status == status
        assert (cost.draft.reference, cost.draft.vendor_id) == (reference(one), 900)
    assert len(world.procore.live()) == len(bought)
