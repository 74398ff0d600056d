"""What every test may count on: no network but loopback, no AWS account, no local time zone."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

LOCAL_NAMES = {"localhost", "", None}
LONG = ("tests/browser/", "tests/local/", "tests/simulation/", "tests/whole_stack/")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "TZ": "NPT-5:45",  # neither UTC nor Eastern nor whole hours: local time must not matter
}


class NetworkIsOff(AssertionError):
    pass


def is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Python tells every connection and name look-up to its audit hooks first."""
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise NetworkIsOff(f"a test reached for {address}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_loopback(args[0]):
        if str(args[0]).endswith(".invalid"):  # reserved never to exist: no need to ask
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise NetworkIsOff(f"a test looked up {args[0]!r}")


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(guard)
    settings.register_profile("here", max_examples=50, deadline=None, print_blob=True)
    settings.register_profile("ci", settings.get_profile("here"), derandomize=True)  # red for a change, not by chance
    settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Sharing(config, log)


class Sharing(LoadScopeScheduling):
    """Of several workers, one has a whole folder that takes long, with the running stack it shares; the others have
    the rest, file by file."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in LONG if nodeid.startswith(folder)), None)
        return folder or nodeid.partition("::")[0]


@pytest.fixture(scope="session", autouse=True)
def surroundings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        time.tzset()
        yield
    time.tzset()
