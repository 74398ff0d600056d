"""The note that tells PEX's users where a purchase went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pex_procore.domain.ledger import Posting
from pex_procore.domain.text import cut

NOTE_LIMIT = 255  # characters; the only limit PEX is known to set on a note
_MARK = "Posted to Procore as expense "


def expense_url(address: str | None, posting: Posting) -> str | None:
    """Where people see the expense; `address` is that of the company's pages, None where Procore does not tell."""
    if address is None or posting.direct_cost_id is None:
        return None
    return f"{address}/{posting.project_id}/project/direct_costs/{posting.direct_cost_id}"


def note_text(postings: Sequence[Posting], now: datetime, address: str | None) -> str:
    """With as many links as find room; a link is never cut."""
    ids = ", ".join(f"{one.direct_cost_id} (project {one.project_id})" for one in postings)
    text = cut(f"{_MARK}{ids} on {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", NOTE_LIMIT)
    for url in (expense_url(address, one) for one in postings):
        if url is not None and len(text) + 1 + len(url) <= NOTE_LIMIT:
            text = f"{text} {url}"
    return text


def is_our_note(text: str) -> bool:
    return text.startswith(_MARK)
