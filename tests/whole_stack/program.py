"""`python -m local` (or its simulators alone) as a program of its own, spoken to over HTTP only."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0
SECRETS = ("demo-pex-token", "demo-procore-secret", "demo-callback-secret", "demo-pex-app-secret")
T = TypeVar("T")


class Program:
    """Up when constructed; `urls` is what its ready line told."""

    def __init__(self, *arguments: str, module: str = "local", environment: Mapping[str, str] | None = None) -> None:
        self._errors: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(ready,), daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()
        try:
            line = ready.get(timeout=READY_SECONDS)
        except queue.Empty:
            line = ""
        if not line:
            self.process.kill()
            raise AssertionError("it did not get ready: " + "".join(self._errors))
        self.urls: dict[str, str] = json.loads(line.removeprefix("ready "))

    def _read(self, ready: queue.SimpleQueue[str]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                ready.put(line)
        ready.put("")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors += self.process.stderr

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)


class Stranger:
    """Knows the HTTP interface and nothing else. No answer it gets may hold a secret."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        if body is not None:
            more["json"] = body
        answer = self.session.request(method, self.url + path, timeout=60, **more)
        assert not [secret for secret in SECRETS if secret in answer.text], f"{method} {path} tells a secret"
        return answer

    def sign_in(self, pex_token: str = "demo-pex-token") -> requests.Response:
        return self.ask("POST", "/v1/sessions", {"pex_token": pex_token})

    def connect(self, start_date: str, pex_token: str = "demo-pex-token") -> int:
        """As the interface describes it; every step must succeed. Answers the business's id."""
        session = self.sign_in(pex_token)
        assert session.status_code == 201
        credentials = {"client_id": "demo-procore-client", "client_secret": "demo-procore-secret"}
        companies = self.ask("PUT", "/v1/connection/procore", credentials).json()["companies"]
        company_id = {"company_id": companies[0]["id"]}
        assert self.ask("PUT", "/v1/connection/company", company_id).status_code == 200
        secret = {"secret": "demo-callback-secret"}
        assert self.ask("PUT", "/v1/connection/pex-callback", secret).status_code == 200
        vendors = self.ask("GET", "/v1/procore/vendors").json()["items"]
        chosen = {"vendor_id": vendors[0]["id"], "transactions": "approved", "start_date": start_date}
        settings = self.ask("PATCH", "/v1/settings", chosen)
        assert settings.status_code == 200, settings.text
        return int(session.json()["business_id"])

    def start_run(self) -> str:
        """After any run that is at work."""

        def start() -> str | None:
            answer = self.ask("POST", "/v1/runs", {"kind": "transactions"})
            assert answer.status_code in (202, 409), answer.text
            return str(answer.json()["run_id"]) if answer.status_code == 202 else None

        return until(start, 200)

    def finished(self, run_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = self.ask("GET", f"/v1/runs/{run_id}").json()
            return run if run["status"] == "finished" else None

        return until(look)

    def transaction(self, transaction_id: int, state: str, patience_seconds: float = 60) -> dict[str, Any]:
        """Once the list of that state shows it."""

        def look() -> dict[str, Any] | None:
            listed = self.ask("GET", "/v1/transactions", params={"state": state}).json()["items"]
            return next((one for one in listed if one["transaction_id"] == transaction_id), None)

        return until(look, patience_seconds)


class Life:
    """The simulators' control port."""

    def __init__(self, url: str) -> None:
        self.url = url

    def act(self, vendor: str, action: str, **keywords: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/{vendor}/act/{action}", json=keywords, timeout=60)
        assert answer.ok, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def books(self, vendor: str = "") -> dict[str, Any]:
        path = f"/{vendor}/books" if vendor else "/books"
        books: dict[str, Any] = requests.get(self.url + path, timeout=60).json()
        return books

    def fault(self, vendor: str, **rule: Any) -> None:
        assert requests.post(f"{self.url}/{vendor}/faults", json=rule, timeout=60).status_code == 201

    def switch(self, vendor: str, **values: Any) -> None:
        assert requests.post(f"{self.url}/{vendor}/switches", json=values, timeout=60).ok

    def purchase(self, amount: str, line: dict[str, str] | None, **more: Any) -> int:
        """A settled, approved purchase; `line`: project, cost code and cost type, chosen while it was pending."""
        pending = self.act("pex", "purchase", amount=amount, **more)["transaction_id"]
        if line:
            self.act("pex", "tag", transaction_id=pending, **line)
        self.act("pex", "approve", transaction_id=pending)
        settled: int = self.act("pex", "settle", transaction_id=pending)["transaction_id"]
        return settled


def until(look: Callable[[], T | None], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.4)
    return found
