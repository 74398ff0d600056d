"""How many ledger rows are in a state, counted in the index and only so far."""

from __future__ import annotations

from typing import Any

from pex_procore.domain.ledger import State
from pex_procore.store import keys
from pex_procore.store.aws import ask
from pex_procore.store.dynamo import encode


class DynamoCounts:
    def __init__(self, client: Any, table: str, business_id: int, generation: int) -> None:
        self._client = client
        self._table = table
        self._business_id = business_id
        self._generation = generation

    def count(self, state: State, most: int) -> tuple[int, bool]:
        """The number, or `most` and True where there are more. The index lags by moments."""
        key = keys.ledger_state(self._business_id, self._generation, state)
        answer = ask(
            self._client.query,
            TableName=self._table,
            IndexName=keys.BY_STATE,
            KeyConditionExpression="state_key = :key",
            ExpressionAttributeValues=encode({":key": key}),
            Select="COUNT",
            Limit=most + 1,
        )
        found = int(answer["Count"])
        return min(found, most), found > most
