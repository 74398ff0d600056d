from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pex_procore.domain.alerts import Care, Notice
from pex_procore.domain.catalog import ProjectCatalog, ProjectCodes
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.errors import TryLater
from pex_procore.domain.ledger import Row, State
from pex_procore.domain.runs import Kind, Run, RunItem
from pex_procore.domain.search import Wanted
from pex_procore.domain.settings import Settings
from pex_procore.services.ports import Conflict, Side
from tests.fakes.clock import FakeClock


class FakeLedger:
    """Rows are kept as text, as the real store does, so that nothing survives which a store would lose."""

    def __init__(self) -> None:
        self._rows: dict[int, str] = {}
        self.saves: list[Row] = []
        self.calls: Counter[str] = Counter()
        self._glimpsed: dict[int, str] | None = None  # the rows as a glance still sees them
        self.die_after: int | None = None  # saves until the process is killed

    def load(self, transaction_id: int) -> Row | None:
        self.calls["load"] += 1
        text = self._rows.get(transaction_id)
        return Row.model_validate_json(text) if text else None

    def load_many(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        self.calls["load_many"] += 1
        return {one: Row.model_validate_json(self._rows[one]) for one in transaction_ids if one in self._rows}

    def glance(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        self.calls["glance"] += 1
        seen = self._rows if self._glimpsed is None else self._glimpsed
        return {one: Row.model_validate_json(seen[one]) for one in transaction_ids if one in seen}

    def fall_behind(self) -> None:
        """Glances see the rows as they are now, whatever is saved from now on."""
        self._glimpsed = dict(self._rows)

    def catch_up(self) -> None:
        self._glimpsed = None

    def save(self, row: Row) -> Row:
        if self.die_after is not None:
            if self.die_after == 0:
                raise Killed
            self.die_after -= 1
        stored = self._rows.get(row.transaction_id)
        if (Row.model_validate_json(stored).version if stored else 0) != row.version:
            raise Conflict(f"transaction {row.transaction_id}")
        saved = row.model_copy(update={"version": row.version + 1})
        self._rows[row.transaction_id] = saved.model_dump_json()
        self.saves.append(saved)
        return saved

    def list_by_state(self, state: State) -> list[Row]:
        rows = (Row.model_validate_json(text) for _, text in sorted(self._rows.items()))
        return [row for row in rows if row.state == state]

    def search(self, wanted: Wanted, limit: int, after: str | None) -> tuple[list[Row], str | None]:
        rows = [Row.model_validate_json(text) for _, text in sorted(self._rows.items(), reverse=True)]
        rows = [row for row in rows if wanted.fits(row) and (not after or row.transaction_id < int(after))]
        return rows[:limit], str(rows[limit - 1].transaction_id) if len(rows) > limit else None

    def __getitem__(self, transaction_id: int) -> Row:
        return Row.model_validate_json(self._rows[transaction_id])

    def __len__(self) -> int:
        return len(self._rows)


class Killed(BaseException):
    """The process ended here."""


class FakeRuns:
    def __init__(self) -> None:
        self._runs: dict[str, str] = {}
        self._items: dict[str, dict[int, RunItem]] = {}

    def create(self, run: Run) -> None:
        if self._runs.setdefault(run.run_id, run.model_dump_json()) != run.model_dump_json():
            raise Conflict(f"run {run.run_id} exists already")

    def load(self, run_id: str) -> Run | None:
        return Run.model_validate_json(self._runs[run_id]) if run_id in self._runs else None

    def note(self, run: Run) -> None:
        self._runs[run.run_id] = run.model_dump_json()

    def finish(self, run: Run) -> None:
        self._runs[run.run_id] = run.model_dump_json()

    def page(self, limit: int, after: str | None) -> tuple[list[Run], str | None]:
        newest = [run_id for run_id in sorted(self._runs, reverse=True) if after is None or run_id < after]
        runs = [Run.model_validate_json(self._runs[run_id]) for run_id in newest[:limit]]
        return runs, newest[limit - 1] if len(newest) > limit else None

    def record_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        self._items.setdefault(run_id, {}).update({item.transaction_id: item for item in items})

    def items(self, run_id: str) -> list[RunItem]:
        return [item for _, item in sorted(self._items.get(run_id, {}).items())]

    def page_of_items(self, run_id: str, limit: int, after: str | None) -> tuple[list[RunItem], str | None]:
        items = [item for item in self.items(run_id) if after is None or item.transaction_id > int(after)]
        return items[:limit], str(items[limit - 1].transaction_id) if len(items) > limit else None


class FakeConnections:
    def __init__(self) -> None:
        self._connection: str | None = None
        self._settings: tuple[str, int] | None = None
        self.pex_token: str | None = None
        self.next_pex_token: str | None = None
        self.care: Care | None = None
        self.procore_credentials: ProcoreCredentials | None = None
        self.hook_keys: dict[Side, str] = {}
        self.callback_secrets: dict[Side, str] = {}
        self.sweeps: dict[Kind, datetime] = {}
        self.interfere = 0  # how many more times somebody else saves the connection just before us

    def load(self) -> Connection | None:
        return Connection.model_validate_json(self._connection) if self._connection else None

    def save(self, connection: Connection) -> Connection:
        stored = self.load()
        if self.interfere and stored is not None:
            self.interfere -= 1
            stored = stored.model_copy(update={"version": stored.version + 1})
            self._connection = stored.model_dump_json()
        if (stored.version if stored else 0) != connection.version:
            raise Conflict("connection")
        saved = connection.model_copy(update={"version": connection.version + 1})
        self._connection = saved.model_dump_json()
        return saved

    def load_settings(self) -> tuple[Settings, int]:
        if self._settings is None:
            return Settings(), 0
        text, version = self._settings
        return Settings.model_validate_json(text), version

    def save_settings(self, settings: Settings, expected_version: int) -> int:
        version = self._settings[1] if self._settings else 0
        if version != expected_version:
            raise Conflict("settings")
        self._settings = (settings.model_dump_json(), version + 1)
        return version + 1

    def seal_pex_token(self, token: str) -> None:
        self.pex_token, self.next_pex_token = token, None

    def open_pex_token(self) -> str | None:
        return self.pex_token

    def seal_next_pex_token(self, token: str) -> None:
        self.next_pex_token = token

    def open_next_pex_token(self) -> str | None:
        return self.next_pex_token

    def promote_next_pex_token(self) -> bool:
        if self.next_pex_token is None:
            return False
        self.pex_token, self.next_pex_token = self.next_pex_token, None
        return True

    def drop_next_pex_token(self) -> None:
        self.next_pex_token = None

    def seal_procore_credentials(self, credentials: ProcoreCredentials) -> None:
        self.procore_credentials = credentials

    def open_procore_credentials(self) -> ProcoreCredentials | None:
        return self.procore_credentials

    def erase_credentials(self) -> None:
        self.pex_token = self.next_pex_token = self.procore_credentials = None

    @property
    def hook_key(self) -> str | None:
        return self.hook_keys.get("pex")

    @property
    def callback_secret(self) -> str | None:
        return self.callback_secrets.get("pex")

    def save_hook(self, hook_key: str, vendor: Side = "pex") -> None:
        self.hook_keys[vendor] = hook_key

    def set_callback_secret(self, secret: str, vendor: Side = "pex") -> None:
        self.callback_secrets[vendor] = secret

    def erase_hook(self, vendor: Side = "pex") -> None:
        self.hook_keys.pop(vendor, None)
        self.callback_secrets.pop(vendor, None)

    def schedule_sweep(self, due_at: datetime | None, kind: Kind = "transactions") -> None:
        self.sweeps.pop(kind, None)
        if due_at is not None:
            self.sweeps[kind] = due_at

    def load_care(self) -> Care | None:
        return self.care

    def save_care(self, care: Care) -> None:
        self.care = care

    def hasten_care(self, due_at: datetime) -> None:
        if self.care is not None:
            self.care = self.care.model_copy(update={"due_at": min(self.care.due_at, due_at)})

    def end_care(self) -> None:
        self.care = None

    @property
    def sweep_due_at(self) -> datetime | None:
        return self.sweeps.get("transactions")


class FakeCatalogCache:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._documents: dict[str, tuple[str, datetime]] = {}
        self._projects: dict[int, str] = {}
        self._codes: dict[int, str] = {}
        self._marks: set[str] = set()
        self._taken: set[str] = set()
        self._taken: set[str] = set()

    def load(self, name: str) -> tuple[Any, datetime] | None:
        if name not in self._documents:
            return None
        text, saved_at = self._documents[name]
        return json.loads(text), saved_at

    def save(self, name: str, document: Any) -> None:
        self._documents[name] = (json.dumps(document), self._clock())

    def load_codes(self, project_ids: Iterable[int]) -> dict[int, ProjectCodes]:
        return {one: ProjectCodes.model_validate_json(self._codes[one]) for one in project_ids if one in self._codes}

    def save_codes(self, codes: ProjectCodes) -> None:
        self._codes[codes.project_id] = codes.model_dump_json()

    def mark_stale(self, mark: str) -> None:
        self._marks.add(mark)

    def stale(self) -> frozenset[str]:
        self._taken |= self._marks
        self._marks.clear()
        return frozenset(self._taken)

    def clear_stale(self, marks: frozenset[str]) -> None:
        """A mark set since it was last read survives."""
        self._taken -= marks

    def load_project(self, project_id: int) -> ProjectCatalog | None:
        text = self._projects.get(project_id)
        return ProjectCatalog.model_validate_json(text) if text else None

    def save_project(self, catalog: ProjectCatalog) -> None:
        self._projects[catalog.project.project_id] = catalog.model_dump_json()

    def forget(self) -> None:
        """Everything in it expired."""
        self._documents.clear()
        self._projects.clear()
        self._codes.clear()


class FakeReceiptBucket:
    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self._number = 0

    def put(self, content: bytes, content_type: str) -> str:
        self._number += 1
        key = f"B/42/{self._number}"
        self.objects[key] = (content, content_type)
        return key

    def get(self, key: str) -> bytes:
        return self.objects[key][0]

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)


class FakeNotices:
    def __init__(self) -> None:
        self.published: list[tuple[int, Notice]] = []
        self.fails = False

    def publish(self, business_id: int, notice: Notice) -> None:
        if self.fails:
            raise TryLater("no answer")
        self.published.append((business_id, notice))
