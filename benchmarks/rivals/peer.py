"""The peer algorithm, in our writing: how PEX's public connector for another accounting system works through a night,
from a description of its behaviour; none of its code.

Once a night, everything of the last 60 days is read in slices of 14 days, and what bears no note of ours is posted and
then given one. Whatever goes wrong is left to the next night. Receipts are not part of it. A run is cut off after ten
minutes and begun again up to five times.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from benchmarks.market import Market
from benchmarks.rivals.plain import Failed, Row, Vendors

NIGHT = timedelta(hours=3, minutes=16)  # UTC
WINDOW, SLICE = timedelta(days=60), timedelta(days=14)
CUT_OFF = timedelta(minutes=10)
ATTEMPTS = 5


class _CutOff(Exception):
    pass


class Peer:
    def __init__(self, market: Market) -> None:
        self.market, self.time = market, market.time

    def live(self, until: datetime) -> None:
        while (night := self._next_night()) < until:
            self.time.wait_until(night)
            self.run()
        self.time.wait_until(until)

    def run(self) -> None:
        for _ in range(ATTEMPTS):
            try:
                _Run(self.market).work()
                return
            except _CutOff:
                continue

    def _next_night(self) -> datetime:
        now = self.time()
        night = now.replace(hour=0, minute=0, second=0, microsecond=0) + NIGHT
        return night if night > now else night + timedelta(days=1)


class _Run:
    def __init__(self, market: Market) -> None:
        self.time = market.time
        self.vendors = Vendors(market)
        self.tags = market.names.tags
        self.names: dict[int, bool] = {}
        self.ends_at = self.time() + CUT_OFF

    def work(self) -> None:
        now = self.time()
        with suppress(Failed):
            self.vendors.pex("GET", "/Business/Profile")
        try:
            for tag_id in self.tags.values():
                self.vendors.pex("GET", f"/Business/Configuration/Tag/{tag_id}")
            start = now - WINDOW
            while start < now:
                for row in self.vendors.rows(start, min(start + SLICE, now)):
                    self._take(row)
                start += SLICE
        except Failed:  # a list that could not be read ends the night without a word
            return

    def _take(self, row: Row) -> None:
        if self.time() >= self.ends_at:
            raise _CutOff
        if any(str(row.transaction_id) in note and "Synced" in note for note in row.notes):
            return
        self._look_up(row.account_id)
        try:
            for project_id in row.projects():
                self.vendors.post(row, project_id)
            text = f"Synced transaction #{row.transaction_id} to Procore on {self.time():%Y-%m-%d %H:%M}"
            note = {"TransactionId": row.transaction_id, "NoteText": text, "Pending": False, "SystemGenerated": True}
            self.vendors.pex("POST", "/Note", json=note)
        except Failed:  # the next night
            return

    def _look_up(self, account_id: int) -> None:
        """The cardholder, once a run; who cannot be read stays nameless."""
        if account_id not in self.names:
            try:
                self.vendors.pex("GET", f"/Details/AccountDetails/{account_id}")
            except Failed:
                self.names[account_id] = False
            else:
                self.names[account_id] = True
