"""Query parameters and path parameters of the lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar, get_args

from pex_procore.domain.ledger import Row, State
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.search import Wanted, read_words
from pex_procore.runtime.http import HttpProblem, Request
from pex_procore.runtime.names import Names

MAX_PAGE = 500
PAGE = 100  # unless asked for otherwise
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_page(request: Request, limit: int = PAGE) -> tuple[int, str | None]:
    raw = request.query("limit") or str(limit)
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 5 and 0 < int(raw) <= MAX_PAGE):
        raise HttpProblem(422, "invalid", f"limit is a number from 1 to {MAX_PAGE}.", field="limit")
    return int(raw), request.query("next")


def read_wanted(request: Request, names: Names) -> Wanted:
    """The filters of a search, each by the name of its query parameter."""
    first, last = read_days(request)
    project_id, cardholder = request.query("project_id"), request.query("cardholder")
    if project_id and not (project_id.isascii() and project_id.isdecimal() and len(project_id) < 20):
        raise HttpProblem(422, "invalid", "project_id is a number.", field="project_id")
    return Wanted(
        state=_one_of(request, "state", get_args(State)),
        reason=_one_of(request, "reason", tuple(REASONS)),
        project_id=int(project_id) if project_id else None,
        account_ids=names.accounts(cardholder) if cardholder and cardholder.strip() else None,
        first_day=first,
        last_day=last,
        words=read_words(request.query("q") or ""),
    )


def read_days(request: Request) -> tuple[date | None, date | None]:
    first, last = read_day(request, "from"), read_day(request, "to")
    if first and last and first > last:
        raise HttpProblem(422, "invalid", "The last day is before the first.", field="to")
    return first, last


def read_day(request: Request, name: str) -> date | None:
    raw = request.query(name)
    if not raw:
        return None
    try:
        if DAY.fullmatch(raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise HttpProblem(422, "invalid", f"{name} is a day, such as 2026-05-04.", field=name)


def _one_of(request: Request, name: str, known: tuple[Any, ...]) -> Any:
    raw = request.query(name)
    if raw and raw not in known:
        raise HttpProblem(422, "invalid", f"{name} is one of {', '.join(known)}.", field=name)
    return raw or None


T = TypeVar("T")


def page_of(
    request: Request, read: Callable[[int, str | None], tuple[list[T], str | None]], default: int = PAGE
) -> tuple[list[T], str | None]:
    limit, after = read_page(request, default)
    try:
        return read(limit, after)
    except ValueError as error:
        raise HttpProblem(422, "invalid", "next is not a mark of ours.", field="next") from error


def load_row(request: Request, transaction_id: str) -> Row:
    known = transaction_id.isascii() and transaction_id.isdecimal() and len(transaction_id) < 20
    row = request.business().ledger.load(int(transaction_id)) if known else None
    if row is None:
        raise HttpProblem(404, "not_found", "There is no such transaction.")
    return row
