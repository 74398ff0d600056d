"""Hook 3: queue events keep their batching window. ministack starts the function with the first message it sees, so a
burst of callbacks would become many runs here and one on AWS."""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.services import lambda_svc, sqs

from local.emulator.pins import replace, require


def install() -> None:
    require(sqs, "_queues_lock", "_get_q", "_expire_retained", "_dlq_sweep", "_collect_msgs")
    require(lambda_svc, "_esms", "_esm_wake")
    replace(sqs, "_receive_messages_for_esm", _receive)


def _receive(queue_url: str, batch_size: int) -> list[dict[str, Any]]:
    """Nothing until the batch is full or its oldest message has waited for the window."""
    with sqs._queues_lock:
        queue = sqs._get_q(queue_url)
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        now = time.time()
        waiting_since = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
        if 0 < len(waiting_since) < batch_size:
            remaining = min(waiting_since) + _window_seconds(queue["attributes"]["QueueArn"]) - now
            if remaining > 0:
                _wake_after(remaining)
                return []
        messages: list[dict[str, Any]] = sqs._collect_msgs(
            queue, batch_size, int(queue["attributes"].get("VisibilityTimeout", "30"))
        )
        return messages


def _window_seconds(queue_arn: str) -> float:
    mappings = [mapping for _, mapping in lambda_svc._esms.all_items() if mapping["EventSourceArn"] == queue_arn]
    return max((float(mapping.get("MaximumBatchingWindowInSeconds") or 0) for mapping in mappings), default=0.0)


def _wake_after(seconds: float) -> None:
    timer = threading.Timer(seconds, lambda_svc._esm_wake.set)
    timer.daemon = True
    timer.start()
