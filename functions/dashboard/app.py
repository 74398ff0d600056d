"""The administrator's page: its files and nothing else. What they show comes from the HTTP API.

Files are served under a name that changes with their content, so browsers keep them for good; only the page itself is
asked for each time. API Gateway compresses what leaves.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

STATIC = Path(__file__).parent / "static"
PAGE = "index.html"
RELEASE = "{release}"  # stands in the page for the name that changes
PRELOADED = "    <!-- scripts -->\n"  # stands where every script is named, so that browsers ask for all of them at once
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FOR_GOOD = "public, max-age=31536000, immutable"


class Served(NamedTuple):
    content: str
    headers: dict[str, str]

    @classmethod
    def of(cls, name: str, content: str, keep: str) -> Served:
        etag = hashlib.sha256(content.encode()).hexdigest()[:32]
        kind = TYPES[Path(name).suffix]
        return cls(content, {**HEADERS, "Content-Type": kind, "Cache-Control": keep, "ETag": f'"{etag}"'})


@cache
def files() -> dict[str, Served]:
    """By the path below /static, and the page by the empty path. What is not in here is not served."""
    texts = {
        path.relative_to(STATIC).as_posix(): path.read_text("utf-8")
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in TYPES
    }
    release = hashlib.sha256(repr(texts).encode()).hexdigest()[:12]
    scripts = [name for name in texts if name.endswith(".js")]
    preloads = (f'    <link rel="modulepreload" href="static/{RELEASE}/{name}">\n' for name in scripts)
    page = texts.pop(PAGE).replace(PRELOADED, "".join(preloads)).replace(RELEASE, release)
    served = {f"{release}/{name}": Served.of(name, text, FOR_GOOD) for name, text in texts.items()}
    return {"": Served.of(PAGE, page, "no-cache"), **served}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    named = event.get("pathParameters")
    path = named["proxy"] or "." if named else ""
    if not path and not (asked := event["requestContext"]["path"]).endswith("/"):
        return answer(308, {"Location": asked.rsplit("/", 1)[-1] + "/"})  # the page's addresses are relative to it
    found = files().get(path)
    if found is None:
        return answer(404, {"Cache-Control": "no-store", "Content-Type": "text/plain"}, "There is no such file.")
    known = (value for name, value in (event.get("headers") or {}).items() if name.lower() == "if-none-match")
    if found.headers["ETag"] in next(known, ""):
        return answer(304, {name: found.headers[name] for name in ("ETag", "Cache-Control")})
    return answer(200, found.headers, found.content)


def answer(status: int, headers: dict[str, str], body: str = "") -> dict[str, Any]:
    return {"statusCode": status, "headers": headers, "body": body}
