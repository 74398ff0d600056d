"""Who may call what: the functions' roles, as template.yaml grants them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from tests.template.cfn import functions

Permission = tuple[str, str]  # action, resource
ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket", "DeleteObjects": "DeleteObject"}
SERVICES = {"sfn": "states", "stepfunctions": "states"}
RESOURCES = {
    "s3": "Receipts",
    "kms": "Key",
    "sqs": "Hints",
    "sns": "Notices",
    "states": "Runs",
    "secretsmanager": "PexAppSecretArn",
}
BY_AWS = {  # allowed for what AWS does in our name
    ("sqs:ReceiveMessage", "Hints"), ("sqs:DeleteMessage", "Hints"), ("sqs:GetQueueAttributes", "Hints"),
    ("kms:GenerateDataKey", "AlertsKey"), ("kms:Decrypt", "AlertsKey"),
    ("s3:ListBucket", "Receipts"),  # a file that is gone is then "not found" and not "denied"
}  # fmt: skip


def permission(service: str, operation: str, request: dict[str, Any]) -> Permission:
    """What a call needs. `request`: as it is sent, or nothing where the service has one resource."""
    service = SERVICES.get(service, service)
    action = f"{service}:{ACTIONS.get(operation, operation)}"
    if service != "dynamodb":
        return action, RESOURCES.get(service, "*")
    (table,) = request["RequestItems"] if "RequestItems" in request else (request["TableName"],)
    return action, f"{table}/index/{request['IndexName']}" if "IndexName" in request else table


@lru_cache
def granted(function: str) -> frozenset[Permission]:
    return frozenset(
        (action, resource)
        for policy in functions()[function].get("Policies", [])
        for statement in policy["Statement"]
        for action in statement["Action"]
        for one in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
        for resource in _named(one)
    )


def _named(resource: Any) -> Iterator[str]:
    match resource:
        case {"Fn::If": [_, given, _]}:
            yield from _named(given)
        case {"Fn::GetAtt": [name, _]}:
            yield name
        case {"Ref": name}:
            yield "Runs" if name.endswith("Run") else name
        case {"Fn::Sub": text}:
            yield text.replace(".Arn}", "").replace("${", "").replace("}", "").removesuffix("/B/*")


def refuse_unless_granted(function: str, service: str, operation: str, body: Any) -> None:
    """As IAM would. Raises ClientError."""
    asked = permission(service, operation, json.loads(body) if service == "dynamodb" else {})
    if asked not in granted(function):
        told = {"Code": "AccessDeniedException", "Message": f"{function} may not call {asked[0]} on {asked[1]}"}
        raise ClientError({"Error": told}, operation)
