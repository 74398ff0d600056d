"""What the use cases keep and need of AWS. Everything is already bound to one business (and one Procore company).

Stores raise `Conflict` where a condition did not hold and `TryLater` when AWS throttles. The vendors: `vendor_ports`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pex_procore.domain.alerts import Care, Notice
from pex_procore.domain.catalog import ProjectCatalog, ProjectCodes
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.ledger import Row, State
from pex_procore.domain.runs import Kind, Run, RunItem
from pex_procore.domain.search import Wanted
from pex_procore.domain.settings import Settings

Side = Literal["pex", "procore"]


class Conflict(Exception):
    """A conditional write lost: somebody else wrote first. Read again."""


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, aware, UTC."""
        ...


class Ledger(Protocol):
    """The rows of one business in its present generation."""

    def load(self, transaction_id: int) -> Row | None: ...
    def load_many(self, transaction_ids: Iterable[int]) -> dict[int, Row]: ...
    def glance(self, transaction_ids: Iterable[int]) -> dict[int, Row]:
        """As `load_many`, at a tenth of the cost for neighbours, perhaps as they were moments ago: to save such a row
        is a Conflict."""
        ...

    def save(self, row: Row) -> Row:
        """On condition that the stored version is `row.version` (0: absent); the row with its new version.

        Raises Conflict.
        """
        ...

    def list_by_state(self, state: State) -> list[Row]:
        """All of them, oldest first. The index lags by moments: never the only proof that nothing is left."""
        ...

    def search(self, wanted: Wanted, limit: int, after: str | None) -> tuple[list[Row], str | None]:
        """Newest first, with an opaque mark where the next page begins; a page may be short without being the last.

        Raises ValueError when `after` is no mark of this search.
        """
        ...


class Runs(Protocol):
    def create(self, run: Run) -> None: ...
    def load(self, run_id: str) -> Run | None: ...
    def note(self, run: Run) -> None:
        """How far it is. Only whoever holds the lease may."""
        ...

    def finish(self, run: Run) -> None: ...
    def page(self, limit: int, after: str | None) -> tuple[list[Run], str | None]: ...
    def record_items(self, run_id: str, items: Sequence[RunItem]) -> None: ...
    def items(self, run_id: str) -> list[RunItem]: ...
    def page_of_items(self, run_id: str, limit: int, after: str | None) -> tuple[list[RunItem], str | None]: ...


class Held(Exception):
    """The lease is somebody else's."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


@dataclass(frozen=True, slots=True)
class Lease:
    run_id: str
    fence: int
    announced: int  # the announcement counter when the lease was taken or renewed
    expires_at: datetime
    interrupted_run_id: str | None = None  # whose expired lease was taken over


class Leases(Protocol):
    """One writer per business."""

    def claim(self, run_id: str, seconds: int, execution: str | None = None) -> Lease:
        """Takes the lease if it is free, expired, or already this run's and not bound to another execution.
        `execution` binds it. Raises Held."""
        ...

    def renew(self, run_id: str, seconds: int) -> Lease:
        """Raises Held when the lease was lost, with an empty run id when nobody has it now."""
        ...

    def keep(self, run_id: str, needed: int, seconds: int) -> Lease:
        """Renews for `seconds` only when less than `needed` are left: reading is cheaper than writing. Raises Held."""
        ...

    def release(self, run_id: str, announced: int | None = None) -> bool:
        """With `announced`: only if no announcement came since (False: one came, the lease is kept)."""
        ...

    def holder(self) -> str | None:
        """The run that holds an unexpired lease."""
        ...

    def count_announcement(self) -> None: ...

    def announced(self) -> int:
        """The announcement counter now."""
        ...


class Connections(Protocol):
    def load(self) -> Connection | None: ...
    def save(self, connection: Connection) -> Connection:
        """On condition of the version (0: absent); answers it with the new version. Raises Conflict."""
        ...

    def load_settings(self) -> tuple[Settings, int]:
        """The settings and their version; version 0 and the defaults when never saved."""
        ...

    def save_settings(self, settings: Settings, expected_version: int) -> int:
        """Raises Conflict."""
        ...

    def seal_pex_token(self, token: str) -> None: ...
    def open_pex_token(self) -> str | None: ...
    def seal_next_pex_token(self, token: str) -> None:
        """Beside the present one. `seal_pex_token` drops it."""
        ...

    def open_next_pex_token(self) -> str | None: ...
    def promote_next_pex_token(self) -> bool:
        """It takes the present one's place. False: it is not there any more."""
        ...

    def drop_next_pex_token(self) -> None: ...
    def seal_procore_credentials(self, credentials: ProcoreCredentials) -> None: ...
    def open_procore_credentials(self) -> ProcoreCredentials | None: ...
    def erase_credentials(self) -> None: ...
    def save_hook(self, hook_key: str, vendor: Side = "pex") -> None:
        """Replaces the business's hook key, of which only a hash is kept; the callback secret stays."""
        ...

    def set_callback_secret(self, secret: str, vendor: Side = "pex") -> None:
        """Only a hash is kept."""
        ...

    def erase_hook(self, vendor: Side = "pex") -> None:
        """The key and the callback secret."""
        ...

    def schedule_sweep(self, due_at: datetime | None, kind: Kind = "transactions") -> None:
        """When `start_runs` should start this kind of run for this business next; None: never."""
        ...

    def load_care(self) -> Care | None: ...
    def save_care(self, care: Care) -> None: ...
    def hasten_care(self, due_at: datetime) -> None:
        """Never to later than it is due already. A business that is not looked after stays so."""
        ...

    def end_care(self) -> None: ...


class Notices(Protocol):
    def publish(self, business_id: int, notice: Notice) -> None:
        """Raises TryLater; it may have left all the same."""
        ...


class CatalogCache(Protocol):
    """What we remember of a Procore company, so that no transaction costs a catalog call.

    A document too large to keep is not kept: whoever needs it reads it again.
    """

    def load(self, name: str) -> tuple[Any, datetime] | None:
        """A JSON document and when it was saved."""
        ...

    def save(self, name: str, document: Any) -> None: ...
    def load_codes(self, project_ids: Iterable[int]) -> dict[int, ProjectCodes]: ...
    def save_codes(self, codes: ProjectCodes) -> None: ...
    def mark_stale(self, mark: str) -> None:
        """Remembers that cost codes changed in Procore: "codes:<project id>", or "codes" when it did not say whose."""
        ...

    def stale(self) -> frozenset[str]: ...
    def clear_stale(self, marks: frozenset[str]) -> None: ...
    def load_project(self, project_id: int) -> ProjectCatalog | None: ...
    def save_project(self, catalog: ProjectCatalog) -> None: ...


class ReceiptBucket(Protocol):
    def put(self, content: bytes, content_type: str) -> str:
        """Stores under a generated key of this business and answers the key."""
        ...

    def get(self, key: str) -> bytes:
        """Raises KeyError when the object is gone: stage it again."""
        ...

    def delete(self, key: str) -> None: ...
