"""Webhook events: what Procore tells a hook about a change, and the persistence with which it does.

Every hook has a queue. A failure pauses the whole queue, longer each time; a success ends the pause; after half a day
of failures only, what waits is discarded. Time is the machine's, whatever the simulator's clock says.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from local.simulators.procore.switches import ProcoreSwitches
from local.simulators.procore.world import Delivery, Hook, World
from local.simulators.web import Clock, json_text

SOMEBODY = 9_120_117
"""The user id of whoever works in Procore's web page."""


@dataclass(frozen=True)
class Event:
    """`project_id` only for what belongs to a project: a company hook hears of that when the switch says so."""

    company_id: int
    resource_name: str
    event_type: str
    resource_id: int
    project_id: int | None
    number: int
    ulid: str
    at: datetime


def payload(event: Event, version: str) -> dict[str, Any]:
    timestamp = event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if version == "v4.0":
        return {
            "id": event.ulid,
            "timestamp": timestamp,
            "reason": event.event_type,
            "company_id": str(event.company_id),
            "project_id": None if event.project_id is None else str(event.project_id),
            "user_id": str(SOMEBODY),
            "resource_type": event.resource_name,
            "resource_id": str(event.resource_id),
        }
    return {
        "id": event.number,
        "ulid": event.ulid,
        "timestamp": timestamp,
        "metadata": {
            "source_user_id": SOMEBODY,
            "source_project_id": event.project_id,
            "source_operation_id": None,
            "source_company_id": event.company_id,
            "source_application_id": None,
        },
        "user_id": SOMEBODY,
        "company_id": event.company_id,
        "project_id": event.project_id,
        "api_version": version,
        "event_type": event.event_type,
        "resource_name": event.resource_name,
        "resource_id": event.resource_id,
    }


class Dispatcher:
    def __init__(
        self, world: World, switches: ProcoreSwitches, lock: threading.RLock, clock: Clock, save: Callable[[], None]
    ) -> None:
        self._world = world
        self._switches = switches
        self._lock = lock
        self._wake = threading.Condition(lock)
        self._clock = clock
        self._save = save
        self._queues: dict[str, deque[Delivery]] = {}
        self._held: list[Delivery] = []
        self._sending: set[str] = set()
        self._running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._queues.clear()
        for delivery in self._world.deliveries:
            if delivery.status in ("enqueued", "retrying"):
                self._enqueue(delivery)
        self._running = True
        self._thread = threading.Thread(target=self._run, name="procore-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._running = False
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def announce(
        self, company_id: int, resource_name: str, event_type: str, resource_id: int, project_id: int | None = None
    ) -> None:
        """One delivery for every active hook that has this trigger, subject to the present mood."""
        if project_id is not None and not self._switches.company_hooks_hear_projects:
            return
        wanted = (resource_name, event_type)
        with self._wake:
            hooks = [
                hook
                for hook in self._world.hooks.values()
                if (hook.company_id, hook.status) == (company_id, "active")
                and wanted in [(trigger.resource_name, trigger.event_type) for trigger in hook.triggers.values()]
            ]
            if not hooks:
                return
            now, number = self._clock(), self._world.next_id("event")
            ulid = self._world.next_ulid("event", now)
            event = Event(company_id, resource_name, event_type, resource_id, project_id, number, ulid, now)
            for hook in hooks:
                self._queue_in_mood(hook, event)
            self._wake.notify_all()

    def _queue_in_mood(self, hook: Hook, event: Event) -> None:
        mood = self._world.event_mood
        copies = int(self._take(mood, "duplicate") or 1)
        lost, turned = self._take(mood, "drop"), self._take(mood, "reverse")
        for _ in range(copies):
            delivery = self._record(hook, event.ulid, payload(event, hook.payload_version))
            if lost:
                delivery.status = "lost"
            elif turned:
                self._held.append(delivery)
            else:
                self._enqueue(delivery)
        if turned and "reverse" not in mood:
            self.release()

    @staticmethod
    def _take(mood: dict[str, dict[str, Any]], name: str) -> Any:
        """The mood's value while it still has turns left; None when there is no such mood."""
        entry = mood.get(name)
        if entry is None:
            return None
        entry["left"] -= 1
        if entry["left"] <= 0:
            del mood[name]
        return entry["value"]

    def _record(self, hook: Hook, ulid: str, content: dict[str, Any]) -> Delivery:
        name = content.get("resource_type") or content.get("resource_name") or ""
        kind = content.get("reason") or content.get("event_type") or ""
        delivery = Delivery(ulid, hook.id, str(name), str(kind), content, self._clock())
        self._world.deliveries.append(delivery)
        return delivery

    def _enqueue(self, delivery: Delivery) -> None:
        self._queues.setdefault(delivery.hook_id, deque()).append(delivery)

    def forge(self, hook: Hook, content: dict[str, Any], authorization: str | None) -> None:
        """Somebody else posts this to the hook's address, once."""
        with self._lock:
            delivery = self._record(hook, self._world.next_ulid("event", self._clock()), content)
            delivery.forged, delivery.status = True, "sending"
        sender = threading.Thread(
            target=self._deliver_forged, args=(delivery, hook.destination_url, authorization), daemon=True
        )
        sender.start()

    def release(self) -> int:
        """Send the held ones, the last first."""
        with self._wake:
            held, self._held = self._held, []
            for delivery in reversed(held):
                self._enqueue(delivery)
            self._wake.notify_all()
            return len(held)

    def hurry(self) -> int:
        """End every pause."""
        with self._wake:
            paused = [hook for hook in self._world.hooks.values() if hook.paused_until > time.time()]
            for hook in paused:
                hook.paused_until = 0.0
            self._wake.notify_all()
            return len(paused)

    def wake(self) -> None:
        """After a hook has changed."""
        with self._wake:
            self._wake.notify_all()

    def idle(self) -> bool:
        """Whether nothing waits or is on its way; held ones do not count."""
        with self._lock:
            forging = any(delivery.status == "sending" for delivery in self._world.deliveries)
            return not (self._sending or forging or any(self._queues.values()))

    def _run(self) -> None:
        with self._wake:
            while self._running:
                due: list[float] = []
                for hook_id, queue in list(self._queues.items()):
                    hook = self._world.hooks.get(hook_id)
                    if hook_id in self._sending:
                        continue
                    if hook is None:
                        self._discard(self._queues.pop(hook_id))
                    elif queue and hook.status == "active":
                        if hook.paused_until <= time.time():
                            self._sending.add(hook_id)
                            threading.Thread(target=self._deliver, args=(hook, queue), daemon=True).start()
                        else:
                            due.append(hook.paused_until)
                self._wake.wait(max(0.0, min(due) - time.time()) if due else None)

    def _deliver(self, hook: Hook, queue: deque[Delivery]) -> None:
        """The queue until it is empty or a failure pauses it."""
        going_on = True
        while going_on:
            began = time.time()
            delivery = queue[0]
            status, problem = self._post(hook.destination_url, hook.authorization, delivery.payload)
            with self._wake:
                delivered = self._note(delivery, status, problem, time.time() - began)
                if delivered:
                    hook.failures, hook.paused_until, hook.failing_since = 0, 0.0, None
                    queue.popleft()
                else:
                    self._pause(hook, queue, began)
                known = self._world.hooks.get(hook.id) is hook and hook.status == "active"
                going_on = delivered and bool(queue) and self._running and known
                if not going_on:
                    self._sending.discard(hook.id)
                    self._wake.notify_all()
                if self._running:
                    self._save()

    def _deliver_forged(self, delivery: Delivery, url: str, authorization: str | None) -> None:
        began = time.time()
        status, problem = self._post(url, authorization, delivery.payload)
        with self._wake:
            self._note(delivery, status, problem, time.time() - began)

    def _note(self, delivery: Delivery, status: int | None, problem: str | None, seconds: float) -> bool:
        delivered = status is not None and 200 <= status < 300
        delivery.status = "delivered" if delivered else "failed" if delivery.forged else "retrying"
        delivery.attempts.append(
            {
                "timestamp": self._clock().isoformat(),
                "response_status": status,
                "response_error": problem,
                "outcome": "ok" if delivered else "failed" if delivery.forged else "retried",
                "seconds": round(seconds, 3),
            }
        )
        return delivered

    def _pause(self, hook: Hook, queue: deque[Delivery], began: float) -> None:
        switches, now = self._switches, time.time()
        hook.failing_since = hook.failing_since or began
        if now - hook.failing_since >= switches.delivery_give_up:
            self._discard(queue)
            hook.failures, hook.paused_until, hook.failing_since = 0, 0.0, None
            return
        hook.paused_until = now + min(
            switches.delivery_first_pause * 2.0 ** min(hook.failures, 20), switches.delivery_longest_pause
        )
        hook.failures += 1

    @staticmethod
    def _discard(queue: deque[Delivery]) -> None:
        for delivery in queue:
            delivery.status = "discarded"
            if delivery.attempts:
                delivery.attempts[-1]["outcome"] = "discarded"
        queue.clear()

    def _post(self, url: str, authorization: str | None, content: dict[str, Any]) -> tuple[int | None, str | None]:
        where = urlsplit(url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": "application/json", "User-Agent": "Procore-Webhooks"}
        if authorization is not None:
            headers["Authorization"] = authorization
        connection = kind(where.hostname or "", where.port, timeout=self._switches.delivery_timeout)
        try:
            path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
            connection.request("POST", path, json_text(content).encode(), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, None
        except (OSError, http.client.HTTPException) as error:
            return None, type(error).__name__
        finally:
            connection.close()
