"""PEX as one administrator's token sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from pex_procore.domain.connection import AdminProfile, PexIdentity, Subscription
from pex_procore.domain.errors import NeedsAttention
from pex_procore.domain.tags import TagDefinition
from pex_procore.domain.transactions import Receipt, Transaction
from pex_procore.net.caller import Caller
from pex_procore.net.limiter import Limiter
from pex_procore.net.messages import Answer, Request
from pex_procore.net.session import Session, TooLong
from pex_procore.net.verdicts import Next
from pex_procore.pex import wire
from pex_procore.pex.auth import authorization
from pex_procore.pex.links import download, is_link

T = TypeVar("T")
MOST_PAGES = 1000


class PexClient:
    """The `Pex` port. `receipt_hosts`: where receipts' links may lead besides PEX's own domain."""

    def __init__(
        self,
        session: Session,
        token: str,
        limiter: Limiter,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        receipt_hosts: Iterable[str] = (),
    ) -> None:
        self._headers = {"Authorization": authorization(token)}
        self._caller = Caller("PEX", session, limiter, clock=clock, sleep=sleep, secrets=[token.strip()])
        self._host = session.host
        self._receipt_hosts = tuple(receipt_hosts)
        self.unreadable = 0

    def identity(self) -> PexIdentity:
        request = wire.current_token()
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is Next.REFUSED:  # this one call tells a bad token with 400 too
            raise NeedsAttention("pex_token_rejected", self._said(request, answer), answer.status)
        return self._use(request, verdict, answer, wire.read_identity)

    def profile(self) -> AdminProfile:
        return self._ask(wire.my_profile(), wire.read_profile)

    def tags_enabled(self) -> bool:
        return self._ask(wire.business_settings(), wire.read_tags_enabled)

    def list_tags(self) -> list[TagDefinition]:
        request = wire.tags()
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is Next.FORBIDDEN:
            said = wire.read_error(answer)
            if not wire.is_dead_token(said) and "permission" not in said.casefold():
                raise NeedsAttention("tags_disabled", self._said(request, answer), answer.status)
        return self._use(request, verdict, answer, wire.read_tags)

    def show_tag(self, tag_id: str) -> TagDefinition | None:
        request = wire.tag(tag_id)
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is Next.ABSENT:
            return None
        return self._use(request, verdict, answer, wire.read_tag)

    def update_tag(self, tag: TagDefinition) -> None:
        self._write_tag(wire.update_tag(tag), _ignore)

    def create_tag(self, tag: TagDefinition) -> TagDefinition:
        return self._write_tag(wire.create_tag(tag), wire.read_tag)

    def _write_tag(self, request: Request, reader: Callable[[Answer], T]) -> T:
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict in (Next.REFUSED, Next.ABSENT):
            raise NeedsAttention("tag_refused", self._said(request, answer), answer.status)
        return self._use(request, verdict, answer, reader)

    def list_transactions(self, start: datetime, end: datetime) -> list[Transaction]:
        return self._list_all(wire.transactions(start, end))

    def list_account_transactions(self, account_id: int, start: datetime, end: datetime) -> list[Transaction]:
        """No rows for an account that PEX does not know: the id may come from a callback, which anybody can write."""
        try:
            return self._list_all(wire.account_transactions(account_id, start, end))
        except NeedsAttention as error:
            if error.upstream_status == 404 or wire.UNKNOWN_ACCOUNT in error.message.casefold():
                return []
            raise

    def cardholders(self) -> dict[int, str]:
        return self._ask(wire.account_details(), wire.read_cardholders)

    def list_receipts(self, transaction_id: int) -> list[Receipt]:
        request = wire.attachments(transaction_id)
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is Next.ABSENT:  # PEX's way to say "none"
            return []
        return self._use(request, verdict, answer, wire.read_receipts)

    def fetch_receipt(self, transaction_id: int, receipt_id: str, max_bytes: int) -> bytes:
        try:
            request = wire.attachment(transaction_id, receipt_id, max_bytes)
            verdict, answer = self._caller.ask(request, self._headers)
        except ValueError as error:
            raise NeedsAttention("receipt_unreadable", str(error)) from error
        except NeedsAttention as error:
            if isinstance(error.__cause__, TooLong):
                raise NeedsAttention("receipt_too_large", "A receipt is larger than the limit.") from error
            raise
        if verdict is Next.ABSENT:
            raise NeedsAttention("receipt_unreadable", self._said(request, answer), answer.status)
        content = self._use(request, verdict, answer, wire.read_content)
        if is_link(content):
            return download(content, self._host, self._receipt_hosts, max_bytes)
        try:
            receipt = wire.decode_content(content)
        except ValueError as error:
            raise NeedsAttention("receipt_unreadable", f"PEX sent a receipt that is {error}.") from error
        if len(receipt) > max_bytes:
            raise NeedsAttention("receipt_too_large", "A receipt is larger than the limit.")
        return receipt

    def post_note(self, transaction_id: int, text: str) -> None:
        """A refused note, for whatever reason, is a missing permission: it concerns nothing but the note."""
        request = wire.note(transaction_id, text)
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict in (Next.REFUSED, Next.ABSENT):
            verdict = Next.FORBIDDEN
        self._use(request, verdict, answer, _ignore)

    def list_subscriptions(self) -> list[Subscription]:
        return self._ask(wire.subscriptions(), wire.read_subscriptions)

    def subscribe(self, type_name: str, url: str) -> None:
        self._ask(wire.subscribe(type_name, url), _ignore)

    def unsubscribe(self, subscription_id: int) -> None:
        request = wire.unsubscribe(subscription_id)
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is not Next.ABSENT:
            self._use(request, verdict, answer, _ignore)

    def renew_token(self) -> str | None:
        request = wire.renew_token()
        verdict, answer = self._caller.ask(request, self._headers)
        if verdict is not Next.USE and wire.NOT_RENEWABLE in wire.read_error(answer).casefold():
            return None
        return self._use(request, verdict, answer, wire.read_renewed)

    def delete_token(self) -> None:
        request = wire.delete_token()
        verdict, answer = self._caller.ask(request, self._headers)
        if not wire.is_dead_token(wire.read_error(answer)):
            self._use(request, verdict, answer, _ignore)

    def _list_all(self, request: Request) -> list[Transaction]:
        found: dict[int, Transaction] = {}
        for _ in range(MOST_PAGES):
            page = self._ask(request, wire.read_page)
            found.update((row.transaction_id, row) for row in page.rows)
            self.unreadable += page.unreadable
            if page.next_start is None:
                return sorted(found.values(), key=lambda row: (row.transacted_at, row.transaction_id))
            query = dict(request.query)
            if page.next_start <= query["StartDate"]:
                break
            request = replace(request, query=tuple({**query, "StartDate": page.next_start}.items()))
        raise NeedsAttention("vendor_answer_unreadable", "PEX's list of transactions does not come to an end.")

    def _ask(self, request: Request, reader: Callable[[Answer], T]) -> T:
        verdict, answer = self._caller.ask(request, self._headers)
        return self._use(request, verdict, answer, reader)

    def _use(self, request: Request, verdict: Next, answer: Answer, reader: Callable[[Answer], T]) -> T:
        if verdict is Next.USE:
            return self._caller.read(request, answer, reader)
        if verdict is Next.LOG_IN or wire.is_dead_token(wire.read_error(answer)):
            reason = "pex_token_rejected"
        elif verdict is Next.FORBIDDEN:
            reason = "pex_permission_missing"
        else:
            reason = "vendor_answer_unreadable"
        raise NeedsAttention(reason, self._said(request, answer), answer.status)

    def _said(self, request: Request, answer: Answer) -> str:
        return self._caller.describe(request, answer, wire.read_error(answer))


def _ignore(answer: Answer) -> None:
    """Whatever PEX says on success."""
