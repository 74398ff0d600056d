"""A running Procore simulator and a signed-in caller, for the tests beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests

from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.world import World
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, FIRST_COMPANY_ID, seed_procore
from local.simulators.web import AdjustableClock

NOON = datetime(2026, 10, 5, 16, 0, tzinfo=UTC)
QUIET = {"update_seconds": 0.0, "hourly_limit": 100_000, "spike_limit": 100_000}


class Site:
    """Calls the simulator the way a client would; `project` is an ordinary open project of the first company."""

    def __init__(self, sim: ProcoreSimulator, clock: AdjustableClock) -> None:
        self.sim = sim
        self.clock = clock
        self.world: World = sim.world
        self.project = next(iter(sim.world.projects.values()))
        self.costs_path = f"/rest/v1.1/projects/{self.project.id}/direct_costs"
        self.http = requests.Session()
        self.sign_in()

    def sign_in(self, client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET) -> None:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = self.http.post(f"{self.sim.login_url}/oauth/token", data=form, timeout=5)
        answer.raise_for_status()
        self.http.headers.update(
            {
                "Authorization": f"Bearer {answer.json()['access_token']}",
                "Procore-Company-Id": str(FIRST_COMPANY_ID),
                "Accept": "application/json",
            }
        )

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        return self.http.request(method, self.sim.api_url + path, **{"timeout": 5, **given})

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.call("GET", path, params=query)

    def budget_codes(self, status: str = "active") -> list[int]:
        """Codes of the project made of a leaf and a cost type."""
        leaves = {code.id for code in self.world.cost_codes_of(self.project.id) if code.parent_id is not None}
        codes = self.world.wbs_codes_of(self.project.id)
        return [code.id for code in codes if code.cost_code_id in leaves and code.status == status]

    def vendor(self, position: int = 0) -> int:
        return list(self.world.vendors)[position]

    def expense(self, *amounts: float, **changes: Any) -> dict[str, Any]:
        """A body the simulator accepts, with one line per amount."""
        codes = self.budget_codes()
        lines = [{"wbs_code_id": codes[at], "manual_amount": amount} for at, amount in enumerate(amounts or (120.5,))]
        header: dict[str, Any] = {
            "direct_cost_type": "expense",
            "direct_cost_date": "2026-10-03",
            "vendor_id": self.vendor(),
            "line_items": lines,
        }
        return {"direct_cost": {**header, **changes}}

    def post(self, body: Any) -> requests.Response:
        return self.call("POST", self.costs_path, json=body)

    def posted(self, *amounts: float, **changes: Any) -> int:
        answer = self.post(self.expense(*amounts, **changes))
        assert answer.status_code == 201, answer.text
        id: int = answer.json()["id"]
        return id


@contextmanager
def procore_site(**switches: Any) -> Iterator[Site]:
    clock = AdjustableClock(NOON)
    sim = ProcoreSimulator(seed_procore(7), clock=clock, switches={**QUIET, **switches}).start()
    try:
        yield Site(sim, clock)
    finally:
        sim.stop()
