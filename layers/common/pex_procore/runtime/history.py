"""The history as a CSV file for spreadsheets: one line per purchase, newest first."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.ledger import Row
from pex_procore.domain.search import Wanted, day_of
from pex_procore.runtime.http import HttpProblem, Request
from pex_procore.runtime.names import Names
from pex_procore.runtime.pages import read_days
from pex_procore.runtime.views import why
from pex_procore.runtime.wiring import Business
from pex_procore.services.ports import Ledger

COLUMNS = (
    "date", "transaction_id", "cardholder", "merchant", "amount", "state", "reason", "explanation", "detail",
    "projects", "expenses", "references", "receipts_attached", "transacted_at", "settled_at", "updated_at",
)  # fmt: skip
ROWS_AT_ONCE = 500
SECONDS = 20.0  # API Gateway waits 29
LONGEST = 3_500_000  # characters; Lambda answers at most 6 MB, and quoting takes some of it
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also full-width ones
BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8


def write_history(
    ledger: Ledger, names: Names, first: date | None, last: date | None, after: str | None
) -> tuple[str, str | None]:
    """As much as one answer takes, and the mark where the rest begins. Raises ValueError for a foreign mark.

    A file that is not whole says so in its last line.
    """
    wanted = Wanted(first_day=first, last_day=last)
    until = time.monotonic() + SECONDS
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    out.write(BYTE_ORDER_MARK)
    writer.writerow(COLUMNS)
    while True:
        rows, after = ledger.search(wanted, ROWS_AT_ONCE, after)
        writer.writerows(_line(row, names) for row in rows)
        if after is None:
            return out.getvalue(), None
        if time.monotonic() > until or out.tell() > LONGEST:
            rest = f" Download it again up to {day_of(rows[-1])}." if rows else ""
            writer.writerow([f"This file is not whole: older purchases did not fit.{rest}"])
            return out.getvalue(), after


def send_history(request: Request, business: Business) -> Response[str]:
    first, last = read_days(request)
    try:
        text, following = write_history(business.ledger, Names(business), first, last, request.query("next"))
    except ValueError as error:
        raise HttpProblem(422, "invalid", "next is not a mark of ours.", field="next") from error
    filename = "-".join(["pex-procore-history", *(str(day) for day in (first, last) if day)])
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{filename}.csv"'}
    if following is not None:
        days = {"from": first, "to": last}
        query = urlencode({**{name: str(day) for name, day in days.items() if day}, "next": following})
        headers["Link"] = f'<history.csv?{query}>; rel="next"'
    return Response(status_code=200, content_type="text/csv; charset=utf-8", body=text, headers=headers)


def _line(row: Row, names: Names) -> Sequence[str]:
    said, help = row.said, why(row)
    posted = [one for one in row.postings if one.direct_cost_id is not None]
    return (
        day_of(row).isoformat(),
        str(row.transaction_id),
        safe(names.cardholders.get(row.account_id, "")),
        safe(said.merchant if said else ""),
        exact(said.amount) if said else "",
        row.state,
        row.reason or "",
        help.text if help else "",
        safe(row.detail),
        safe("; ".join(names.projects.get(one.project_id, str(one.project_id)) for one in posted)),
        "; ".join(str(one.direct_cost_id) for one in posted),
        safe("; ".join(one.reference for one in posted)),
        str(sum(mark.state == "attached" for mark in row.receipts)),
        *map(eastern, _moments(row)),
    )


def _moments(row: Row) -> Iterator[datetime | None]:
    yield row.said.transacted_at if row.said else None
    yield row.said.settled_at if row.said else None
    yield row.updated_at


def safe(text: str) -> str:
    """No cell that a spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def exact(amount: Decimal) -> str:
    return format(amount, "f")


def eastern(moment: datetime | None) -> str:
    """With its offset, so that no hour of autumn is meant twice."""
    return moment.astimezone(EASTERN).isoformat(timespec="seconds") if moment else ""
