from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pex_procore.domain.connection import AdminProfile, PexIdentity, Subscription
from pex_procore.domain.errors import NeedsAttention, Unsure
from pex_procore.domain.tags import TagDefinition
from pex_procore.domain.transactions import Receipt, Transaction
from tests.fakes.faults import Misbehaving


@dataclass
class PexReceipt:
    content: bytes
    ready: bool = True
    broken: bool = False


class FakePex(Misbehaving):
    """`filters_by`: which of a row's times its windows go by, which nobody outside PEX knows."""

    def __init__(self, business_id: int) -> None:
        super().__init__()
        self.business_id = business_id
        self.unreadable = 0
        self.broken_rows = 0  # in the next list
        self.filters_by: Literal["transacted_at", "settled_at"] = "transacted_at"
        self.transactions: dict[int, Transaction] = {}
        self.tags: list[TagDefinition] = []
        self.tags_on = True
        self.token_ends_at: datetime | None = None
        self.renews_with: str | None = None  # the token a renewal makes; None: it may not be renewed
        self.permissions: dict[str, bool] = {}
        self.names: dict[int, str] = {}
        self.receipts: defaultdict[int, dict[str, PexReceipt]] = defaultdict(dict)
        self.notes: list[tuple[int, str]] = []
        self.subscriptions: dict[int, Subscription] = {}
        self.calls: Counter[str] = Counter()
        self.windows: list[tuple[datetime, datetime]] = []
        self.rows_given = 0
        self._failures: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self._always: dict[tuple[str, int], Exception] = {}

    def fail(self, method: str, error: Exception) -> None:
        """The next call of that method."""
        self._failures[method].append(error)

    def fail_always(self, method: str, transaction_id: int, error: Exception) -> None:
        """Every call of that method about that transaction."""
        self._always[method, transaction_id] = error

    def put(self, transaction: Transaction) -> Transaction:
        self.transactions[transaction.transaction_id] = transaction
        return transaction

    def change(self, transaction_id: int, **fields: object) -> Transaction:
        return self.put(self.transactions[transaction_id].model_copy(update=fields))

    def identity(self) -> PexIdentity:
        self._called("identity")
        return PexIdentity(
            business_id=self.business_id,
            business_name="Harbor",
            username="ada",
            is_admin=True,
            expires_at=self.token_ends_at,
        )

    def profile(self) -> AdminProfile:
        self._called("profile")
        return AdminProfile(email="ada@example.com", name="Ada", permissions=dict(self.permissions))

    def tags_enabled(self) -> bool:
        self._called("tags_enabled")
        return self.tags_on

    def list_tags(self) -> list[TagDefinition]:
        self._called("list_tags")
        if not self.tags_on:
            raise NeedsAttention("tags_disabled", "tags are off")
        return list(self.tags)

    def show_tag(self, tag_id: str) -> TagDefinition | None:
        self._called("show_tag")
        return next((tag for tag in self.tags if tag.tag_id == tag_id and not tag.deleted), None)

    def update_tag(self, tag: TagDefinition) -> None:
        self._called("update_tag")
        names = [option.name.casefold() for option in tag.options]
        if len(names) != len(set(names)) or not any(option.enabled for option in tag.options):
            raise NeedsAttention("tag_refused", "options need different names, and one must be enabled")
        self.tags = [tag if known.tag_id == tag.tag_id else known for known in self.tags]

    def create_tag(self, tag: TagDefinition) -> TagDefinition:
        self._called("create_tag")
        self.tags.append(tag.model_copy(update={"tag_id": f"tag-{len(self.tags) + 1}"}))
        return self.tags[-1]

    def list_transactions(self, start: datetime, end: datetime) -> list[Transaction]:
        self._called("list_transactions")
        self.windows.append((start, end))
        return self._between(start, end)

    def list_account_transactions(self, account_id: int, start: datetime, end: datetime) -> list[Transaction]:
        self._called("list_account_transactions")
        self.windows.append((start, end))
        return [one for one in self._between(start, end) if one.account_id == account_id]

    def cardholders(self) -> dict[int, str]:
        self._called("cardholders")
        return dict(self.names)

    def list_receipts(self, transaction_id: int) -> list[Receipt]:
        self._called("list_receipts", transaction_id)
        return [
            Receipt(receipt_id=receipt_id, size=len(one.content), ready=one.ready, broken=one.broken)
            for receipt_id, one in self.receipts[transaction_id].items()
        ]

    def fetch_receipt(self, transaction_id: int, receipt_id: str, max_bytes: int) -> bytes:
        self._called("fetch_receipt", transaction_id)
        content = self.receipts[transaction_id][receipt_id].content
        if len(content) > max_bytes:
            raise NeedsAttention("receipt_too_large", "larger than the limit")
        return content

    def post_note(self, transaction_id: int, text: str) -> None:
        self._called("post_note", transaction_id)
        fault = self._next_fault()
        if fault.kind == "dropped":
            raise Unsure("no answer")
        self.notes.append((transaction_id, text))
        if (noted := self.transactions.get(transaction_id)) is not None:
            self.change(transaction_id, system_notes=(*noted.system_notes, text))
        if fault.kind == "lost":
            raise Unsure("the answer was lost")

    def list_subscriptions(self) -> list[Subscription]:
        self._called("list_subscriptions")
        return list(self.subscriptions.values())

    def subscribe(self, type_name: str, url: str) -> None:
        self._called("subscribe")
        number = self.calls["subscribe"]
        self.subscriptions[number] = Subscription(subscription_id=number, type=type_name, url=url)

    def unsubscribe(self, subscription_id: int) -> None:
        self._called("unsubscribe")
        self.subscriptions.pop(subscription_id, None)

    def renew_token(self) -> str | None:
        self._called("renew_token")
        return self.renews_with

    def delete_token(self) -> None:
        self._called("delete_token")

    def _between(self, start: datetime, end: datetime) -> list[Transaction]:
        self.unreadable, self.broken_rows = self.unreadable + self.broken_rows, 0

        def moment(one: Transaction) -> datetime:
            return one.settled_at if self.filters_by == "settled_at" and one.settled_at else one.transacted_at

        found = [one for one in self.transactions.values() if not one.pending and start <= moment(one) <= end]
        self.rows_given += len(found)
        return sorted(found, key=moment)

    def _called(self, method: str, transaction_id: int | None = None) -> None:
        self.calls[method] += 1
        if self._failures[method]:
            raise self._failures[method].popleft()
        if transaction_id is not None and (method, transaction_id) in self._always:
            raise self._always[method, transaction_id]
