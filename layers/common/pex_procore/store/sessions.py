"""Who is signed in. A session is found by its token alone, so it belongs to no business's keys."""

from __future__ import annotations

import secrets
from typing import Any

from pex_procore.services.door_ports import Session
from pex_procore.services.ports import Clock
from pex_procore.store import keys
from pex_procore.store.dynamo import Table, Unmet

RENEW_AFTER = 300  # seconds of use before a session is written anew, so that not every request is a write
LONGEST = 7 * 24 * 3600  # seconds from signing in, however busy: a stolen session does not live for ever


class DynamoSessions:
    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._table = Table(client, table)
        self._clock = clock

    def create(self, business_id: int, username: str, seconds: int) -> str:
        token, now = secrets.token_urlsafe(32), int(self._clock().timestamp())
        item = {"business_id": business_id, "username": username, "seconds": seconds, "ends_at": now + LONGEST}
        self._table.put({**keys.session(token), **item, keys.TTL: now + seconds})
        return token

    def find(self, token: str) -> Session | None:
        item, now = self._table.get(keys.session(token)), int(self._clock().timestamp())
        if item is None or item[keys.TTL] <= now:
            return None
        until = min(now + item.get("seconds", 0), item.get("ends_at", 0))  # one of an earlier version has neither
        renewed = until - item[keys.TTL] >= RENEW_AFTER
        if renewed:
            try:
                self._table.update(keys.session(token), {keys.TTL: until}, "attribute_exists(pk)")
            except Unmet:  # signed out this moment: it must not come back
                return None
        return Session(business_id=item["business_id"], username=item["username"], renewed=renewed)

    def delete(self, token: str) -> None:
        self._table.delete(keys.session(token))
