"""Callbacks: what PEX tells a subscriber about a network event, and the persistence with which it does."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from local.simulators.pex.times import wire_callback_time, wire_eastern
from local.simulators.pex.world import Delivery, Event, Transaction, World
from local.simulators.switchboard import Switches
from local.simulators.web import Clock, json_text

_SENDERS = 24
_TYPE_OF = {
    "Auth": "AuthRealtime",
    "Pin": "PinRealtime",
    "Reversal": "ReversalRealtime",
    "Settlement": "SettlementPostedRealtime",
}
_DESCRIPTION = {"Auth": "Pending", "Pin": "Settlement", "Reversal": "Reversal", "Settlement": "Settlement"}


def network_event(
    network: str,
    row: Transaction,
    balance: Decimal,
    at: datetime,
    *,
    amount: Decimal | None = None,
    auth_id: int | None = None,
    decline_code: str | None = None,
) -> Event:
    """`network`: Auth, Pin, Reversal or Settlement. Only a settlement names its own TransactionId."""
    settled = network == "Settlement"
    merchant = row.merchant
    amount = row.amount if amount is None else amount
    referenced = network in ("Settlement", "Reversal") and auth_id
    status = None if network in ("Settlement", "Reversal") else "Declined" if decline_code else "Approved"
    data = {
        "NetworkTransactionId": row.network_transaction_id,
        "TransactionId": row.transaction_id if settled else None,
        "AcctId": row.account_id,
        "TransactionTime": wire_eastern(at if network == "Reversal" else row.time),
        "HoldTime": wire_eastern(row.hold_time) if settled else None,
        "SettlementTime": wire_eastern(row.settlement_time) if settled else None,
        "MerchantLocalTime": wire_eastern(row.time),
        "AuthTransactionId": auth_id or None,
        "TransactionAmount": amount,
        "PaddingAmount": Decimal("0.00") if settled else row.padding_amount,
        "AvailableBalance": balance,
        "LedgerBalance": balance,
        "TransactionType": "NETWORK",
        "Description": "Declined" if decline_code else _DESCRIPTION[network],
        "TransactionNotes": None,
        "ReferencedTranId": auth_id if referenced else None,
        "ReferencedTransactionTime": wire_eastern(row.time) if referenced else None,
        "MerchantName": merchant["MerchantName"],
        "MerchantCity": merchant["MerchantCity"],
        "MerchantState": merchant["MerchantState"],
        "MerchantZip": merchant["MerchantZip"],
        "MerchantCountry": merchant["MerchantCountry"],
        "MCCCode": merchant["MCCCode"],
        "AuthIdentityResponseCode": merchant["AuthIdentityResponseCode"],
        "MerchantId": merchant["MerchantId"],
        "TerminalId": merchant["TerminalId"],
        "NetworkType": network,
        "NetworkStatus": status,
        "IsCardPresent": merchant["IsCardPresent"],
        "Message": "Transaction declined" if decline_code else None,
        "MessageCode": decline_code,
        "MerchantRequestedAmount": amount,
    }
    kind = "DeclineRealtime" if decline_code else _TYPE_OF[network]
    return Event(business_id=row.business_id, type=kind, account_id=row.account_id, at=at, data=data)


class Dispatcher:
    """Turns events into deliveries and sends them from its own threads, in real time whatever the clock says."""

    def __init__(
        self, world: World, switches: Switches, lock: threading.RLock, clock: Clock, save: Callable[[], None]
    ) -> None:
        self._world = world
        self._switches = switches
        self._lock = lock
        self._wake = threading.Condition(lock)
        self._clock = clock
        self._save = save
        self._running = False
        self._sending = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        for delivery in self._world.deliveries:
            if delivery.state == "sending":
                delivery.state = "waiting"
        self._running = True
        self._thread = threading.Thread(target=self._run, name="pex-callbacks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._running = False
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def announce(self, event: Event) -> None:
        """One delivery for every active subscription of this business and type, subject to the present mood."""
        for subscription in list(self._world.subscriptions.values()):
            if not (subscription.active and subscription.type == event.type):
                continue
            if subscription.business_id != event.business_id:
                continue
            mood = self._world.callback_mood
            copies = self._take(mood, "duplicate", "times") or 1
            wait_seconds = self._take(mood, "delay", "seconds") or 0.0
            lost = self._take(mood, "drop", "yes") is not None
            turned = self._take(mood, "reverse", "yes") is not None
            for _ in range(int(copies)):
                made = self.post(subscription.subscription_id, event, wait_seconds=float(wait_seconds))
                if lost:
                    made.state = "withheld"
                elif turned:
                    made.state = "held"
            if turned and "reverse" not in mood:
                self.release(backwards=True)

    @staticmethod
    def _take(mood: dict[str, Any], name: str, value: str) -> Any:
        """The mood's value while it still has turns left; None when there is no such mood."""
        entry = mood.get(name)
        if entry is None:
            return None
        entry["left"] -= 1
        if entry["left"] <= 0:
            del mood[name]
        return entry[value]

    def post(
        self, subscription_id: int, event: Event, *, secret: str | None = None, wait_seconds: float = 0.0
    ) -> Delivery:
        subscription = self._world.subscriptions[subscription_id]
        envelope = {"CallbackTime": wire_callback_time(self._clock()), "Data": event.data}
        delivery = Delivery(
            delivery_id=self._world.next_id("delivery"),
            subscription_id=subscription_id,
            type=event.type,
            url=subscription.url,
            body=json_text(envelope),
            secret=secret,
            due=time.time() + wait_seconds,
            network_transaction_id=event.data.get("NetworkTransactionId"),
            transaction_id=event.data.get("TransactionId"),
        )
        with self._wake:
            self._world.deliveries.append(delivery)
            self._wake.notify_all()
        return delivery

    def release(self, *, backwards: bool = False) -> int:
        """Send the held ones, a little apart so that their order is the order of arrival."""
        with self._wake:
            held = [delivery for delivery in self._world.deliveries if delivery.state == "held"]
            for place, delivery in enumerate(reversed(held) if backwards else held):
                delivery.state, delivery.due = "waiting", time.time() + 0.15 * place
            self._wake.notify_all()
            return len(held)

    def hurry(self) -> int:
        """Make every waiting delivery due now."""
        with self._wake:
            waiting = [delivery for delivery in self._world.deliveries if delivery.state == "waiting"]
            for delivery in waiting:
                delivery.due = time.time()
            self._wake.notify_all()
            return len(waiting)

    def idle(self) -> bool:
        with self._lock:
            return not any(delivery.state in ("waiting", "sending") for delivery in self._world.deliveries)

    def _run(self) -> None:
        with self._wake:
            while self._running:
                waiting = [each for each in self._world.deliveries if each.state == "waiting"]
                for delivery in sorted(waiting, key=lambda each: each.due):
                    if delivery.due <= time.time() and self._sending < _SENDERS:
                        delivery.state = "sending"
                        self._sending += 1
                        threading.Thread(target=self._deliver, args=(delivery,), daemon=True).start()
                due = [each.due for each in waiting if each.state == "waiting"]
                full = self._sending >= _SENDERS
                self._wake.wait(None if full or not due else max(0.0, min(due) - time.time()))

    def _deliver(self, delivery: Delivery) -> None:
        began = time.time()
        status, problem = self._send(delivery)
        with self._wake:
            self._sending -= 1
            delivery.attempts.append(
                {
                    "at": self._clock().isoformat(),
                    "status": status,
                    "error": problem,
                    "seconds": round(time.time() - began, 3),
                }
            )
            delays = self._switches.callback_delays
            if status in (200, 201):
                delivery.state = "delivered"
            elif len(delivery.attempts) > len(delays):
                delivery.state = "dropped"
            elif delivery.state == "sending":
                delivery.state = "waiting"
                delivery.due = time.time() + float(delays[len(delivery.attempts) - 1])
            self._wake.notify_all()
            if self._running:
                self._save()

    def _send(self, delivery: Delivery) -> tuple[int | None, str | None]:
        where = urlsplit(delivery.url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        secret = self._world.callback_secret if delivery.secret is None else delivery.secret
        if self._switches.callback_secret_form == "user_and_secret":
            secret = f"pex:{secret}"
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Connection": "Keep-Alive",
            "Expect": "100-continue",
            "X-PEX-Version": "2.0.1.1",
            "Request-Id": f"|{uuid.uuid4().hex[:16]}.{delivery.delivery_id}.",
            "Request-Context": "appId=cid-v1:pex-callbacks",
            "Authorization": "Basic " + base64.b64encode(secret.encode()).decode(),
        }
        connection = kind(where.hostname or "", where.port, timeout=float(self._switches.callback_timeout))
        try:
            path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
            connection.request("POST", path, delivery.body.encode(), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, None
        except (OSError, http.client.HTTPException) as error:
            return None, type(error).__name__
        finally:
            connection.close()


def delivery_record(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "subscription_id": delivery.subscription_id,
        "type": delivery.type,
        "network_transaction_id": delivery.network_transaction_id,
        "transaction_id": delivery.transaction_id,
        "state": delivery.state,
        "forged": delivery.secret is not None,
        "statuses": [attempt["status"] for attempt in delivery.attempts],
        "attempts": delivery.attempts,
        "data": json.loads(delivery.body).get("Data") if delivery.body.startswith("{") else None,
    }
