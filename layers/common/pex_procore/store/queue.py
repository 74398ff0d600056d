"""Hints on their way from the callback to `start_runs`. On the callback's path: imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class HintQueue:
    """Errors of AWS pass through as the client raises them."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, business_id: int, hint: Mapping[str, Any]) -> None:
        """`hint`: what can go into JSON. Its fields never reach the envelope's own."""
        body = json.dumps({"business_id": business_id, "hint": dict(hint)}, separators=(",", ":"))
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)
