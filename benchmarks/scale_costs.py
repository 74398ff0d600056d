"""What counts cost: list prices, and what is assumed where nothing here can measure it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INPUTS = Path(__file__).with_name("scale_inputs.json")
FEW, MANY = 2, 12  # of whatever grows, to tell what one more costs from what a run costs anyway
MACHINE = "machine"  # stands for a function where the state machine itself is counted

Counts = dict[str, dict[str, float]]  # function → what → how often

# Public list prices of us-east-1, arm64, on demand, without free tier and discounts, as known in the middle of 2025.
PRICES = {
    "Lambda requests": 0.20e-6,
    "Lambda GB-s": 13.3334e-6,
    "Step Functions standard transitions": 25.0e-6,
    "Step Functions express requests": 1.00e-6,
    "Step Functions express GB-s": 16.67e-6,
    "DynamoDB write units": 0.625e-6,
    "DynamoDB read units": 0.125e-6,
    "API Gateway requests": 3.50e-6,
    "SQS requests": 0.40e-6,
    "S3 puts": 5.00e-6,
    "S3 gets": 0.40e-6,
    "KMS requests": 3.00e-6,
    "CloudWatch log GB": 0.50,
}
FIXED = 60.0  # dollars a month: some 100 figures by function, alarms, dashboard, keys

AWS_SECONDS = 0.005  # one call inside the region
CALL_SECONDS = 0.001  # a call's work of our own, to AWS or to a vendor
VENDOR_SECONDS = {"pex": 0.20, "procore": 0.35, "login": 0.30}  # medians
SPREAD = 0.5  # sigma of their logarithms
OWN_SECONDS = 0.03  # of an invocation, for itself
OWN_MB, WHOLE_MB = 1024, 1769  # where the two above hold; a whole processor: less memory is a smaller share of one
EXPRESS_GB = 0.0625  # what an express execution is billed for, at least


@dataclass(frozen=True)
class Linear:
    """What one function does in a run: for itself, for each row, and for each receipt."""

    base: Mapping[str, float]
    each: Mapping[str, float]
    receipt: Mapping[str, float]

    def of(self, what: str, rows: float = 0, receipts: float = 0) -> float:
        each, receipt = self.each.get(what, 0.0), self.receipt.get(what, 0.0)
        return max(0.0, self.base.get(what, 0.0) + rows * each + receipts * receipt)


def between(few: Counts, many: Counts, fewer: int, more: int, receipts: Counts | None = None) -> dict[str, Linear]:
    """From two measurements of different size, by function."""
    found = {}
    for function in few.keys() | many.keys() | (receipts or {}).keys():
        low, high = few.get(function, {}), many.get(function, {})
        names = low.keys() | high.keys()
        each = {name: (high.get(name, 0) - low.get(name, 0)) / (more - fewer) for name in names}
        base = {name: low.get(name, 0) - fewer * each[name] for name in names}
        with_receipts = (receipts or {}).get(function, {})
        receipt = {
            name: (with_receipts.get(name, 0) - high.get(name, 0)) / more
            for name in with_receipts.keys() | (high.keys() if receipts else set())
        }
        found[function] = Linear(base, each, receipt)
    return found


def bill(totals: Mapping[str, float]) -> dict[str, float]:
    """Dollars by service."""
    found: dict[str, float] = {}
    for name, price in PRICES.items():
        service = "Step Functions" if name.startswith("Step") else name.split()[0]
        service = "API Gateway" if service == "API" else service
        found[service] = found.get(service, 0.0) + totals.get(name, 0.0) * price
    return found


def priced(what: str) -> str | None:
    """The price's name of something counted, None where it costs by the second or nothing."""
    return {
        "invocations": "Lambda requests",
        "writes": "DynamoDB write units",
        "reads": "DynamoDB read units",
        "kms.Decrypt": "KMS requests",
        "s3.PutObject": "S3 puts",
        "s3.GetObject": "S3 gets",
        "transitions_standard": "Step Functions standard transitions",
        "executions_express": "Step Functions express requests",
    }.get(what)
