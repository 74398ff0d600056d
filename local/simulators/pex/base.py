"""What every group of actions needs: the world, its lock, the clock, and a way to write the world down."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast

from local.simulators.control import Refused
from local.simulators.pex.callbacks import Dispatcher
from local.simulators.pex.times import eastern, parse_moment
from local.simulators.pex.world import Business, Cardholder, Event, Tag, Transaction, World
from local.simulators.switchboard import Switches
from local.simulators.web import Clock

F = TypeVar("F", bound=Callable[..., Any])


class Base:
    world: World
    switches: Switches
    lock: threading.RLock
    dispatcher: Dispatcher
    _clock: Clock
    _save: Callable[[World], None] | None

    def now(self) -> datetime:
        return eastern(self._clock())

    def save(self) -> None:
        if self._save is not None:
            with self.lock:
                self._save(self.world)

    def moment(self, at: datetime | str | None) -> datetime:
        if at is None:
            return self.now()
        return eastern(parse_moment(at) if isinstance(at, str) else at)

    def transaction(self, transaction_id: int) -> Transaction:
        found = self.world.transactions.get(transaction_id)
        if found is None:
            raise ValueError(f"PEX has no transaction {transaction_id}.")
        return found

    def cardholder(self, account_id: int | None) -> tuple[Business, Cardholder]:
        """The named card account, or the first open one."""
        if account_id is not None:
            business = self.world.business_of_account(account_id)
            return business, business.cardholders[account_id]
        business = self.world.business()
        for cardholder in business.cardholders.values():
            if cardholder.account_status == "OPEN":
                return business, cardholder
        raise ValueError(f"{business.name} has no open card account.")

    def tag(self, business: Business, name_or_id: str) -> Tag:
        """By id, or by name with live tags before deleted ones."""
        if name_or_id in business.tags:
            return business.tags[name_or_id]
        named = [tag for tag in business.tags.values() if tag.name == name_or_id]
        if not named:
            raise ValueError(f"{business.name} has no tag '{name_or_id}'.")
        return min(named, key=lambda tag: tag.deleted_at is not None)

    def happened(self, event: Event) -> None:
        self.world.events.append(event)
        self.dispatcher.announce(event)


def act(method: F) -> F:
    """An action of the story: alone in the world, saved before it answers, refused with a sentence."""

    @functools.wraps(method)
    def run(self: Base, *args: Any, **keywords: Any) -> Any:
        with self.lock:
            try:
                result = method(self, *args, **keywords)
            except (ValueError, KeyError) as error:
                raise Refused(str(error) if isinstance(error, ValueError) else f"PEX has no {error}.") from error
            self.save()
        return result

    return cast(F, run)


def money(value: Any) -> Decimal:
    """Dollars and cents; raise ValueError for anything finer."""
    try:
        amount = Decimal(str(value))
        cents = amount.quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise ValueError(f"'{value}' is not an amount of dollars and cents.") from error
    if cents != amount:
        raise ValueError(f"'{value}' is finer than a cent.")
    return cents
