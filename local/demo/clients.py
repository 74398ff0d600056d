"""The two doors the story knocks at: the connector's HTTP API, and the simulators' control port."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from local.demo.screen import Waiting

LOOK_SECONDS = 0.7
PATIENCE_SECONDS = 120.0
DONE = ("complete",)


class DemoFailed(Exception):
    """Something in the story did not happen; the text says what."""


class _Door:
    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self._name = name
        self._session = requests.Session()

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        try:
            return self._session.request(method, self.url + path, json=body, params=query or None, timeout=60)
        except requests.RequestException as error:
            raise DemoFailed(f"{self._name} did not answer {method} {path}: {type(error).__name__}.") from error

    def _expect(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.ask(method, path, body, **query)
        if not answer.ok:
            raise DemoFailed(f"{self._name} answered {method} {path} with {answer.status_code}: {answer.text[:400]}")
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        return self._expect("GET", path, **query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._expect("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._expect("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._expect("PATCH", path, body)


class Connector(_Door):
    def __init__(self, url: str) -> None:
        super().__init__(url, "The connector")

    def sync_now(self, line: Waiting) -> dict[str, Any]:
        """A run of its own, after any that is at work; the run, finished with success."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.ask("POST", "/v1/runs", {"kind": "transactions"})).status_code == 409:
            if time.monotonic() > deadline:
                raise DemoFailed(f"Another run does not end: {answer.text[:400]}")
            self.finished_run(answer.json()["run_id"], line)
        if answer.status_code != 202:
            raise DemoFailed(f"The run could not be started ({answer.status_code}): {answer.text[:400]}")
        run = self.finished_run(answer.json()["run_id"], line)
        if run["verdict"] != "success":
            raise DemoFailed(f"Run {run['run_id']} ended as {run['verdict']}: {run['message']} {run['reasons']}")
        return run

    def finished_run(self, run_id: str, line: Waiting) -> dict[str, Any]:
        path = f"/v1/runs/{run_id}"

        def look() -> dict[str, Any] | None:
            answer = self.ask("GET", path)
            run: dict[str, Any] = answer.json()
            line.show(counted(self.states()))
            return run if answer.ok and run["status"] == "finished" else None

        return wait_for(look, f"run {run_id} to finish")

    def transactions(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following = None
        while True:
            page = self.get("/v1/transactions", limit=500, **query, **({"next": following} if following else {}))
            found += page["items"]
            following = page["next"]
            if not following:
                return found

    def states(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.transactions():
            counts[row["state"]] = counts.get(row["state"], 0) + 1
        return counts

    def settled(self, ids: Sequence[int], line: Waiting, states: Sequence[str] = DONE) -> list[dict[str, Any]]:
        """The transactions with their timelines, once each of them is in one of the states."""
        found: dict[int, dict[str, Any]] = {}

        def look() -> list[dict[str, Any]] | None:
            for id in ids:
                if id not in found:
                    answer = self.ask("GET", f"/v1/transactions/{id}")
                    if answer.ok and answer.json()["state"] in states:
                        found[id] = answer.json()
            line.show(f"{len(found)} of {len(ids)}")
            return [found[id] for id in ids] if len(found) == len(ids) else None

        return wait_for(look, f"transactions {', '.join(map(str, ids))} to be {' or '.join(states)}")

    def quiet(self, line: Waiting) -> None:
        """Until no run holds the business."""

        def look() -> bool | None:
            line.show()
            return None if self.get("/v1/connection")["running"] else True

        wait_for(look, "the last run to end")


class Control(_Door):
    def __init__(self, url: str) -> None:
        super().__init__(url, "The simulators")

    def act(self, vendor: str, action: str, **keywords: Any) -> dict[str, Any]:
        done: dict[str, Any] = self.post(f"/{vendor}/act/{action}", keywords)
        return done


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """Looks until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := look()) is None:
        if time.monotonic() > deadline:
            raise DemoFailed(f"Waited {PATIENCE_SECONDS:.0f} seconds for {what} in vain.")
        time.sleep(LOOK_SECONDS)
    return answer


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
