"""Text for records that people read: no control characters, cut only between characters."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def clean(text: str) -> str:
    """One line without control characters; runs of white space become one space."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return " ".join(visible.split())


def _extends(char: str) -> bool:
    """Accents, vowel signs, variation selectors, keycaps and skin tones belong to the character before."""
    return char == _JOINER or unicodedata.category(char).startswith("M") or "\U0001f3fb" <= char <= "\U0001f3ff"


def _splits_flag(text: str, end: int) -> bool:
    """Flags are pairs of regional indicators."""
    before = 0
    while before < end and "\U0001f1e6" <= text[end - before - 1] <= "\U0001f1ff":
        before += 1
    return before % 2 == 1 and "\U0001f1e6" <= text[end] <= "\U0001f1ff"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, never in the middle of what a reader sees as one character."""
    if len(text) <= limit:
        return text
    end = limit
    while end > 0 and (_extends(text[end]) or text[end - 1] == _JOINER or _splits_flag(text, end)):
        end -= 1
    return text[:end].rstrip()
