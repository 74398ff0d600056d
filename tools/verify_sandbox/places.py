"""Where to ask and as whom, from the environment; and whether that is a place for experiments."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PEX_URL = "https://sandbox-coreapi.pexcard.com"
PROCORE_URL = "https://sandbox.procore.com"
PROCORE_LOGIN_URL = "https://login-sandbox.procore.com"
SANDBOX = re.compile(r"(^|[.-])(sandbox|monthly)([.-]|$)")
TEST_NAME = re.compile(
    r"(?i)(?<![a-z])(sandbox|test|testing|demo|dev|development|trial|example|practice|staging)(?![a-z])"
)


class Refused(Exception):
    """With a sentence about why nothing was done."""


@dataclass(frozen=True)
class PexPlace:
    url: str
    token: str = field(repr=False)
    oauth_url: str = ""
    receiver_url: str = ""
    receiver_port: int | None = None
    callback_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class ProcorePlace:
    """The last three: projects of the company that are special, for questions about such."""

    url: str
    login_url: str
    client_id: str
    client_secret: str = field(repr=False)
    company_id: int = 0
    project_id: int = 0
    unpermitted_project_id: int | None = None
    tool_off_project_id: int | None = None
    erp_project_id: int | None = None


def pex_place(environ: Mapping[str, str]) -> PexPlace | None:
    """None when no token of PEX is there: then PEX is not asked."""
    if not environ.get("PEX_TOKEN"):
        return None
    return PexPlace(
        environ.get("PEX_API_URL", PEX_URL),
        environ["PEX_TOKEN"],
        environ.get("PEX_OAUTH_URL", ""),
        environ.get("PEX_RECEIVER_URL", ""),
        _number(environ, "PEX_RECEIVER_PORT"),
        environ.get("PEX_CALLBACK_SECRET", ""),
    )


def procore_place(environ: Mapping[str, str]) -> ProcorePlace | None:
    """None when no client of Procore is there. Raises Refused where half of it is missing or not a number."""
    if not environ.get("PROCORE_CLIENT_ID"):
        return None
    needed = ("PROCORE_CLIENT_SECRET", "PROCORE_COMPANY_ID", "PROCORE_PROJECT_ID")
    if missing := [name for name in needed if not environ.get(name)]:
        raise Refused(f"Beside PROCORE_CLIENT_ID the environment needs {', '.join(missing)}.")
    return ProcorePlace(
        environ.get("PROCORE_API_URL", PROCORE_URL),
        environ.get("PROCORE_LOGIN_URL", PROCORE_LOGIN_URL),
        environ["PROCORE_CLIENT_ID"],
        environ["PROCORE_CLIENT_SECRET"],
        _number(environ, "PROCORE_COMPANY_ID") or 0,
        _number(environ, "PROCORE_PROJECT_ID") or 0,
        _number(environ, "PROCORE_UNPERMITTED_PROJECT_ID"),
        _number(environ, "PROCORE_TOOL_OFF_PROJECT_ID"),
        _number(environ, "PROCORE_ERP_PROJECT_ID"),
    )


def refuse_production(urls: list[str]) -> None:
    """Only hosts that call themselves sandbox or monthly, and this machine, are no production hosts."""
    for url in urls:
        host = (urlsplit(url).hostname or "").lower()
        if not SANDBOX.search(host) and not _loopback(host):
            raise Refused(
                f"{host or url!r} is not a sandbox's host. Nothing was asked. "
                "If experiments are meant to be made there all the same: --production-host"
            )


def refuse_real(kind: str, id: int, name: str, confirmed: str | None) -> None:
    """`kind`: company or business. A name with a word like sandbox, test or demo in it needs no confirmation."""
    if TEST_NAME.search(name) or confirmed == str(id):
        return
    raise Refused(
        f'Nothing tells that the {kind} {id}, "{name}", is there for tests. Nothing was written. '
        f"If it is: --confirm-{kind} {id}"
    )


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    if not text:
        return None
    if not text.isdecimal():
        raise Refused(f"{name} is not a number.")
    return int(text)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
