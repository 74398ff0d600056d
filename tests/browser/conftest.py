"""One Chromium and one local stack for all browser tests; a visitor for each."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.canned import URL, Canned
from tests.browser.customer import CLIENT_SECRET, PASSWORD, Customer
from tests.browser.visitor import CHROMIUM_FLAGS, PATIENCE_MS, Visitor
from tests.whole_stack.program import ROOT, SECRETS, Life, Program

NAMES = (f"Builder {number} LLC" for number in range(1, 1000))
Alone = Callable[..., tuple[Visitor, Canned]]
Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = subprocess.run([ROOT / "tools/find-chromium"], capture_output=True, text=True, check=True).stdout.strip()
    if not path:
        pytest.skip("There is no Chromium on this machine; 'tools/find-chromium --install' says what can be done.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Makes visitors; at the end each leaves, and tells what was wrong."""
    visitors: list[Visitor] = []

    def make(url: str, **more: Any) -> Visitor:
        visitors.append(Visitor(browser, url, **({"secrets": SECRETS} | more)))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.leave()


@pytest.fixture
def alone(visit: Visit) -> Alone:
    """A visitor of the page without anything behind it, and the answers it gets: those of a healthy business."""

    def make(*, dark: bool = False, phone: bool = False, **changes: Any) -> tuple[Visitor, Canned]:
        visitor, canned = visit(URL, dark=dark, phone=phone), Canned(**changes)
        visitor.context.route("**/*", canned.answer)
        return visitor, canned

    return make


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    running = Program("up", "--port", "0", "--sweep-seconds", "600")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def life(program: Program) -> Life:
    control = Life(program.urls["control_url"])
    control.switch("procore", hourly_limit=100_000, spike_limit=10_000)  # all customers share one service account
    return control


@pytest.fixture
def newcomer(program: Program, life: Life) -> Customer:
    return Customer(life, program.urls["url"], next(NAMES))


@pytest.fixture
def customer(newcomer: Customer) -> Customer:
    newcomer.connect()
    return newcomer


@pytest.fixture
def visitor(visit: Visit, program: Program, newcomer: Customer) -> Visitor:
    secrets = (newcomer.token, CLIENT_SECRET, "demo-callback-secret", "demo-pex-app-secret", PASSWORD)
    return visit(program.urls["url"], secrets=secrets)


@pytest.fixture
def signed_in(visitor: Visitor, customer: Customer) -> Visitor:
    return customer.sign_in(visitor).open()
