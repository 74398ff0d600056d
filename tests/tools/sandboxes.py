"""Both vendors' simulators, as sandboxes to be asked. Pauses move the clock."""

from __future__ import annotations

import functools
import pickle
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.simulators.pex import PexSimulator
from local.simulators.procore import ProcoreSimulator
from local.simulators.seed_pex import CALLBACK_SECRET, TOKEN, seed_pex
from local.simulators.seed_procore import CLIENT_ID, CLIENT_SECRET, FIRST_COMPANY_ID, seed_procore, usable
from local.simulators.web import AdjustableClock
from tools.verify_sandbox import catalog
from tools.verify_sandbox.__main__ import main
from tools.verify_sandbox.pex_bench import PexBench
from tools.verify_sandbox.places import pex_place, procore_place
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.questions import Found
from tools.verify_sandbox.undo import Undo

NOON = datetime(2026, 6, 15, 16, 0, tzinfo=UTC)
QUIET = {"update_seconds": 0.0, "hourly_limit": 100_000, "spike_limit": 100_000}
PLENTY = {"overall_per_minute": 1_000_000}
SECRETS = (TOKEN, CLIENT_SECRET, CALLBACK_SECRET)


@functools.cache
def founded() -> tuple[bytes, bytes]:
    return pickle.dumps(seed_procore(7)), pickle.dumps(seed_pex(7, clock=lambda: NOON))


class Sandboxes:
    def __init__(self, switches: dict[str, Any]) -> None:
        self.clock = AdjustableClock(NOON)
        worlds = [pickle.loads(one) for one in founded()]
        of_procore = {name: value for name, value in switches.items() if not name.startswith("pex.")}
        of_pex = {name.removeprefix("pex."): value for name, value in switches.items() if name.startswith("pex.")}
        self.procore = ProcoreSimulator(worlds[0], clock=self.clock, switches={**QUIET, **of_procore}).start()
        self.pex = PexSimulator(worlds[1], clock=self.clock, switches={**PLENTY, **of_pex}).start()
        self.undo = Undo()
        projects = self.procore.world.projects_of(FIRST_COMPANY_ID)
        self.project = next(one for one in projects if usable(one))
        self.environ = {
            "PEX_API_URL": self.pex.api_url,
            "PEX_OAUTH_URL": self.pex.oauth_url,
            "PEX_TOKEN": TOKEN,
            "PROCORE_API_URL": self.procore.api_url,
            "PROCORE_LOGIN_URL": self.procore.login_url,
            "PROCORE_CLIENT_ID": CLIENT_ID,
            "PROCORE_CLIENT_SECRET": CLIENT_SECRET,
            "PROCORE_COMPANY_ID": str(FIRST_COMPANY_ID),
            "PROCORE_PROJECT_ID": str(self.project.id),
            "PROCORE_UNPERMITTED_PROJECT_ID": str(next(one.id for one in projects if not one.permitted)),
            "PROCORE_TOOL_OFF_PROJECT_ID": str(next(one.id for one in projects if "direct_costs" in one.tools_off)),
            "PROCORE_ERP_PROJECT_ID": str(next(one.id for one in projects if one.is_erp_integrated)),
        }

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def buy_while_waiting(self) -> None:
        """The first pause is used to buy something by PIN, and each to let PEX's callbacks arrive."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.environ |= {
            "PEX_RECEIVER_URL": f"http://127.0.0.1:{port}/",
            "PEX_RECEIVER_PORT": str(port),
            "PEX_CALLBACK_SECRET": CALLBACK_SECRET,
        }
        bought: list[object] = []

        def sleep(seconds: float) -> None:
            self.clock.advance(seconds)
            if seconds == 1:
                bought or bought.append(self.pex.act_purchase(pin=True))
                while not self.pex.dispatcher.idle():
                    time.sleep(0.01)

        self.sleep = sleep  # type: ignore[method-assign]

    def ask(self, name: str) -> Found:
        """One question, by its name. Raises CannotAsk."""
        for one in catalog.PROCORE:
            if one.name == name:
                place = procore_place(self.environ)
                assert place is not None
                return one.ask(ProcoreBench(place, "test", self.undo, self.clock, self.sleep))
        place_of_pex = pex_place(self.environ)
        assert place_of_pex is not None
        question = next(one for one in catalog.PEX if one.name == name)
        return question.ask(PexBench(place_of_pex, "test", self.undo, self.clock, self.sleep))

    def run(self, page: Path, *options: str) -> int:
        business_id = next(iter(self.pex.world.businesses))
        confirmed = ("--confirm-company", str(FIRST_COMPANY_ID), "--confirm-business", str(business_id))
        return main(["--page", str(page), *confirmed, *options], self.environ, self.clock, self.sleep)

    def kept(self) -> dict[str, Any]:
        """What must be as it was before."""
        pex, procore = self.pex.books(), self.procore.books()
        return {
            "expenses": procore["direct_costs"],
            "hooks": procore["hooks"],
            "tags": [tag for business in self.pex.world.businesses.values() for tag in business.tags.values()
                     if tag.deleted_at is None],
            "notes": [row["notes"] for row in pex["transactions"]],
            "subscriptions": pex["subscriptions"],
        }  # fmt: skip

    def writes(self) -> int:
        """Of records: signing in is none."""
        every = [*self.procore.requests.all(), *self.pex.requests.all()]
        return sum(one.method != "GET" and "/oauth/" not in one.path for one in every)

    def stop(self) -> None:
        self.pex.stop()
        self.procore.stop()


@contextmanager
def sandboxes(**switches: Any) -> Iterator[Sandboxes]:
    """Switches of PEX's simulator as `{"pex.name": value}`."""
    made = Sandboxes(switches)
    try:
        yield made
    finally:
        made.stop()
