"""A careful script: every quarter of an hour it lists PEX, looks Procore up before every POST and before every repeated
upload, tries thrice, waits when told to, and keeps what is done in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from benchmarks.market import Market
from benchmarks.rivals.plain import Failed, Row, Vendors

T = TypeVar("T")
EVERY = timedelta(minutes=15)
WINDOW = timedelta(days=30)
TRIES = 3
PAUSE_SECONDS = 2.0


class CarefulScript:
    def __init__(self, market: Market) -> None:
        self.market, self.time = market, market.time
        self.vendors = Vendors(market)
        self.done: set[int] = set()
        self.doubtful: set[int] = set()  # something of it failed, so its files may be there already

    def live(self, until: datetime) -> None:
        while self.time() < until:
            began = self.time()
            self.run()
            self.time.wait_until(max(self.time(), min(until, began + EVERY)))

    def run(self) -> None:
        try:
            rows = self._try(lambda: self.vendors.rows(self.time() - WINDOW, self.time()))
        except Failed:
            return
        for row in rows:
            if row.transaction_id in self.done:
                continue
            try:
                self._bring(row)
            except Failed:
                self.doubtful.add(row.transaction_id)
            else:
                self.done.add(row.transaction_id)

    def _bring(self, row: Row) -> None:
        files = self._try(lambda: self.vendors.receipts(row.transaction_id))
        for project_id in row.projects():
            made = self._try(lambda: self._post(row, project_id))  # noqa: B023
            if files:
                self._try(lambda: self._attach(row.transaction_id, project_id, made, files))  # noqa: B023

    def _post(self, row: Row, project_id: int) -> int:
        origin_id = f"PEX-{row.transaction_id}-{project_id}"
        return self.vendors.find(project_id, origin_id) or self.vendors.post(row, project_id, origin_id)

    def _attach(
        self, transaction_id: int, project_id: int, direct_cost_id: int, files: list[tuple[str, bytes]]
    ) -> None:
        if transaction_id in self.doubtful:
            there = self.vendors.attached(project_id, direct_cost_id)
            files = [one for one in files if one[0] not in there]
        if files:
            self.doubtful.add(transaction_id)
            self.vendors.attach(project_id, direct_cost_id, files)
            self.doubtful.discard(transaction_id)

    def _try(self, act: Callable[[], T]) -> T:
        tries = 0
        while True:
            try:
                return act()
            except Failed as failed:
                if failed.status == 429:
                    reset = failed.reset_at or self.time().timestamp() + 60
                    self.time.forward(reset - self.time().timestamp() + 1)
                    continue
                tries += 1
                if tries == TRIES or failed.status in (400, 403, 404, 422):
                    raise
                self.time.forward(PAUSE_SECONDS * 2**tries)
