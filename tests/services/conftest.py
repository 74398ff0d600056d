from __future__ import annotations

import pytest

from pex_procore.domain.transactions import Transaction
from tests.services.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def posted(world: World) -> Transaction:
    """100.00 on budget code 11 of project P1."""
    one = world.purchase("100.00")
    world.sync()
    return one
