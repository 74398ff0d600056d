from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.procore import ProcoreSimulator
from local.simulators.procore.switches import TABLE
from local.simulators.seed_procore import (
    CLIENT_ID,
    CLIENT_SECRET,
    FIRST_COMPANY_ID,
)
from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.net.limiter import PROCORE_WINDOWS, Limiter
from pex_procore.net.session import Session
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.vendor_ports import Procore
from tests.net.moving_time import MovingTime
from tests.net.worlds import renew
from tests.procore.drafts import SEED, Connect


@pytest.fixture(scope="module")
def time() -> MovingTime:
    return MovingTime()


@pytest.fixture(scope="module")
def running(time: MovingTime) -> Iterator[ProcoreSimulator]:
    started = ProcoreSimulator(pickle.loads(SEED), clock=time).start()
    yield started
    started.stop()


@pytest.fixture
def sim(running: ProcoreSimulator, time: MovingTime) -> ProcoreSimulator:
    """The running simulator with a new world, two hours after the last test."""
    time.sleep(7200)
    time.slept.clear()
    renew(running.world, pickle.loads(SEED))
    running.switches.change(**{name: default for name, (default, _) in TABLE.items()} | {"update_seconds": 0.0})
    running.faults.clear()
    running.requests.clear()
    return running


@pytest.fixture
def connect(sim: ProcoreSimulator, time: MovingTime) -> Connect:
    def make(
        company_id: int | None = FIRST_COMPANY_ID,
        client_id: str = CLIENT_ID,
        secret: str = CLIENT_SECRET,
        **more: Any,
    ) -> ProcoreClient:
        credentials = ProcoreCredentials(client_id=client_id, client_secret=secret)
        account = ServiceAccount(credentials, Session(sim.login_url), clock=time)
        limiter = Limiter(PROCORE_WINDOWS, jitter=lambda: 0.0)
        session = Session(sim.api_url, silence_seconds=0.5)
        return ProcoreClient(session, account, limiter, company_id=company_id, clock=time, sleep=time.sleep, **more)

    return make


@pytest.fixture
def procore(connect: Connect) -> ProcoreClient:
    made = connect()
    _: Procore = made
    return made


@pytest.fixture
def project(sim: ProcoreSimulator) -> int:
    return next(iter(sim.world.projects))
