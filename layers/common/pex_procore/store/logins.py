"""Sign-ins at PEX's own page that are under way: found by their id alone, over within the hour PEX gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pex_procore.services.door_ports import Login
from pex_procore.services.ports import Clock
from pex_procore.store import keys
from pex_procore.store.dynamo import Table, Unmet
from pex_procore.store.seal import SealBroken, Sealer


class DynamoLogins:
    """PEX's token is sealed while it waits; whose it is shows only when it is used."""

    def __init__(self, client: Any, table: str, sealer: Sealer, clock: Clock) -> None:
        self._table = Table(client, table)
        self._sealer = sealer
        self._clock = clock

    def begin(self, login_id: str, login: Login) -> None:
        item = {"browser_hash": login.browser_hash, "closing_hash": login.closing_hash, "closed": login.closed}
        self._table.put({**keys.login(login_id), **item, keys.TTL: int(login.ends_at.timestamp())})

    def find(self, login_id: str) -> Login | None:
        item = self._table.get(keys.login(login_id))
        if item is None or item[keys.TTL] <= self._clock().timestamp():
            return None
        try:
            token = self._sealer.open(item["sealed"], _context(login_id)) if "sealed" in item else None
        except SealBroken:
            return None
        ends_at = datetime.fromtimestamp(item[keys.TTL], UTC)
        return Login(item["browser_hash"], item["closing_hash"], item["closed"], token, ends_at)

    def bring_token(self, login_id: str, token: str) -> bool:
        if (login := self.find(login_id)) is None:
            return False
        if login.token is None:
            sealed = self._sealer.seal(token, _context(login_id))
            return self._change(login_id, {"sealed": sealed})
        return True

    def close(self, login_id: str) -> None:
        self._change(login_id, {"closed": True})

    def _change(self, login_id: str, changes: dict[str, Any]) -> bool:
        try:
            self._table.update(keys.login(login_id), changes, "attribute_exists(pk)")
        except Unmet:
            return False
        return True

    def end(self, login_id: str) -> None:
        self._table.delete(keys.login(login_id))


def _context(login_id: str) -> dict[str, str]:
    """No business yet; the key's policy wants that name in every context."""
    return {"business_id": "none", "kind": "pex_login", "login": keys.sha256(login_id)}
