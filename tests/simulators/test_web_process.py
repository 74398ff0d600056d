"""`python -m local.simulators` as its own process: the ready line, the state directory, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET

COMMAND = [sys.executable, "-m", "local.simulators", "--vendors", "procore"]
GRANT = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


class Process:
    def __init__(self, *options: str) -> None:
        self.popen = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)
        assert self.popen.stdout is not None
        word, _, rest = self.popen.stdout.readline().partition(" ")
        assert word == "ready"
        self.urls: dict[str, str] = json.loads(rest)

    def books(self) -> dict[str, Any]:
        books: dict[str, Any] = requests.get(f"{self.urls['control_url']}/books", timeout=5).json()["procore"]
        return books

    def end(self, number: signal.Signals) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(timeout=10)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)
        if process.popen.stdout is not None:
            process.popen.stdout.close()


def test_a_committed_direct_cost_survives_kill_9_and_sigterm_ends_in_good_order(
    tmp_path: Path, processes: list[Process]
) -> None:
    processes.append(first := Process("--state", str(tmp_path)))
    assert set(first.urls) == {"procore_api_url", "procore_login_url", "control_url"}
    token = requests.post(f"{first.urls['procore_login_url']}/oauth/token", data=GRANT, timeout=5).json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Procore-Company-Id": "4267118"}
    path = "/rest/v1.1/projects/2310401/direct_costs"
    body = {"direct_cost": {"direct_cost_type": "expense", "origin_id": "pex:1"}}
    made = requests.post(first.urls["procore_api_url"] + path, headers=headers, json=body, timeout=5)
    assert made.status_code == 201
    before = first.books()["direct_costs"]
    first.end(signal.SIGKILL)
    processes.append(second := Process("--state", str(tmp_path)))
    assert second.books()["direct_costs"] == before
    again = requests.get(second.urls["procore_api_url"] + path, headers=headers, timeout=5)
    assert [row["origin_id"] for row in again.json()] == ["pex:1"]
    assert second.end(signal.SIGTERM) == 0


def test_a_taken_port_ends_with_a_sentence(processes: list[Process]) -> None:
    processes.append(first := Process())
    port = first.urls["procore_api_url"].rsplit(":", 1)[1]
    second = subprocess.run(
        [*COMMAND, "--procore-api-port", port], capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode == 1
    assert second.stderr.strip() == (
        "The simulators cannot listen (Address already in use): give another port, or 0 for any free one."
    )


def test_it_ends_when_the_process_that_started_it_is_gone() -> None:
    script = f"import subprocess, time; print(subprocess.Popen({COMMAND!r}).pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert parent.stdout.readline().startswith("ready")
    parent.kill()
    parent.wait(timeout=5)
    deadline = time.monotonic() + 10
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.stdout.close()
    assert not _alive(child)


def _alive(pid: int) -> bool:
    """A process that ended but that nobody has waited for counts as gone."""
    if not Path("/proc/self").exists():
        return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
