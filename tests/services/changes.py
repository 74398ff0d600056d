"""A purchase changes after it was posted, and what Procore then has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pex_procore.domain.transactions import Allocation, Transaction
from tests.services.world import World


def retag(world: World, one: Transaction, *parts: tuple[str, dict[str, str]], **fields: Any) -> None:
    """Each part is an amount and its tags."""
    allocations = tuple(Allocation(amount=Decimal(amount), tags=tags) for amount, tags in parts)
    world.pex.change(one.transaction_id, allocations=allocations, **fields)


def coded(world: World, one: Transaction) -> list[list[tuple[int, str]]]:
    """Budget codes and amounts of every expense."""
    return [sorted((line.wbs_code_id, str(line.amount)) for line in cost.lines) for cost in world.costs(one)]
