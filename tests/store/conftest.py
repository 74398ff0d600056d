from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.store.tables import Stage, create_stage


class Hands:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """Made once, for that is slow; they reach nothing but moto."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return {name: session.client(name) for name in ("dynamodb", "s3", "kms", "sqs")}


@pytest.fixture
def aws(clients: dict[str, Any]) -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stage(aws: None, clients: dict[str, Any]) -> Stage:
    return create_stage(clients["dynamodb"], clients["s3"], clients["kms"])
