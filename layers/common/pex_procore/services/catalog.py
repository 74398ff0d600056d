"""What can be coded against, from the cache as long as it can be trusted: no transaction costs a catalog call.

A miss is worth one fresh read when the cache is not brand new, since somebody may have just added the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from pydantic import TypeAdapter

from pex_procore.domain.catalog import BudgetCode, CostType, Project, ProjectCatalog
from pex_procore.domain.coding import (
    Choice,
    OptionBook,
    OptionIndex,
    choices,
    index_cost_codes,
    index_cost_types,
    index_projects,
    match_cost_code,
    match_project,
)
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.expense import CodedShare, Scheme, choose_scheme
from pex_procore.domain.reasons import Waiting
from pex_procore.domain.settings import Settings
from pex_procore.domain.tags import TagKind, TagMap, map_tags
from pex_procore.domain.transactions import Allocation
from pex_procore.domain.values import WHEN_USED
from pex_procore.services.ports import CatalogCache, Clock
from pex_procore.services.vendor_ports import Pex, PostRefused, Procore

T = TypeVar("T")

LIST_LIFE = timedelta(hours=1)  # of projects and cost types, which a refresh of tags renews every few minutes
VENDOR_LIFE = timedelta(minutes=15)
PROJECT_LIFE = timedelta(hours=24)
CARDHOLDERS_LIFE = timedelta(hours=24)
CURRENCY_LIFE = timedelta(hours=24)
REFUSAL_LIFE = timedelta(hours=24)
OURS = "USD"  # what PEX settles in
BELIEVED = {  # a miss in a list younger than this is true
    "projects": timedelta(minutes=1),
    "cost types": timedelta(minutes=1),
    "cardholders": timedelta(hours=1),
}
PROJECT_BELIEVED = timedelta(minutes=30)  # three calls to read one again
TAGS_REFRESHED = timedelta(days=1)  # what is not saved again is forgotten after a month

_PROJECTS = TypeAdapter(list[Project], config=WHEN_USED)
_COST_TYPES = TypeAdapter(list[CostType], config=WHEN_USED)
_CARDHOLDERS = TypeAdapter(dict[int, str], config=WHEN_USED)
_VENDOR = TypeAdapter(bool, config=WHEN_USED)
_CURRENCY: TypeAdapter[str | None] = TypeAdapter(str | None, config=WHEN_USED)


class Catalog:
    """The catalog of one business and company for the length of one step."""

    def __init__(
        self,
        *,
        pex: Callable[[], Pex],
        procore: Procore,
        cache: CatalogCache,
        clock: Clock,
        creates: bool = True,
    ) -> None:
        """`creates`: budget codes that a project lacks are made; otherwise they are only taken to come about."""
        self._pex = pex
        self._creates = creates
        self._procore = procore
        self._cache = cache
        self._clock = clock
        self._book: OptionBook | None = None
        self._lists: dict[str, tuple[Any, datetime]] = {}
        self._projects: dict[int, ProjectCatalog] = {}
        self._stale: set[int] = set()  # projects whose remembered catalog Procore contradicted
        self._closed: set[int] = set()  # projects Procore does not show us: asked once, not once a transaction

    def _list(
        self, name: str, adapter: TypeAdapter[T], read: Callable[[], T], life: timedelta, *, again: bool = False
    ) -> T:
        """The named document, read from the vendor when it is older than `life`, or after a miss than is believed."""
        now = self._clock()
        limit = BELIEVED[name] if again else life
        known = self._lists.get(name)
        if known is None and (stored := self._cache.load(name)) is not None:
            known = self._lists[name] = (adapter.validate_python(stored[0]), stored[1])
        if known is None or now - known[1] > limit:
            fresh = read()
            self._cache.save(name, adapter.dump_python(fresh, mode="json"))
            known = self._lists[name] = (fresh, now)
        value: T = known[0]
        return value

    def _currency(self) -> str | None:
        """The company's; None when Procore does not tell."""
        return self._list("currency", _CURRENCY, self._procore.find_currency, CURRENCY_LIFE)

    def cardholder(self, account_id: int) -> str:
        """Full name, or "" for an account PEX does not list."""
        for again in (False, True):
            names = self._list("cardholders", _CARDHOLDERS, self._cardholders, CARDHOLDERS_LIFE, again=again)
            if account_id in names:
                return names[account_id]
        return ""

    def _cardholders(self) -> dict[int, str]:
        return self._pex().cardholders()

    def require_vendor(self, vendor_id: int | None) -> int:
        """Raises NeedsAttention when expenses cannot be posted under the chosen vendor."""
        if vendor_id is None:
            raise NeedsAttention("vendor_missing", "choose the vendor that expenses are posted under")

        def active() -> bool:
            vendor = self._procore.find_vendor(vendor_id)
            return vendor is not None and vendor.active

        if not self._list(f"vendor {vendor_id}", _VENDOR, active, VENDOR_LIFE):
            raise NeedsAttention("vendor_inactive", f"vendor {vendor_id} was removed or deactivated in Procore")
        return vendor_id

    def _project_index(self, settings: Settings, *, again: bool = False) -> OptionIndex[Project]:
        templates = settings.include_template_projects
        read = partial(self._procore.list_projects, templates=templates)
        projects = self._list("projects", _PROJECTS, read, LIST_LIFE, again=again)
        demos = settings.include_demo_projects
        return index_projects([one for one in projects if (demos or not one.demo) and (templates or not one.template)])

    def _cost_type_index(self, *, again: bool = False) -> OptionIndex[CostType]:
        cost_types = self._list("cost types", _COST_TYPES, self._procore.list_cost_types, LIST_LIFE, again=again)
        return index_cost_types(cost_types)

    def _project(self, project: Project, *, again: bool = False) -> ProjectCatalog:
        known = self._projects.get(project.project_id) or self._cache.load_project(project.project_id)
        limit = PROJECT_BELIEVED if again else PROJECT_LIFE
        if known is None or project.project_id in self._stale or self._clock() - known.read_at > limit:
            self._stale.discard(project.project_id)
            known = ProjectCatalog(
                project=self._procore.show_project(project.project_id),
                budget_codes=tuple(self._procore.list_budget_codes(project.project_id)),
                read_at=self._clock(),
            )
            self._cache.save_project(known)
        self._projects[project.project_id] = known
        return known

    def forget(self, project_id: int) -> None:
        """Procore contradicted what we remember of the project: it is read again."""
        self._projects.pop(project_id, None)
        self._stale.add(project_id)

    def takes_steps(self) -> bool | None:
        """Whether Procore lets us add lines to an expense that has an origin id; None when that is not known."""
        stored = self._cache.load("steps")
        if stored is None or (not stored[0] and self._clock() - stored[1] > REFUSAL_LIFE):
            return None
        return bool(stored[0])

    def record_steps(self, taken: bool) -> None:
        self._cache.save("steps", taken)

    def _with_cost_codes(self, catalog: ProjectCatalog) -> ProjectCatalog:
        """Also with the cost codes that no budget code uses yet."""
        if catalog.cost_codes is not None:
            return catalog
        project_id = catalog.project.project_id
        complete = catalog.model_copy(update={"cost_codes": self._procore.list_cost_codes(project_id)})
        self._cache.save_project(complete)
        self._projects[project_id] = complete
        return complete

    def scheme(self, project_id: int, settings: Settings) -> Scheme:
        return choose_scheme(settings, self._projects[project_id].project.erp_integrated)

    def code(self, allocation: Allocation, tags: TagMap, settings: Settings) -> CodedShare | Waiting:
        """Project and budget code of one share, or what is missing."""
        if self._book is None or self._book.tags is not tags:
            self._book = OptionBook(tags)
        chosen = choices(allocation, self._book, settings)
        if isinstance(chosen, Waiting):
            return chosen
        if (currency := self._currency()) not in (OURS, None):
            return Waiting("foreign_currency", currency)
        project = match_project(chosen["project"], self._project_index(settings))
        if isinstance(project, Waiting):
            project = match_project(chosen["project"], self._project_index(settings, again=True))
        if isinstance(project, Waiting):
            return project
        if project.project_id in self._closed:
            return Waiting("project_not_permitted", project.label)
        try:
            return self._code_in(project, allocation, chosen)
        except NeedsAttention as error:
            if error.reason != "procore_permission_missing":
                raise
            self._closed.add(project.project_id)
            return Waiting("project_not_permitted", project.label)

    def _code_in(
        self, project: Project, allocation: Allocation, chosen: Mapping[TagKind, Choice]
    ) -> CodedShare | Waiting:
        catalog = self._project(project)
        cost_code = match_cost_code(chosen["cost_code"], catalog, index_cost_codes(catalog))
        if isinstance(cost_code, Waiting):
            catalog = self._with_cost_codes(self._project(project, again=True))
            cost_code = match_cost_code(chosen["cost_code"], catalog, index_cost_codes(catalog))
        if isinstance(cost_code, Waiting):
            return cost_code
        cost_type = self._cost_type_index().match(chosen["cost_type"].value, chosen["cost_type"].display)
        if isinstance(cost_type, Waiting):
            cost_type = self._cost_type_index(again=True).match(chosen["cost_type"].value, chosen["cost_type"].display)
        if isinstance(cost_type, Waiting):
            return chosen["cost_type"].unmatched(cost_type)
        budget_code = self._budget_code(catalog, cost_code, cost_type.code)
        if isinstance(budget_code, Waiting):
            return budget_code
        return CodedShare(allocation=allocation, project_id=project.project_id, wbs_code_id=budget_code.wbs_code_id)

    def _budget_code(self, catalog: ProjectCatalog, cost_code: str, cost_type: str) -> BudgetCode | Waiting:
        found = catalog.budget_code(cost_code, cost_type)
        if found is not None and not (isinstance(found, Waiting) and found.reason == "budget_code_inactive"):
            return found
        fresh = self._project(catalog.project, again=True)
        found = fresh.budget_code(cost_code, cost_type)
        if found is not None:
            return found
        if not self._creates:
            return BudgetCode(wbs_code_id=0, cost_code=cost_code, cost_type=cost_type)
        try:
            created = self._procore.create_budget_code(catalog.project.project_id, cost_code, cost_type)
        except PostRefused as refusal:
            return Waiting("cost_type_not_in_project", f"{cost_code}.{cost_type}: {refusal.message}")
        grown = fresh.model_copy(update={"budget_codes": (*fresh.budget_codes, created)})
        self._cache.save_project(grown)
        self._projects[catalog.project.project_id] = grown
        return created


def resolve_tags(pex: Pex, cache: CatalogCache, settings: Settings, clock: Clock) -> TagMap:
    """Reads PEX's tag definitions and keeps the mapped ones for the steps that follow: large, so they are only written
    when they differ."""
    tags = map_tags(pex.list_tags(), settings.tags.model_dump())
    document = tags.model_dump(mode="json")
    stored = cache.load("tags")
    if stored is None or stored[0] != document or clock() - stored[1] > TAGS_REFRESHED:
        cache.save("tags", document)
    return tags


def remembered_tags(pex: Callable[[], Pex], cache: CatalogCache, settings: Settings, clock: Clock) -> TagMap:
    """The tags as the run's listing saw them; PEX is only asked when they were too many to keep."""
    stored = cache.load("tags")
    return TagMap.model_validate(stored[0]) if stored else resolve_tags(pex(), cache, settings, clock)
