"""The simulator's heart: the world, its guard, and the questions every route asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import g, request

from local.simulators.faults import Faults, hidden_seconds
from local.simulators.limiter import Limiter, LimitVerdict, Window
from local.simulators.procore.answers import TOO_MANY_BODY, conflict, forbidden, not_found
from local.simulators.procore.deliveries import Dispatcher
from local.simulators.procore.switches import ProcoreSwitches
from local.simulators.procore.world import LEVELS, Client, Company, DirectCost, Project, World
from local.simulators.web import Clock, RequestLog, utc_now

CENT = Decimal("0.01")


class Core:
    def __init__(
        self,
        world: World,
        *,
        clock: Clock = utc_now,
        switches: dict[str, Any] | None = None,
        save: Callable[[World], None] | None = None,
        seed: int = 0,
    ) -> None:
        self.world = world
        self.clock = clock
        self.switches = ProcoreSwitches(**(switches or {}))
        self.requests = RequestLog(clock)
        self.faults = Faults(clock=clock, seed=seed, too_many=TOO_MANY_BODY)
        self.limiter = Limiter(clock=clock)
        self.lock = threading.RLock()
        self._busy: set[int] = set()
        self._save = save
        self.dispatcher = Dispatcher(world, self.switches, self.lock, clock, self.save)

    def save(self) -> None:
        if self._save is not None:
            with self.lock:
                self._save(self.world)

    def now(self) -> datetime:
        """Procore keeps whole seconds."""
        return self.clock().replace(microsecond=0)

    def announce(
        self, company_id: int, resource_name: str, event_type: str, resource_id: int, project_id: int | None = None
    ) -> None:
        """Tells the hooks that something was created, updated or deleted, in the names of webhook resources."""
        self.dispatcher.announce(company_id, resource_name, event_type, resource_id, project_id)

    def take_quota(self, client_id: str, company_id: str) -> LimitVerdict:
        switches, limiter = self.switches, self.limiter
        limiter.windows = (Window(3600, switches.hourly_limit), Window(10, switches.spike_limit))
        limiter.count_refused, limiter.retry_after = switches.count_refused, switches.retry_after
        verdict = limiter.take((client_id, company_id) if switches.limit_per_company else client_id)
        if not verdict.allowed:
            with self.lock:
                self.world.refused_429 += 1
        return verdict

    @contextmanager
    def touching(self, direct_cost_ids: Iterable[int]) -> Iterator[None]:
        """Holds these direct costs for one update, then the world; raises the 409 when another request holds one of
        them."""
        wanted = set(direct_cost_ids)
        with self.lock:
            if wanted & self._busy:
                raise conflict()
            self._busy |= wanted
        try:
            if wanted:
                time.sleep(self.switches.update_seconds)
            with self.lock:
                yield
        finally:
            with self.lock:
                self._busy -= wanted

    def project(self, project_id: int, *, tool: str | None = None, level: str = "read_only") -> Project:
        """The project of the path, when this client may use it (and that tool of it at that level)."""
        project = self.world.projects.get(project_id)
        if project is None or project.company_id != here().id:
            raise not_found()
        if not project.permitted:
            raise forbidden(self.switches.unpermitted_project_status)
        if tool is not None:
            if tool in project.tools_off:
                raise forbidden(self.switches.disabled_tool_status)
            if LEVELS.index(project.level(tool)) < LEVELS.index(level):
                raise forbidden()
        return project

    def direct_cost(self, project_id: int, direct_cost_id: int) -> DirectCost:
        cost = self.world.direct_costs.get(direct_cost_id)
        if cost is None or cost.project_id != project_id or cost.deleted_at is not None or not self.visible(cost):
            raise not_found()
        return cost

    def visible(self, cost: DirectCost) -> bool:
        """Whether a look-up sees this record yet."""
        hidden = max(self.switches.list_lag_seconds, hidden_seconds(request.environ))
        if request.method != "GET" or not hidden:
            return True
        return (self.clock() - cost.created_at).total_seconds() >= hidden

    def cents(self, amount: Decimal) -> Decimal:
        return amount.quantize(CENT, ROUND_HALF_UP)


def here() -> Company:
    """The company of the header."""
    company: Company = g.company
    return company


def caller() -> Client:
    client: Client = g.client
    return client


def decimal_text(amount: Decimal | None) -> str | None:
    """Amounts leave as strings with at least one decimal: 200.0, 120.5, -45.25."""
    if amount is None:
        return None
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"


def moment(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def day(on: date | None) -> str | None:
    return on.isoformat() if on else None
