"""Fetching a receipt that PEX answers as a link instead of as bytes.

A link is text from outside: only https, only to known hosts, never to a private address, never with our token, and no
redirects. A loopback PEX (tests, the local stack) may link to loopback.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.net.messages import Request
from pex_procore.net.session import NoAnswer, NotSent, Session, TooLong


def is_link(content: str) -> bool:
    return content[:8].lower().startswith(("http://", "https://"))


def check_link(url: str, api_host: str, hosts: Iterable[str] = ()) -> None:
    """Raises ValueError with a sentence. `hosts`: allowed besides PEX's own domain, subdomains included."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if is_loopback(api_host):
        if not is_loopback(host):
            raise ValueError(f"Receipts may not be fetched from {host!r}.")
        return
    if parts.scheme != "https" or parts.username or parts.password:
        raise ValueError("A receipt's link must be plain https.")
    if not any(host == allowed or host.endswith(f".{allowed}") for allowed in (own_domain(api_host), *hosts)):
        raise ValueError(f"Receipts may not be fetched from {host!r}: it is not among the allowed receipt hosts.")


def own_domain(host: str) -> str:
    """`pexcard.com` for `coreapi.pexcard.com`."""
    labels = host.split(".")
    return ".".join(labels[1:]) if len(labels) > 2 and not _address(host) else host


def is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def download(url: str, api_host: str, hosts: Iterable[str], max_bytes: int) -> bytes:
    """Raises TryLater, or NeedsAttention("receipt_too_large" | "receipt_unreadable")."""
    parts = urlsplit(url)
    try:
        check_link(url, api_host, hosts)
        session = Session(f"{parts.scheme}://{parts.netloc}")
    except ValueError as error:
        raise NeedsAttention("receipt_unreadable", str(error)) from error
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path  # as it stands: it may be signed
    request = Request("GET", path, "send a receipt", seconds=60, max_bytes=max_bytes)
    try:
        if not is_loopback(api_host):
            _refuse_private(session.host)
        answer = session.send(request, {"Accept": "*/*"})
    except TooLong as error:
        raise NeedsAttention("receipt_too_large", "A receipt is larger than the limit.") from error
    except (NotSent, NoAnswer) as error:
        raise TryLater(f"A receipt could not be fetched from {session.host} ({error}).") from error
    finally:
        session.close()
    if answer.status in (408, 429) or answer.status >= 500:
        raise TryLater(f"{session.host} answered {answer.status} when asked to send a receipt.")
    if not 200 <= answer.status < 300:
        raise NeedsAttention("receipt_unreadable", f"{session.host} answered {answer.status}.", answer.status)
    return answer.body


def _refuse_private(host: str) -> None:
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise NotSent(type(error).__name__) from error
    if not all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found):
        raise NeedsAttention("receipt_unreadable", f"Receipts may not be fetched from a private address ({host}).")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
