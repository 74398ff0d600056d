"""What a purchase costs at AWS, in calls: the largest part of the bill after the functions' time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import botocore.client
import pytest

from tests.flow.story import Story

WRITE_UNIT = 1024  # bytes


def size_of(item: dict[str, dict[str, Any]]) -> int:
    """As DynamoDB counts: names and values."""
    return sum(len(name) + len(next(iter(typed.values()))) for name, typed in item.items())


def test_a_purchase_alone_in_its_run_costs_so_many_calls(connected: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt and a note included, in functions that are warm. Every item written fits one write unit."""
    connected.purchase(receipts=("jpg",))
    connected.deliver()
    connected.clock.forward(minutes=3)
    connected.purchase(receipts=("jpg",))
    calls: Counter[str] = Counter()
    real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, name: str, request: Any) -> Any:
        calls[name] += 1
        if name == "PutItem":
            assert size_of(request["Item"]) <= WRITE_UNIT, request["Item"]["sk"]
        return real(client, name, request)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    connected.deliver()
    reads = calls["GetItem"] + calls["BatchGetItem"] + calls["Query"]
    writes = calls["PutItem"] + calls["UpdateItem"] + calls["BatchWriteItem"]
    assert reads <= 54
    assert writes <= 19
    assert (calls["Decrypt"], calls["StartExecution"], calls["PutObject"], calls["GetObject"]) == (0, 1, 1, 1)
