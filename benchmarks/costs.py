"""What an expense costs on AWS, counted on moto with the shipped handlers and state machines, and how costs grow.

Money is us-east-1's public list prices, arm64; they are in PRICES, so that another region's can be put there. A
function is billed for the vendors' answers it waits for (their mean in market.py) and INVOCATION_SECONDS for itself,
an assumption. The free tier is left out.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from moto import mock_aws

from benchmarks.market import LATENCY_SECONDS
from benchmarks.meter import Meter
from pex_procore.store.keys import sweep_shard
from tests.flow.clock import NOON, FlowClock
from tests.flow.cloud import MOTO, Cloud
from tests.flow.story import Saved, Story
from tests.flow.worlds import Vendors

PRICES = {  # dollars each
    "invocations": 0.20e-6,
    "gigabyte seconds": 13.3334e-6,
    "transitions standard": 25e-6,
    "executions express": 1.00e-6,
    "express gigabyte seconds": 16.67e-6,
    "dynamodb write units": 0.625e-6,
    "dynamodb read units": 0.125e-6,
    "queue messages": 0.40e-6 * 3,  # sent, received, deleted
    "api requests": 3.50e-6,
    "s3 puts": 5.0e-6,
    "s3 gets": 0.4e-6,
    "decryptions": 3.0e-6,
    "log gigabytes": 0.50,
}
FUNCTION_GIGABYTES, EXPRESS_GIGABYTES = 1.0, 0.0625
INVOCATION_SECONDS = 0.05
SIZES = (1, 10, 100)
HOURS_A_MONTH = 730


@contextmanager
def connected(silent: bool = True, **settings: Any) -> Iterator[tuple[Story, Callable[[], Story]]]:
    """A story whose business is connected, and what puts it back to that moment."""
    vendors = Vendors(FlowClock())
    told = open(os.devnull, "w") if silent else sys.stdout  # noqa: SIM115
    try:
        with redirect_stdout(told), mock_aws(config=MOTO), Cloud(vendors.clock, vendors.urls) as cloud:
            story = Story(vendors, cloud)
            story.restore(Saved(NOON, vendors.founded))
            begun = story.connect(**settings).save()
            story.purchase()
            story.deliver()  # lists are known, processes are warm
            story.clock.forward(120)
            begun = story.save()

            def again() -> Story:
                story.restore(begun)
                story.pex.requests.clear()
                story.procore.requests.clear()
                return story

            yield story, again
    finally:
        vendors.stop()


def counted(story: Story, act: Callable[[], object]) -> dict[str, float]:
    story.pex.requests.clear()
    story.procore.requests.clear()
    with Meter(story.cloud) as meter:
        act()
    bill = meter.bill()
    bill["procore calls"] = sum("/oauth/" not in one.path for one in story.procore.requests.all())
    bill["pex calls"] = len(story.pex.requests)
    bill["api requests"] = meter.invocations["ReceiveCallback"]
    waited = sum(bill[f"{vendor} calls"] * seconds for vendor, seconds in LATENCY_SECONDS.items())
    seconds = waited + bill["invocations"] * INVOCATION_SECONDS
    bill["gigabyte seconds"] = seconds * FUNCTION_GIGABYTES
    bill["express gigabyte seconds"] = seconds * EXPRESS_GIGABYTES if bill.get("executions express") else 0.0
    return bill


def dollars(bill: dict[str, float]) -> float:
    return sum(bill.get(name, 0) * price for name, price in PRICES.items())


def callback(story: Story, count: int, receipts: tuple[str, ...]) -> dict[str, float]:
    """So many purchases of one moment, until their papers are where they belong."""

    def act() -> None:
        for number in range(count):
            story.purchase(f"{number + 1}.25", card=number % 2, receipts=receipts)
        story.deliver()
        while sum(len(cost["attachments"]) for cost in story.costs()) < count * len(receipts):
            story.clock.forward(60)
            story.cloud.beat()
            story.cloud.finish()

    return counted(story, act)


def measure() -> dict[str, Any]:
    found: dict[str, Any] = {"single": {}, "growth": []}
    with connected() as (_, again):
        for name, receipts in (("without receipts", ()), ("with a receipt", ("jpg",))):
            bill = callback(again(), 1, receipts)
            found["single"][name] = {**bill, "dollars per million": dollars(bill) * 1e6}
        for count in SIZES:
            bill = callback(again(), count, ("jpg",))
            found["growth"].append({"count": count, **bill, "dollars": dollars(bill)})
    found["idle"] = idle()
    names = ("procore calls", "pex calls", "invocations", "transitions express", "dynamodb write units", "items put")
    first, last = found["growth"][1], found["growth"][-1]
    found["exponents"] = {name: exponent(first, last, name) for name in names}
    return found


def idle() -> dict[str, Any]:
    """An hour in which nothing happens, not even an event of Procore's: sweeps and refreshes of tags as they are due,
    and the beats of the business's shard."""
    with connected(sync_projects=True, sync_cost_codes=True, sync_cost_types=True) as (story, _):

        def minutes(number: int) -> None:
            for _ in range(number):
                story.clock.forward(60)
                story.cloud.beat(sweep_shard(story.names.business_id))
                assert set(story.cloud.finish()) <= {"SUCCEEDED"}

        minutes(60)
        bill = counted(story, lambda: minutes(60))
    return {**bill, "dollars a month": dollars(bill) * HOURS_A_MONTH}


def exponent(small: dict[str, float], large: dict[str, float], name: str) -> float:
    """Of growth between two sizes: 1 is linear, below it is cheaper together."""
    steps = math.log(large["count"] / small["count"])
    return round(math.log(large[name] / small[name]) / steps, 2) if small.get(name) and large.get(name) else 0.0
