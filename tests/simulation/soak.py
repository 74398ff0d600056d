"""Bad weeks until so many transactions were bought: `make soak`, or `make soak SEED=7` for one week again.

python -m tests.simulation.soak [--seed N] [--transactions N] [--total N]
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections import Counter

from tests.simulation.week import Week


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, help="one week, this one")
    options.add_argument("--transactions", type=int, default=500, help="in a week")
    options.add_argument("--total", type=int, default=100_000, help="over all weeks")
    given = options.parse_args()
    if given.seed is not None:
        Week(given.seed, given.transactions).live()
        print(f"seed {given.seed}: the books are right")
        return
    first, bought, began = secrets.randbelow(10**9), 0, time.monotonic()
    states: Counter[str] = Counter()
    print(f"{given.total:,} transactions in weeks of {given.transactions}, seeds from {first}", flush=True)
    while bought < given.total:
        week = Week(first + bought // given.transactions, given.transactions).live()
        bought += given.transactions
        states.update(row.state for row in week.town.ledger.rows.values())
        if bought % 5_000 == 0:
            print(f"{bought:>8,} bought, {time.monotonic() - began:6.0f} s, books right: {dict(states)}", flush=True)


if __name__ == "__main__":
    main()
