"""`kill -9` of a function's process at the worst moments, in the real local stack: once, never twice, never lost.

The verdict is read from the simulators' books.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.demo.books import EASTERN, transaction_of
from tests.whole_stack.program import Life, Program, Stranger
from tests.whole_stack.test_restart import first_line, judge
from tests.whole_stack.tollgate import Moment, Tollgate

pytestmark = [
    pytest.mark.whole_stack,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found through /proc"),
]
PATIENCE_SECONDS = 240  # on a busy machine; usually ten

STARTED = Moment("start_runs", "StartExecution", "callback", "after")
LOST_HINTS = [
    Moment("start_runs", "PutItem", "#announced"),
    Moment("start_runs", "StartExecution", "callback"),
]
OPEN_RUN = Moment("open_run", "UpdateItem", '"LEASE"', "after")
LIST_TRANSACTIONS = Moment("list_transactions", "GET /v4/Details/.*Transaction", when="during")
CLOSE_RUN = Moment("close_run", "UpdateItem", "announced_now")
RUNS = {  # each step once in a run: none dies more often than it is repeated
    "after the claim, while PEX lists, before the intent and before a file is stored": [
        OPEN_RUN,
        LIST_TRANSACTIONS,
        Moment("post_transactions", "PutItem", "#posting"),
        Moment("stage_receipts", "^PUT /"),
    ],
    "while Procore works and while PEX writes the note": [
        Moment("post_transactions", "POST .*/direct_costs", when="during"),
        Moment("stage_receipts", "POST /v4/Note", when="during"),
    ],
    "posted and not saved, a file stored, before the lease is let go": [
        Moment("post_transactions", "PutItem", "#posted"),
        Moment("stage_receipts", "^PUT /", when="after"),
        CLOSE_RUN,
    ],
    "saved and not answered, the lease let go": [
        Moment("post_transactions", "PutItem", "#posted", "after"),
        Moment("close_run", "UpdateItem", "announced_now", "after"),
    ],
}
PATIENT_RUN = [  # both are looked for again after 35 seconds: meanwhile the other business goes on
    Moment("post_transactions", "PutItem", "#posting", "after"),
    Moment("attach_receipts", "PATCH .*/direct_costs/", when="during"),
]


@dataclass
class Business:
    business_id: int
    token: str
    account_id: int | None
    stranger: Stranger
    bought: list[int] = field(default_factory=list)


@dataclass
class Crashing:
    life: Life
    gates: dict[str, Tollgate]
    start: datetime
    businesses: list[Business]
    patient: list[threading.Event] = field(default_factory=list)

    def buy(self, business: Business, moments: Sequence[Moment]) -> list[threading.Event]:
        """A coded, approved purchase with a receipt; the functions that bring it over die at these moments."""
        life = self.life
        where = {} if business.account_id is None else {"account_id": business.account_id}
        amount = f"{len(business.bought) + 1}.07"
        pending = life.act("pex", "purchase", amount=amount, **where)["transaction_id"]
        life.act("pex", "tag", transaction_id=pending, **first_line())
        life.act("pex", "approve", transaction_id=pending)
        life.act("pex", "receipt", transaction_id=pending)
        about = [str(business.business_id), business.token]
        deaths = [self.gate(moment).kill_at(moment, about) for moment in moments]
        business.bought.append(life.act("pex", "settle", transaction_id=pending)["transaction_id"])
        about.append(str(business.bought[-1]))  # all that an upload tells
        return deaths

    def gate(self, moment: Moment) -> Tollgate:
        if " /v4/" in moment.call:
            return self.gates["pex"]
        return self.gates["procore" if "direct_costs" in moment.call else "aws"]

    def await_deaths(self, deaths: Sequence[threading.Event]) -> None:
        assert all(one.wait(PATIENCE_SECONDS) for one in deaths), "not everything was killed"

    def judge(self, business: Business) -> None:
        for one in business.bought:
            business.stranger.transaction(one, "complete", PATIENCE_SECONDS)
        books: dict[str, Any] = self.life.books()
        ours = [business.business_id]
        kept = {
            "pex": {"transactions": [one for one in books["pex"]["transactions"] if one["business_id"] in ours]},
            "procore": {
                "direct_costs": [one for one in books["procore"]["direct_costs"] if transaction_of(one, *ours)]
            },
        }
        judge(
            {vendor: {**books[vendor], **kept[vendor]} for vendor in books},
            self.start.date(),
            len(business.bought),
            business.business_id,
        )


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    state = tmp_path_factory.mktemp("crashing") / "state"
    with ExitStack() as closing:
        simulators = Program(module="local.simulators")
        closing.callback(simulators.stop)
        urls = simulators.urls
        gates = {
            "aws": Tollgate(lambda: _aws(state)),
            "pex": Tollgate(lambda: urls["pex_api_url"]),
            "procore": Tollgate(lambda: urls["procore_api_url"]),
        }
        for gate in gates.values():
            closing.callback(gate.close)
        vendors = {**urls, "pex_api_url": gates["pex"].url, "procore_api_url": gates["procore"].url}
        names = ("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url")
        options = [text for name in names for text in (f"--{name.replace('_', '-')}", vendors[name])]
        program = Program(
            *("up", "--port", "0", "--state", str(state), "--sweep-seconds", "20"),
            *options,
            environment={"FUNCTIONS_ENDPOINT_URL": gates["aws"].url},
        )
        closing.callback(program.stop)
        life = Life(urls["control_url"])
        life.switch("procore", spike_limit=200)  # else two businesses wait for each other's tags
        start = datetime.now(EASTERN) - timedelta(days=1)
        other = life.act("pex", "add_business", token="another-pex-token")
        businesses = []
        for token, account_id in (("demo-pex-token", None), ("another-pex-token", other["account_id"])):
            stranger = Stranger(program.urls["url"])
            business_id = stranger.connect(start.date().isoformat(), token)
            businesses.append(Business(business_id, token, account_id, stranger))
        crashing = Crashing(life, gates, start, businesses)
        crashing.patient = crashing.buy(businesses[1], PATIENT_RUN)
        yield crashing


def _aws(state: Path) -> str:
    return f"http://127.0.0.1:{json.loads((state / 'ports.json').read_text())['emulator']}"


def test_start_runs_killed_behind_the_start_posts_nothing_twice(crashing: Crashing) -> None:
    business = crashing.businesses[0]
    crashing.await_deaths(crashing.buy(business, [STARTED]))
    crashing.judge(business)


def test_hints_that_died_with_start_runs_are_made_good_by_the_sweep(crashing: Crashing) -> None:
    business = crashing.businesses[0]
    for moment in LOST_HINTS:
        crashing.await_deaths(crashing.buy(business, [moment]))
    crashing.judge(business)


@pytest.mark.parametrize("moments", RUNS.values(), ids=RUNS)
def test_functions_killed_at_their_worst_moments_leave_the_purchase_posted_once(
    crashing: Crashing, moments: list[Moment]
) -> None:
    business = crashing.businesses[0]
    crashing.await_deaths(crashing.buy(business, moments))
    crashing.judge(business)


def test_a_function_killed_after_the_intent_and_one_amid_an_upload_leave_the_purchase_posted_once(
    crashing: Crashing,
) -> None:
    crashing.await_deaths(crashing.patient)
    crashing.judge(crashing.businesses[1])
