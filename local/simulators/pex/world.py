"""What PEX knows: plain values that can be pickled. Times are aware and Eastern, amounts signed as PEX signs them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

PERMISSIONS = (
    "ViewAdministration",
    "AddEditTerminateAdministrator",
    "RequestDeleteACHTransfer",
    "EditBusinessProfile",
    "AddEditTerminateCard",
    "CreateCardholder",
    "ManageCardholder",
    "ViewCardUsage",
    "ViewCardNumbers",
    "ViewCardTransactions",
    "ApproveFundingRequest",
    "RequestCardFunding",
    "ModifyTransactionNotes",
)
CONNECTOR_PERMISSIONS = ("EditBusinessProfile", "ManageCardholder", "ViewCardTransactions")
CALLBACK_TYPES = {
    "Card": 1,
    "Cardorder": 2,
    "CardOrderVirtual": 3,
    "CardTokenCreated": 4,
    "AuthRealtime": 5,
    "PinRealtime": 6,
    "DeclineRealtime": 7,
    "ReversalRealtime": 8,
    "SettlementPostedRealtime": 9,
}
TAG_TYPES = {
    "Text": 0,
    "YesNo": 1,
    "Dropdown": 2,
    "Decimal": 3,
    "PercentageTax": 4,
    "AbsoluteTax": 5,
    "Allocation": 10,
}
TAG_NAMES = {"project": "Procore Projects", "cost_code": "Procore Cost Codes", "cost_type": "Procore Cost Types"}


@dataclass
class Admin:
    admin_id: int
    first_name: str
    last_name: str
    email: str
    password: str
    permissions: dict[str, bool]
    status: str = "Active"


@dataclass
class Cardholder:
    account_id: int
    user_id: int
    first_name: str
    last_name: str
    email: str
    password: str
    card_id: int
    last4: str
    issued_at: datetime
    balance: Decimal = Decimal("2500.00")
    is_virtual: bool = False
    custom_id: str = ""
    account_status: str = "OPEN"
    card_status: str = "Active"
    user_status: str = "Active"


@dataclass
class TagOption:
    name: str
    value: str
    order: int = 0
    enabled: bool = True


@dataclass
class Tag:
    tag_id: str
    type: str
    name: str
    description: str | None
    order: int
    is_required: bool
    is_enabled: bool
    concurrency_key: str
    created_at: datetime
    created_by: int
    options: list[TagOption] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    restricted: list[str] = field(default_factory=list)
    """Option values left out of an answer unless OverrideRestrictions is asked for."""
    updated_at: datetime | None = None
    updated_by: int | None = None
    deleted_at: datetime | None = None
    deleted_by: int | None = None


@dataclass
class Note:
    note_id: int
    text: str
    user_name: str
    at: datetime
    system_generated: bool = False
    visible_to_cardholder: bool = True
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass
class Receipt:
    attachment_id: str
    type: str
    content: bytes
    created_at: datetime
    user_id: int | None
    admin_id: int | None = None
    upload_status: str = "Loaded"
    padding: int = 0
    """Zero bytes sent after the content, so a huge file costs no memory at rest."""

    @property
    def size(self) -> int:
        return len(self.content) + self.padding

    def file(self) -> bytes:
        return self.content + bytes(self.padding)


@dataclass
class Split:
    amount: Decimal
    values: dict[str, Any]
    """Tag id to value."""


@dataclass
class Transaction:
    transaction_id: int
    business_id: int
    account_id: int
    feed: str
    """``card`` rows are in the list of all cardholder transactions, ``business`` rows in the business account's."""
    amount: Decimal
    type: str
    category: str | None
    description: str
    time: datetime
    booked_at: datetime
    """When PEX wrote the row, whatever times the row itself carries."""
    hold_time: datetime | None = None
    settlement_time: datetime | None = None
    auth_transaction_id: int = 0
    network_transaction_id: int | None = None
    padding_amount: Decimal = Decimal("0.00")
    is_pending: bool = False
    is_decline: bool = False
    is_gone: bool = False
    """A pending row that settled, was reversed or expired: no list shows it any more."""
    bill_pay: bool = False
    merchant: dict[str, Any] = field(default_factory=dict)
    transfer_account_id: int = 0
    approval: str | None = "NotReviewed"
    tags: dict[str, Any] = field(default_factory=dict)
    tags_concurrency_key: str = ""
    tagged_at: datetime | None = None
    splits: list[Split] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    why: str = ""
    """What the seed or the story made this row for; only the books show it."""


@dataclass
class Event:
    """One network event, kept as the callback's ``Data``."""

    business_id: int
    type: str
    account_id: int
    at: datetime
    data: dict[str, Any]


@dataclass
class Token:
    token: str
    business_id: int
    app_id: str
    admin_id: int | None
    account_id: int | None
    expires_at: datetime
    death: str | None = None
    """The message that answers the next call; the token is forgotten after it."""


@dataclass
class Subscription:
    subscription_id: int
    business_id: int
    type: str
    active: bool
    url: str
    name: str | None
    description: str | None
    username: str
    created_at: datetime


@dataclass
class Delivery:
    delivery_id: int
    subscription_id: int
    type: str
    url: str
    body: str
    secret: str | None
    """None: the secret of the customer as it is when the delivery leaves."""
    due: float
    """Seconds since the epoch, real time."""
    network_transaction_id: int | None
    transaction_id: int | None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "waiting"
    """waiting, sending, delivered, dropped (given up or cancelled) or withheld (lost on purpose)."""


@dataclass
class Business:
    business_id: int
    number: str
    name: str
    address: dict[str, Any]
    phone: str
    status: str = "Open"
    balance: Decimal = Decimal("184250.00")
    settings: dict[str, Any] = field(default_factory=dict)
    admins: dict[int, Admin] = field(default_factory=dict)
    cardholders: dict[int, Cardholder] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    fields_version: str = ""


@dataclass
class World:
    seed: int
    businesses: dict[int, Business] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    transactions: dict[int, Transaction] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    launches: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Dashboard JWT to (admin id, expiry)."""
    logins: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, tuple[int, str, datetime]] = field(default_factory=dict)
    """Link key to (transaction id, attachment id, expiry)."""
    events: list[Event] = field(default_factory=list)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    callback_secret: str = "demo-callback-secret"
    callback_mood: dict[str, Any] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    last_ids: dict[str, int] = field(default_factory=dict)
    random: random.Random = field(default_factory=random.Random)

    def next_id(self, kind: str) -> int:
        """PEX numbers rows, notes and subscriptions upwards with gaps."""
        self.last_ids[kind] = self.last_ids.get(kind, _FIRST_IDS[kind]) + self.random.randint(1, 7)
        return self.last_ids[kind]

    def hex_id(self) -> str:
        return f"{self.random.getrandbits(96):024x}"

    def business_of_account(self, account_id: int) -> Business:
        for business in self.businesses.values():
            if account_id in business.cardholders:
                return business
        raise ValueError(f"PEX has no card account {account_id}.")

    def business(self, business_id: int | None = None) -> Business:
        """The named business, or the only one (the first) when none is named."""
        if business_id is None:
            return next(iter(self.businesses.values()))
        if business_id not in self.businesses:
            raise ValueError(f"PEX has no business {business_id}.")
        return self.businesses[business_id]


_FIRST_IDS = {
    "business": 98_700,
    "transaction": 419_080_000,
    "network": 127_340_000,
    "note": 5_551_000,
    "subscription": 700,
    "delivery": 0,
    "admin": 1_200,
    "account": 660_700,
    "user": 552_200,
    "card": 903_100,
}
