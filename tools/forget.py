"""`make forget BUSINESS=…`: stops one business, and deletes everything that this deployment keeps about it.

It works on the tables and the bucket alone, so nobody has to be able to sign in. What lies with the vendors is told.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from pex_procore.domain.connection import Connection
from pex_procore.store import keys
from pex_procore.store.connections import DynamoConnections, Vendor
from pex_procore.store.dynamo import in_chunks
from pex_procore.store.leases import DynamoLeases
from pex_procore.store.seal import Sealer

VENDORS: tuple[Vendor, ...] = ("pex", "procore")
LEFT_WITH_VENDORS = """Left behind, for their administrators to take away:
  PEX: the callback subscriptions of this deployment's address, and its API token (Profile, Authorized Apps)
  Procore: the webhook of this deployment, and the app's installation in the company"""
AND_HERE = "Log lines go after 30 days, backups of the tables after 35; sessions end by themselves within a day."


class AtWork(Exception):
    """A run goes on; it ends at its next step, since the business is stopped already."""


class Places:
    """Where a deployment keeps things."""

    def __init__(self, clients: Any, connections: str, history: str, bucket: str) -> None:
        self.dynamodb, self.s3 = clients("dynamodb"), clients("s3")
        self.connections, self.history, self.bucket = connections, history, bucket


def stop(places: Places, business_id: int) -> Connection | None:
    """Nothing is started any more, nothing opens any more, and what runs ends at its next step."""
    store = DynamoConnections(places.dynamodb, places.connections, business_id, Sealer(None, ""))
    connection = store.load()
    if connection is not None and connection.status != "disconnected":
        store.save(connection.model_copy(update={"status": "disconnected"}))
    store.schedule_sweep(None, "transactions")
    store.schedule_sweep(None, "tags")
    store.end_care()
    for vendor in VENDORS:
        store.erase_hook(vendor)
    store.erase_credentials()
    return connection


def forget(places: Places, business_id: int) -> dict[str, int]:
    """How many items and files went. Raises AtWork; then nothing but the above was deleted."""
    connection = stop(places, business_id)
    for kind in ("transactions", "tags"):
        leases = DynamoLeases(places.dynamodb, places.connections, business_id, lambda: datetime.now(UTC), kind)
        if (run_id := leases.holder()) is not None:
            raise AtWork(run_id)
    gone = {"files": forget_files(places, business_id), "history": 0}
    for partition in partitions(places, business_id, connection):
        gone["history"] += forget_partition(places, places.history, partition)
    delete(places, places.connections, [keys.limit(f"pex:{business_id}")])
    # last, for it says where the rest is
    gone["connections"] = forget_partition(places, places.connections, keys.business(business_id))
    return gone


def partitions(places: Places, business_id: int, connection: Connection | None) -> Iterator[str]:
    """Of the history: run by run, the runs, and one ledger per company the business was ever joined to."""
    run_ids = [entry["sk"] for entry in entries(places, places.history, keys.runs(business_id))]
    yield from (keys.run_items(business_id, run_id) for run_id in run_ids)
    yield keys.runs(business_id)
    generations = {0, *(connection.generations if connection else ()), connection.generation if connection else 0}
    yield from (keys.ledger(business_id, generation) for generation in sorted(generations))


def entries(places: Places, table: str, partition: str) -> Iterator[dict[str, str]]:
    pages = places.dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
        ProjectionExpression="pk, sk",
        ConsistentRead=True,
    )
    for page in pages:
        yield from ({"pk": item["pk"]["S"], "sk": item["sk"]["S"]} for item in page["Items"])


def forget_partition(places: Places, table: str, partition: str) -> int:
    every = list(entries(places, table, partition))
    delete(places, table, every)
    return len(every)


def delete(places: Places, table: str, every: list[dict[str, str]]) -> None:
    for chunk in in_chunks(every, 25):
        wanted = [{"DeleteRequest": {"Key": {name: {"S": text} for name, text in key.items()}}} for key in chunk]
        while wanted:
            answer = places.dynamodb.batch_write_item(RequestItems={table: wanted})
            wanted = answer.get("UnprocessedItems", {}).get(table, [])


def forget_files(places: Places, business_id: int) -> int:
    pages = places.s3.get_paginator("list_objects_v2").paginate(
        Bucket=places.bucket, Prefix=keys.receipt_prefix(business_id)
    )
    names = [one["Key"] for page in pages for one in page.get("Contents", [])]
    for chunk in in_chunks(names, 1000):
        places.s3.delete_objects(Bucket=places.bucket, Delete={"Objects": [{"Key": name} for name in chunk]})
    return len(names)


def clients_of(endpoint_url: str | None) -> Any:
    """Makes clients of an emulated AWS, or of the real one with your own credentials."""
    local = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    given = {"endpoint_url": endpoint_url, **local} if endpoint_url else {}
    return lambda service: boto3.client(service, **given)


def find_places(clients: Any, stack: str) -> Places:
    (found,) = clients("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    return Places(clients, outputs["ConnectionsTable"], outputs["HistoryTable"], outputs["ReceiptsBucket"])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make forget", description=__doc__)
    parser.add_argument("business_id", type=int)
    parser.add_argument("--stack", default="connector", help="name of the CloudFormation stack")
    parser.add_argument("--endpoint-url", help="an emulated AWS; without it the real one, with your own credentials")
    parser.add_argument("--only-stop", action="store_true", help="disconnect it, and keep its history")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args(argv)
    asked = (
        f"{'Disconnect' if arguments.only_stop else 'Delete all of'} business {arguments.business_id}? Its id again: "
    )
    if not arguments.yes and input(asked) != str(arguments.business_id):
        print("Nothing was done.")
        return 1
    try:
        places = find_places(clients_of(arguments.endpoint_url), arguments.stack)
        if arguments.only_stop:
            stop(places, arguments.business_id)
            print(f"Disconnected. Its history stays.\n{LEFT_WITH_VENDORS}")
            return 0
        gone = forget(places, arguments.business_id)
    except AtWork as run:
        print(f"The business is stopped, and its run {run} is about to end. Once more in two minutes.")
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"AWS said no: {error}")
        return 1
    print("Deleted: " + ", ".join(f"{number} {what}" for what, number in gone.items()))
    print(LEFT_WITH_VENDORS)
    print(AND_HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
