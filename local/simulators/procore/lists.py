"""Query strings of list endpoints: which names there are, filters, ranges, pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from local.simulators.procore.answers import bad_request
from local.simulators.procore.core import Core
from local.simulators.web import json_answer

Row = TypeVar("Row")
PAGES = ("page", "per_page")
IDS_VIEW_PAGE_SIZE = 200_000


def known_query(core: Core, *names: str) -> None:
    """Refuses the others while strict. An array filter is named without its trailing []."""
    if not core.switches.strict:
        return
    for name in request.args:
        if name.removesuffix("[]") not in names:
            raise bad_request(f"unknown query parameter {name}")


def integer(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"{name} must be an integer") from None


def boolean(name: str) -> bool | None:
    text = request.args.get(name)
    if text is None:
        return None
    if text not in ("true", "false", "1", "0"):
        raise bad_request(f"{name} must be a boolean")
    return text in ("true", "1")


def one_of(name: str, allowed: Sequence[str], default: str) -> str:
    value = request.args.get(name, default)
    if value not in allowed:
        raise bad_request(f"{name} must be one of {', '.join(allowed)}")
    return value


def texts(name: str) -> list[str] | None:
    """name[]=a&name[]=b, name=a, or name=["a","b"]; None when not sent."""
    sent = request.args.getlist(f"{name}[]") + request.args.getlist(name)
    if not sent:
        return None
    if len(sent) == 1 and sent[0].startswith("["):
        try:
            return [str(item) for item in json.loads(sent[0])]
        except ValueError:
            raise bad_request(f"{name} is not a list") from None
    return sent


def integers(name: str) -> set[int] | None:
    sent = texts(name)
    if sent is None:
        return None
    try:
        return {int(item) for item in sent}
    except ValueError:
        raise bad_request(f"{name} must hold integers") from None


def _ends(core: Core, name: str) -> tuple[str, str] | None:
    text = request.args.get(name)
    if text is None:
        return None
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    if core.switches.quoted_ranges_only and not quoted:
        raise bad_request(f"{name} must be a quoted range")
    first, dots, last = text.strip('"').partition("...")
    if not dots or not first or not last:
        raise bad_request(f"{name} must be a range A...B")
    return first, last


def moment_range(core: Core, name: str) -> Callable[[datetime], bool]:
    """A test for one date-time filter; always true when the filter was not sent."""
    ends = _ends(core, name)
    if ends is None:
        return lambda at: True
    first = _moment(name, ends[0], core, is_end=False)
    last = _moment(name, ends[1], core, is_end=True)
    if core.switches.range_end_inclusive:
        return lambda at: first <= at <= last
    return lambda at: first <= at < last


def _moment(name: str, text: str, core: Core, *, is_end: bool) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            whole_day = timedelta(days=1) if is_end and core.switches.date_end_covers_day else timedelta()
            return datetime.combine(date.fromisoformat(text), time(), UTC) + whole_day
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name}: {text} is not ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def day_range(core: Core, name: str) -> Callable[[date | None], bool]:
    ends = _ends(core, name)
    if ends is None:
        return lambda on: True
    try:
        first, last = (date.fromisoformat(end[:10]) for end in ends)
    except ValueError:
        raise bad_request(f"{name} must be a range of dates") from None
    return lambda on: on is not None and first <= on <= last


def page_of(
    core: Core,
    rows: Iterable[Row],
    shape: Callable[[Row], Any],
    *,
    cap: int | None = None,
    default: int | None = None,
) -> Response:
    """One page as a bare array with Link, Total and Per-Page. Beyond the end: an empty array."""
    shown, headers = _page(core, rows, cap or core.switches.page_cap, default or core.switches.default_page_size)
    return json_answer([shape(row) for row in shown], headers=headers)


def data_page_of(core: Core, rows: Iterable[Row], shape: Callable[[Row], Any]) -> Response:
    """One page the way v2 gives it: under `data`."""
    shown, headers = _page(core, rows, core.switches.v2_page_cap, 10)
    return json_answer(
        {"data": [shape(row) for row in shown]}, headers=headers if core.switches.v2_page_headers else {}
    )


def _page(core: Core, rows: Iterable[Row], most: int, default: int) -> tuple[list[Row], dict[str, str]]:
    everything = list(rows)
    page = integer("page") or 1
    asked = integer("per_page") or default
    if page < 1 or asked < 1:
        raise bad_request("page and per_page start at 1")
    size = min(asked, most)
    shown = everything[(page - 1) * size : page * size]
    headers = {"Total": str(len(everything)), "Per-Page": str(size)}
    links = _links(core, page, size, max(1, -(-len(everything) // size)))
    if links:
        headers["Link"] = links
    return shown, headers


def _links(core: Core, page: int, size: int, last: int) -> str:
    targets = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
    if page <= 1:
        del targets["first"], targets["prev"]
    if page >= last:
        del targets["next"], targets["last"]
    kept = (
        []
        if core.switches.link_drops_params
        else [(name, value) for name, value in request.args.items(multi=True) if name not in PAGES]
    )
    return ", ".join(
        f'<{request.base_url}?{urlencode([*kept, ("page", number), ("per_page", size)])}>; rel="{rel}"'
        for rel, number in targets.items()
    )
