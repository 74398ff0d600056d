"""Child processes that end with us, whatever ends us."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

LEASH = Path(__file__).parent / "leash.py"
STOP_SECONDS = 8.0


class ChildFailed(RuntimeError):
    """A child process ended when it should not have; the text quotes the end of what it wrote."""


class Child:
    """A Python module run as a program in a process group of its own. `python` is the interpreter to run it with."""

    def __init__(
        self,
        name: str,
        python: Path,
        module: str,
        arguments: Sequence[str],
        log: Path,
        root: Path,
        stdout: int | IO[bytes] | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._stopping = False
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [str(python), "-u", str(LEASH), module, *arguments],
                cwd=root,
                env=_environment(root),
                stdin=subprocess.PIPE,
                stdout=sink if stdout is None else stdout,
                stderr=sink,
                process_group=0,
            )

    def watch(self, on_failure: Callable[[ChildFailed], None]) -> None:
        """Calls back, from another thread, when the process ends without having been asked to."""

        def wait() -> None:
            self.process.wait()
            if not self._stopping:
                on_failure(self.failure())

        threading.Thread(target=wait, name=f"watch-{self.name}", daemon=True).start()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def failure(self) -> ChildFailed:
        status = self.process.poll()
        lines = self.log.read_text("utf-8", "replace").splitlines()[-15:]
        quoted = "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"
        return ChildFailed(f"The {self.name} ended unexpectedly (exit status {status}). Its last words:\n{quoted}")

    def stop(self) -> None:
        """Asks the process to end, waits, then ends its whole group."""
        self._stopping = True
        if not self.ended:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


def _environment(root: Path) -> dict[str, str]:
    """Ours, less the developer's AWS settings; loopback is never asked through a proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    direct = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1,localhost")))
    return kept | {"NO_PROXY": direct, "no_proxy": direct, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}


def free_port() -> int:
    """From below the range that systems hand out to whoever connects, so that it is still free when it is used."""
    while not port_is_free(port := random.randrange(20_000, 32_000)):
        pass
    return port


def port_is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def tree_memory_mb(root: int) -> float:
    """Resident memory of a process and all its descendants; pages they share are counted once per process."""
    resident: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            pages = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        resident[int(folder.name)] = pages
        children.setdefault(parent, []).append(int(folder.name))
    total, pending = 0, [root]
    while pending:
        process = pending.pop()
        total += resident.get(process, 0)
        pending += children.get(process, [])
    return total * os.sysconf("SC_PAGE_SIZE") / 1_000_000
