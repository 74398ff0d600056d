"""make bench: measures, writes benchmarks/results/*.json, and draws tables and charts from them.

python -m benchmarks [--quick] [--only PART …]        PARTS below; `--only report` draws anew what was measured
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

from benchmarks import results


def contest(quick: bool) -> Any:
    from benchmarks.contest import rounds, run

    sizes = {"seeds": 1, "day": 20, "backlog": 50} if quick else {"seeds": 5, "day": 60, "backlog": 200}
    return run(list(rounds(**sizes)))


def costs(quick: bool) -> Any:
    from benchmarks.costs import measure

    return measure()


def reads(quick: bool) -> Any:
    from benchmarks.reads import measure

    return measure((1_000, 5_000)) if quick else measure()


def tags(quick: bool) -> Any:
    from benchmarks.curve import measure

    return measure((1_000, 5_000) if quick else (1_000, 5_000, 20_000, 50_000, 100_000, 200_000))


def acknowledge(quick: bool) -> Any:
    from benchmarks.acknowledge import measure

    return measure(200 if quick else 2_000)


def stack(quick: bool) -> Any:
    from benchmarks.stack import measure

    return measure(quick=quick)


def n8n(quick: bool) -> Any:
    from benchmarks.rivals.n8n import measure

    return measure(10, seeds=1) if quick else measure(40)


PARTS: dict[str, Callable[[bool], Any]] = {
    "contest": contest,
    "costs": costs,
    "reads": reads,
    "tags": tags,
    "acknowledge": acknowledge,
    "stack": stack,
    "n8n": n8n,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="few and small, to see that it runs; nothing is kept")
    options.add_argument("--only", nargs="+", choices=[*PARTS, "report"], help="these alone")
    given = options.parse_args()
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # a choice that asks whether something is there is no error
    for name, measure in PARTS.items():
        if given.only and name not in given.only:
            continue
        began = time.monotonic()
        print(f"{name} …", flush=True)
        values = measure(given.quick)
        if given.quick:
            print(values)
        elif values is not None:
            results.save(name, values)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    if not given.quick:
        from benchmarks.report import draw

        draw()


if __name__ == "__main__":
    main()
