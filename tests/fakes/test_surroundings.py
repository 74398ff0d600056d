"""What tests/conftest.py promises."""

from __future__ import annotations

import os
import socket
import time

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 443)])
def test_no_test_connects_to_anything_but_this_machine(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as reaching, pytest.raises(AssertionError, match="a test reached for"):
        reaching.connect(address)


def test_no_test_sends_datagrams_or_looks_names_up() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending, pytest.raises(AssertionError):
        sending.sendto(b"?", ("192.0.2.1", 53))
    with pytest.raises(AssertionError, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_names_that_cannot_exist_are_not_found() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_local_time_is_nobodys_business_hours_and_aws_is_nobodys_account() -> None:
    assert time.timezone == -(5 * 3600 + 45 * 60)
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert os.environ["AWS_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in os.environ
