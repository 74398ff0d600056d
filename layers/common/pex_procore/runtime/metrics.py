"""Figures for CloudWatch, written as log lines in its embedded metric format: no call, no library.

    with measured(context.function_name):
        count("Posted")
        observe("QueueAge", 180.0)

A figure belongs to the invocation that is being measured; outside of one it is dropped. The function is the only
dimension: any other value would be a metric of its own, and paid for as one. Standard library only, for the callback's
path reads it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NAMESPACE = "PexProcore"
MILLISECONDS = frozenset({"EligibleToPosted", "CallbackAck", "QueueAge"})
LEVELS = frozenset({"QuotaRemaining"})  # their sum means nothing; the others are counted
NAMES = MILLISECONDS | LEVELS | {
    "Posted", "Waiting", "Exceptions", "UnknownOutcome", "Duplicates", "ReconcileDrift",
    "ProcoreCalls", "PexCalls", "Throttled429", "TagChanges", "AuthFailures", "BrokenRuns",
    "SweepsStarted", "SweepsDone", "TokensRenewed", "TokensExpiring", "CareFailures",
}  # fmt: skip
VALUES_A_LINE = 100  # CloudWatch takes no more of one metric

_measured: ContextVar[dict[str, list[float]] | None] = ContextVar("what is being measured", default=None)


def count(name: str, number: int = 1) -> None:
    """The numbers of one invocation are added up."""
    if (figures := _measured.get()) is not None:
        before = figures.setdefault(_known(name), [0])
        before[0] += number


def observe(name: str, value: float) -> None:
    """Each value is kept, so that percentiles can be told."""
    if (figures := _measured.get()) is not None:
        figures.setdefault(_known(name), []).append(value)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"no such metric: {name}")
    return name


@contextmanager
def measured(function_name: str, **properties: object) -> Iterator[None]:
    """`properties` stand in the line for whoever searches it, and make no metric."""
    figures: dict[str, list[float]] = {}
    mark = _measured.set(figures)
    try:
        yield
    finally:
        _measured.reset(mark)
        for line in _lines(figures, function_name, properties):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _lines(figures: dict[str, list[float]], function_name: str, properties: dict[str, object]) -> Iterator[str]:
    while figures:
        now = {name: values[:VALUES_A_LINE] for name, values in figures.items()}
        figures = {name: rest for name, values in figures.items() if (rest := values[VALUES_A_LINE:])}
        metrics = [{"Name": name, "Unit": "Milliseconds" if name in MILLISECONDS else "Count"} for name in now]
        about = {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics}
        yield json.dumps(
            {
                "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [about]},
                "Function": function_name,
                **properties,
                **{name: values[0] if len(values) == 1 else values for name, values in now.items()},
            }
        )
