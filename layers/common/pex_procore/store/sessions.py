"""Who is signed in. A session is found by its token alone, so it belongs to no business's keys."""

from __future__ import annotations

import secrets
from typing import Any

from pex_procore.services.ports import Clock, Session
from pex_procore.store import keys
from pex_procore.store.dynamo import Table


class DynamoSessions:
    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._table = Table(client, table)
        self._clock = clock

    def create(self, business_id: int, username: str, seconds: int) -> str:
        token = secrets.token_urlsafe(32)
        expires_at = int(self._clock().timestamp()) + seconds
        item = {"business_id": business_id, "username": username, keys.TTL: expires_at}
        self._table.put({**keys.session(token), **item})
        return token

    def find(self, token: str) -> Session | None:
        item = self._table.get(keys.session(token))
        if item is None or item[keys.TTL] <= self._clock().timestamp():
            return None
        return Session(business_id=item["business_id"], username=item["username"])

    def delete(self, token: str) -> None:
        self._table.delete(keys.session(token))
