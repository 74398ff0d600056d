"""Pictures of the page for the README and the docs: `make screenshots`. What they show is made up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.canned import DRY_RUN, URL, Canned, attention, projects
from tests.browser.png import shrink
from tests.browser.visitor import CHROMIUM_FLAGS, Visitor
from tests.whole_stack.program import ROOT

FOLDER = ROOT / "docs/img"


def try_out(canned: Canned, visitor: Visitor) -> None:
    canned.answers["POST", "runs"] = (200, DRY_RUN)
    visitor.go("setup/summary")
    visitor.sees("Would be posted")


def pick(canned: Canned, visitor: Visitor) -> None:
    canned.settings |= {"sync_projects": False, "project_ids": [2310001, 2310007, 2310021]}
    canned.answers["GET", "procore/projects"] = (200, projects(1000))
    visitor.go("setup/projects")
    visitor.sees("Procore projects (1,000)")


def look_at(screen: str, text: str) -> Callable[[Canned, Visitor], None]:
    def look(_: Canned, visitor: Visitor) -> None:
        visitor.go(screen)
        visitor.sees(text)

    return look


BROKEN = {"attention": [attention("pex_token_rejected", "pex"), attention("vendor_inactive", "settings")]}
PICTURES: list[tuple[str, Callable[[Canned, Visitor], None], dict[str, Any]]] = [
    ("page-overview", look_at("", "1 purchase needs you"), {}),
    ("page-broken", look_at("", "PEX no longer accepts the token."), BROKEN),
    ("page-setup", try_out, {}),
    ("page-projects", pick, {}),
    ("page-transactions", look_at("transactions", "No project is chosen."), {}),
    ("page-why", look_at("transactions/419082236", "The expense was deleted in Procore."), {}),
    ("page-phone", look_at("", "1 purchase needs you"), {"phone": True, "dark": True}),
]


def main() -> None:
    path = subprocess.run([ROOT / "tools/find-chromium"], capture_output=True, text=True, check=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        for name, show, changes in PICTURES:
            surroundings = {key: changes[key] for key in ("phone", "dark") if key in changes}
            visitor = Visitor(browser, URL, **surroundings)
            canned = Canned(**{key: value for key, value in changes.items() if key not in surroundings})
            visitor.context.route("**/*", canned.answer)
            show(canned, visitor.open())
            visitor.page.wait_for_load_state("networkidle")
            (FOLDER / f"{name}.png").write_bytes(shrink(visitor.page.screenshot()))
            visitor.leave()
        browser.close()


if __name__ == "__main__":
    main()
