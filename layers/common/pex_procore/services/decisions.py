"""What an administrator decides about one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pex_procore.domain.ledger import AGAIN, Row, move, sent_again

Decision = Literal["retry", "ignore", "post_again"]
RETRIED, IGNORED = ("exception", "refused", "waiting", "ignored"), ("announced", "exception", "refused", "waiting")
GONE = ("deleted_in_procore", "changed_after_sync", "edited_in_procore")


class NotNow(Exception):
    """The row's state does not allow it."""


def retry(row: Row, now: datetime) -> Row:
    """Asked again by the next run; an expense that could not be updated is tried again. Raises NotNow."""
    if row.state in ("posted", "complete") and row.tried:
        return move(
            row, row.state, now, "retried by an administrator", reason=row.reason, detail=row.detail, tried=AGAIN
        )
    if row.state not in RETRIED:
        raise NotNow
    return move(row, "announced", now, "retried by an administrator")


def ignore(row: Row, now: datetime) -> Row:
    """Raises NotNow."""
    if row.state not in IGNORED:
        raise NotNow
    return move(row, "ignored", now, "ignored by an administrator", reason="ignored")


def post_again(row: Row, now: datetime) -> Row:
    """For an expense that was deleted in Procore, or that the administrator deleted because it was wrong.

    It gets a new reference; an expense that turns out to be alive is taken as it is, not doubled. Raises NotNow.
    """
    if row.reason not in GONE or not row.postings:
        raise NotNow
    return move(
        row,
        "announced",
        now,
        "posted again, says an administrator",
        revision=row.revision + 1,
        postings=(),
        former=(*row.former, *row.postings),
        receipts=sent_again(row.receipts),
        receipts_done=False,
        receipts_checked_at=None,
        tried="",
    )


def allowed(row: Row, now: datetime) -> list[Decision]:
    """The names of the decisions the row allows."""
    found: list[Decision] = []
    decisions: dict[Decision, Callable[[Row, datetime], Row]] = {
        "retry": retry,
        "ignore": ignore,
        "post_again": post_again,
    }
    for name, decide in decisions.items():
        try:
            decide(row, now)
        except NotNow:
            continue
        found.append(name)
    return found
