"""What people do in a simulated week, and what must be true when it is over."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from pex_procore.domain.ledger import Row
from pex_procore.domain.transactions import Allocation, Transaction
from pex_procore.services import decisions
from pex_procore.services.ports import Conflict
from tests.fakes.procore import BookedCost
from tests.services.world import BUSINESS_ID, JPEG, P1, P2, PDF, coding
from tests.simulation.town import Town

PLACES = {(P1, "01-500"): 11, (P1, "03-300"): 12, (P2, "03-300"): 21}  # what can be coded, and its budget code
HOUR = timedelta(hours=1)


class Week:
    """`transactions` over four days, a sweep now and then, callbacks for all; then the faults stop."""

    def __init__(self, seed: int, transactions: int = 500) -> None:
        self.town = Town(seed)
        self.rng, self.world = self.town.rng, self.town.world
        self.transactions = transactions
        self.bought: dict[int, Transaction] = {}
        self.touched: set[int] = set()  # changed after it was bought, by whomever: a warning may remain
        self.removed: set[int] = set()  # expenses a person deleted
        self.world.choose(
            reference=self.rng.choice(("origin_id", "description")),
            transactions=self.rng.choice(("all", "all", "approved")),
            start_date=date(2026, 4, 1),
        )
        self.approved_only = self.world.connections.load_settings()[0].transactions == "approved"

    def live(self) -> Week:
        """Raises AssertionError with the seed when something does not hold."""
        spawn = self.town.scheduler.spawn
        for number in range(self.transactions):
            spawn(f"buy {number}", self._buy, self.rng.uniform(0, 4 * 86400))
        for number in range(48):
            spawn(f"beat {number}", self._beat, number * 7200 + self.rng.uniform(0, 600))
        for _ in range(self.rng.randint(0, 3)):
            spawn("weather", self._weather, self.rng.uniform(0, 3 * 86400))
        spawn("clouds", self._fog, self.rng.uniform(0, 86400))
        self.town.scheduler.run()
        self._calm()
        self._check()
        return self

    # People and weather

    def _beat(self) -> None:
        self.town.sweep("manual" if self.rng.random() < 0.2 else "sweep")

    def _weather(self) -> None:
        side, seconds = self.rng.choice(("pex", "procore")), self.rng.choice((900, 900, 13 * 3600))
        self.town.trouble.down_until[side] = self.town.clock() + timedelta(seconds=seconds)

    def _fog(self) -> None:
        self.world.procore.hide_fresh_for(self.rng.choice((0, 5, 25)))
        self.town.ledger.lag = self.rng.choice((0.0, 0.1))

    def _shares(self, total: Decimal) -> list[tuple[str, dict[str, str]]]:
        parts = self.rng.choice((1, 1, 1, 1, 2, 3))
        cents = int(abs(total) * 100)
        cuts = sorted(self.rng.sample(range(1, cents), parts - 1)) if cents > parts else []
        amounts = [Decimal(high - low) / 100 for low, high in zip([0, *cuts], [*cuts, cents], strict=True)]
        return [(str(amount), self._coding()) for amount in amounts]

    def _coding(self) -> dict[str, str]:
        dice = self.rng.random()
        if dice < 0.04:
            return {}
        if dice < 0.06:
            return coding(P2, "01-500")  # not in that project
        project, code = self.rng.choice(list(PLACES))
        return coding(project, code)

    def _buy(self) -> None:
        dice = self.rng.random()
        amount = Decimal(self.rng.randint(100, 99_999)) / 100
        amount = -amount if dice < 0.05 else Decimal() if dice < 0.06 else amount
        now = self.town.clock()
        made = self.world.split(
            str(amount),
            self._shares(amount),
            transacted_at=now - HOUR,
            settled_at=now,
            approved=not self.approved_only or self.rng.random() < 0.7,
            account_id=self.rng.choice((7, 8)),
            notes=("lunch 🌮",) if self.rng.random() < 0.1 else (),
        )
        self.bought[made.transaction_id] = made
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            self.world.receipt(made, self.rng.choice((JPEG, PDF)) + bytes([self.rng.randrange(3)]))
        self.town.call_back(made.transaction_id, made.account_id)
        self._later(made.transaction_id)

    def _later(self, transaction_id: int) -> None:
        acts: Sequence[tuple[float, Callable[[int], None]]] = (
            (0.10, self._recode),
            (0.05, self._approve),
            (0.05, self._add_receipt),
            (0.01, self._delete_in_procore),
            (0.01, self._edit_in_procore),
            (0.05, self._decide),
        )
        for share, act in acts:
            if self.rng.random() < share:
                after = self.rng.choice((30, 600, 7200, 86400)) * self.rng.random()
                self.town.scheduler.spawn(f"{act.__name__} {transaction_id}", partial(act, transaction_id), after)
        if self.approved_only:
            self.town.scheduler.spawn(f"approve {transaction_id}", lambda: self._approve(transaction_id), 86400)

    def _recode(self, transaction_id: int) -> None:
        self.touched.add(transaction_id)
        amount = self.bought[transaction_id].amount
        shares = tuple(Allocation(amount=Decimal(part), tags=tags) for part, tags in self._shares(amount))
        self.bought[transaction_id] = self.world.pex.change(transaction_id, allocations=shares)

    def _approve(self, transaction_id: int) -> None:
        self.bought[transaction_id] = self.world.pex.change(transaction_id, approved=True)

    def _add_receipt(self, transaction_id: int) -> None:
        self.world.receipt(self.bought[transaction_id], JPEG + self.rng.randbytes(4))

    def _delete_in_procore(self, transaction_id: int) -> None:
        self.touched.add(transaction_id)
        for cost in self._live(transaction_id):
            cost.deleted = True
            self.removed.add(cost.direct_cost_id)

    def _edit_in_procore(self, transaction_id: int) -> None:
        self.touched.add(transaction_id)
        for cost in self._live(transaction_id)[:1]:
            cost.lines = [one.model_copy(update={"wbs_code_id": 99}) for one in cost.lines]

    def _decide(self, transaction_id: int) -> None:
        row = self.town.ledger.rows.get(transaction_id)
        decide = self.rng.choice((decisions.retry, decisions.post_again))
        if row is not None:
            with suppress(decisions.NotNow, Conflict):
                self.town.ledger.save(decide(row, self.town.clock()))

    # The end

    def _calm(self) -> None:
        """Faults stop; what was begun ends, leases run out, and two sweeps pass."""
        self.town.faults_on = False
        self.town.trouble.end()
        self.town.ledger.lag = 0.0
        self.world.procore.stop_misbehaving()
        self.world.pex.stop_misbehaving()
        self.world.procore.hide_fresh_for(0)
        for _ in range(2):
            self.town.clock.forward(900)
            self.town.sweep()
            self.town.scheduler.run()

    def _live(self, transaction_id: int) -> list[BookedCost]:
        marks = (f"pex:{BUSINESS_ID}:{transaction_id}:", f"[pex:{BUSINESS_ID}-{transaction_id}]")
        later = f"[pex:{BUSINESS_ID}-{transaction_id}-r"
        return [cost for cost in self.world.procore.live() if cost.draft.reference.startswith((*marks, later))]

    def _check(self) -> None:
        problems = [*self.town.violations, *self.town.ledger.trail_errors]
        costs: dict[int, list[BookedCost]] = defaultdict(list)
        for cost in self.world.procore.live():
            named = re.search(rf"pex:{BUSINESS_ID}[:-](\d+)", cost.draft.reference)
            costs[int(named[1]) if named else 0].append(cost)
        problems += [f"an expense for {one}, which nobody bought" for one in costs.keys() - self.bought.keys()]
        for transaction_id, transaction in self.bought.items():
            row = self.town.ledger.rows.get(transaction_id)
            found = self._judge(transaction, row, costs.get(transaction_id, []))
            problems += [f"transaction {transaction_id}: {one}" for one in found]
        if problems:
            raise AssertionError(self._report(problems))

    def _judge(self, transaction: Transaction, row: Row | None, costs: list[BookedCost]) -> list[str]:
        problems = []
        for project_id, number in Counter(cost.draft.project_id for cost in costs).items():
            if number > 1:
                problems.append(f"{number} live expenses in project {project_id}")
        for cost in costs:
            digests = [hashlib.sha256(file.content).hexdigest() for file in cost.files]
            if len(digests) != len(set(digests)):
                problems.append("a receipt is attached twice")
        if row is None:
            return [*problems, "is in no list"]
        if row.state in ("announced", "posting", "unknown", "posted"):
            problems.append(f"is still {row.state}")
        known = {one.sha256 for one in row.receipts if one.state == "attached"}
        attached = [{hashlib.sha256(file.content).hexdigest() for file in cost.files} for cost in costs]
        refused = any(mark.state == "refused" for mark in row.receipts)
        if row.state == "complete" and row.reason is None and not refused and any(one != known for one in attached):
            problems.append("receipts differ from what the ledger says")
        wanted = self._wanted(transaction)
        if row.state in ("waiting", "refused") and costs:
            problems.append(f"is {row.state} with an expense in the books")
        if row.state == "complete" and row.reason is None:
            gone = any(one.direct_cost_id in self.removed for one in row.postings)
            edited = any(line.wbs_code_id == 99 for cost in costs for line in cost.lines)
            got = {
                cost.draft.project_id: sorted((line.wbs_code_id, line.amount) for line in cost.lines) for cost in costs
            }
            if not (gone or edited) and got != wanted:
                problems.append(f"is complete, has {got} and should have {wanted}")
        elif (
            wanted is not None and transaction.transaction_id not in self.touched and row.reason != "refused_by_procore"
        ):
            problems.append(f"could be posted and is {row.state} ({row.reason} {row.detail})")
        elif row.reason is None:
            problems.append(f"is {row.state} without a reason")
        return problems

    def _wanted(self, transaction: Transaction) -> dict[int, list[tuple[int, Decimal]]] | None:
        if transaction.amount == 0 or (self.approved_only and not transaction.approved):
            return None
        sign = -1 if transaction.amount < 0 else 1
        found: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
        for share in transaction.allocations:
            place = int(share.tags.get("tag-p", 0)), share.tags.get("tag-c", "")
            if place not in PLACES:
                return None
            found[place[0]].append((PLACES[place], sign * share.amount))
        return {project_id: sorted(lines) for project_id, lines in found.items()}

    def _report(self, problems: list[str]) -> str:
        seed = f"make soak SEED={self.town.seed} TRANSACTIONS={self.transactions}"
        told = "\n  ".join(problems[:10])
        first = next((int(word.strip(":")) for one in problems for word in one.split() if word.strip(":").isdigit()), 0)
        row = self.town.ledger.rows.get(first)
        trail = (
            "\n  ".join(f"{one.at:%d %H:%M:%S} {one.to} {one.cause} {one.run_id or ''}" for one in row.timeline)
            if row
            else ""
        )
        return f"{len(problems)} problems, again with: {seed}\n  {told}\nThe first one's trail:\n  {trail}"
