"""What the use cases need of PEX and Procore. Everything is already bound to one business (and one Procore company).

Calls raise only `TryLater`, `Unsure` (writes whose answer proves nothing) and `NeedsAttention`, unless a method says
otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pex_procore.domain.amendment import DirectCost
from pex_procore.domain.catalog import BudgetCode, Company, CostType, Project, Vendor
from pex_procore.domain.connection import AdminProfile, PexIdentity, Subscription, Webhook
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.settings import ExpenseStatus
from pex_procore.domain.tags import TagDefinition
from pex_procore.domain.transactions import Receipt, Transaction
from pex_procore.domain.values import Value
from pex_procore.services.sync_port import ProcoreSync


class Pex(Protocol):
    """PEX as seen with one administrator's token. `unreadable`: rows of its lists that could not be read so far."""

    unreadable: int

    def identity(self) -> PexIdentity: ...
    def profile(self) -> AdminProfile: ...
    def tags_enabled(self) -> bool: ...
    def list_tags(self) -> list[TagDefinition]:
        """Raises NeedsAttention("tags_disabled") when tags are off for the business."""
        ...

    def list_transactions(self, start: datetime, end: datetime) -> list[Transaction]:
        """Every settled or declined card row of the business in the window, all pages, oldest first, each once."""
        ...

    def list_account_transactions(self, account_id: int, start: datetime, end: datetime) -> list[Transaction]: ...
    def cardholders(self) -> dict[int, str]:
        """Account id → full name. One scarce call: cache the answer."""
        ...

    def show_tag(self, tag_id: str) -> TagDefinition | None:
        """One tag with every option, whoever may see it; None when it is gone."""
        ...

    def update_tag(self, tag: TagDefinition) -> None:
        """Writes the whole tag. Raises NeedsAttention("tag_refused") with PEX's words when it does not take it."""
        ...

    def create_tag(self, tag: TagDefinition) -> TagDefinition:
        """A new drop-down; its id is PEX's to give. Raises like `update_tag`."""
        ...

    def list_receipts(self, transaction_id: int) -> list[Receipt]: ...
    def fetch_receipt(self, transaction_id: int, receipt_id: str, max_bytes: int) -> bytes:
        """Raises NeedsAttention("receipt_too_large" | "receipt_unreadable")."""
        ...

    def post_note(self, transaction_id: int, text: str) -> None: ...
    def list_subscriptions(self) -> list[Subscription]: ...
    def subscribe(self, type_name: str, url: str) -> None: ...
    def unsubscribe(self, subscription_id: int) -> None:
        """Succeeds also when the subscription is already gone."""
        ...

    def renew_token(self) -> str | None:
        """A new token of the same administrator; None when PEX does not let this one be renewed (yet)."""
        ...

    def delete_token(self) -> None:
        """The token we call with. Succeeds also when it is dead already."""
        ...


class PostRefused(Exception):
    """Procore said no to a write, finally, for this payload. `duplicate`: our reference is already taken."""

    def __init__(self, status: int, message: str, duplicate: bool = False) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.duplicate = duplicate


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    filename: str
    content_type: str
    content: bytes


class Procore(ProcoreSync, Protocol):
    """Procore as seen with one service account, bound to one company (None while it is being chosen)."""

    def list_companies(self) -> list[Company]: ...
    def check(self) -> None:
        """The cheapest call that proves credentials and company: raises NeedsAttention naming what is wrong."""
        ...

    def sign_out(self) -> None:
        """Revokes the access token we hold, if we hold one."""
        ...

    def list_projects(self, *, templates: bool = False) -> list[Project]:
        """All permitted projects: active or not, demos too. `templates`: those as well, by another listing."""
        ...

    def show_project(self, project_id: int) -> Project: ...
    def find_currency(self) -> str | None:
        """The ISO code of the company's currency; None when Procore does not tell."""
        ...

    def find_web_address(self) -> str | None:
        """Where people see the company's records, without a slash at the end; None when Procore does not tell."""
        ...

    def list_cost_types(self) -> list[CostType]: ...
    def list_cost_codes(self, project_id: int) -> dict[str, str]:
        """Full code → name, deleted ones and parents (divisions) left out."""
        ...

    def list_budget_codes(self, project_id: int) -> list[BudgetCode]: ...
    def create_budget_code(self, project_id: int, cost_code: str, cost_type: str) -> BudgetCode:
        """An upsert at Procore: safe to repeat. Raises PostRefused when the project lacks one of the parts."""
        ...

    def list_hooks(self) -> list[Webhook]:
        """The company's webhooks of our namespace, other deployments' among them."""
        ...

    def create_hook(self, url: str, authorization: str, resources: Sequence[str]) -> str:
        """A webhook for those of `resources` that the company offers; answers its id.

        Raises Unsure when one may be left behind, NeedsAttention("procore_permission_missing") when none is offered.
        """
        ...

    def delete_hook(self, hook_id: str) -> None:
        """Succeeds also when it is already gone."""
        ...

    def list_vendors(self, search: str = "") -> list[Vendor]: ...
    def find_vendor(self, vendor_id: int) -> Vendor | None: ...
    def create_direct_cost(self, draft: DirectCostDraft) -> DirectCost:
        """One POST with all lines. Raises PostRefused when Procore certainly stored nothing, Unsure when it may have,
        TryLater when the request certainly did not arrive or was turned away by a limit."""
        ...

    def find_direct_costs(self, draft_or_posting: Reference) -> list[DirectCost]:
        """Live direct costs of the project that carry exactly this reference, compared on our side."""
        ...

    def list_direct_costs(self, project_id: int, since: datetime) -> list[DirectCost]:
        """Live direct costs of the project that were made since, whoever made them; without their lines."""
        ...

    def show_direct_cost(self, project_id: int, direct_cost_id: int) -> DirectCost | None:
        """None when it was deleted."""
        ...

    def write_lines(
        self,
        project_id: int,
        direct_cost_id: int,
        changed: Sequence[tuple[int, LineDraft]],
        added: Sequence[LineDraft],
        kept: Sequence[int] = (),
        status: ExpenseStatus | None = None,
    ) -> DirectCost:
        """One PATCH: `changed` pairs line ids with what they become, `kept` are named so that they stay. Raises like
        `create_direct_cost`."""
        ...

    def delete_line(self, project_id: int, direct_cost_id: int, line_id: int) -> None:
        """Succeeds also when it is already gone. Raises like `create_direct_cost`."""
        ...

    def attach_receipts(self, project_id: int, direct_cost_id: int, files: Sequence[ReceiptFile]) -> DirectCost:
        """One multipart PATCH with all files. Raises like `create_direct_cost`."""
        ...


class Reference(Value):
    """Where and since when to look for one of our direct costs."""

    project_id: int
    scheme: str
    reference: str
    sent_at: datetime
