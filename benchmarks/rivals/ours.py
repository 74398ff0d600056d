"""Ours as a plain library: the shipped use cases and clients in the order of statemachines/sync_transactions.asl.yaml,
with stores in memory. No emulated AWS, and therefore no time between its parts but the second in which hints gather.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from benchmarks.market import Market
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.runs import Run, Tally, Trigger
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Limiter
from pex_procore.net.session import Session
from pex_procore.pex.client import PexClient
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.runtime.step import LISTEN_AGAIN
from pex_procore.runtime.wiring import PATIENT_PEX_SHARE, PATIENT_SHARE, PEX_SHARE, POSTING_SHARE
from pex_procore.services.attach_receipts import attach_receipts
from pex_procore.services.list_transactions import Listing, Papers
from pex_procore.services.ports import Conflict
from pex_procore.services.progress import News, Progress
from pex_procore.services.runs import MANY
from pex_procore.services.stage_receipts import stage_receipts
from pex_procore.services.start_runs import Hint, needs_hours, start_for_hints
from tests.fakes.control import FakeExecutions, FakeLeases
from tests.fakes.stores import FakeCatalogCache, FakeConnections, FakeReceiptBucket, FakeRuns
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN
from tests.services.world import ADDRESS, BUSINESS_ID, LEASE_SECONDS, Paused, World, again
from tests.simulation.stores import SimulatedLedger

GATHERING_SECONDS = 1.0  # the queue's batch window
SWEEP = timedelta(seconds=900)
STEP = timedelta(seconds=40)  # of the 60 s that a step may live, 20 are kept for ending well
SHORT, LONG = timedelta(seconds=180), timedelta(hours=6)  # budgets of the two machines
PAUSES = (2.0, 4.0, 8.0, 16.0)  # before a step that could not go on is repeated


class Library(World):
    """`settings` as the administrator would choose them."""

    def __init__(self, market: Market, **settings: Any) -> None:
        self.market = market
        self.clock = market.time  # type: ignore[assignment]
        self.ledger = SimulatedLedger(random.Random(0))  # type: ignore[assignment]
        self.runs = FakeRuns()
        self.leases = FakeLeases(self.clock)
        self.connections = FakeConnections()
        self.cache = FakeCatalogCache(self.clock)
        self.bucket = FakeReceiptBucket()
        self.executions = FakeExecutions(self.leases)
        self.tally = Tally()
        self._ids = count(1001)
        self._sessions = [Session(one) for one in (market.pex.api_url, market.procore.api_url)]
        credentials = ProcoreCredentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        self._account = ServiceAccount(credentials, Session(market.procore.login_url), clock=self.clock)
        self._limits: list[dict[str, Any]] = [{}, {}]
        self._connect(settings)
        self.sweep_at(self.clock())

    def _connect(self, settings: dict[str, Any]) -> None:
        connection = Connection(
            business_id=BUSINESS_ID,
            status="active",
            company_id=COMPANY_ID,
            has_procore_credentials=True,
            connected_on=date(2026, 1, 1),
        )
        self.connections.save(connection)
        self.choose(vendor_id=self.market.names.vendor_id, start_date=self.clock().date(), **settings)

    def live(self, until: datetime) -> None:
        """Callbacks as they come, sweeps as they are due."""
        while self.clock() < until:
            if self.market.inbox:
                self.clock.forward(GATHERING_SECONDS)
                accounts, since = self._announce()
                self.sync("callback", accounts, since)
            elif (due_at := self.connections.sweep_due_at or until) <= self.clock():
                self.sweep_at(self.clock() + SWEEP)
                self.sync("sweep")
            else:
                self.clock.wait_until(self.clock.next_plan(min(due_at, until)))

    def sweep_at(self, moment: datetime) -> None:
        self.connections.schedule_sweep(moment)

    def _announce(self) -> tuple[list[int], datetime | None]:
        """What start_runs does with the hints that have come."""
        heard, self.market.inbox[:] = list(self.market.inbox), []
        start_for_hints(
            [Hint(**vars(one)) for one in heard],
            business_id=BUSINESS_ID,
            seed=str(next(self._ids)),
            received_at=self.clock(),
            connections=self.connections,
            ledger=self.ledger,
            leases=self.leases,
            executions=self.executions,
            clock=self.clock,
        )
        return sorted({one.account_id for one in heard}), min((one.happened_at for one in heard), default=None)

    def sync(  # type: ignore[override]
        self, trigger: Trigger, account_ids: Sequence[int] = (), since: datetime | None = None
    ) -> None:
        """One run, from the first state to the last."""
        self._renew_clients(patient=False)
        run = self._repeat(lambda: self.open(trigger))
        if run is None:
            return
        connection = self.connections.load()
        assert connection is not None
        long = trigger == "manual" or (trigger == "sweep" and needs_hours(connection))
        deadline = self.clock() + (LONG if long else SHORT)
        while True:
            listing, stopped_by, message = self._work(run, account_ids, since, deadline)
            if self.market.inbox:
                self._announce()
            if self._repeat(lambda: self.close(run, listing, stopped_by, message)):  # noqa: B023
                return

    def _work(
        self, run: Run, account_ids: Sequence[int], since: datetime | None, deadline: datetime
    ) -> tuple[Listing | None, str | None, str]:
        listing: Listing | None = None
        put_off: Papers | None = None
        full = run.trigger == "manual" or not self.connections.load().backfilled  # type: ignore[union-attr]
        try:
            while listing is None or listing.cursor is not None or put_off is not None:
                fields: dict[str, Any] = {"account_ids": account_ids, "since": since, "full": full, "put_off": put_off}
                if listing is not None:
                    fields |= {"cursor": again(listing.cursor), "tally": self.tally, "announced": listing.announced}
                self._renew_clients(patient=False)
                listing = self._repeat(lambda: self.list(run, **fields))  # noqa: B023
                self.work_off(self.post, run, listing.transaction_ids, deadline)
                put_off = self._bring_papers(run, listing, deadline)
        except Paused:
            return listing, "paused", ""
        except TryLater as error:
            return listing, "busy", str(error)
        except NeedsAttention as error:
            return listing, error.reason, error.message
        except (Unsure, Conflict) as error:
            return listing, "internal_error", type(error).__name__
        return listing, None, ""

    def work_off(
        self,
        step: Callable[..., Progress],
        run: Run,
        ids: Sequence[int],
        deadline: datetime,
        news: News | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> tuple[int, ...]:
        crowd = run.trigger != "callback" and len(ids) > MANY
        self._renew_clients(patient=news is not None or crowd)
        while ids:
            may_go_on = partial(self._may_go_on, min(deadline, self.clock() + STEP), news)
            progress = self._repeat(partial(step, run, ids, may_go_on))
            if progress.resume_at is None:
                return ()
            if news is None or not news.came:
                meanwhile()
                self._renew_clients(patient=news is not None or crowd)
            self._gather()
            if news is not None and self.clock() < deadline and news.look():
                return progress.remaining
            if progress.resume_at >= deadline:
                raise Paused
            resume_at = progress.resume_at
            if news is not None and news.heeded:
                resume_at = min(resume_at, self.clock() + LISTEN_AGAIN[run.trigger])
            wait = max(0, int((resume_at - self.clock()).total_seconds()))
            self.leases.renew(run.run_id, wait + LEASE_SECONDS)
            self.clock.wait_until(resume_at)
            ids = progress.remaining
        return ()

    def _may_go_on(self, until: datetime, news: News | None) -> bool:
        self._gather()
        return self.clock() < until and (news is None or news.may_go_on())

    def _gather(self) -> None:
        """What has waited in the queue long enough is announced."""
        if any((self.clock() - one.happened_at).total_seconds() >= GATHERING_SECONDS for one in self.market.inbox):
            self._announce()

    def _repeat(self, act: Callable[[], Any]) -> Any:  # type: ignore[override]
        """As the state machine repeats a step that asks for it."""
        for pause in PAUSES:
            try:
                return act()
            except TryLater as error:
                if error.resume_at is not None:
                    self.clock.wait_until(error.resume_at)
                self.clock.forward(pause)
        return act()

    def stage(  # type: ignore[override]
        self, run: Run, transaction_ids: Sequence[int], may_go_on: Callable[[], bool]
    ) -> Progress:
        return stage_receipts(
            transaction_ids,
            run=run,
            pex=self.pex,
            ledger=self.ledger,
            bucket=self.bucket,
            runs=self.runs,
            clock=self.clock,
            address=lambda: ADDRESS,
            may_go_on=may_go_on,
        )

    def attach(  # type: ignore[override]
        self, run: Run, transaction_ids: Sequence[int], may_go_on: Callable[[], bool]
    ) -> Progress:
        return attach_receipts(
            transaction_ids,
            run=run,
            procore=self.procore,
            ledger=self.ledger,
            bucket=self.bucket,
            runs=self.runs,
            clock=self.clock,
            may_go_on=may_go_on,
        )

    def _renew_clients(self, *, patient: bool) -> None:
        """Those of one step: they begin with the limits that the last one left behind."""
        if hasattr(self, "_limiters"):
            self._limits = [copy.deepcopy(one.snapshot()) for one in self._limiters]
        jitter = random.Random(next(self._ids)).random
        self._limiters = [
            Limiter(PEX_WINDOWS, share=PATIENT_PEX_SHARE if patient else PEX_SHARE, jitter=jitter),
            Limiter(PROCORE_WINDOWS, share=PATIENT_SHARE if patient else POSTING_SHARE, jitter=jitter),
        ]
        for limiter, known in zip(self._limiters, self._limits, strict=True):
            limiter.restore(known)
        how: dict[str, Any] = {"clock": self.clock, "sleep": self.clock.forward}
        pex, procore = self._sessions
        self.pex = PexClient(pex, PEX_TOKEN, self._limiters[0], **how)  # type: ignore[assignment]
        self.procore = ProcoreClient(  # type: ignore[assignment]
            procore, self._account, self._limiters[1], company_id=COMPANY_ID, **how
        )
