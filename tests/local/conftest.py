from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.local.launched import Launcher

FIXTURE_APP = Path(__file__).parent / "fixtures" / "app"
NOWHERE = dict.fromkeys(("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url"), "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The fixture app on the emulated AWS, without simulators."""
    with Stack(port=0, vendor_urls=NOWHERE, root=FIXTURE_APP) as running:
        yield running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Launcher]]:
    started: list[Launcher] = []
    yield started
    for launcher in started:
        if launcher.process.poll() is None:
            launcher.end(signal.SIGKILL)
