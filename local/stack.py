"""Everything up on this machine: emulated AWS with the real template, the connector's address, the vendors' simulators.

with Stack(port=0) as stack:
    requests.get(f"{stack.url}/v1/health")
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.deploy import STACK_NAME, Deployment, deploy
from local.front_door import FrontDoor
from local.processes import Child, ChildFailed, free_port, port_is_free, tree_memory_mb
from local.simulators.seed_pex import APP_ID, APP_SECRET
from local.sweep import FASTEST_SCHEDULE_SECONDS, Sweeper

ROOT = Path(__file__).resolve().parent.parent
VENDORS = {"pex": ("pex_api_url", "pex_oauth_url"), "procore": ("procore_api_url", "procore_login_url")}
SIMULATOR_PORTS = ("pex_api", "pex_oauth", "procore_api", "procore_login", "control")
START_SECONDS = 60.0
HEALTH_PATH = "/v1/health"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CannotStart(RuntimeError):
    """Says what is in the way and what to do about it."""


class Stack:
    """`vendor_urls` names the vendors that are not simulated: `pex_api_url` and `pex_oauth_url`, `procore_api_url` and
    `procore_login_url`. `state` is a directory that keeps everything across restarts; without it nothing is kept.
    `port` 0 takes any free one. With `enforce_roles` a function may do only what its role in the template allows.
    `root` is the folder of `template.yaml`."""

    def __init__(
        self,
        *,
        port: int = 8080,
        vendor_urls: Mapping[str, str] | None = None,
        state: Path | None = None,
        sweep_seconds: int = 900,
        json_logs: bool = False,
        enforce_roles: bool = True,
        root: Path = ROOT,
        emulator_python: Path = ROOT / ".venv-local" / "bin" / "python",
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.urls: dict[str, str | None] = {}
        """What the `ready` line shows: `url`, the four vendor URLs, and `control_url` (None without simulators)."""
        self.deployment: Deployment
        self._port = port
        self._given = _complete_vendors(vendor_urls or {})
        self._state = state.resolve() if state else None
        self._sweep_seconds = sweep_seconds
        self._json_logs = json_logs
        self._enforce_roles = enforce_roles
        self._root = root
        self._emulator_python = emulator_python
        self._progress = progress
        self._closing = contextlib.ExitStack()
        self._failures: queue.SimpleQueue[ChildFailed] = queue.SimpleQueue()
        self._gateway_port = 0

    @property
    def url(self) -> str:
        assert self.urls["url"]
        return self.urls["url"]

    @property
    def control_url(self) -> str | None:
        return self.urls["control_url"]

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def clients(self, service: str) -> Any:
        """A boto3 client of the emulated AWS."""
        without_profile = botocore.session.Session({"profile": (None, None, None, None)})
        return boto3.Session(botocore_session=without_profile).client(
            service,
            endpoint_url=f"http://127.0.0.1:{self._gateway_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120, proxies={}),
        )

    def memory_mb(self) -> float:
        """Resident memory of this process and everything it started."""
        return tree_memory_mb(os.getpid())

    def wait(self) -> None:
        """Blocks for as long as all children live; raises ChildFailed when one ends."""
        raise self._failures.get()

    def _start(self) -> None:
        if not self._emulator_python.exists():
            raise CannotStart(f"{self._emulator_python} is missing. Run `make setup` first.")
        folder = self._open_folder()
        run = folder / "run"
        shutil.rmtree(run / "code", ignore_errors=True)
        (run / "logs").mkdir(parents=True, exist_ok=True)
        ports = _remembered_ports(folder / "ports.json")
        door = self._front_door(self._port or ports["connector"], ports["emulator"])
        self.urls = {"url": f"http://127.0.0.1:{door.port}", **self._given}
        self._gateway_port = ports["emulator"]

        began = time.monotonic()
        simulators = self._start_simulators(folder, ports)
        emulator = self._start_emulator(folder)
        if simulators:
            self._await_simulators(simulators)
        self._await_emulator(emulator)
        self._progress(f"Emulated AWS is up on {self._emulator_url} ({time.monotonic() - began:.1f} s).")
        self._deploy()
        door.open(self.deployment.api_id, self.deployment.stage)
        if self._sweep_seconds < FASTEST_SCHEDULE_SECONDS:
            self._closing.callback(Sweeper(self.clients, self.deployment, self._sweep_seconds).close)
        self._await_health()
        if self._state and (number := self._tell_emulator("run-unfinished")):
            self._progress(f"{number} state machine executions go on that had not ended the last time.")

    @property
    def _emulator_url(self) -> str:
        return f"http://127.0.0.1:{self._gateway_port}"

    def _open_folder(self) -> Path:
        if self._state is None:
            folder = Path(tempfile.mkdtemp(prefix="connector-local-"))
            self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder
        try:
            self._state.mkdir(parents=True, exist_ok=True)
            lock = self._closing.enter_context((self._state / "lock").open("w"))
        except OSError as error:
            raise CannotStart(f"The state folder {self._state} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(f"Another `python -m local` uses {self._state}. Stop it or choose another.") from error
        return self._state

    def _front_door(self, port: int, gateway_port: int) -> FrontDoor:
        try:
            door = FrontDoor(port, gateway_port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "is taken by another program. Stop it or choose another with --port"
            else:
                reason = f"cannot be used ({error.strerror}). Choose another with --port"
            raise CannotStart(f"Port {port} {reason}.") from error
        self._closing.callback(door.close)
        return door

    def _start_simulators(self, folder: Path, ports: Mapping[str, int]) -> Child | None:
        vendors = [vendor for vendor, urls in VENDORS.items() if not self._given.keys() & set(urls)]
        if not vendors:
            self.urls["control_url"] = None
            return None
        self._progress(f"Starting the {' and '.join(_vendor_name(vendor) for vendor in vendors)} simulators.")
        arguments = ["--vendors", ",".join(vendors), "--state", str(folder / "simulators")]
        for port in SIMULATOR_PORTS:
            arguments += [f"--{port.replace('_', '-')}-port", str(ports[port])]
        return self._child("simulators", Path(sys.executable), "local.simulators", arguments, folder, subprocess.PIPE)

    def _start_emulator(self, folder: Path) -> Child:
        self._progress("Starting the emulated AWS.")
        arguments = ["--port", str(self._gateway_port), "--run-dir", str(folder / "run"), "--stack-name", STACK_NAME]
        if self._state:
            arguments += ["--state-dir", str(folder / "emulator")]
        if self._json_logs:
            arguments.append("--json-logs")
        if self._enforce_roles:
            arguments.append("--enforce-roles")
        stdout = sys.stdout.fileno() if self._json_logs else None
        return self._child("emulated AWS", self._emulator_python, "local.emulator", arguments, folder, stdout)

    def _child(
        self, name: str, python: Path, module: str, arguments: list[str], folder: Path, stdout: int | None
    ) -> Child:
        log = folder / "run" / "logs" / f"{module.removeprefix('local.')}.log"
        log.unlink(missing_ok=True)
        child = Child(name, python, module, arguments, log, ROOT, stdout)
        self._closing.callback(child.stop)
        return child

    def _await_simulators(self, child: Child) -> None:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_forward, args=(child, lines), name="simulators-output", daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty as error:
            raise CannotStart(f"The simulators did not get ready within {START_SECONDS:.0f} seconds.") from error
        if not line.startswith("ready "):
            child.process.wait(START_SECONDS)
            raise child.failure()
        told = json.loads(line.removeprefix("ready "))
        self.urls |= {name: told[name] for name in _url_names() if name not in self._given}
        self.urls["control_url"] = told["control_url"]
        child.watch(self._failures.put)

    def _await_emulator(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{self._emulator_url}/_ministack/health"):
            if child.ended:
                raise child.failure()
            if time.monotonic() > deadline:
                raise CannotStart(f"The emulated AWS did not answer within {START_SECONDS:.0f} seconds.")
            time.sleep(0.05)
        child.watch(self._failures.put)

    def _deploy(self) -> None:
        self._progress("Deploying template.yaml.")
        began = time.monotonic()
        self.deployment = deploy(self.clients, self._root, self._parameters())
        if self._state and self.deployment.changed:
            self._tell_emulator("checkpoint")
        done = "Deployed" if self.deployment.changed else "Unchanged since the last time:"
        self._progress(f"{done} {len(self.deployment.resources)} resources ({time.monotonic() - began:.1f} s).")

    def _tell_emulator(self, action: str) -> Any:
        with _DIRECT.open(
            urllib.request.Request(f"{self._emulator_url}/_local/{action}", method="POST"), timeout=60
        ) as answer:
            return json.load(answer)

    def _partner_app(self) -> dict[str, str]:
        """The app that the built-in simulator of PEX knows, its secret kept where a deployment keeps it; of a PEX that
        is not simulated we know none."""
        if "pex_api_url" in self._given:
            return {}
        secrets = self.clients("secretsmanager")
        try:
            made = secrets.create_secret(Name="pex-app", SecretString=APP_SECRET)
        except secrets.exceptions.ResourceExistsException:
            made = secrets.describe_secret(SecretId="pex-app")
        return {"PexAppId": APP_ID, "PexAppSecretArn": made["ARN"]}

    def _parameters(self) -> dict[str, str]:
        return {
            **self._partner_app(),
            "Stage": "local",
            "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
            "PexApiUrl": self.urls["pex_api_url"] or "",
            "PexOauthUrl": self.urls["pex_oauth_url"] or "",
            "ProcoreApiUrl": self.urls["procore_api_url"] or "",
            "ProcoreLoginUrl": self.urls["procore_login_url"] or "",
            "PublicUrl": self.url,
            "SweepSeconds": str(self._sweep_seconds),
        }

    def _await_health(self) -> None:
        self._progress("Waiting for the connector to answer.")
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.url + HEALTH_PATH):
            if time.monotonic() > deadline:
                raise CannotStart(f"GET {HEALTH_PATH} did not give 200: {_body(self.url + HEALTH_PATH)}")
            with contextlib.suppress(queue.Empty):
                raise self._failures.get(timeout=0.2)


def _complete_vendors(given: Mapping[str, str]) -> dict[str, str]:
    for vendor, names in VENDORS.items():
        if len(given.keys() & set(names)) == 1:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in names)
            raise CannotStart(f"Give both {options}, or neither to use the built-in {_vendor_name(vendor)} simulator.")
    return {name: url.rstrip("/") for name, url in given.items()}


def _vendor_name(vendor: str) -> str:
    return {"pex": "PEX", "procore": "Procore"}[vendor]


def _url_names() -> list[str]:
    return [name for names in VENDORS.values() for name in names]


def _remembered_ports(file: Path) -> dict[str, int]:
    """The same ports as the last time: queue URLs and the vendors' URLs are kept with the tables."""
    wanted = ("connector", "emulator", *SIMULATOR_PORTS)
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    for name, port in ports.items():
        if name != "connector" and not port_is_free(port):
            raise CannotStart(f"Port {port} ({name.replace('_', ' ')} in {file}) is taken by another program. Stop it.")
    while missing := [name for name in wanted if name not in ports]:
        port = free_port()
        if port not in ports.values():
            ports[missing[0]] = port
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(ports))
    fresh.replace(file)
    return ports


def _forward(child: Child, lines: queue.SimpleQueue[str]) -> None:
    """Hands over each line and keeps it in the log; an empty line at the end."""
    assert child.process.stdout is not None
    with child.log.open("ab") as log, contextlib.suppress(ValueError):
        for line in child.process.stdout:
            log.write(line)
            lines.put(line.decode("utf-8", "replace").strip())
    lines.put("")


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=START_SECONDS) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _body(url: str) -> str:
    try:
        with _DIRECT.open(url, timeout=10) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode('utf-8', 'replace')}"
    except OSError as error:
        return str(error)
