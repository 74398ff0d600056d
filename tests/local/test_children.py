"""Child processes end with the launcher, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.processes import Child, ChildFailed, tree_memory_mb

PYTHON = Path(sys.executable)


def child_module(folder: Path, name: str, text: str) -> Path:
    (folder / f"{name}.py").write_text(text)
    return folder


def gone(process: int) -> bool:
    """Ended, or ended and not yet collected by its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(process: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not gone(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return gone(process)


def read_when_written(file: Path, seconds: float = 10.0) -> str:
    deadline = time.monotonic() + seconds
    while not (file.exists() and file.read_text().endswith("\n")):
        assert time.monotonic() < deadline, f"{file} was not written"
        time.sleep(0.02)
    return file.read_text()


SLEEPER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open("pid", "w") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(60)
"""


def test_a_child_ends_when_its_launcher_is_killed(tmp_path: Path) -> None:
    child_module(tmp_path, "sleeper", SLEEPER)
    launcher = (
        "import sys, time\nfrom pathlib import Path\nfrom local.processes import Child\n"
        "Child('sleeper', Path(sys.executable), 'sleeper', [], Path('log'), Path.cwd())\ntime.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", launcher], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}
    )
    child = int(read_when_written(tmp_path / "pid"))
    process.kill()
    process.wait()
    assert wait_until_gone(child)


def test_stopping_ends_a_child_that_ignores_it_and_its_own_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.processes.STOP_SECONDS", 0.2)
    child_module(
        tmp_path,
        "parent",
        "import signal, subprocess, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, 'sleeper.py'])\ntime.sleep(60)",
    )
    child_module(tmp_path, "sleeper", SLEEPER)
    child = Child("parent", PYTHON, "parent", [], tmp_path / "log", tmp_path)
    grandchild = int(read_when_written(tmp_path / "pid"))
    child.stop()
    assert gone(child.process.pid)
    assert wait_until_gone(grandchild)


def test_a_child_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child_module(tmp_path, "dying", "raise SystemExit('there is no template')")
    child = Child("emulated AWS", PYTHON, "dying", [], tmp_path / "log", tmp_path)
    failures: list[ChildFailed] = []
    child.watch(failures.append)
    deadline = time.monotonic() + 10
    while not failures and time.monotonic() < deadline:
        time.sleep(0.02)
    text = str(failures[0])
    assert "The emulated AWS ended unexpectedly (exit status 1)" in text
    assert "there is no template" in text
    child.stop()


def test_a_child_that_was_asked_to_stop_is_not_reported(tmp_path: Path) -> None:
    child_module(tmp_path, "waiting", "import time\ntime.sleep(60)")
    child = Child("emulated AWS", PYTHON, "waiting", [], tmp_path / "log", tmp_path)
    failures: list[ChildFailed] = []
    child.watch(failures.append)
    child.stop()
    time.sleep(0.2)
    assert failures == []
    assert child.process.returncode == -signal.SIGTERM


def test_memory_counts_descendants(tmp_path: Path) -> None:
    child_module(
        tmp_path,
        "large",
        "import time\nheld = bytearray(b'x') * 60_000_000\nopen('pid', 'w').write('1\\n')\ntime.sleep(60)",
    )
    before = tree_memory_mb(os.getpid())
    child = Child("large", PYTHON, "large", [], tmp_path / "log", tmp_path)
    read_when_written(tmp_path / "pid")
    assert tree_memory_mb(os.getpid()) - before > 55
    child.stop()
