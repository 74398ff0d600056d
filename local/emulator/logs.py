"""What functions print: one file per function, and on request JSON lines on our own standard output."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import IO, Any


class FunctionLogs:
    def __init__(self, folder: Path, stack_name: str, json_lines: bool) -> None:
        self._folder = folder
        self._prefix = f"{stack_name}-"
        self._json_lines = json_lines
        self._files: dict[str, IO[str]] = {}
        self._lock = threading.Lock()

    def line(self, function: str, text: str) -> None:
        name = self._short(function)
        with self._lock:
            if name not in self._files:
                self._files[name] = (self._folder / f"{name}.log").open("a", encoding="utf-8", buffering=1)
            self._files[name].write(text + "\n")
            if self._json_lines:
                sys.stdout.write(json.dumps({"function": name, **_fields(text)}) + "\n")
                sys.stdout.flush()

    def report(self, function: str, request_id: str, seconds: float, cold: bool, failed: bool) -> None:
        fields = {
            "type": "platform.report",
            "request_id": request_id,
            "duration_ms": round(seconds * 1000, 1),
            "cold_start": cold,
            "failed": failed,
        }
        self.line(function, json.dumps(fields))

    def _short(self, function: str) -> str:
        """`connector-PostTransactions-1A2B3C` is called PostTransactions in the template."""
        if not function.startswith(self._prefix):
            return function
        return function.removeprefix(self._prefix).rpartition("-")[0] or function


def _fields(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        try:
            fields: dict[str, Any] = json.loads(text)
        except ValueError:
            pass
        else:
            return fields
    return {"message": text}
