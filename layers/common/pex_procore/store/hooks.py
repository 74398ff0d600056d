"""Whose callback is this, and is it genuine? On the callback's path: neither pydantic nor the domain is imported."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from pex_procore.store import keys


def hash_secret(salt: str, secret: str) -> str:
    return keys.sha256(f"{salt}:{secret}")


@dataclass(frozen=True, slots=True)
class Hook:
    business_id: int
    salt: str = field(default="", repr=False)
    secret_hash: str = field(default="", repr=False)  # empty: no secret was ever set, nothing is accepted

    def accepts(self, secret: str) -> bool:
        """In constant time."""
        return hmac.compare_digest(hash_secret(self.salt, secret), self.secret_hash)


class HookDirectory:
    """Errors of AWS pass through as the client raises them."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, hook_key: str, vendor: str = "pex") -> Hook | None:
        """None for a key that was never given out to this vendor, was replaced, or was erased."""
        hook_hash = keys.sha256(hook_key)
        entry = self._get(keys.hook(hook_hash))
        if entry is None:
            return None
        business_id = int(entry["business_id"]["N"])
        callback = self._get(keys.callback(business_id, vendor))
        if callback is None or callback.get("hook_hash", {}).get("S") != hook_hash:
            return None
        return Hook(
            business_id,
            salt=callback.get("salt", {}).get("S", ""),
            secret_hash=callback.get("secret_hash", {}).get("S", ""),
        )

    def _get(self, key: keys.Key) -> dict[str, dict[str, str]] | None:
        answer = self._client.get_item(
            TableName=self._table,
            Key={name: {"S": value} for name, value in key.items()},
            ConsistentRead=True,
        )
        item: dict[str, dict[str, str]] | None = answer.get("Item")
        return item
