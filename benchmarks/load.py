"""What the cardholders of a seeded business buy: the same for every rival that gets the same seed.

80 % with a receipt (one in eight of them with two), 20 % split in two or three, 5 % refunds. In a `day`, a tenth is
coded only minutes to hours after it settled, as people do.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from decimal import Decimal

from tests.flow.worlds import CONCRETE, SETUP

PLACES = (("Library", SETUP, "M"), ("Library", CONCRETE, "M"), ("Library", SETUP, "L"), ("Bridge", SETUP, "M"))
MERCHANTS = ("HOME DEPOT #4512", "SUNBELT RENTALS #233", "WHITE CAP 214", "FERGUSON ENT 1152", "SHERWIN-WILLIAMS 7084")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"

Share = tuple[Decimal, tuple[str, str, str]]  # dollars above zero; project, cost code and cost type by name


@dataclass(frozen=True)
class Purchase:
    at: float  # seconds after the beginning
    refund: bool
    merchant: str
    card: int
    shares: tuple[Share, ...]
    receipts: tuple[str, ...]  # base64
    coded_after: float  # seconds

    @property
    def amount(self) -> Decimal:
        return sum((amount for amount, _ in self.shares), Decimal())

    @property
    def projects(self) -> int:
        return len({place[0] for _, place in self.shares})


def day(seed: int, count: int, hours: float = 10.0) -> list[Purchase]:
    rng = random.Random(f"day {seed}")
    moments = sorted(rng.uniform(0, hours * 3600) for _ in range(count))
    return [_purchase(rng, at, rng.uniform(120, 3 * 3600) if rng.random() < 0.1 else 0.0) for at in moments]


def backlog(seed: int, count: int, receipts: bool = True) -> list[Purchase]:
    """All of it settled and coded before anybody looks."""
    rng = random.Random(f"backlog {seed}")
    return [_purchase(rng, 0.0, 0.0, receipts) for _ in range(count)]


def trickle(seed: int, count: int, every_seconds: float) -> list[Purchase]:
    rng = random.Random(f"trickle {seed}")
    return [_purchase(rng, (1 + number) * every_seconds, 0.0) for number in range(count)]


def _purchase(rng: random.Random, at: float, coded_after: float, receipts: bool = True) -> Purchase:
    cents = rng.randint(500, 90_000)
    parts = rng.choice((2, 2, 3)) if rng.random() < 0.2 else 1
    cuts = sorted(rng.sample(range(1, cents), parts - 1))
    amounts = [Decimal(high - low) / 100 for low, high in zip([0, *cuts], [*cuts, cents], strict=True)]
    number = (2 if rng.random() < 0.125 else 1) if rng.random() < 0.8 else 0
    files = tuple(base64.b64encode(JPEG + rng.randbytes(2000)).decode() for _ in range(number))
    return Purchase(
        at=at,
        refund=rng.random() < 0.05,
        merchant=rng.choice(MERCHANTS),
        card=rng.randrange(2),
        shares=tuple((amount, rng.choice(PLACES)) for amount in amounts),
        receipts=files if receipts else (),
        coded_after=coded_after,
    )
