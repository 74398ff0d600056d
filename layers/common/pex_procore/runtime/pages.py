"""Query parameters and path parameters of the lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, get_args

from pex_procore.domain.ledger import Row, State
from pex_procore.runtime.http import HttpProblem, Request

MAX_PAGE = 500


def read_page(request: Request) -> tuple[int, str | None]:
    raw = request.query("limit") or "100"
    if not raw.isdecimal() or not 0 < int(raw) <= MAX_PAGE:
        raise HttpProblem(422, "invalid", f"limit is a number from 1 to {MAX_PAGE}.", field="limit")
    return int(raw), request.query("next")


def read_state(request: Request) -> State | None:
    raw = request.query("state")
    for state in get_args(State):
        if raw == state:
            found: State = state
            return found
    if raw:
        raise HttpProblem(422, "invalid", f"state is one of {', '.join(get_args(State))}.", field="state")
    return None


T = TypeVar("T")


def page_of(
    request: Request, read: Callable[[int, str | None], tuple[list[T], str | None]]
) -> tuple[list[T], str | None]:
    limit, after = read_page(request)
    try:
        return read(limit, after)
    except ValueError as error:
        raise HttpProblem(422, "invalid", "next is not a mark of ours.", field="next") from error


def load_row(request: Request, transaction_id: str) -> Row:
    known = transaction_id.isdecimal() and len(transaction_id) < 20
    row = request.business().ledger.load(int(transaction_id)) if known else None
    if row is None:
        raise HttpProblem(404, "not_found", "There is no such transaction.")
    return row
