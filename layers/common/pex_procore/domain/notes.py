"""The note that tells PEX's users where a purchase went."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pex_procore.domain.ledger import Posting
from pex_procore.domain.text import cut

NOTE_LIMIT = 255  # characters; the only limit PEX is known to set on a note
_MARK = "Posted to Procore as expense "


def note_text(postings: Iterable[Posting], now: datetime) -> str:
    ids = ", ".join(f"{one.direct_cost_id} (project {one.project_id})" for one in postings)
    return cut(f"{_MARK}{ids} on {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", NOTE_LIMIT)


def is_our_note(text: str) -> bool:
    return text.startswith(_MARK)
