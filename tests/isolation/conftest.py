"""Two businesses under one roof: one that has everything, and an intruder who may sign in and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.flow.conftest import cloud, connected, story, vendors, when_connected
from tests.flow.story import Story

__all__ = ["cloud", "connected", "story", "vendors", "when_connected"]


@dataclass(frozen=True)
class Victim:
    business_id: int
    transaction_id: int
    run_id: str
    marks: tuple[str, ...]  # of which no answer to an intruder may hold one


@dataclass(frozen=True)
class Scene:
    story: Story
    victim: Victim
    intruder: str  # its cookie
    intruder_id: int

    def stored(self) -> list[str]:
        """All that is kept of the victim, and the sessions of everybody."""
        dynamodb, stage = self.story.cloud.stage.dynamodb, self.story.cloud.stage
        items: list[dict[str, Any]] = [
            item for name in (stage.connections, stage.history) for item in dynamodb.scan(TableName=name)["Items"]
        ]
        mine = (f"B#{self.victim.business_id}", "HOOK#")
        return sorted(repr(item) for item in items if item["pk"]["S"].startswith(mine))


@pytest.fixture
def scene(connected: Story) -> Scene:
    transaction_id = connected.purchase(merchant="VICTIM LUMBER CO")
    run = connected.sync()
    business_id = connected.names.business_id
    hook_key = connected.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    marks = (str(transaction_id), run["run_id"], "Small Builders", "VICTIM LUMBER", "pat.lee@", hook_key)
    victim = Victim(business_id, transaction_id, run["run_id"], marks)
    other = connected.pex.act_add_business("Intruders LLC")
    mine = connected.cookie
    assert connected.sign_in(other["token"]).status == 201
    intruder, connected.cookie = connected.cookie, mine
    return Scene(connected, victim, intruder, other["business_id"])
