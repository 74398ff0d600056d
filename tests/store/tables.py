"""The two tables as docs/data.md describes them, in CloudFormation's and boto3's common notation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any


def _texts(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _key(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"},
        {"AttributeName": range_name, "KeyType": "RANGE"},
    ]


def _index(name: str, hash_name: str, range_name: str, *also: str) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
    if also:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(also)}
    return {"IndexName": name, "KeySchema": _key(hash_name, range_name), "Projection": projection}


TIME_TO_LIVE = {"AttributeName": "expires_at", "Enabled": True}
SCHEMA: dict[str, dict[str, Any]] = {
    "Connections": {
        "AttributeDefinitions": _texts("pk", "sk", "sweep_shard", "sweep_due_at"),
        "KeySchema": _key("pk", "sk"),
        "GlobalSecondaryIndexes": [_index("sweeps", "sweep_shard", "sweep_due_at")],
        "BillingMode": "PAY_PER_REQUEST",
    },
    "History": {
        "AttributeDefinitions": _texts("pk", "sk", "state_key", "day_key"),
        "KeySchema": _key("pk", "sk"),
        "GlobalSecondaryIndexes": [
            _index("by_state", "state_key", "day_key", "find"),
            _index("by_day", "pk", "day_key", "find"),
        ],
        "BillingMode": "PAY_PER_REQUEST",
    },
}


class Key:
    """Made when it is first asked for: that takes longer than all the rest."""

    def __init__(self, kms: Any) -> None:
        self._kms = kms

    @cached_property
    def key_id(self) -> str:
        key_id: str = self._kms.create_key()["KeyMetadata"]["KeyId"]
        return key_id


@dataclass(frozen=True)
class Stage:
    """What exists on an AWS for the stores to work with."""

    dynamodb: Any
    s3: Any
    kms: Any
    key: Key
    connections: str = "Connections"
    history: str = "History"
    bucket: str = "receipts-of-this-deployment"

    @property
    def key_id(self) -> str:
        return self.key.key_id


def create_stage(dynamodb: Any, s3: Any, kms: Any) -> Stage:
    for name, schema in SCHEMA.items():
        dynamodb.create_table(TableName=name, **schema)
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=TIME_TO_LIVE)
    stage = Stage(dynamodb, s3, kms, Key(kms))
    s3.create_bucket(Bucket=stage.bucket)
    return stage
