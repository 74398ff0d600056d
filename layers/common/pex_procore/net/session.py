"""One kept-alive HTTP session to one host.

    session = Session("https://api.example.com")
    answer = session.send(Request("GET", "/v1/things", "list the things"), {"Authorization": "…"})

Every call has a time limit for connecting, for each silence and for the whole; the answer has a size limit. Redirects
are not followed, cookies are not kept, and neither proxies nor passwords are taken from the environment. What goes
wrong on the way is one of two things: the request certainly did not arrive (`NotSent`), or it may have (`NoAnswer`).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pex_procore.net.messages import Answer, Request

USER_AGENT = "PEX-Connector-for-Procore/1"
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
IDLE_SECONDS = 20.0  # load balancers drop idle connections, and a frozen Lambda does not hear of it
BLOCK_BYTES = 65_536


class NotSent(Exception):
    """No byte of the request left: refused, unknown host, TLS failure, connect timeout."""


class NoAnswer(Exception):
    """The request left, and no whole answer came back."""


class TooLong(NoAnswer):
    """The answer is larger than the request allows."""


class _Call:
    """What the connection must know of the call it carries, and tell about it."""

    def __init__(self, seconds: float) -> None:
        self.sent = False
        self.was_cut = False
        self._ends_at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds; never zero, which sockets take for "do not wait at all"."""
        return max(0.001, self._ends_at - time.monotonic())

    def over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def cut(self, sock: socket.socket) -> None:
        self.was_cut = True
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


_current: ContextVar[_Call] = ContextVar("current call")

if TYPE_CHECKING:
    _Base = HTTPConnection
else:
    _Base = object


class _Watched(_Base):
    def send(self, data: Any) -> None:
        call = _current.get()
        if self.sock is None:
            self.connect()
        call.sent = True
        self.sock.settimeout(call.remaining())  # else an upload has only the connect timeout
        super().send(data)

    def getresponse(self) -> Any:
        """Each silence before the headers is limited by the read timeout; this limits their sum."""
        call = _current.get()
        watchdog = threading.Timer(call.remaining(), call.cut, [self.sock])
        watchdog.daemon = True
        watchdog.start()
        try:
            response = super().getresponse()
        finally:
            watchdog.cancel()
        if call.was_cut:  # headers that end where the line was cut pass for whole ones
            raise TimeoutError
        return response


class _HttpConnection(_Watched, HTTPConnection):
    pass


class _HttpsConnection(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class Session:
    """Not for several threads at once."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError(f"Not a usable base URL: {base_url!r}. It must look like https://host[:port][/path].")
        self.base_url = base_url.rstrip("/")
        self.host = parts.hostname.lower()
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds
        self._idle_seconds = idle_seconds
        self._used_at = 0.0
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers.clear()
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, _Adapter())

    def send(self, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises NotSent, NoAnswer or TooLong; any status is an answer."""
        if time.time() - self._used_at > self._idle_seconds:
            self._http.close()
        call = _Call(request.seconds)
        mark = _current.set(call)
        try:
            return self._send(request, headers or {}, call)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # The error's own text may quote the URL or a header.
            failure = NoAnswer if call.sent else NotSent
            raise failure(_name(error)) from None
        finally:
            _current.reset(mark)
            self._used_at = time.time()

    def close(self) -> None:
        self._http.close()

    def _send(self, request: Request, headers: Mapping[str, str], call: _Call) -> Answer:
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT, **headers}
        if request.body is not None:
            sent["Content-Type"] = request.content_type
        response = self._http.request(
            request.method,
            self.base_url + request.target(),
            data=request.body,
            headers=sent,
            timeout=(self._connect_seconds, min(self._silence_seconds, request.seconds)),
            allow_redirects=False,
            stream=True,
        )
        try:
            body = _read(response.raw, request.max_bytes, call)
        except Exception:
            response.raw.close()  # what is left of the answer must not meet the next one
            raise
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _read(raw: urllib3.HTTPResponse, max_bytes: int, call: _Call) -> bytes:
    blocks = []
    size = 0
    while block := raw.read1(BLOCK_BYTES, decode_content=True):
        blocks.append(block)
        size += len(block)
        if size > max_bytes:
            raise TooLong(f"more than {max_bytes} bytes")
        if call.over():
            raise NoAnswer("too slow")
    return b"".join(blocks)


def _name(error: BaseException) -> str:
    """The innermost cause's class: "ConnectionRefusedError" says more than "ConnectionError"."""
    seen = 0
    while (cause := error.__cause__ or error.__context__) is not None and seen < 10:
        error = cause
        seen += 1
    return type(error).__name__
