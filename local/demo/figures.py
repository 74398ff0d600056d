"""How fast and how frugal it was, from the simulators' books and request logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from local.demo.books import transaction_of

CREATED = 201
Books = Mapping[str, Any]


def callback_seconds(
    pex: Books, procore: Books, calls: Sequence[Books], business_id: int, transaction_ids: Iterable[int]
) -> dict[int, float]:
    """From PEX sending its first callback about a transaction until Procore held the last expense of it."""
    committed = committed_at(procore, calls)
    last: dict[int, datetime] = {}
    for cost in procore["direct_costs"]:
        transaction_id = transaction_of(cost, business_id)
        if transaction_id is not None and cost["id"] in committed:
            last[transaction_id] = max(committed[cost["id"]], last.get(transaction_id, committed[cost["id"]]))
    first: dict[int, datetime] = {}
    for delivery in pex["deliveries"]:
        if delivery["attempts"] and not delivery["forged"]:
            attempt = delivery["attempts"][0]
            sent_at = datetime.fromisoformat(attempt["at"]) - timedelta(seconds=attempt["seconds"])
            id = delivery["transaction_id"]
            first[id] = min(sent_at, first.get(id, sent_at))
    return {id: (last[id] - first[id]).total_seconds() for id in transaction_ids if id in last and id in first}


def committed_at(procore: Books, calls: Sequence[Books]) -> dict[int, datetime]:
    """Direct cost id to moment. The books keep whole seconds only; the request log is finer, and in each project the
    ids rise with the successful creates."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    for call in calls:
        if call["method"] == "POST" and call["path"].endswith("/direct_costs") and call["handled"] == CREATED:
            moments[call["path"]].append(datetime.fromisoformat(call["at"]) + timedelta(seconds=call["seconds"]))
    ids: dict[str, list[int]] = defaultdict(list)
    for cost in (*procore["direct_costs"], *procore["deleted"]):
        ids[f"/rest/v1.1/projects/{cost['project_id']}/direct_costs"].append(cost["id"])
    return {
        id: at  # from the newest back: calls before a restart are in the books but no longer in the log
        for path in ids
        for id, at in zip(sorted(ids[path], reverse=True), sorted(moments[path], reverse=True), strict=False)
    }


def expense_calls(calls: Sequence[Books]) -> int:
    """Creates, receipts and look-ups of direct costs: what each expense costs once the lists are known."""
    return sum("/direct_costs" in call["path"] for call in calls)


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
