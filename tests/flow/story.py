"""Acts of people, of time and of the two vendors, as sentences of a test; what came of them is read in the books."""

from __future__ import annotations

import json
import re
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pex_procore.store.pressing import unpress
from tests.flow.cloud import PATIENCE_SECONDS, Cloud
from tests.flow.gateway import Reply
from tests.flow.worlds import (
    CALLBACK_SECRET,
    CLIENT_ID,
    CLIENT_SECRET,
    COMPANY_ID,
    PEX_TOKEN,
    SETUP,
    Vendors,
)

COSTS = r"/direct_costs$"  # the path of a create
COST = r"/direct_costs/\d+$"  # of a show or an attach
PEX_CALLS_A_MINUTE = 120


@dataclass(frozen=True)
class Saved:
    at: datetime
    vendors: bytes
    tables: bytes | None = None
    cookie: str = ""


class Story:
    """One business and one company."""

    def __init__(self, vendors: Vendors, cloud: Cloud) -> None:
        self.clock, self.cloud = cloud.clock, cloud
        self.names, self.pex, self.procore = vendors.names, vendors.pex, vendors.procore
        self._vendors = vendors
        self.cookie = ""
        self._signed_in_at = self.clock()

    def save(self) -> Saved:
        return Saved(self.clock(), self._vendors.save(), self.cloud.save(), self.cookie)

    def restore(self, saved: Saved) -> None:
        self.clock.reset(saved.at)
        self._vendors.restore(saved.vendors)
        self.cloud.restore(saved.tables)
        self.cookie, self._signed_in_at = saved.cookie, saved.at

    # What the administrator does

    def sign_in(self, token: str = PEX_TOKEN) -> Reply:
        answer = self.cloud.request("POST", "/v1/sessions", {"pex_token": token})
        self.cookie = answer.cookies[0].split(";")[0] if answer.cookies else ""
        self._signed_in_at = self.clock()
        return answer

    def api(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        """As the signed-in administrator."""
        if not self.cookie or (self.clock() - self._signed_in_at).total_seconds() > 9 * 3600:
            assert self.sign_in().status == 201
        return self.cloud.request(method, path, body, {"Cookie": self.cookie}, query)

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = self.api(method, path, body, **query)
        assert answer.status < 300, answer.text
        return answer.json

    def connect(self, **settings: Any) -> Story:
        credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        self.ask("PUT", "/v1/connection/procore", credentials)
        self.ask("PUT", "/v1/connection/company", {"company_id": COMPANY_ID})
        self.ask("PUT", "/v1/connection/pex-callback", {"secret": CALLBACK_SECRET})
        tags_alone = {"sync_projects": False, "sync_cost_codes": False, "sync_cost_types": False}
        self.set(vendor_id=self.names.vendor_id, **{**tags_alone, **settings})
        self.pex.requests.clear()
        self.procore.requests.clear()
        return self

    def set(self, **settings: Any) -> Any:
        return self.ask("PATCH", "/v1/settings", settings)

    def sync(self) -> dict[str, Any]:
        """A run started by hand, at its end."""
        run_id = self.ask("POST", "/v1/runs", {"kind": "transactions"})["run_id"]
        return self.finish(run_id)

    def finish(self, run_id: str) -> dict[str, Any]:
        assert set(self.cloud.finish()) <= {"SUCCEEDED"}
        self.clock.forward(1)
        return self.run(run_id)

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/v1/runs/{run_id}")
        return found

    def runs(self) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = self.ask("GET", "/v1/runs")["items"]
        return found

    def sweep(self) -> dict[str, Any]:
        """The next quarter of an hour passes, and with it the schedule's beat; the newest run."""
        self.clock.forward(16 * 60)
        self.cloud.beat()
        assert set(self.cloud.finish()) == {"SUCCEEDED"}
        return next(run for run in self.runs() if run["kind"] == "transactions")

    def row(self, transaction_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/v1/transactions/{transaction_id}")
        return found

    def rows(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/v1/transactions", **query)["items"]
        return found

    # What happens at PEX

    def purchase(
        self,
        amount: str = "120.50",
        project: str | None = "Library",
        code: str | None = SETUP,
        type: str | None = "M",
        *,
        merchant: str = "HOME DEPOT #4512",
        card: int = 0,
        split: list[tuple[str, str, str]] | None = None,
        receipts: tuple[str, ...] = (),
        approve: bool = False,
        note: str = "",
    ) -> int:
        """A settled purchase. `split`: amount, project, cost code of each share. `receipts`: kinds of files."""
        made = self.pex.act_purchase(self.names.account_ids[card], amount, merchant, settle=True)
        transaction_id: int = made["transaction_id"]
        if split:
            parts = [{"amount": share, **self.tags(place, cost_code, type)} for share, place, cost_code in split]
            self.pex.act_split(transaction_id, parts)
        else:
            self.tag(transaction_id, project, code, type)
        for kind in receipts:
            self.pex.act_receipt(transaction_id, kind)
        if approve:
            self.pex.act_approve(transaction_id)
        if note:
            self.pex.act_note(transaction_id, note)
        return transaction_id

    def refund(self, amount: str, project: str = "Library", code: str = SETUP, type: str = "M") -> int:
        transaction_id: int = self.pex.act_refund(self.names.account_ids[0], amount)["transaction_id"]
        self.tag(transaction_id, project, code, type)
        return transaction_id

    def tag(
        self, transaction_id: int, project: str | None = None, code: str | None = None, type: str | None = None
    ) -> None:
        self.pex.act_tag(transaction_id, **self.tags(project, code, type))

    def tags(self, project: str | None, code: str | None, type: str | None) -> dict[str, str]:
        """Option values, as synced: the project's and the cost type's id, the cost code's text."""
        projects, types = self.names.projects, self.names.types
        chosen = {
            "project": str(projects.get(project, project)) if project else None,
            "cost_code": code,
            "cost_type": str(types.get(type, type)) if type else None,
        }
        return {kind: value for kind, value in chosen.items() if value is not None}

    def deliver(self) -> None:
        """PEX's callbacks arrive, the queue is worked off, and the runs they start come to their end."""
        self.receive()
        self.cloud.pump()
        assert set(self.cloud.finish()) <= {"SUCCEEDED"}
        self.clock.forward(1)

    def receive(self) -> None:
        """PEX's callbacks arrive, and wait in the queue."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.pex.dispatcher.idle():
            assert time.monotonic() < until, "PEX does not get rid of its callbacks"
            time.sleep(0.005)

    def notes(self, transaction_id: int) -> list[str]:
        return [one["text"] for one in self.pex_row(transaction_id)["notes"]]

    def pex_row(self, transaction_id: int) -> dict[str, Any]:
        every = self.pex.books()["transactions"]
        return next(one for one in every if one["transaction_id"] == transaction_id)

    # What Procore has

    def costs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.procore.books()["direct_costs"]
        return found

    def cost(self) -> dict[str, Any]:
        """The only one there is."""
        found = self.costs()
        assert len(found) == 1, found
        return found[0]

    def costs_of(self, transaction_id: int) -> list[dict[str, Any]]:
        return [one for one in self.costs() if self.transaction_of(one) == transaction_id]

    def creates(self) -> int:
        """How many expenses Procore was asked to create, whatever came of it."""
        every = self.procore.requests.all()
        return sum(one.method == "POST" and re.search(COSTS, one.path) is not None for one in every)

    def check_books(self) -> None:
        """What must hold whatever happened: nothing twice, nothing made up, cents and receipts right, limits kept."""
        seen = set()
        transactions = {one["transaction_id"]: one for one in self.pex.books()["transactions"]}
        for cost in self.costs():
            transaction_id = self.transaction_of(cost)
            key = transaction_id, cost["project_id"]
            assert key not in seen, f"{key} was posted twice"
            seen.add(key)
            assert transactions[transaction_id]["state"] == "settled"
            amounts = [Decimal(line["amount"]) for line in cost["line_items"]]
            assert sum(amounts) == Decimal(cost["grand_total"])
            assert cost["vendor_id"] == self.names.vendor_id
            digests = [one["sha256"] for one in cost["attachments"]]
            assert len(digests) == len(set(digests)), "a receipt was attached twice"
            assert set(digests) <= {one["sha256"] for one in transactions[transaction_id]["receipts"]}
        for row in self.rows():
            if row["state"] in ("posted", "complete"):
                posted = sum(Decimal(one["grand_total"]) for one in self.costs_of(row["transaction_id"]))
                assert posted == -Decimal(transactions[row["transaction_id"]]["amount"])
        hasty = [one for one in self.procore.requests.all() if one.status == 429 and one.fault is None]
        assert not hasty, f"{len(hasty)} calls to Procore came too fast"
        calls = sorted(one.at.timestamp() for one in self.pex.requests.all())
        for first, last in zip(calls, calls[PEX_CALLS_A_MINUTE:], strict=False):
            assert last - first > 60, "too many calls to PEX in a minute"

    @staticmethod
    def transaction_of(cost: dict[str, Any]) -> int:
        found = re.search(r"pex:\d+[:-](\d+)", f"{cost['origin_id'] or ''} {cost['description'] or ''}")
        assert found, f"an expense without our reference: {cost}"
        return int(found[1])

    def everything_stored(self) -> str:
        """All that our tables and executions hold, as one text; what is compressed is opened."""

        def opened(value: Any) -> str:
            plain = bytes(value) if isinstance(value, bytes) else b""
            with suppress(zlib.error):  # sealed credentials are no compressed text
                return str(unpress(plain))
            return repr(value)

        tables = [
            self.cloud.stage.dynamodb.scan(TableName=name)["Items"]
            for name in (self.cloud.stage.connections, self.cloud.stage.history)
        ]
        inputs = [one.execution_input for one in self.cloud.executions()]
        outputs = [one.output for one in self.cloud.executions()]
        return json.dumps([tables, inputs, outputs], default=opened)
