"""The event files, which `sam local invoke -e` takes too; a test changes in them what only it knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "events"


def load_event(name: str, **changes: Any) -> dict[str, Any]:
    """`name`: the function's folder, with a suffix where it takes more than one kind of event."""
    event: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return event | changes
