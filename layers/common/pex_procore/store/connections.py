"""One business's connection, settings, sealed credentials, callback and places on the sweep schedule."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from pex_procore.domain.alerts import Care
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.runs import Kind
from pex_procore.domain.settings import Settings
from pex_procore.services.ports import Conflict
from pex_procore.store import keys
from pex_procore.store.dynamo import ABSENT, Table, Unmet
from pex_procore.store.hooks import hash_secret
from pex_procore.store.seal import SealBroken, Sealer

Vendor = Literal["pex", "procore"]
Sealed = Literal["pex", "pex_next", "procore"]
KINDS: dict[Sealed, str] = {"pex": "pex_token", "pex_next": "pex_token", "procore": "procore_credentials"}


class DynamoConnections:
    def __init__(self, client: Any, table: str, business_id: int, sealer: Sealer) -> None:
        self._table = Table(client, table)
        self._business_id = business_id
        self._sealer = sealer

    def load(self) -> Connection | None:
        item = self._table.get(keys.connection(self._business_id))
        return Connection.model_validate_json(item["connection"]) if item else None

    def save(self, connection: Connection) -> Connection:
        if connection.business_id != self._business_id:
            raise ValueError(f"the store of business {self._business_id} was given another business's connection")
        saved = connection.model_copy(update={"version": connection.version + 1})
        item = {**keys.connection(self._business_id), "connection": saved.model_dump_json()}
        self._table.put_version(item, connection.version)
        return saved

    def load_settings(self) -> tuple[Settings, int]:
        item = self._table.get(keys.settings(self._business_id))
        if item is None:
            return Settings(), 0
        return Settings.model_validate_json(item["settings"]), item["version"]

    def save_settings(self, settings: Settings, expected_version: int) -> int:
        item = {**keys.settings(self._business_id), "settings": settings.model_dump_json()}
        return self._table.put_version(item, expected_version)

    def seal_pex_token(self, token: str) -> None:
        self._seal("pex", token)
        self.drop_next_pex_token()

    def open_pex_token(self) -> str | None:
        return self._open("pex")

    def seal_next_pex_token(self, token: str) -> None:
        self._seal("pex_next", token)

    def open_next_pex_token(self) -> str | None:
        return self._open("pex_next")

    def promote_next_pex_token(self) -> bool:
        """Both are sealed alike, so that it moves as it is."""
        item = self._table.get(keys.credentials(self._business_id, "pex_next"))
        if item is None:
            return False
        self._table.put({**keys.credentials(self._business_id, "pex"), "sealed": item["sealed"]})
        self.drop_next_pex_token()
        return True

    def drop_next_pex_token(self) -> None:
        self._table.delete(keys.credentials(self._business_id, "pex_next"))

    def seal_procore_credentials(self, credentials: ProcoreCredentials) -> None:
        self._seal("procore", credentials.model_dump_json())

    def open_procore_credentials(self) -> ProcoreCredentials | None:
        text = self._open("procore")
        if text is None:
            return None
        try:
            return ProcoreCredentials.model_validate_json(text)
        except ValidationError:  # its text would quote the secret
            raise SealBroken("The stored Procore credentials cannot be read: enter them again.") from None

    def erase_credentials(self) -> None:
        for vendor in KINDS:
            self._table.delete(keys.credentials(self._business_id, vendor))

    def _seal(self, vendor: Sealed, text: str) -> None:
        sealed = self._sealer.seal(text, self._context(vendor))
        self._table.put({**keys.credentials(self._business_id, vendor), "sealed": sealed})

    def _open(self, vendor: Sealed) -> str | None:
        item = self._table.get(keys.credentials(self._business_id, vendor))
        return self._sealer.open(item["sealed"], self._context(vendor)) if item else None

    def _context(self, vendor: Sealed) -> dict[str, str]:
        return {"business_id": str(self._business_id), "kind": KINDS[vendor]}

    def save_hook(self, hook_key: str, vendor: Vendor = "pex") -> None:
        """The secret stays. The old key dies with the second write, whether or not the third arrives."""
        hook_hash = keys.sha256(hook_key)
        entry = {**keys.hook(hook_hash), "business_id": self._business_id}
        try:
            self._table.put(entry, f"{ABSENT} OR business_id = :mine", {":mine": self._business_id})
        except Unmet:
            raise Conflict("this hook key belongs to another business") from None
        old = self._hook_hash(vendor)
        self._table.update(keys.callback(self._business_id, vendor), {"hook_hash": hook_hash})
        if old not in (None, hook_hash):
            self._table.delete(keys.hook(old))

    def set_callback_secret(self, secret: str, vendor: Vendor = "pex") -> None:
        """May come before or after the hook key. It is a random value; the salt hides that two are equal."""
        if not secret:
            raise ValueError("the callback secret is empty")
        salt = secrets.token_hex(16)
        changes = {"salt": salt, "secret_hash": hash_secret(salt, secret)}
        self._table.update(keys.callback(self._business_id, vendor), changes)

    def erase_hook(self, vendor: Vendor = "pex") -> None:
        """The hook key and the secret."""
        old = self._hook_hash(vendor)
        self._table.delete(keys.callback(self._business_id, vendor))
        if old is not None:
            self._table.delete(keys.hook(old))

    def _hook_hash(self, vendor: Vendor) -> str | None:
        callback = self._table.get(keys.callback(self._business_id, vendor))
        return callback.get("hook_hash") if callback else None

    def schedule_sweep(self, due_at: datetime | None, kind: Kind = "transactions") -> None:
        key = keys.sweep(self._business_id, kind)
        if due_at is None:
            self._table.delete(key)
        else:
            shard = keys.sweep_shard(self._business_id)
            self._table.put({**key, "sweep_shard": shard, "sweep_due_at": keys.instant(due_at)})

    def load_care(self) -> Care | None:
        item = self._table.get(keys.care(self._business_id))
        if item is None:
            return None
        due_at = datetime.fromisoformat(item["sweep_due_at"])
        return Care.model_validate_json(item["care"]).model_copy(update={"due_at": due_at})

    def save_care(self, care: Care) -> None:
        entry = {"sweep_shard": keys.CARE_SHARD, "sweep_due_at": keys.instant(care.due_at)}
        self._table.put({**keys.care(self._business_id), **entry, "care": care.model_dump_json()})

    def hasten_care(self, due_at: datetime) -> None:
        changes = {"sweep_due_at": keys.instant(due_at)}
        with suppress(Unmet):
            self._table.update(keys.care(self._business_id), changes, "sweep_due_at > :sweep_due_at")

    def end_care(self) -> None:
        self._table.delete(keys.care(self._business_id))
