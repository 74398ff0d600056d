"""One JSON line per thing that happened; nothing secret passes (the redactor reads every text first)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pex_procore.net.redaction import redact

_about: ContextVar[Mapping[str, Any]] = ContextVar("what is being done")


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Stands in every line told meanwhile."""
    mark = _about.set(facts)
    try:
        yield
    finally:
        _about.reset(mark)


def tell(event: str, **facts: Any) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"at": at, "event": event, **_about.get({}), **facts}
    sys.stdout.write(redact(json.dumps(line, default=str)) + "\n")
    sys.stdout.flush()
