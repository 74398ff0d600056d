"""One business, its vendors and its stores, all fake, and a run played the way the state machine plays it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import count
from typing import Any

from pex_procore.domain.catalog import BudgetCode, CostType, Project, Vendor
from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.runs import Kind, Run, Tally, Trigger, new_run_id
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TagDefinition, TagOption
from pex_procore.domain.transactions import Allocation, Transaction
from pex_procore.services.attach_receipts import attach_receipts
from pex_procore.services.catalog import Catalog, remembered_tags
from pex_procore.services.list_transactions import Cursor, Listing, Papers, list_transactions
from pex_procore.services.post_transactions import Poster, post_transactions
from pex_procore.services.progress import News, Progress
from pex_procore.services.runs import close_run, open_run
from pex_procore.services.stage_receipts import stage_receipts
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeChecks, FakeExecutions, FakeLeases, FakeSessions
from tests.fakes.pex import FakePex, PexReceipt
from tests.fakes.procore import BookedCost, FakeProcore
from tests.fakes.stores import FakeCatalogCache, FakeConnections, FakeLedger, FakeReceiptBucket, FakeRuns

SWEEP_SECONDS = 900
BUSINESS_ID = 42
VENDOR_ID = 900
P1, P2, CLOSED = 101, 102, 103
LEASE_SECONDS, LEASE_NEEDED = 150, 120
MOST_ROUNDS = 60  # of one step; a run that needs more would never end
JPEG = b"\xff\xd8\xff" + b"picture"
PDF = b"%PDF-1.7 paper"
ADDRESS = "https://us02.procore.com"

OPTIONS = {
    "tag-p": ("Procore Projects", [("101", "24-001 - Riverside"), ("102", "24-002 - Hilltop"), ("103", "Old Mill")]),
    "tag-c": ("Procore Cost Codes", [("01-500", "Temporary Utilities"), ("03-300", "Concrete")]),
    "tag-t": ("Procore Cost Types", [("31", "Materials (M)"), ("32", "Labor (L)")]),
}


def coding(project: object = P1, cost_code: str = "01-500", cost_type: object = 31) -> dict[str, str]:
    chosen = {"tag-p": str(project), "tag-c": cost_code, "tag-t": str(cost_type)}
    return {tag_id: value for tag_id, value in chosen.items() if value}


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pex = FakePex(BUSINESS_ID)
        self.procore = FakeProcore(self.clock)
        self.ledger = FakeLedger()
        self.runs = FakeRuns()
        self.leases = FakeLeases(self.clock)
        self.connections = FakeConnections()
        self.sessions = FakeSessions(self.clock)
        self.checks = FakeChecks()
        self.cache = FakeCatalogCache(self.clock)
        self.bucket = FakeReceiptBucket()
        self.executions = FakeExecutions(self.leases)
        self.tally = Tally()  # of the run at work, as its steps hand it on
        self._ids = count(1001)
        self._furnish()

    def _furnish(self) -> None:
        self.pex.tags = [
            TagDefinition(
                tag_id=tag_id,
                name=name,
                type="Dropdown",
                options=tuple(TagOption(value=value, name=label) for value, label in options),
            )
            for tag_id, (name, options) in OPTIONS.items()
        ]
        self.pex.names = {7: "Rosa Diaz", 8: "Lee Wong"}
        self.procore.projects = {
            P1: Project(project_id=P1, number="24-001", name="Riverside"),
            P2: Project(project_id=P2, number="24-002", name="Hilltop"),
            CLOSED: Project(project_id=CLOSED, name="Old Mill", active=False),
        }
        self.procore.cost_types = [
            CostType(cost_type_id=31, code="M", name="Materials"),
            CostType(cost_type_id=32, code="L", name="Labor"),
        ]
        self.procore.cost_codes = {
            P1: {"01-500": "Temporary Utilities", "03-300": "Concrete"},
            P2: {"03-300": "Concrete"},
        }
        self.procore.budget_codes = {
            P1: [
                BudgetCode(wbs_code_id=11, cost_code="01-500", cost_type="M"),
                BudgetCode(wbs_code_id=12, cost_code="03-300", cost_type="M"),
            ],
            P2: [BudgetCode(wbs_code_id=21, cost_code="03-300", cost_type="M")],
        }
        self.procore.vendors = {VENDOR_ID: Vendor(vendor_id=VENDOR_ID, name="PEX Card")}
        self.connections.save(
            Connection(
                business_id=BUSINESS_ID,
                status="active",
                company_id=5,
                has_procore_credentials=True,
                connected_on=date(2026, 1, 1),
                backfilled=True,
            )
        )
        self.choose(vendor_id=VENDOR_ID)

    def choose(self, **fields: Any) -> None:
        settings, version = self.connections.load_settings()
        self.connections.save_settings(Settings.model_validate({**settings.model_dump(), **fields}), version)

    def purchase(self, amount: str = "120.50", tags: dict[str, str] | None = None, **fields: Any) -> Transaction:
        """A settled, tagged purchase in PEX, made yesterday unless said otherwise."""
        shares = [(str(abs(Decimal(amount))), coding() if tags is None else tags)]
        return self.split(amount, shares, **fields)

    def split(self, amount: str, shares: Iterable[tuple[str, dict[str, str]]], **fields: Any) -> Transaction:
        transacted_at = fields.pop("transacted_at", self.clock() - timedelta(days=1))
        known: dict[str, Any] = {
            "transaction_id": next(self._ids),
            "account_id": 7,
            "kind": "purchase",
            "amount": Decimal(amount),
            "transacted_at": transacted_at,
            "settled_at": transacted_at + timedelta(hours=3),
            "approved": True,
            "merchant": "Home Depot",
            "allocations": tuple(Allocation(amount=Decimal(share), tags=tags) for share, tags in shares),
        }
        return self.pex.put(Transaction(**{**known, **fields}))

    def contents(self, transaction: Transaction) -> list[list[bytes]]:
        """Of the receipts, expense by expense."""
        return [[file.content for file in cost.files] for cost in self.costs(transaction)]

    def sweep_for(self, days: float) -> None:
        """Every six hours."""
        for _ in range(int(days * 4)):
            self.clock.forward(hours=6)
            self.sync()

    def receipt(self, transaction: Transaction, content: bytes = JPEG, ready: bool = True) -> str:
        receipts = self.pex.receipts[transaction.transaction_id]
        receipt_id = f"r{len(receipts) + 1}"
        receipts[receipt_id] = PexReceipt(content, ready)
        return receipt_id

    def costs(self, transaction: Transaction) -> list[BookedCost]:
        """What Procore's books hold for the transaction."""
        marks = (
            f"pex:{BUSINESS_ID}:{transaction.transaction_id}:",
            f"[pex:{BUSINESS_ID}-{transaction.transaction_id}]",
            f"[pex:{BUSINESS_ID}-{transaction.transaction_id}-r",
        )
        return [cost for cost in self.procore.live() if cost.draft.reference.startswith(marks)]

    def posted_amounts(self, transaction: Transaction) -> list[Decimal]:
        return [cost.amount for cost in self.costs(transaction)]

    def filenames(self, transaction: Transaction) -> list[list[str]]:
        return [[file.filename for file in cost.files] for cost in self.costs(transaction)]

    def open(self, trigger: Trigger = "sweep", run_id: str | None = None, kind: Kind = "transactions") -> Run | None:
        return open_run(
            run_id=run_id or new_run_id(self.clock(), f"{trigger} {next(self._ids)}"),
            kind=kind,
            trigger=trigger,
            execution=self.clock().isoformat(),
            connections=self.connections,
            leases=self.leases,
            runs=self.runs,
            clock=self.clock,
            lease_seconds=LEASE_SECONDS,
        )

    def opened(self, trigger: Trigger = "sweep") -> Run:
        run = self.open(trigger)
        assert run is not None, "another run is at work"
        return run

    def list(self, run: Run, **fields: Any) -> Listing:
        assert run.settings.start_date is not None
        known: dict[str, Any] = {
            "start_date": run.settings.start_date,
            "full": run.trigger == "manual",
            "account_ids": (),
            "since": None,
            "cursor": None,
            "tally": Tally(),
            "announced": 0,
            "put_off": None,
        }
        listing = list_transactions(
            run=run,
            pex=self.pex,
            ledger=self.ledger,
            leases=self.leases,
            runs=self.runs,
            cache=self.cache,
            clock=self.clock,
            lease_needed=LEASE_NEEDED,
            lease_seconds=LEASE_SECONDS,
            **{**known, **fields},
        )
        self.tally = listing.tally
        return listing

    def list_all(self, run: Run) -> Listing:
        """Every page: the last one, with the ids of all."""
        listing = self.list(run)
        pages = [listing]
        while listing.cursor is not None:
            fields = {"cursor": again(listing.cursor), "tally": self.tally, "announced": listing.announced}
            listing = self.list(run, **fields)
            pages.append(listing)
        work = tuple(dict.fromkeys(one for page in pages for one in page.transaction_ids))
        papers = reduce(Papers.then, (page.papers for page in pages))
        return listing.model_copy(update={"transaction_ids": work, "papers": papers})

    def post(
        self,
        run: Run,
        transaction_ids: Sequence[int],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> Progress:
        """A step of its own: nothing is remembered from the last one but what the stores keep."""
        poster = Poster(
            run=run,
            business_id=BUSINESS_ID,
            tags=remembered_tags(lambda: self.pex, self.cache, run.settings, self.clock),
            catalog=Catalog(pex=lambda: self.pex, procore=self.procore, cache=self.cache, clock=self.clock),
            procore=self.procore,
            ledger=self.ledger,
            clock=self.clock,
        )
        progress, self.tally = post_transactions(
            transaction_ids,
            run=run,
            tally=self.tally,
            poster=poster,
            ledger=self.ledger,
            runs=self.runs,
            clock=self.clock,
            may_go_on=may_go_on,
        )
        return progress

    def stage(self, run: Run, transaction_ids: Sequence[int], may_go_on: Callable[[], bool] = lambda: True) -> Progress:
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

    def attach(
        self, run: Run, transaction_ids: Sequence[int], may_go_on: Callable[[], bool] = lambda: True
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

    def close(self, run: Run, listing: Listing | None = None, stopped_by: str | None = None, message: str = "") -> bool:
        return close_run(
            run_id=run.run_id,
            unchanged=self.tally if listing else Tally(),
            announced=listing.announced if listing else 0,
            stopped_by=stopped_by,
            message=message,
            connections=self.connections,
            leases=self.leases,
            runs=self.runs,
            clock=self.clock,
            sweep_seconds=SWEEP_SECONDS,
        )

    def sync(
        self,
        trigger: Trigger = "sweep",
        account_ids: Sequence[int] = (),
        since: datetime | None = None,
        budget: timedelta = timedelta(hours=2),
    ) -> Run:
        """A whole run, as statemachines/sync_transactions.asl.yaml orders it: the run as recorded at its end."""
        run = self.opened(trigger)
        deadline = self.clock() + budget
        for _ in range(10):
            listing: Listing | None = None
            put_off: Papers | None = None
            stopped_by, message = None, ""
            try:
                while listing is None or listing.cursor is not None or put_off is not None:
                    fields: dict[str, Any] = {"account_ids": account_ids, "since": since, "put_off": put_off}
                    if listing is not None:
                        fields |= {"cursor": again(listing.cursor), "tally": self.tally}
                        fields["announced"] = listing.announced
                    listing = self.list(run, **fields)
                    self.work_off(self.post, run, listing.transaction_ids, deadline)
                    put_off = self._bring_papers(run, listing, deadline)
            except Paused:
                stopped_by = "paused"
            except TryLater as error:
                stopped_by, message = "busy", str(error)
            except NeedsAttention as error:
                stopped_by, message = error.reason, error.message
            if self.close(run, listing, stopped_by, message):
                recorded = self.runs.load(run.run_id)
                assert recorded is not None
                return recorded
        raise AssertionError("the run never lets its lease go")

    def _bring_papers(self, run: Run, listing: Listing, deadline: datetime) -> Papers | None:
        papers = listing.papers

        def attach() -> tuple[int, ...]:
            news = News(self.leases, listing.announced, self.clock, waiting=len(papers.attach), at_least=1)
            return self.work_off(self.attach, run, papers.attach, deadline, news)

        news = News(self.leases, listing.announced, self.clock, waiting=len(papers.stage))
        stage = self.work_off(self.stage, run, papers.stage, deadline, news, attach)
        left = attach()
        return Papers(stage=stage, attach=left) if stage or left else None

    def work_off(
        self,
        step: Callable[..., Progress],
        run: Run,
        ids: Sequence[int],
        deadline: datetime,
        news: News | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> tuple[int, ...]:
        """What is left because there is news. `meanwhile`: before every wait."""
        go = () if news is None else (news.may_go_on,)
        for _ in range(MOST_ROUNDS):
            progress = self._repeat(step, run, ids, *go)
            if progress.resume_at is None:
                return ()
            if news is None or not (news.came or news.look()):
                meanwhile()
            if news is not None and (news.came or news.look()):
                return progress.remaining
            if progress.resume_at >= deadline:
                raise Paused
            self.clock.wait_until(progress.resume_at)
            self.leases.renew(run.run_id, LEASE_SECONDS)
            ids = progress.remaining
        raise AssertionError(f"{step.__name__} comes back again and again: {ids}")

    def _repeat(self, step: Callable[..., Progress], run: Run, ids: Sequence[int], *go: Callable[[], bool]) -> Progress:
        for _ in range(4):
            try:
                return step(run, ids, *go)
            except TryLater:
                self.clock.forward(10)
        return step(run, ids, *go)


class Paused(Exception):
    pass


def again(cursor: Cursor | None) -> Cursor | None:
    """As it comes back from the state machine."""
    return None if cursor is None else Cursor.model_validate_json(cursor.model_dump_json())


def eastern_noon(day: date) -> datetime:
    """Noon in New York is 16:00 or 17:00 UTC: never another day."""
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
