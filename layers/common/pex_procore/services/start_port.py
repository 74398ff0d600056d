"""What starting a run needs from outside, beside `ports`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pex_procore.domain.runs import Run


class Executions(Protocol):
    """Starting state machines."""

    def start(
        self,
        run: Run,
        business_id: int,
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        *,
        long: bool = False,
    ) -> None:
        """Starts the run's state machine under the run's id; a second start of the same run is no error.

        `account_ids` and `since` are a callback run's hints: the cards to read, and from when on. `long`: it may take
        hours, mostly waiting for quota; else it ends as paused after minutes. Tags have one machine for all.
        """
        ...
