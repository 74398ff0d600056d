"""The one redactor for text that leaves: errors, history, logs.

It hides what looks like a secret wherever it stands; callers also name the secrets they hold, in case those do not look
like any. Vendors' record ids and our references stay readable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from re import Match

from pex_procore.domain.text import clean, cut

HIDDEN = "[hidden]"
MESSAGE_LIMIT = 300  # characters
READ_LIMIT = 20_000  # characters: an error page of megabytes is not searched to its end

_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_LONG_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])")
_SCHEME = re.compile(r"(?i)\b(bearer|basic|token)(\s+)([\w.~+/=-]{6,})")
_FIELD = re.compile(
    r"(?i)(client_secret|clientsecret|app_?secret|access_token|refresh_token|id_token|password|passwd|secret|authorization"
    r"|api[_-]?key|token|signature|\bsig|x-amz-[a-z-]+)"
    r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)((?:bearer|basic|token)\s+)?([^\s\"'\\,;&}]+)"
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])")
_CARD = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12})\Z"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    for secret in filter(None, secrets):
        for written in (secret, base64.b64encode(secret.encode()).decode()):
            text = text.replace(written, HIDDEN)
    text = _JWT.sub(HIDDEN, text)
    text = _FIELD.sub(_hide_field, text)
    text = _SCHEME.sub(_hide_credential, text)
    text = _LONG_HEX.sub(HIDDEN, text)
    return hide_cards(text)


def hide_cards(text: str) -> str:
    """Card numbers that somebody typed, by their form and check digit."""
    return _DIGITS.sub(_hide_card, text)


def shorten(text: str, secrets: Iterable[str] = ()) -> str:
    """One redacted line of at most `MESSAGE_LIMIT` characters."""
    return cut(clean(redact(text[:READ_LIMIT], secrets)), MESSAGE_LIMIT)


def _hide_field(match: Match[str]) -> str:
    return f"{match[1]}{match[2]}{match[3] or ''}{HIDDEN}"


def _hide_credential(match: Match[str]) -> str:
    """ "Token expired" is a sentence, "Token 8f3c…" is not."""
    value = match[3]
    words = value.isalpha() and (value.islower() or value.istitle()) and len(value) < 20
    return match[0] if words else f"{match[1]}{match[2]}{HIDDEN}"


def _hide_card(match: Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return HIDDEN if _CARD.match(digits) and _luhn(digits) else match[0]


def _luhn(digits: str) -> bool:
    total = sum(int(digit) for digit in digits[-1::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0
