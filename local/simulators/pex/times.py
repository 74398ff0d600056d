"""PEX wall-clock times: US Eastern, written without an offset. Only ``CallbackTime`` carries one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_QUERY_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def eastern(moment: datetime) -> datetime:
    """The moment on PEX's clock. Values that share EASTERN compare by wall clock, as PEX's stored times do."""
    return moment.astimezone(EASTERN).replace(microsecond=0)


def wire_eastern(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(EASTERN).strftime("%Y-%m-%dT%H:%M:%S")


def wire_utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wire_callback_time(moment: datetime) -> str:
    """Seven fraction digits and an offset, as the .NET round-trip format writes it."""
    local = moment.astimezone(EASTERN)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond:06d}0{offset[:3]}:{offset[3:]}"


def parse_query_time(text: str) -> datetime:
    """Raise ValueError for anything but ``YYYY-MM-DDThh:mm:ss``: an offset, a ``Z`` or a bare date is refused."""
    if not _QUERY_TIME.fullmatch(text):
        raise ValueError(f"The value '{text}' is not valid. Use YYYY-MM-DDThh:mm:ss in US Eastern time.")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=EASTERN)


def parse_moment(text: str) -> datetime:
    """A time given by the story: ISO 8601, Eastern when it has no offset."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=EASTERN) if moment.tzinfo is None else moment.astimezone(EASTERN)


def months_before(moment: datetime, months: int) -> datetime:
    return months_after(moment, -months)


def months_after(moment: datetime, months: int) -> datetime:
    """The same day of the month, or the month's last day (31 August + 6 months is 28 or 29 February)."""
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)
