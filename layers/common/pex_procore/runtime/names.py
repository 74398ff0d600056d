"""The names of a business's records, for people to read: what is remembered of them, and no call where one is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

from pex_procore.domain.catalog import Project
from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.domain.tags import TAG_KINDS, TagKind, TagMap
from pex_procore.runtime.wiring import Business, now
from pex_procore.services.catalog import CARDHOLDERS_LIFE

ADDRESS_LIFE = timedelta(days=1)


class Names:
    """A vendor that cannot be asked now costs a name, never the answer."""

    def __init__(self, business: Business) -> None:
        self._business = business

    @cached_property
    def cardholders(self) -> dict[int, str]:
        """By account id."""
        stored = self._business.cache.load("cardholders")
        known = {int(account_id): str(name) for account_id, name in stored[0].items()} if stored else {}
        if stored is not None and now() - stored[1] < CARDHOLDERS_LIFE:
            return known
        try:
            fresh = self._business.pex.cardholders()
        except (NeedsAttention, TryLater):
            return known
        self._business.cache.save("cardholders", {str(account_id): name for account_id, name in fresh.items()})
        return fresh

    def accounts(self, text: str) -> frozenset[int]:
        """Those whose cardholder's name contains the text."""
        wanted = text.casefold().strip()
        return frozenset(account_id for account_id, name in self.cardholders.items() if wanted in name.casefold())

    @cached_property
    def projects(self) -> dict[int, str]:
        stored = self._business.cache.load("projects")
        rows = [Project.model_validate(one) for one in stored[0]] if stored else []
        return {one.project_id: one.label for one in rows}

    @cached_property
    def _options(self) -> dict[TagKind, tuple[str, dict[str, str]]]:
        """Tag id, and its options' names by value."""
        stored = self._business.cache.load("tags")
        tags = TagMap.model_validate(stored[0]) if stored else TagMap()
        mapped = [(kind, tag) for kind in TAG_KINDS if (tag := tags.tag(kind)) is not None]
        return {kind: (tag.tag_id, {one.value: one.name for one in tag.options}) for kind, tag in mapped}

    def chosen(self, tags: Mapping[str, str]) -> dict[TagKind, str | None]:
        """Of the options a cardholder chose, by tag id, the names."""
        values = {kind: (tags.get(tag_id), names) for kind, (tag_id, names) in self._options.items()}
        return {kind: names.get(value, value) if value else None for kind, (value, names) in values.items()}

    @cached_property
    def web_address(self) -> str | None:
        """Where people see the company's records; None when Procore does not tell."""
        stored = self._business.cache.load("web address")
        if stored is not None and now() - stored[1] < ADDRESS_LIFE:
            return str(stored[0]) if stored[0] else None
        try:
            fresh = self._business.procore.find_web_address()
        except (NeedsAttention, TryLater):
            return None
        self._business.cache.save("web address", fresh)
        return fresh
