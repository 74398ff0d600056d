"""The 300 transactions of the seeded business, oldest first."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from local.simulators.pex.receipt_files import receipt_file
from local.simulators.pex.simulator import PexSimulator
from local.simulators.pex.times import EASTERN
from local.simulators.pex.world import Business, Tag

ROWS = 300
DAYS = 120

SORTS = {
    "split": 60,
    "refund": 15,
    "unapproved": 16,
    "rejected": 2,
    "untagged": 8,
    "missing_project": 3,
    "missing_cost_code": 3,
    "missing_cost_type": 2,
    "pending": 10,
    "declined": 8,
    "pin": 6,
    "tip": 4,
    "two_receipts": 3,
    "same_receipt_twice": 1,
    "foreign_currency": 4,
    "code_not_in_project": 3,
    "closed_project": 3,
    "option_unknown": 1,
    "deleted_tag": 1,
    "split_off_by_a_cent": 1,
    "emoji_note": 2,
    "long_note": 1,
    "zero": 1,
    "dispute": 1,
    "card_fee": 4,
    "business_fee": 3,
    "bank_transfer": 3,
    "rebate": 2,
    "bill_pay": 2,
    "partial_shipment": 1,
    "card_load": 2,
}
"""One row each, but two for the sorts in _TWO_ROWS; plain coded, approved purchases fill up to ROWS."""
_TWO_ROWS = ("partial_shipment", "card_load", "dispute")
_NOT_SETTLED = ("pending", "declined")

# name on the wire, city, state, zip, merchant category, least and most dollars, name as people know it
_MERCHANTS = (
    ("THE HOME DEPOT #6209", "HARTFORD", "CT", "06106", "5200", 18, 640, "The Home Depot"),
    ("LOWES #01742", "STAMFORD", "CT", "06902", "5200", 22, 580, "Lowe's"),
    ("SUNBELT RENTALS #388", "ALBANY", "NY", "12207", "7394", 140, 1850, "Sunbelt Rentals"),
    ("UNITED RENTALS 0415", "NEWARK", "NJ", "07114", "7394", 160, 2200, "United Rentals"),
    ("WHITE CAP 218", "PROVIDENCE", "RI", "02903", "5039", 45, 920, "White Cap"),
    ("GRAINGER", "TRENTON", "NJ", "08608", "5085", 30, 760, "Grainger"),
    ("FASTENAL COMPANY 01CTHAR", "HARTFORD", "CT", "06114", "5085", 9, 240, "Fastenal"),
    ("FERGUSON ENT #1552", "WORCESTER", "MA", "01604", "5074", 60, 1400, "Ferguson"),
    ("SHERWIN-WILLIAMS 708412", "NASHUA", "NH", "03063", "5231", 35, 430, "Sherwin-Williams"),
    ("TILCON CONNECTICUT", "NEW BRITAIN", "CT", "06053", "5032", 210, 2400, "Tilcon"),
    ("SHELL OIL 57444120", "DANBURY", "CT", "06810", "5541", 38, 140, "Shell"),
    ("WB MASON CO", "BROCKTON", "MA", "02301", "5943", 12, 180, "W.B. Mason"),
    ("DUNKIN #340118", "LOWELL", "MA", "01852", "5814", 6, 44, "Dunkin'"),
    ("HILTI INC", "PLANO", "TX", "75024", "5251", 65, 1150, "Hilti"),
    ("STAPLES 00112", "SCRANTON", "PA", "18505", "5943", 14, 210, "Staples"),
    ("EZPASS CT REBILL", "", "NY", "", "4784", 10, 50, None),
)
_NOTES = (
    "Per change order 14",
    "PO 2281, picked up by night crew",
    "Replacement blades for the demo saw",
    "Return the core deposit next week",
    "Fuel for light towers",
    "Backcharge to electrician, see daily log",
)
_LONG_NOTE = "Delivered to the north gate, checked by the foreman, two pallets short. " * 14


@dataclass
class Catalog:
    """What PEX's tags say about Procore."""

    company: str
    projects: list[tuple[int, str, bool]]
    """(id, "number - name", open)"""
    cost_codes: list[tuple[str, str]]
    cost_types: list[tuple[int, str]]
    lines: dict[int, list[tuple[str, int]]]
    """For each project that takes expenses the (full code, cost type id) pairs with an active budget code."""
    codes_of: dict[int, set[str]]


def write_history(sim: PexSimulator, business: Business, catalog: Catalog, rng: random.Random, now: datetime) -> None:
    writer = _Writer(sim, business, catalog, rng, now)
    sorts = [sort for sort, times in SORTS.items() for _ in range(times)]
    rows = len(sorts) + sum(SORTS[sort] for sort in _TWO_ROWS)
    sorts += ["purchase"] * (ROWS - rows)
    plan = sorted((writer.moment(sort), place, sort) for place, sort in enumerate(sorts))
    for at, _, sort in plan:
        writer.write(sort, at)
    for row in sim.world.transactions.values():
        row.booked_at = row.settlement_time or row.time


class _Writer:
    def __init__(
        self, sim: PexSimulator, business: Business, catalog: Catalog, rng: random.Random, now: datetime
    ) -> None:
        self.sim = sim
        self.business = business
        self.catalog = catalog
        self.rng = rng
        self.now = now
        self.accounts = list(business.cardholders)
        self.projects = sorted(catalog.lines)
        self.old_tag = self._old_tag()

    def moment(self, sort: str) -> datetime:
        """A working hour, long enough ago to have settled unless it must not have."""
        if sort == "pending":
            return (self.now - timedelta(minutes=self.rng.randint(40, 3600))).replace(tzinfo=EASTERN)
        day = self.now - timedelta(days=self.rng.randint(4, DAYS - 1))
        return day.replace(hour=self.rng.randint(6, 18), minute=self.rng.randint(0, 59), second=self.rng.randint(0, 59))

    def write(self, sort: str, at: datetime) -> None:
        special = getattr(self, f"_{sort}", None)
        if special is not None:
            special(at)
            return
        account_id = self.rng.choice(self.accounts)
        transaction_id = self._bought(sort, at, account_id)
        self._coded(sort, transaction_id)
        if sort == "unapproved":
            self._papers(transaction_id, at, approved=False)
        elif sort == "rejected":
            self._papers(transaction_id, at, approved=False)
            self.sim.act_reject(transaction_id)
        else:
            self._papers(transaction_id, at)

    def _merchant(self) -> tuple[dict[str, Any], Decimal]:
        name, city, state, zip_code, mcc, low, high, normalized = self.rng.choice(_MERCHANTS)
        details = {
            "merchant": name,
            "city": city,
            "state": state,
            "zip": zip_code,
            "mcc": mcc,
            "normalized": normalized,
        }
        return details, Decimal(self.rng.randint(int(low) * 100, int(high) * 100)) / 100

    def _bought(self, sort: str, at: datetime, account_id: int, amount: Decimal | None = None, **more: Any) -> int:
        """A settled purchase; the transaction id of its settled row."""
        merchant, price = self._merchant()
        amount = price if amount is None else amount
        made = self.sim.act_purchase(account_id, amount, at=at, why=sort, **(merchant | more))
        if more.get("pin"):
            return int(made["transaction_id"])
        settled = self.sim.act_settle(made["transaction_id"], at=self._settles(at))
        return int(settled["transaction_id"])

    def _settles(self, at: datetime) -> datetime:
        return min(
            at + timedelta(hours=self.rng.randint(14, 66)), self.now - timedelta(minutes=self.rng.randint(20, 90))
        )

    def _line(self) -> dict[str, Any]:
        project_id = self.rng.choice(self.projects)
        code, type_id = self.rng.choice(self.catalog.lines[project_id])
        return {"project": str(project_id), "cost_code": code, "cost_type": str(type_id)}

    def _coded(self, sort: str, transaction_id: int) -> None:
        values = self._line()
        if sort == "code_not_in_project":
            poor = [each for each in self.projects if len(self.catalog.codes_of[each]) < len(self.catalog.cost_codes)]
            project_id = self.rng.choice(poor)
            missing = sorted({code for code, _ in self.catalog.cost_codes} - self.catalog.codes_of[project_id])
            values |= {"project": str(project_id), "cost_code": self.rng.choice(missing)}
        if sort == "closed_project":
            shut = [project_id for project_id, _, is_open in self.catalog.projects if not is_open]
            values["project"] = str(self.rng.choice(shut))
        if sort == "option_unknown":
            values["cost_code"] = "99-999"
        for kind in ("project", "cost_code", "cost_type"):
            if sort == f"missing_{kind}":
                del values[kind]
        if sort != "untagged":
            self.sim.act_tag(transaction_id, **values)
        if sort == "deleted_tag":
            self.sim.act_tag(transaction_id, tags={self.old_tag.tag_id: "Phase 2"})

    def _papers(self, transaction_id: int, at: datetime, *, approved: bool = True) -> None:
        if self.rng.random() < 0.8:
            self._receipt(transaction_id, at)
        if self.rng.random() < 0.25:
            self.sim.act_note(transaction_id, self.rng.choice(_NOTES), at=at + timedelta(hours=1))
        if approved:
            self.sim.act_approve(transaction_id)

    def _receipt(self, transaction_id: int, at: datetime) -> None:
        kind = self.rng.choice(("jpg", "jpg", "png", "pdf"))
        self.sim.act_receipt(transaction_id, kind, at=at + timedelta(minutes=self.rng.randint(3, 300)))

    def _split(self, at: datetime, amount: Decimal | None = None, wrong_by: Decimal = Decimal(0)) -> None:
        """Two to four parts, half of the time all on one project."""
        sort = "split_off_by_a_cent" if wrong_by else "split"
        cents = int((amount or Decimal(self.rng.randint(8_000, 190_000)) / 100) * 100)
        count = self.rng.choice((2, 2, 3, 3, 4))
        cuts = [0, *sorted(self.rng.sample(range(100, cents - 100), count - 1)), cents]
        lines = [self._line() for _ in range(count)]
        if self.rng.random() < 0.5:
            for line in lines[1:]:
                code, type_id = self.rng.choice(self.catalog.lines[int(lines[0]["project"])])
                line |= {"project": lines[0]["project"], "cost_code": code, "cost_type": str(type_id)}
        amounts = [Decimal(end - start) / 100 for start, end in pairwise(cuts)]
        amounts[-1] += wrong_by
        transaction_id = self._bought(sort, at, self.rng.choice(self.accounts), Decimal(cents) / 100)
        parts = [{"amount": part, **line} for part, line in zip(amounts, lines, strict=True)]
        self.sim.act_split(transaction_id, parts, force=bool(wrong_by))
        self._papers(transaction_id, at)

    def _split_off_by_a_cent(self, at: datetime) -> None:
        self._split(at, wrong_by=Decimal("0.01"))

    def _refund(self, at: datetime) -> None:
        merchant, price = self._merchant()
        made = self.sim.act_refund(self.rng.choice(self.accounts), price, at=at, why="refund", **merchant)
        self._coded("refund", made["transaction_id"])
        self._papers(made["transaction_id"], at)

    def _pending(self, at: datetime) -> None:
        merchant, price = self._merchant()
        padding = 49 if merchant["mcc"] == "5541" else 0
        made = self.sim.act_purchase(
            self.rng.choice(self.accounts), price, at=at, padding=padding, why="pending", **merchant
        )
        if self.rng.random() < 0.5:
            self._coded("pending", made["transaction_id"])
            self._receipt(made["transaction_id"], at)

    def _declined(self, at: datetime) -> None:
        merchant, price = self._merchant()
        code = self.rng.choice(
            ("decline.rule.mcc", "decline.balance.card", "decline.rule.location", "decline.card.pin")
        )
        self.sim.act_decline(self.rng.choice(self.accounts), price, code=code, at=at, **merchant)

    def _pin(self, at: datetime) -> None:
        transaction_id = self._bought("pin", at, self.rng.choice(self.accounts), pin=True)
        self._coded("pin", transaction_id)
        self._papers(transaction_id, at)

    def _tip(self, at: datetime) -> None:
        """Settled for more than was held."""
        held = Decimal(self.rng.randint(3_000, 9_000)) / 100
        made = self.sim.act_purchase(
            self.rng.choice(self.accounts),
            held,
            "OLD COLONY DINER",
            city="GLOUCESTER",
            state="MA",
            zip="01930",
            mcc="5812",
            at=at,
            why="tip",
        )
        tip = (held * Decimal("0.2")).quantize(Decimal("0.01"))
        settled = self.sim.act_settle(made["transaction_id"], held + tip, at=self._settles(at))
        self._coded("tip", settled["transaction_id"])
        self._papers(settled["transaction_id"], at)

    def _two_receipts(self, at: datetime) -> None:
        transaction_id = self._bought("two_receipts", at, self.rng.choice(self.accounts))
        self._coded("two_receipts", transaction_id)
        self.sim.act_receipt(transaction_id, "jpg", at=at)
        self.sim.act_receipt(transaction_id, "pdf", at=at + timedelta(hours=20))
        self.sim.act_approve(transaction_id)

    def _same_receipt_twice(self, at: datetime) -> None:
        transaction_id = self._bought("same_receipt_twice", at, self.rng.choice(self.accounts))
        self._coded("same_receipt_twice", transaction_id)
        row = self.sim.transaction(transaction_id)
        file = receipt_file("jpg", row.merchant["MerchantName"], row.amount, f"{at:%Y-%m-%d}")
        for minutes in (5, 7):
            content = base64.b64encode(file).decode()
            self.sim.act_receipt(transaction_id, "jpg", content, at=at + timedelta(minutes=minutes))
        self.sim.act_approve(transaction_id)

    def _foreign_currency(self, at: datetime) -> None:
        source = Decimal(self.rng.randint(4_000, 60_000)) / 100
        amount = (source * Decimal("0.731")).quantize(Decimal("0.01"))
        transaction_id = self._bought(
            "foreign_currency",
            at,
            self.rng.choice(self.accounts),
            amount,
            merchant="RONA INC #66640",
            city="MONTREAL",
            state="QC",
            zip="",
            country="CA",
            mcc="5211",
            normalized="RONA",
            currency={"description": "Canadian Dollar", "code": "124", "amount": source},
        )
        self._coded("foreign_currency", transaction_id)
        self._papers(transaction_id, at)

    def _emoji_note(self, at: datetime) -> None:
        transaction_id = self._bought("emoji_note", at, self.rng.choice(self.accounts))
        self._coded("emoji_note", transaction_id)
        text = "Concrete pour 👷🏽‍♀️🏗️ at dawn\nÑandú gate, café run ☕ — see «daily log»"
        self.sim.act_note(transaction_id, text, at=at + timedelta(hours=2))
        self._papers(transaction_id, at)

    def _long_note(self, at: datetime) -> None:
        transaction_id = self._bought("long_note", at, self.rng.choice(self.accounts))
        self._coded("long_note", transaction_id)
        self.sim.act_note(transaction_id, _LONG_NOTE, at=at + timedelta(hours=2))
        self._papers(transaction_id, at)

    def _zero(self, at: datetime) -> None:
        transaction_id = self._bought("zero", at, self.rng.choice(self.accounts), Decimal("0.00"))
        self._coded("zero", transaction_id)
        self.sim.act_approve(transaction_id)

    def _dispute(self, at: datetime) -> None:
        """Won after three days; the credit itself is coded and approved, as a careful bookkeeper does."""
        transaction_id = self._bought("purchase", at, self.rng.choice(self.accounts))
        self._coded("purchase", transaction_id)
        self._papers(transaction_id, at)
        credit = self.sim.act_dispute(transaction_id, at=at + timedelta(days=3))
        self._coded("dispute", credit["transaction_id"])
        self.sim.act_approve(credit["transaction_id"])

    def _partial_shipment(self, at: datetime) -> None:
        made = self.sim.act_purchase(
            self.rng.choice(self.accounts),
            "840.00",
            "HILTI INC",
            city="PLANO",
            state="TX",
            zip="75024",
            mcc="5251",
            at=at,
            why="partial_shipment",
        )
        settled = self.sim.act_settle(made["transaction_id"], parts=["615.50", "224.50"], at=self._settles(at))
        for transaction_id in settled["transaction_ids"]:
            self._coded("partial_shipment", transaction_id)
            self._papers(transaction_id, at)

    def _card_fee(self, at: datetime) -> None:
        self.sim.act_fee(self.rng.choice(self.accounts), "3.00", "Card replacement fee", at=at)

    def _business_fee(self, at: datetime) -> None:
        self.sim.act_fee(None, "49.95", "Monthly fee", at=at)

    def _bank_transfer(self, at: datetime) -> None:
        self.sim.act_transfer(None, Decimal(self.rng.randint(10, 60)) * 1000, at=at)

    def _card_load(self, at: datetime) -> None:
        self.sim.act_transfer(self.rng.choice(self.accounts), "750.00", at=at)

    def _rebate(self, at: datetime) -> None:
        self.sim.act_rebate(Decimal(self.rng.randint(900, 9_000)) / 100, at=at)

    def _bill_pay(self, at: datetime) -> None:
        self.sim.act_bill_pay("2480.00", "CONNECTICUT READY MIX", self.rng.choice(self.accounts), at=at)

    def _old_tag(self) -> Tag:
        tag = self.sim.new_tag(self.business, "Phase", "Text")
        tag.deleted_at = self.now
        return tag
