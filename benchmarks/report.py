"""Tables of docs/benchmarks.md and charts of docs/img, from what was measured last.

A table stands between `<!-- bench:NAME -->` and `<!-- end -->`; what was never measured stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.contest import OURS, PRESETS, RIVALS, summary
from benchmarks.market import LARGE, SMALL

ROOT = Path(__file__).parents[1]
PAGE, IMAGES = ROOT / "docs/benchmarks.md", ROOT / "docs/img"
OURS_COLOR, OTHERS_COLOR, FLOOR_COLOR = "#1b6e53", "#b9c2c9", "#c0392b"

Rows = list[tuple[str, ...]]


def draw() -> None:
    text = PAGE.read_text()
    for name, make in TABLES.items():
        rows = make()
        if rows:
            text = _replaced(text, name, _table(rows))
    PAGE.write_text(text)
    charts()


def _replaced(text: str, name: str, table: str) -> str:
    block = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return block.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text)


def _table(rows: Rows) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _pair(results_: Sequence[dict[str, Any]], field: str, form: Callable[[float], str], **where: Any) -> str:
    """`median (worst)`."""
    found = summary(results_, field, **where)
    if found is None:
        return "-"
    median, worst = form(found[0]), form(found[1])
    return median if median == worst else f"{median} ({worst})"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _one(value: float) -> str:
    return f"{value:.1f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _with_rates(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **one,
            "procore_per_expense": one["procore_calls"] / one["due"],
            "posting_per_expense": one["posting_calls"] / one["due"],
            "pex_per_expense": one["pex_calls"] / one["due"],
            "quota_seconds": PRESETS[one["preset"]].pace_seconds(one["procore_calls"]),
        }
        for one in found
    ]


def day(faults: bool) -> Rows:
    found = _with_rates(results.load("contest") or [])
    if not found:
        return []
    head = (
        "",
        "duplicates",
        "lost",
        "wrong",
        "receipts missing",
        "receipts doubled",
        "Procore calls",
        "PEX calls",
        "429",
    )
    rows: Rows = [(*head, "ready → in Procore, median", "p99")]
    for rival in RIVALS:
        where = {"rival": rival, "scenario": "day", "faults": faults}
        counts = ("duplicates", "lost", "wrong", "receipts_missing", "receipts_doubled")
        rows.append(
            (
                f"**{rival}**" if rival == OURS else rival,
                *(_pair(found, name, _whole, **where) for name in counts),
                _pair(found, "procore_per_expense", _two, **where),
                _pair(found, "pex_per_expense", _two, **where),
                _pair(found, "refused", _whole, **where),
                _pair(found, "p50_seconds", _time, **where),
                _pair(found, "p99_seconds", _time, **where),
            )
        )
    return rows


def backlog() -> Rows:
    found = _with_rates(results.load("contest") or [])
    if not found:
        return []
    columns = "half of the expenses in after", "all of them", "receipts in after", "calls"
    rows: Rows = [("", "limits", *columns, "which the quota allows in", "429")]
    cases = [(rival, "backlog", SMALL.name, False) for rival in RIVALS]
    cases += [(OURS, "backlog", LARGE.name, False), (OURS, "backlog", SMALL.name, True)]
    cases += [(OURS, "backlog without receipts", SMALL.name, False)]
    cases += [(OURS, "burst", SMALL.name, False), (OURS, "burst", LARGE.name, False)]
    for rival, scenario, preset, faults in cases:
        where = {"rival": rival, "scenario": scenario, "preset": preset, "faults": faults}
        sizes = sorted({one["count"] for one in found if all(one[key] == value for key, value in where.items())})
        for size in sizes:
            more = {**where, "count": size}
            named = f"{rival}, {size:,} purchases" if scenario != "burst" else f"{rival}, {size:,} callbacks at once"
            named += " without receipts" if scenario.endswith("without receipts") else ""
            rows.append(
                (
                    f"{named}, with faults" if faults else named,
                    preset,
                    _pair(found, "p50_seconds", _time, **more),
                    _pair(found, "last_committed_seconds", _time, **more),
                    _pair(found, "last_attached_seconds", _time, **more),
                    _pair(found, "procore_calls", _whole, **more),
                    _pair(found, "quota_seconds", _time, **more),
                    _pair(found, "refused", _whole, **more),
                )
            )
    return rows


def fault_calls() -> Rows:
    """Where each call above the floor went."""
    found = [one for one in results.load("contest") or [] if one["scenario"] == "long day"]
    rows: Rows = (
        [("seed", "floor", "creates again", "uploads again", "looks", "calls, times the floor")] if found else []
    )
    for one in found:
        floor = one["due"] + one["with_receipts"]
        again = one["creates"] - one["due"], one["uploads"] - one["with_receipts"], one["looks"]
        rows.append((*(f"{number}" for number in (one["seed"], floor, *again)), f"{one['posting_calls'] / floor:.2f}"))
    return rows


def stack() -> Rows:
    found = results.load("stack")
    if not found:
        return []
    alone, script, books, faults = found["alone"], found["script"], found["books"], found["faults"]
    rows: Rows = [("", "measured", "target")]
    rows += [
        ("one callback, until its receipt is attached", f"{alone['p50_seconds']:.2f} s", ""),
        ("  of that waiting for the vendors", f"{alone['vendor_p50_seconds']:.2f} s", ""),
        ("  until the expense is in", f"{alone['committed_p50_seconds']:.2f} s", "≤ 3 s"),
        ("the same calls by a bare script", f"{script['p50_seconds']:.2f} s", ""),
        ("  ratio", f"{found['ratio']:.2f}", "≤ 2"),
    ]
    for name, told in (("0.5 callbacks a second", found["trickle"]), ("all at once", found["burst"])):
        measured = f"{told['p50_seconds']:.1f} s, {told['p99_seconds']:.1f} s"
        rows.append((f"{told['purchases']} purchases, {name}: in after, median and p99", measured, "≤ 3 s, ≤ 30 s"))
    wrong = "duplicates", "lost", "wrong", "receipts_missing", "receipts_doubled"
    rows += [
        ("duplicates, lost, wrong, receipts missing, doubled", ", ".join(str(books[name]) for name in wrong), "0"),
        (
            f"the same with faults, {faults['purchases']} purchases",
            ", ".join(str(faults["books"][name]) for name in wrong),
            "0",
        ),
        (
            "memory of all, and of the largest process",
            f"{found['memory']['all_mb']:,.0f} MB, {found['memory']['largest_mb']:,.0f} MB",
            "",
        ),
    ]
    return rows


def costs() -> Rows:
    found = results.load("costs")
    if not found:
        return []
    single, growth = found["single"], {one["count"]: one for one in found["growth"]}
    columns = [
        ("one, without receipts", single["without receipts"], 1),
        ("one, with a receipt", single["with a receipt"], 1),
        *((f"{count} at once, each", one, count) for count, one in growth.items() if count > 1),
    ]
    rows: Rows = [("", *(name for name, _, _ in columns))]
    for name in (
        "procore calls",
        "pex calls",
        "invocations",
        "transitions standard",
        "dynamodb write units",
        "dynamodb read units",
        "gigabyte seconds",
    ):
        told = (bill.get(name, 0) / count for _, bill, count in columns)
        rows.append((name, *(f"{value:.2f}".rstrip("0").rstrip(".") for value in told)))
    money = [bill.get("dollars", bill.get("dollars per million", 0) / 1e6) / count for _, bill, count in columns]
    rows.append(("**dollars a million**", *(f"**{value * 1e6:,.0f}**" for value in money)))
    return rows


def exponents() -> Rows:
    found, curve = results.load("costs"), results.load("tags")
    if not found:
        return []
    rows: Rows = [("grows with the purchases", "exponent")]
    rows += [(name, _two(value)) for name, value in found["exponents"].items()]
    if curve:
        names = {"first_seconds": "new", "seconds": "unchanged", "changed_seconds": "changed", "megabytes": "memory"}
        rows += [
            (f"planning a tag, by options: {names[name]}", _two(value)) for name, value in curve["exponents"].items()
        ]
    return rows


def reads() -> Rows:
    found = results.load("reads")
    if not found:
        return []
    sizes = sorted({one["rows"] for one in found})
    rows: Rows = [("", *(f"{size:,} rows: own p50, p99" for size in sizes), "calls to DynamoDB")]
    for route in dict.fromkeys(one["route"] for one in found):
        mine = {one["rows"]: one for one in found if one["route"] == route}
        times = (f"{mine[size]['own_p50_ms']} ms, {mine[size]['own_p99_ms']} ms" for size in sizes)
        rows.append((route, *times, " / ".join(dict.fromkeys(str(mine[size]["calls"]) for size in sizes))))
    return rows


def tags() -> Rows:
    found = results.load("tags")
    if not found:
        return []
    rows: Rows = [("options", "all new", "unchanged", "a third renamed, a third gone", "peak memory")]
    for one in found["sizes"]:
        times = (f"{one[name]:.2f} s" for name in ("first_seconds", "seconds", "changed_seconds"))
        rows.append((f"{one['count']:,}", *times, f"{one['megabytes']:,.0f} MB"))
    return rows


def acknowledged() -> Rows:
    found = results.load("acknowledge")
    if not found:
        return []
    return [
        ("a warm `receive_callback`", "median", "p99", "target"),
        ("until it has answered", f"{found['p50_ms']} ms", f"{found['p99_ms']} ms", "≤ 50 ms"),
        ("of that its own processor time", f"{found['own_p50_ms']} ms", f"{found['own_p99_ms']} ms", ""),
    ]


def idle() -> Rows:
    found = results.load("costs")
    if not found:
        return []
    bill = found["idle"]
    names = ("executions standard", "executions express", "transitions standard", "invocations")
    names += ("dynamodb write units", "dynamodb read units", "procore calls", "pex calls")
    rows: Rows = [("an hour in which nothing happens", "")]
    rows += [(name, _whole(bill.get(name, 0))) for name in names]
    rows.append(("**dollars a month, for one business**", f"**{bill['dollars a month']:.2f}**"))
    return rows


def rivals_in_real_time() -> Rows:
    found = results.load("n8n")
    if not found:
        return []
    rows: Rows = [("n8n 1.82.3", "expenses due", "duplicates", "lost", "wrong", "Procore calls per expense")]
    for name in ("stock, without faults", "stock", "with look-up"):
        told = (found[name][field] for field in ("due", "duplicates", "lost", "wrong", "calls_per_expense"))
        pairs = (
            f"{one['median']:g}" if one["median"] == one["worst"] else f"{one['median']:g} ({one['worst']:g})"
            for one in told
        )
        rows.append((name if "without" in name else f"{name}, with faults", *pairs))
    return rows


TABLES: dict[str, Callable[[], Rows]] = {
    "day": lambda: day(faults=False),
    "faults": lambda: day(faults=True),
    "fault-calls": fault_calls,
    "backlog": backlog,
    "stack": stack,
    "costs": costs,
    "exponents": exponents,
    "reads": reads,
    "curve": tags,
    "acknowledge": acknowledged,
    "idle": idle,
    "n8n": rivals_in_real_time,
}


def charts() -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "bench", "font.size": 10, "axes.spines.top": False})
    found = _with_rates(results.load("contest") or [])
    if found:
        _bars(pyplot, found)
    curve = results.load("tags")
    if curve:
        _curve(pyplot, curve["sizes"])


def _bars(pyplot: Any, found: Sequence[dict[str, Any]]) -> None:
    rates = [{**one, "bad": 100 * (one["duplicates"] + one["lost"] + one["wrong"]) / one["due"]} for one in found]
    for field, faults, title, file in (
        ("bad", True, "Duplicate, lost or wrong, of 100 expenses, with faults", "bench-faults"),
        (
            "procore_per_expense",
            False,
            "Procore calls per expense, without faults (dark: for expenses and receipts)",
            "bench-calls",
        ),
    ):
        figure, axes = pyplot.subplots(figsize=(7.5, 2.6))
        names = list(RIVALS)[::-1]
        pairs = [summary(rates, field, rival=name, scenario="day", faults=faults) or (0, 0) for name in names]
        colors = [OURS_COLOR if name == OURS else OTHERS_COLOR for name in names]
        axes.barh(names, [median for median, _ in pairs], color=colors, alpha=1.0 if field == "bad" else 0.4)
        for place, (median, worst) in enumerate(pairs):
            axes.plot([median, worst], [place, place], color="#444", linewidth=1)
            axes.text(
                worst, place, f"  {median:.1f}" + (f" (worst {worst:.1f})" if worst > median else ""), va="center"
            )
        if field != "bad":
            posting = [
                summary(rates, "posting_per_expense", rival=name, scenario="day", faults=faults) for name in names
            ]
            axes.barh(names, [one[0] if one else 0 for one in posting], color=colors)
            floor = summary(rates, "floor_calls", scenario="day", faults=False)
            axes.axvline(floor[0] if floor else 0, color=FLOOR_COLOR, linestyle="--", linewidth=1)
        axes.set_title(title, loc="left", fontsize=11)
        axes.spines["right"].set_visible(False)
        axes.margins(x=0.25)
        _save(figure, file)


def _curve(pyplot: Any, sizes: Sequence[dict[str, float]]) -> None:
    figure, axes = pyplot.subplots(figsize=(7.5, 3.2))
    counts = [one["count"] for one in sizes]
    for field, label in (
        ("first_seconds", "all new"),
        ("seconds", "unchanged"),
        ("changed_seconds", "a third changed"),
    ):
        axes.loglog(counts, [one[field] for one in sizes], marker="o", label=label)
    first = sizes[0]["seconds"] / counts[0]
    axes.loglog(counts, [first * one for one in counts], color="#999", linestyle=":", label="linear")
    axes.set_xlabel("options of the tag")
    axes.set_ylabel("seconds of processor time")
    axes.legend(frameon=False)
    _save(figure, "bench-tags")


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})
