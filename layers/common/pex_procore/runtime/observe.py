"""One JSON line per thing that happened; nothing secret passes (the redactor reads every text first)."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from pex_procore.net.redaction import redact


def tell(event: str, **facts: Any) -> None:
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
    print(redact(json.dumps(line, default=str)), file=sys.stdout, flush=True)
