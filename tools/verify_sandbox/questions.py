"""What is asked, and what comes of it.

A question is a sentence, what it writes in order to know (listed before anything starts), the simulator's switches that
its answer sets, and a function that asks. The function answers with a Found, or raises CannotAsk where something that
it needs is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NOTHING = "nothing to change"


@dataclass(frozen=True)
class Found:
    """`answer`: a few words. `seen`: what was said, as evidence. `switches`: how to set the simulator so that it does
    the same. `then`: what to set or change in the connector."""

    answer: str
    seen: str = ""
    switches: Mapping[str, Any] = field(default_factory=dict)
    then: str = NOTHING


class CannotAsk(Exception):
    """With a sentence about what is missing."""


@dataclass(frozen=True)
class Question:
    """`needs`: the option without which it is not asked, because it costs others or ourselves something."""

    name: str
    asks: str
    ask: Callable[[Any], Found]
    writes: str = ""
    switches: tuple[str, ...] = ()
    needs: str = ""
