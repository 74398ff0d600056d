"""How fast and how frugal it was, from the simulators' books and request logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from local.demo.books import transaction_of

Books = Mapping[str, Any]


def callback_seconds(pex: Books, procore: Books, business_id: int, transaction_ids: Iterable[int]) -> dict[int, float]:
    """From PEX sending its first callback about a transaction until Procore held the last line of its last expense."""
    last: dict[int, datetime] = {}
    for cost in procore["direct_costs"]:
        transaction_id = transaction_of(cost, business_id)
        if transaction_id is not None and cost["complete_at"]:
            at = datetime.fromisoformat(cost["complete_at"])
            last[transaction_id] = max(at, last.get(transaction_id, at))
    first: dict[int, datetime] = {}
    for delivery in pex["deliveries"]:
        if delivery["attempts"] and not delivery["forged"]:
            attempt = delivery["attempts"][0]
            sent_at = datetime.fromisoformat(attempt["at"]) - timedelta(seconds=attempt["seconds"])
            id = delivery["transaction_id"]
            first[id] = min(sent_at, first.get(id, sent_at))
    return {id: (last[id] - first[id]).total_seconds() for id in transaction_ids if id in last and id in first}


def expense_calls(calls: Sequence[Books]) -> int:
    """Creates, receipts and look-ups of direct costs: what each expense costs once the lists are known."""
    return sum("/direct_costs" in call["path"] for call in calls)


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
