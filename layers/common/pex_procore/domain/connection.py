"""A PEX business joined to a Procore company: our tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from pex_procore.domain.values import Kept, Value

REQUIRED_PERMISSIONS = {
    "EditBusinessProfile": "Edit business settings & apps",
    "ManageCardholder": "Manage cardholder",
    "ViewCardTransactions": "View card transactions",
}


class PexIdentity(Value):
    """Who a PEX token is."""

    business_id: int
    business_name: str
    username: str
    is_admin: bool
    expires_at: datetime | None = None


class AdminProfile(Value):
    """The administrator behind a token. A permission PEX does not name is unknown, not missing."""

    email: str = ""
    name: str = ""
    permissions: Mapping[str, bool] = {}

    def missing_permissions(self) -> list[str]:
        return [label for name, label in REQUIRED_PERMISSIONS.items() if self.permissions.get(name) is False]


class Subscription(Value):
    """A PEX callback subscription."""

    subscription_id: int
    type: str  # "SettlementPostedRealtime" …
    url: str
    active: bool = True


class Webhook(Value):
    """A webhook of ours in Procore."""

    hook_id: str
    url: str
    active: bool = True


class ProcoreCredentials(Value):
    client_id: str
    client_secret: str = Field(repr=False)


class Connection(Kept):
    """Everything about a connection that is not a secret and not a choice of the admin."""

    business_id: int
    business_name: str = ""
    status: Literal["setting_up", "active", "disconnected"] = "setting_up"
    pex_username: str = ""
    pex_expires_at: datetime | None = None
    pex_token_ours: bool = False  # PEX made it for us; else a person made it
    pex_problem: str | None = None  # a reason code while that side is broken
    procore_problem: str | None = None
    procore_broken_at: datetime | None = None  # when the last `procore_problem` was found
    has_procore_credentials: bool = False
    has_callback_secret: bool = False
    company_id: int | None = None
    company_name: str = ""
    generations: tuple[int, ...] = ()  # every ledger there ever was
    generation: int = 0  # of the ledger: the company's id, so that going back to one finds its history
    subscription_ids: tuple[int, ...] = ()
    subscribed_url: str = ""  # the public address PEX's callbacks were subscribed under
    procore_hook_id: str = ""
    procore_hook_url: str = ""  # without its key
    heard_at: datetime | None = None  # the last event of Procore's webhooks; None while they cannot be relied on
    backfilled: bool = False  # a run has read everything since the start date
    unfinished: bool = False  # the last run had to stop for want of time: the next sweep gets hours
    quiet_since: datetime | None = None  # since when sweeps have found nothing to bring on
    connected_on: date | None = None  # Eastern; the start date unless the admin names one
    version: int = 0

    def found(self, changes: Mapping[str, object], now: datetime) -> Connection:
        """As a look at the sides leaves it. A break begins where Procore's was well, or broken for another reason."""
        seen = self.model_copy(update=changes)
        broke = seen.procore_problem not in (None, self.procore_problem)
        return seen.model_copy(update={"procore_broken_at": now}) if broke else seen
