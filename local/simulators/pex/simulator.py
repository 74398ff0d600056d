"""PEX on this machine: the API and the login host on two ports, callbacks, and a life of its own.

sim = PexSimulator(seed_pex(7)).start()
sim.api_url, sim.oauth_url
made = sim.act_purchase(amount="62.17", merchant="SUNBELT RENTALS")
sim.act_settle(made["transaction_id"])
sim.books()["transactions"]; sim.requests.count("GET", "AllCardholder")
sim.faults.add({"kind": "html_502", "path": "Note"}); sim.switches.change(page_size=2)
sim.stop()
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from local.simulators.faults import Faults
from local.simulators.pex import (
    oauth,
    routes_account,
    routes_callbacks,
    routes_papers,
    routes_tags,
    routes_transactions,
)
from local.simulators.pex.acts_business import BusinessActs
from local.simulators.pex.acts_money import MoneyActs
from local.simulators.pex.acts_papers import PaperActs
from local.simulators.pex.books import books_of
from local.simulators.pex.callbacks import Dispatcher
from local.simulators.pex.http_api import TOO_MANY, Api
from local.simulators.pex.switches import PexSwitches
from local.simulators.pex.world import Subscription, Token, World
from local.simulators.web import Clock, RequestLog, Server, json_text, stack, utc_now


class PexSimulator(MoneyActs, PaperActs, BusinessActs):
    """`save` gets the world, under the lock, after everything that may have changed it. `switches` by name."""

    def __init__(
        self,
        world: World,
        *,
        clock: Clock = utc_now,
        switches: dict[str, Any] | None = None,
        save: Callable[[World], None] | None = None,
    ) -> None:
        self.world = world
        self.clock = self._clock = clock
        self._save = save
        self.switches = PexSwitches(**(switches or {}))
        self.lock = threading.RLock()
        self.requests = RequestLog(clock)
        too_many = ("application/json", json_text({"Message": TOO_MANY}).encode())
        self.faults = Faults(clock=clock, seed=world.seed, too_many=too_many)
        self.dispatcher = Dispatcher(world, self.switches, self.lock, clock, self.save)
        self._api: Server | None = None
        self._oauth: Server | None = None

    def start(self, api_port: int = 0, oauth_port: int = 0) -> PexSimulator:
        api = Api(self, "pex-api")
        for room in (routes_account, routes_tags, routes_transactions, routes_papers, routes_callbacks):
            room.register(api)
        login = Api(self, "pex-oauth")
        oauth.register(login)
        try:
            self._api = Server(self._stacked(api), api_port).start()
            self._oauth = Server(self._stacked(login), oauth_port).start()
        except OSError:
            self.stop()
            raise
        self.dispatcher.start()
        self.save()
        return self

    def _stacked(self, api: Api) -> Any:
        return stack(api.app(), log=self.requests, faults=self.faults, save=self.save)

    def stop(self) -> None:
        self.dispatcher.stop()
        for server in (self._api, self._oauth):
            if server is not None:
                server.stop()
        self._api = self._oauth = None

    @property
    def api_url(self) -> str:
        """Without the version: add /v4."""
        if self._api is None:
            raise RuntimeError("The PEX simulator has not been started.")
        return self._api.url

    @property
    def oauth_url(self) -> str:
        if self._oauth is None:
            raise RuntimeError("The PEX simulator has not been started.")
        return self._oauth.url

    def books(self) -> dict[str, Any]:
        with self.lock:
            return books_of(self)

    def log_in(self, app_id: str, username: str, password: str) -> Token | None:
        """A token for the active user of that name, None when name or password is wrong."""
        for business in self.world.businesses.values():
            for admin in business.admins.values():
                if (admin.email, admin.password, admin.status) == (username, password, "Active"):
                    return self.issue_token(business, admin.admin_id, None, app_id=app_id)
            for cardholder in business.cardholders.values():
                if (cardholder.email, cardholder.password, cardholder.user_status) == (username, password, "Active"):
                    return self.issue_token(business, None, cardholder.account_id, app_id=app_id)
        return None

    def username(self, token: Token) -> str:
        business = self.world.businesses[token.business_id]
        if token.admin_id is not None:
            return business.admins[token.admin_id].email
        return business.cardholders[token.account_id].email if token.account_id else ""

    def unsubscribe(self, subscription: Subscription) -> None:
        """Deliveries that still wait for their next try end with their subscription."""
        del self.world.subscriptions[subscription.subscription_id]
        for delivery in self.world.deliveries:
            if delivery.subscription_id == subscription.subscription_id and delivery.state in ("waiting", "held"):
                delivery.state = "dropped"
