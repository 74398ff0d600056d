"""Queue records as batches of hints, one per business."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from pex_procore.domain.eastern import EASTERN
from pex_procore.services.start_runs import Hint


@dataclass(slots=True)
class Batch:
    business_id: int
    received_at: datetime
    hints: list[Hint] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)


def read_batch(records: Iterable[Mapping[str, Any]]) -> tuple[list[Batch], list[str]]:
    """Batches, and the ids of messages that could not be read: they go round until the dead-letter queue has them."""
    batches: dict[int, Batch] = {}
    unreadable: list[str] = []
    for record in records:
        try:
            body = json.loads(record["body"])
            business_id = int(body["business_id"])
            hint = _hint(body["hint"])
        except (ValueError, KeyError, TypeError, ValidationError):
            unreadable.append(record["messageId"])
            continue
        sent_at = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
        batch = batches.setdefault(business_id, Batch(business_id, sent_at))
        batch.hints.append(hint)
        batch.message_ids.append(record["messageId"])
    return list(batches.values()), unreadable


def _hint(fields: Mapping[str, Any]) -> Hint:
    """PEX's times carry no offset; they are Eastern."""
    hint = Hint.model_validate(fields)
    if hint.happened_at is not None and hint.happened_at.tzinfo is None:
        return hint.model_copy(update={"happened_at": hint.happened_at.replace(tzinfo=EASTERN)})
    return hint
