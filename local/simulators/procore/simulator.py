"""Procore on this machine: a login host, an API host, books, and the life that goes on in a company."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from flask import Flask

from local.simulators.procore.acts import Acts
from local.simulators.procore.catalog_routes import catalog_routes
from local.simulators.procore.cost_routes import cost_routes
from local.simulators.procore.cost_shapes import cost_book
from local.simulators.procore.event_acts import EventActs
from local.simulators.procore.gate import install_gate
from local.simulators.procore.line_routes import line_routes
from local.simulators.procore.login import login_app
from local.simulators.procore.vendor_routes import vendor_routes
from local.simulators.procore.wbs_routes import wbs_routes
from local.simulators.procore.webhooks import delivery_book, hook_book, webhook_routes
from local.simulators.web import Server, stack


class ProcoreSimulator(Acts, EventActs):
    """`ProcoreSimulator(world, clock=…, switches={name: value}, save=…)`; see Core for the arguments."""

    _api: Server | None = None
    _login: Server | None = None

    def start(self, api_port: int = 0, login_port: int = 0) -> ProcoreSimulator:
        self._login = Server(self._stacked(login_app(self)), login_port).start()
        try:
            self._api = Server(self._stacked(self._api_app()), api_port).start()
        except OSError:
            self._login.stop()
            raise
        self.dispatcher.start()
        return self

    def stop(self) -> None:
        self.dispatcher.stop()
        for server in (self._api, self._login):
            if server is not None:
                server.stop()

    @property
    def api_url(self) -> str:
        return self._url(self._api)

    @property
    def login_url(self) -> str:
        return self._url(self._login)

    def books(self) -> dict[str, Any]:
        """Everything committed, amounts as text with two decimals; what was deleted stays under `deleted`."""
        with self.lock:
            costs = list(self.world.direct_costs.values())
            books = {
                "direct_costs": [cost_book(self.world, cost) for cost in costs if cost.deleted_at is None],
                "deleted": [cost_book(self.world, cost) for cost in costs if cost.deleted_at is not None],
                "hooks": [hook_book(hook) for hook in self.world.hooks.values()],
                "deliveries": [delivery_book(delivery) for delivery in self.world.deliveries],
                "wbs_codes_made": self.world.wbs_codes_made,
                "refused_429": self.world.refused_429,
            }
        ids = re.compile("/([0-9]+|[0-9A-Z]{26})(?=/|$)")
        calls = Counter(f"{record.method} {ids.sub('/:id', record.path)}" for record in self.requests.all())
        return books | {"calls": dict(calls), "calls_total": calls.total()}

    def _api_app(self) -> Flask:
        app = Flask("procore-api")
        install_gate(app, self)
        for routes in (catalog_routes, vendor_routes, wbs_routes, cost_routes, line_routes, webhook_routes):
            routes(app, self)
        return app

    def _stacked(self, app: Flask) -> Any:
        return stack(app, log=self.requests, faults=self.faults, save=self.save)

    @staticmethod
    def _url(server: Server | None) -> str:
        if server is None:
            raise RuntimeError("the Procore simulator has not been started")
        return server.url
