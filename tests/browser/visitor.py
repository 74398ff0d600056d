"""A person with a real browser, who also notices what a person would not: errors, refused code, leaked secrets."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

PATIENCE_MS = 45_000  # of a machine that has much else to do
AXE = Path(__file__).parent / "vendor/axe.min.js"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
REFUSALS = """
addEventListener("securitypolicyviolation", e => console.error(`refused: ${e.violatedDirective} ${e.blockedURI}`))
"""
FOCUSED = """(() => {
  const it = document.activeElement;
  const name = it.getAttribute("aria-label") ?? it.labels?.[0]?.innerText ?? it.innerText ?? "";
  return [name.trim(), getComputedStyle(it).outlineStyle];
})()"""
KEPT = "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"
STATUS_OF_AN_ANSWER = re.compile(
    r"^Failed to load resource: .*(status of [45]\d\d|net::ERR_(FAILED|INTERNET_DISCONNECTED))"
)


class Visitor:
    """`url`: where the page is. Leave with `leave()`, which tells what was wrong with the visit."""

    def __init__(
        self, browser: Browser, url: str, *, dark: bool = False, phone: bool = False, secrets: tuple[str, ...] = ()
    ):
        self.url = url.rstrip("/") + "/"
        self.secrets = secrets
        self.said: list[str] = []
        self.addresses: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            timezone_id="Asia/Kathmandu",  # neither UTC nor Eastern: the reader's own clock must not matter
            locale="en-US",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(REFUSALS)
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self._hear("error", str(error)))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not STATUS_OF_AN_ANSWER.match(text):
            self.said.append(text)
        for secret in self.secrets:
            if secret in text:
                self.said.append("a secret in the console")

    def open(self, where: str = "") -> Visitor:
        """`where`: a screen, such as "transactions" or "settings/pex"."""
        self.page.goto(self.url + (f"#/{where}" if where else ""))
        return self

    def go(self, where: str) -> Visitor:
        """As by a link: the page stays loaded."""
        self.page.evaluate("hash => { location.hash = hash }", f"#/{where}")
        return self

    def sees(self, text: str | re.Pattern[str], seconds: float = PATIENCE_MS / 1000) -> None:
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible(timeout=seconds * 1000)

    def sees_heading(self, name: str, seconds: float = PATIENCE_MS / 1000) -> None:
        expect(self.page.get_by_role("heading", name=name, exact=True).first).to_be_visible(timeout=seconds * 1000)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def choose(self, name: str) -> None:
        """One of several, by how its label begins."""
        self.page.get_by_role("radio", name=re.compile("^" + re.escape(name))).check()

    def card(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title, exact=True)

    def tab_to(self, name: str) -> None:
        """With the Tab key alone, wherever the focus is; what has it must be seen to have it."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            self.page.keyboard.press("Tab")
            found, outline = self.page.evaluate(FOCUSED)
            if found.startswith(name):
                assert outline != "none", f"nothing shows that {name} has the focus"
                return
        raise AssertionError(f"the Tab key does not lead to {name}")

    def judge(self, context: str) -> None:
        """What axe-core finds serious or worse; and the page must not be wider than its window."""
        width = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{context}: the page is {width[0]} wide in a window of {width[1]}"
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())  # by the debugger, which our policy for scripts does not bind
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        told = [
            f"{one['id']}: {one['help']}: " + "; ".join(node["html"][:160] for node in one["nodes"]) for one in grave
        ]
        assert not told, f"{context}: " + "\n".join(told)

    def leave(self) -> None:
        kept = json.loads(self.page.evaluate(KEPT)) if self.page.url.startswith(self.url) else [[], [], ""]
        whole = self.page.content()
        self.context.close()
        assert kept == [[], [], ""], f"the page keeps something in the browser: {kept}"
        assert not self.said, "\n".join(self.said)
        for secret in self.secrets:
            assert secret not in whole, "a secret in the page"
            assert not [one for one in self.addresses if secret in one], "a secret in an address"
        foreign = [one for one in self.addresses if not one.startswith((self.url, "data:", "about:"))]
        assert not foreign, f"asked of other hosts: {foreign}"


def call(visitor: Visitor, method: str, path: str) -> Any:
    """The API as the visitor's own session reads it."""
    return visitor.context.request.fetch(visitor.url + path, method=method).json()
