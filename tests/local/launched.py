"""`python -m local up` on the fixture app, run as a program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = [
    argument
    for name in ("pex-api", "pex-oauth", "procore-api", "procore-login")
    for argument in (f"--{name}-url", "http://127.0.0.1:9")
]


class Launcher:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "fixture_launcher.py"), "up", "--port", "0", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        while not self.lines or not self.lines[-1].startswith("ready "):
            self.lines.append(self.process.stdout.readline())
            assert self.lines[-1], self.process.communicate()[1]
        self.urls: dict[str, Any] = json.loads(self.lines[-1].removeprefix("ready "))
        self.tree = descendants(self.process.pid)

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=20)


def descendants(process: int) -> set[int]:
    found: set[int] = set()
    with contextlib.suppress(FileNotFoundError):  # a thread that ends meanwhile
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | descendants(child)
    return found


def alive(processes: set[int]) -> set[int]:
    """Less those that ended and wait for a parent to collect them."""
    found = set()
    for process in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            found |= {process} if state != "Z" else set()
    return found


def none_left(processes: set[int], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(processes)


def emulated(state: Path) -> Any:
    port = json.loads((state / "ports.json").read_text())["emulator"]
    return lambda service: boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def outputs_of(clients: Any) -> dict[str, str]:
    stack = clients("cloudformation").describe_stacks()["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
