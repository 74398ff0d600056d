"""`make sim-scale`: ten thousand businesses and ten million purchases a month, simulated.

python -m benchmarks.scale                 prints the figures of both designs (PYTHONPATH=layers/common)
python -m benchmarks.scale --measure       counts anew what a run costs, first
python -m benchmarks.scale --write         puts the figures into docs/scale.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.scale_costs import FIXED, INPUTS, bill
from benchmarks.scale_model import simulate
from benchmarks.scale_parts import (
    AS_BUILT,
    BUSINESSES,
    DAY,
    LARGEST,
    MONTHLY,
    UNTOLD,
    Day,
    Design,
    Inputs,
    load_inputs,
)

PAGE = Path("docs/scale.md")
BEGIN = "<!-- figures of make sim-scale -->\n"
DAYS = 30.4
SHARES = (0.5, 0.99, 1.0)
PER_PURCHASE = ("callback",)
DESIGNS = (AS_BUILT, UNTOLD)
CAUSES = {
    "callback": "purchases",
    "sweep": "sweeps",
    "waiting": "rows that wait, in sweeps",
    "tags": "refreshes of tags",
    "beat": "the beat",
    "care": "looking after tokens",
}
DEFAULTS: list[tuple[str, str, float]] = [  # what AWS allows an account unless asked for more
    ("Lambda, functions at once", "all", 1000),
    ("DynamoDB, write units a second of a table", "writes", 40_000),
    ("DynamoDB, read units a second of a table", "reads", 40_000),
    ("DynamoDB, write units a second of one partition", "writes of the largest", 1000),
    ("DynamoDB, read units a second of one partition", "reads of the largest", 3000),
    ("KMS, requests a second", "kms.Decrypt", 10_000),
    ("Step Functions, standard executions started a second", "standard", 300),
    ("Step Functions, express executions started a second", "express", 6000),
]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make sim-scale", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="count anew what a run costs, with the shipped handlers")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/scale.md")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    if options.measure:
        from benchmarks.scale_measure import measure  # moto takes seconds to load

        INPUTS.write_text(json.dumps(measure(), indent=1) + "\n")
    with ProcessPoolExecutor(2) as pool:
        days = list(pool.map(_one, [(design, options.seed) for design in DESIGNS]))
    text = figures(days)
    print(text)
    if options.write:
        before, _, _ = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + text)


def _one(what: tuple[Design, int]) -> Day:
    return simulate(what[0], load_inputs(), what[1])


def figures(days: list[Day]) -> str:
    parts = [
        ("What one run costs", _units(Inputs(load_inputs()))),
        ("A weekday", _load(days)),
        ("Functions at once", _concurrency(days)),
        ("Waiting", _waiting(days)),
        ("The largest businesses", _largest(days[0])),
        ("DynamoDB, KMS, Step Functions, a second", _rates(days)),
        ("Against the limits", _limits(days)),
        ("Dollars a month", _money(days)),
    ]
    return "\n".join(f"### {title}\n\n{text}" for title, text in parts)


def _units(inputs: Inputs) -> str:
    """For one purchase alone, one more in the same run, an idle sweep, a refresh of tags."""
    rows = []
    for what, name in (
        ("invocations", "invocations"),
        ("writes", "DynamoDB write units, indexes included"),
        ("reads", "DynamoDB read units"),
        ("kms.Decrypt", "decryptions"),
        ("pex", "calls to PEX"),
        ("procore", "calls to Procore"),
        ("aws_calls", "calls to AWS"),
    ):
        alone = sum(one.of(what, 1) for one in inputs.callback.values())
        more = sum(one.each.get(what, 0) for one in inputs.callback.values())
        receipt = sum(one.receipt.get(what, 0) for one in inputs.callback.values())
        idle = sum(one.of(what) for one in inputs.sweep.values())
        row = sum(one.each.get(what, 0) for one in inputs.sweep.values())
        refresh = sum(one.of(what) for one in inputs.tags.values())
        rows.append((name, *(f"{number:.1f}" for number in (alone, more, receipt, idle, row, refresh))))
    head = (
        "",
        "one purchase",
        "one more in its run",
        "its receipt",
        "idle sweep",
        "each row it lists",
        "refresh of tags",
    )
    return _table(head, rows)


def _load(days: list[Day]) -> str:
    names = {"callback": "runs for callbacks", "sweep": "sweeps", "tags": "refreshes of tags"}
    rows = [("purchases", *(f"{day.purchases:,}" for day in days))]
    rows += [(title, *(f"{day.runs[cause]:,}" for day in days)) for cause, title in names.items()]
    rows += [("of all, long ones", *(f"{sum(day.started['standard'].values()):,}" for day in days))]
    rows += [("still to be posted at midnight", *(f"{day.left:,}" for day in days))]
    return _table(("", *(day.design.name for day in days)), rows)


def _concurrency(days: list[Day]) -> str:
    head = ("function", *(f"{day.design.name}: p50" for day in days[:1]), "p99", "max")
    head += (f"{days[1].design.name}: p50", "p99", "max")
    rows = [
        (name, *(f"{day.concurrency(name, share):.0f}" for day in days for share in SHARES))
        for name in [*days[0].functions(), "all"]
    ]
    return _table(head, rows)


def _waiting(days: list[Day]) -> str:
    rows: list[tuple[str, ...]] = []
    for name, values in (
        ("hints in the queue", [list(map(float, day.queue)) for day in days]),
        ("seconds from callback to posted", [day.waited for day in days]),
        ("seconds that sweeps and refreshes begin late", [day.overdue for day in days]),
    ):
        rows.append((name, *(f"{_share(one, share):,.0f}" for one in values for share in SHARES)))
    head = ("", f"{days[0].design.name}: p50", "p99", "max", f"{days[1].design.name}: p50", "p99", "max")
    return _table(head, rows)


def _largest(day: Day) -> str:
    """How long the purchases of the largest wait, whose own quota is the narrowest place."""
    rows = []
    for number in range(LARGEST):
        waited = day.waited_of[number]
        rows.append(
            (
                f"{number + 1}", f"{day.monthly[number]:,.0f}", f"{len(waited):,}", f"{day.backlogs[number]:,}",
                *(f"{_share(waited, share):,.0f}" for share in SHARES),
            )
        )  # fmt: skip
    rows.append(("all", "", f"{len(day.waited):,}", "", *(f"{_share(day.waited, share):,.0f}" for share in SHARES)))
    head = ("rank", "purchases a month", "posted that day", "longest backlog", "seconds to posted: p50", "p99", "max")
    return _table(head, rows)


def _rates(days: list[Day]) -> str:
    names = {
        "writes": "write units",
        "reads": "read units",
        "writes of the largest": "write units of the largest business",
        "reads of the largest": "read units of the largest business",
        "kms.Decrypt": "decryptions",
    }
    rows = [
        (title, *(f"{day.a_second(what, share):,.0f}" for day in days for share in SHARES))
        for what, title in names.items()
    ]
    rows.append(
        (
            "executions started",
            *(f"{_share(_starts(day, *day.started), share):,.0f}" for day in days for share in SHARES),
        )
    )
    head = ("", f"{days[0].design.name}: p50", "p99", "max", f"{days[1].design.name}: p50", "p99", "max")
    return _table(head, rows)


def _starts(day: Day, *kinds: str) -> list[float]:
    return [float(sum(day.started[kind].get(second, 0) for kind in kinds)) for second in range(DAY)]


def _limits(days: list[Day]) -> str:
    rows = []
    for name, what, most in DEFAULTS:
        reached = []
        for day in days:
            if what == "all":
                peak = day.concurrency("all", 1.0)
            elif what in day.started:
                peak = max(_starts(day, what))
            else:
                peak = day.a_second(what, 1.0)
            reached.append(f"{peak:,.0f} ({peak / most:.0%})")
        rows.append((name, f"{most:,.0f}", *reached))
    due = [BUSINESSES * (60 / day.design.sweep_seconds + 60 / day.design.tag_seconds) for day in days]
    most = AS_BUILT.due_a_beat
    started = (f"{one:,.0f} due ({one / most:.0%})" for one in due)
    rows.append(("our own: sweeps and refreshes started a minute, all businesses busy", f"{most:,}", *started))
    return _table(("", "default", *(day.design.name for day in days)), rows)


def monthly(day: Day) -> dict[str, dict[str, float]]:
    """Dollars by cause and service. What purchases cause grows with them, the rest with the days."""
    found = {}
    for cause, totals in day.by_cause.items():
        factor = MONTHLY / day.purchases if cause in PER_PURCHASE else DAYS
        found[cause] = {service: dollars * factor for service, dollars in bill(totals).items()}
    return found


def _money(days: list[Day]) -> str:
    months = [monthly(day) for day in days]
    services = list(bill({}))
    text = ""
    for day, month in zip(days, months, strict=True):
        rows = []
        for cause, title in CAUSES.items():
            spent = month.get(cause, {})
            rows.append((title, *(f"{spent.get(one, 0):,.0f}" for one in services), f"{sum(spent.values()):,.0f}"))
        sums = [sum(month[cause].get(one, 0) for cause in month) for one in services]
        total = sum(sums) + FIXED
        rows.append(("all, with figures and keys", *(f"{one:,.0f}" for one in sums), f"{total:,.0f}"))
        text += f"{day.design.name.capitalize()}: **${total * 1e6 / MONTHLY:,.0f} per million expenses**\n\n"
        text += _table(("", *services, "all"), rows) + "\n"
    return text


def _share(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
