"""Which spans of time a listing asks PEX for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pex_procore.domain.values import Value

SLICE = timedelta(days=30)
A_DAY = timedelta(days=1)  # PEX does not say whether a window's ends belong to it
A_SECOND = timedelta(seconds=1)  # and tells times to the second


class Window(Value):
    start: datetime
    end: datetime
    seen_until: datetime | None = None  # what was authorized up to then was dealt with when the window was cut


def slices(start: datetime, end: datetime) -> Iterable[Window]:
    while start < end:
        upper = min(start + SLICE, end)
        yield Window(start=start, end=upper)
        start = upper


def plan_windows(
    earliest: datetime, recent: datetime, now: datetime, awaited: Sequence[datetime]
) -> tuple[Window, ...]:
    """Everything from `recent` on; before, as much of each slice as the awaited moments need. Oldest first."""
    windows = []
    for one in slices(earliest, recent):
        near = [moment for moment in awaited if one.start - A_DAY <= moment <= one.end + A_DAY]
        if near:
            windows.append(Window(start=max(one.start, min(near) - A_DAY), end=min(one.end, max(near) + A_DAY)))
    return (*windows, *slices(recent, now))


def cut(window: Window, times: Sequence[datetime], rows: int) -> tuple[Window, ...]:
    """Parts of at most so many rows each, so that no row is read again for every page; one part when the rows, whose
    times of authorization are given, are few or lie too close together. PEX may go by the time of settlement: each row
    still falls into a part."""
    moments = sorted(times)
    bounds = []
    begin = 0
    while len(moments) - begin > rows:
        last = begin + rows - 1
        while last >= begin and moments[last] == moments[last + 1]:
            last -= 1
        if last < begin:
            break
        bounds.append(moments[last])
        begin = last + 1
    bounds = [*(moment for moment in bounds if window.start < moment < window.end), window.end]
    first = bounds[0]
    if len(bounds) == 1 or sum(moment <= first for moment in moments) > rows:
        return (window,)
    rest = (
        Window(start=lower - A_SECOND, end=min(upper + A_SECOND, window.end), seen_until=first)
        for lower, upper in pairwise(bounds)
    )
    return (Window(start=window.start, end=first), *rest)
