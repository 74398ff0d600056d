"""What we remember of one Procore company on behalf of one business, compressed.

What does not fit into one item is kept in parts: the next ones are written beside those that count, then the item that
names them. Whoever reads, or is killed between, finds the old document whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pex_procore.domain.catalog import ProjectCatalog, ProjectCodes
from pex_procore.services.ports import Clock
from pex_procore.store import keys
from pex_procore.store.dynamo import Item, Table, Unmet, new_write_id

MAX_BYTES = 350_000  # of the 400 KB an item may have
MAX_PARTS = 6  # 60,000 tag options need two or three
KEPT = timedelta(days=30)  # unused for so long, it is forgotten and read again
MAX_MARKS = 1_000  # every mark set or taken pays for the whole item


class DynamoCatalog:
    def __init__(self, client: Any, table: str, business_id: int, company_id: int, clock: Clock) -> None:
        self._table = Table(client, table)
        self._business_id = business_id
        self._company_id = company_id
        self._clock = clock

    def load(self, name: str) -> tuple[Any, datetime] | None:
        item = self._table.get(keys.catalog_document(self._business_id, self._company_id, name))
        text = self._text(item)
        return (json.loads(text), datetime.fromisoformat(item["saved_at"])) if item and text else None

    def save(self, name: str, document: Any) -> None:
        key = keys.catalog_document(self._business_id, self._company_id, name)
        self._save(key, json.dumps(document, separators=(",", ":")))

    def load_codes(self, project_ids: Iterable[int]) -> dict[int, ProjectCodes]:
        wanted = [
            keys.catalog_codes(self._business_id, self._company_id, project_id)
            for project_id in dict.fromkeys(project_ids)
        ]
        texts = filter(None, map(self._text, self._table.get_many(wanted)))
        return {codes.project_id: codes for codes in map(ProjectCodes.model_validate_json, texts)}

    def save_codes(self, codes: ProjectCodes) -> None:
        key = keys.catalog_codes(self._business_id, self._company_id, codes.project_id)
        self._save(key, codes.model_dump_json())

    def load_project(self, project_id: int) -> ProjectCatalog | None:
        text = self._text(self._table.get(keys.catalog_project(self._business_id, self._company_id, project_id)))
        return ProjectCatalog.model_validate_json(text) if text else None

    def save_project(self, catalog: ProjectCatalog) -> None:
        key = keys.catalog_project(self._business_id, self._company_id, catalog.project.project_id)
        self._save(key, catalog.model_dump_json())

    def mark_stale(self, mark: str) -> None:
        """Where there are too many marks already, "codes" stands for "codes:<project id>"."""
        room = "attribute_not_exists(#marks) OR size(#marks) < :most OR contains(#marks, :mark)"
        values = {":most": MAX_MARKS, ":mark": mark}
        try:
            self._change_marks(room, values, add={"marks": frozenset({mark})})
        except Unmet:
            self._change_marks(add={"marks": _widen({mark})})

    def stale(self) -> frozenset[str]:
        """Takes the marks over, so that one set again from now on is another one. For whoever clears them."""
        item = self._table.get(self._marks_key) or {}
        marks, taken = (item.get(name, frozenset()) for name in ("marks", "taken"))
        if marks:
            more = marks if len(marks | taken) <= MAX_MARKS else _widen(marks)
            taken = self._change_marks(add={"taken": more}, drop={"marks": marks})["taken"]
        return frozenset(taken)

    def clear_stale(self, marks: frozenset[str]) -> None:
        """Of those that `stale` answered: the same one set since then stays."""
        if marks:
            self._change_marks(drop={"taken": marks})

    @property
    def _marks_key(self) -> keys.Key:
        return keys.stale_marks(self._business_id, self._company_id)

    def _change_marks(
        self,
        condition: str | None = None,
        values: dict[str, Any] | None = None,
        *,
        add: dict[str, int | frozenset[str]] | None = None,
        drop: dict[str, frozenset[str]] | None = None,
    ) -> Item:
        changes = {keys.TTL: self._expires_at()}
        return self._table.update(self._marks_key, changes, condition, values, add=add, drop=drop)

    def _text(self, item: Item | None) -> bytes | None:
        """What was saved; None for nothing, and for parts that were overwritten while they were read."""
        if item is None:
            return None
        if "parts" not in item:
            return zlib.decompress(item["document"]) if "document" in item else None
        whole = {"pk": item["pk"], "sk": item["sk"]}
        parts = [self._table.get(keys.catalog_part(whole, item["half"], number)) for number in range(item["parts"])]
        found = [part["document"] for part in parts if part and part["write_id"] == item["write_id"]]
        return zlib.decompress(b"".join(found)) if len(found) == item["parts"] else None

    def _save(self, key: keys.Key, text: str) -> None:
        document = zlib.compress(text.encode())
        kept = {"saved_at": keys.instant(self._clock()), keys.TTL: self._expires_at()}
        if len(document) <= MAX_BYTES:
            kept["document"] = document
        elif len(document) <= MAX_BYTES * MAX_PARTS:
            kept |= self._save_parts(key, document, kept)
        self._table.put({**key, **kept})  # without the document when it is too large: better than what it was before

    def _save_parts(self, key: keys.Key, document: bytes, kept: Item) -> Item:
        """What the item must say to find them again."""
        before = self._table.get(key) or {}
        half = 1 - before.get("half", 1)
        write_id = new_write_id()
        starts = range(0, len(document), MAX_BYTES)
        for number, start in enumerate(starts):
            part = {"document": document[start : start + MAX_BYTES], "write_id": write_id}
            self._table.put({**keys.catalog_part(key, half, number), **kept, **part})
        return {"parts": len(starts), "half": half, "write_id": write_id}

    def _expires_at(self) -> int:
        return int((self._clock() + KEPT).timestamp())


def _widen(marks: Iterable[str]) -> frozenset[str]:
    return frozenset(mark.partition(":")[0] for mark in marks)
