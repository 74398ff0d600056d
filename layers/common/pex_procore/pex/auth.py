"""The Authorization header of a PEX token."""

from __future__ import annotations

from pex_procore.domain.errors import NeedsAttention


def authorization(token: str) -> str:
    """Tokens of the API are opaque; one in three dotted parts is an OAuth access token and goes by another scheme.

    Raises NeedsAttention for text that no header can carry.
    """
    token = token.strip()
    if not token or not (token.isascii() and token.isprintable()) or " " in token:
        raise NeedsAttention("pex_token_rejected", "That is not a PEX token: it is empty or has odd characters.")
    return f"{'Bearer' if token.startswith('eyJ') and token.count('.') == 2 else 'token'} {token}"
