"""PEX keeps its books in US Eastern time; so do posting dates and the start date (docs/behaviour.md#eastern-time)."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")


def eastern_date(moment: datetime) -> date:
    return moment.astimezone(EASTERN).date()


def start_of_day(day: date) -> datetime:
    return datetime.combine(day, time.min, EASTERN)
