"""`make upgrade`: writes every ledger row that an earlier version stored once more, as this one stores it.

Earlier rows open as they are. But what lists and finds rows is written beside them, and a row that was never saved
since is missing there: docs/runbook.md#upgrading. It may run at any time and any number of times; a row that a run
saves at the same moment is left to that run.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from pex_procore.services.ports import Conflict
from pex_procore.store import keys
from pex_procore.store.ledger import DAY, DynamoLedger
from tools.forget import Places, clients_of, find_places

LEDGER = re.compile(r"B#(\d+)#L(\d+)")


def earlier_rows(places: Places) -> Iterator[tuple[int, int, int]]:
    """Business, generation and transaction of each."""
    pages = places.dynamodb.get_paginator("scan").paginate(
        TableName=places.history,
        FilterExpression="attribute_exists(state_key) AND attribute_not_exists(#day)",
        ExpressionAttributeNames={"#day": DAY},
        ProjectionExpression="pk, sk",
    )
    for page in pages:
        for item in page["Items"]:
            if found := LEDGER.fullmatch(item["pk"]["S"]):
                yield int(found[1]), int(found[2]), keys.transaction_of(item["sk"]["S"])


def upgrade(places: Places) -> tuple[int, int]:
    """How many rows were written again, and how many somebody else saved meanwhile."""
    written = beaten = 0
    for business_id, generation, transaction_id in earlier_rows(places):
        ledger = DynamoLedger(places.dynamodb, places.history, business_id, generation)
        row = ledger.load(transaction_id)
        try:
            if row is not None:
                ledger.save(row)
                written += 1
        except Conflict:
            beaten += 1
    return written, beaten


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make upgrade", description=__doc__)
    parser.add_argument("--stack", default="connector", help="name of the CloudFormation stack")
    parser.add_argument("--endpoint-url", help="an emulated AWS; without it the real one, with your own credentials")
    arguments = parser.parse_args(argv)
    try:
        written, beaten = upgrade(find_places(clients_of(arguments.endpoint_url), arguments.stack))
    except (ClientError, BotoCoreError) as error:
        print(f"AWS said no: {error}")
        return 1
    print(f"{written} rows written as this version writes them; {beaten} were saved by a run meanwhile.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
