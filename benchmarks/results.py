"""Measured values as JSON files, one for each part: tables and charts can be made again from what is committed."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("dlt", "moto", "boto3", "requests", "pydantic", "flask", "matplotlib")


def save(part: str, values: Any) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{part}.json").write_text(json.dumps({"machine": machine(), "values": values}, indent=1) + "\n")


def load(part: str) -> Any:
    """None when the part was not measured."""
    path = FOLDER / f"{part}.json"
    return json.loads(path.read_text())["values"] if path.exists() else None


def machine() -> dict[str, Any]:
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "python": platform.python_version(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
