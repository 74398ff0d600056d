"""A PEX business of its own, so that no test meets another's purchases; both its vendors are simulated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.sync_api import expect

from local.demo.books import EASTERN
from tests.browser.visitor import Visitor
from tests.whole_stack.program import Life, Stranger, until

CLIENT_ID, CLIENT_SECRET, COMPANY_ID = "demo-procore-client", "demo-procore-secret", 4267118
PASSWORD = "demo-password"
COOKIE = "pex_connector_session"


class Customer:
    def __init__(self, life: Life, url: str, name: str) -> None:
        made = life.act("pex", "add_business", name=name)
        self.life = life
        self.name = name
        self.stranger = Stranger(url)
        self.business_id: int = made["business_id"]
        self.account_id: int = made["account_id"]
        self.token: str = made["token"]
        books = life.books("pex")
        self.admin: dict[str, Any] = next(one for one in books["businesses"] if one["business_id"] == self.business_id)[
            "admins"
        ][0]
        self.coding: dict[str, str] = next(
            row["tags"]
            for row in books["transactions"]
            if row["why"] == "purchase" and row["tags"] and row["state"] == "settled"
        )

    def connect(self) -> None:
        """By the API, as the set-up would. Tags stay as they are: reading all of Procore's lists takes long."""
        assert self.stranger.sign_in(self.token).status_code == 201
        self.change(sync_projects=False, sync_cost_codes=False, sync_cost_types=False)
        self.stranger.connect(datetime.now(EASTERN).date().isoformat(), self.token)

    def change(self, **settings: Any) -> None:
        assert self.stranger.ask("PATCH", "/v1/settings", settings).status_code == 200

    def sign_in(self, visitor: Visitor) -> Visitor:
        """With the session the stranger has."""
        cookie = self.stranger.session.cookies[COOKIE]
        visitor.context.add_cookies([{"name": COOKIE, "value": cookie, "url": visitor.url, "httpOnly": True}])
        return visitor

    def purchase(self, amount: str, merchant: str, coded: bool = True) -> int:
        line = self.coding if coded else None
        return self.life.purchase(amount, line, account_id=self.account_id, merchant=merchant)

    def new_token(self) -> str:
        return str(self.life.act("pex", "make_token", admin_id=self.admin["admin_id"])["token"])

    def expenses(self) -> list[dict[str, Any]]:
        """What Procore's books hold of this business, in whichever way the expense carries its reference."""
        mark = f"pex:{self.business_id}:"
        costs = self.life.books("procore")["direct_costs"]
        return [one for one in costs if mark in f"{one['origin_id']} {one['description']}" and not one["deleted_at"]]


def sync(visitor: Visitor, done: Callable[[], bool]) -> None:
    """Presses Sync now until it is done: a run that was at work already may have missed what is new."""
    visitor.go("")

    def look() -> bool | None:
        if visitor.button("Sync now").is_enabled():
            visitor.press("Sync now")
            expect(visitor.page.get_by_role("progressbar", name="Progress of the sync")).to_be_visible()
        expect(visitor.button("Sync now")).to_be_enabled(timeout=90_000)
        return done() or None

    until(look, 120)
