"""A call as a value, and its answer. Building the one and reading the other needs no network."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

MEGABYTE = 1_000_000


class Unreadable(ValueError):
    """An answer is not what it should be."""


@dataclass(frozen=True, slots=True)
class Request:
    """`doing` completes the sentence "… when asked to {doing}". `repeatable`: sending it twice changes no more than
    sending it once, so a lost answer is no reason to look first."""

    method: str
    path: str
    doing: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    repeatable: bool = False
    seconds: float = 40.0  # for the whole call, from the first byte sent to the last byte read
    max_bytes: int = 20 * MEGABYTE  # of the decoded answer

    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""

    def text(self) -> str:
        """Never fails: bytes that fit no encoding become replacement characters."""
        return _decode(self.body, self._charset(), errors="replace")

    def json(self) -> Any:
        """Numbers with a fraction come as `Decimal`. Raises Unreadable."""
        try:
            return json.loads(_decode(self.body, self._charset()), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"not JSON: {type(error).__name__}") from error

    def _charset(self) -> str:
        _, _, rest = self.headers.get("content-type", "").lower().partition("charset=")
        return rest.split(";")[0].strip(" \"'")


def _decode(body: bytes, declared: str, errors: str = "strict") -> str:
    """A byte order mark and the bytes themselves outrank the declared character set, which gateways get wrong."""
    for encoding in (json.detect_encoding(body), declared):
        try:
            return codecs.lookup(encoding).decode(body)[0].removeprefix("\ufeff")
        except (LookupError, UnicodeError, TypeError):
            continue
    return body.decode("latin-1", errors)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
