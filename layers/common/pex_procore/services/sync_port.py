"""What posting many expenses at once needs of Procore. Its sync calls insert or update by `origin_id`, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from pex_procore.domain.expense import DirectCostDraft
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.domain.values import Value

Begun = tuple[int, DirectCostDraft]  # the id of an expense that exists, and what it shall be


class Synced(Value):
    record_id: int
    amount: Decimal


class SyncAnswer(Value):
    """What became of each row, by its origin id: stored, or refused with Procore's words. Of a row in neither nothing
    is known."""

    stored: Mapping[str, Synced] = {}
    refused: Mapping[str, str] = {}


class ProcoreSync(Protocol):
    """One call and one project each. Raises like `Procore.create_direct_cost`, PostRefused for the call as a whole."""

    def sync_headers(self, drafts: Sequence[DirectCostDraft]) -> SyncAnswer:
        """Expenses without lines, as drafts: what is only half there counts in no budget. By their references."""
        ...

    def sync_lines(self, begun: Sequence[Begun]) -> SyncAnswer:
        """All lines of expenses that exist. By the lines' origin ids."""
        ...

    def sync_statuses(self, begun: Sequence[Begun], status: ExpenseStatus) -> SyncAnswer: ...

    def takes_lines(self, project_id: int, direct_cost_id: int) -> bool | None:
        """Whether the lines of this expense can be written by these calls: its first one is, as it is already. None
        when the answer tells neither."""
        ...
