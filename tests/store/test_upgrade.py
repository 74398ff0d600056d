"""What earlier versions stored opens, moves on and is saved; what a newer one stored meanwhile loses nothing.

`samples/earlier.json` was written by the code of those days: rows as text, rows compressed, rows that may be amended.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pex_procore.domain.connection import Connection
from pex_procore.domain.ledger import finish, move, record_not_found, record_posted
from pex_procore.domain.search import Wanted
from pex_procore.domain.settings import Settings
from pex_procore.store import keys
from pex_procore.store.connections import DynamoConnections
from pex_procore.store.ledger import DynamoLedger
from pex_procore.store.pressing import press
from pex_procore.store.runs import DynamoRuns
from pex_procore.store.seal import Sealer
from tests.store.tables import Stage
from tools.forget import Places
from tools.upgrade import upgrade

EARLIER: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "samples/earlier.json").read_text())
BUSINESS = 98702
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STATES = {
    1: "announced", 2: "waiting", 3: "posting", 4: "unknown", 5: "posted", 6: "posted", 7: "complete", 8: "exception",
}  # fmt: skip


def stored(typed: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value}
        for name, field in typed.items()
        for kind, value in field.items()
    }


@pytest.fixture(params=EARLIER)
def old(stage: Stage, request: pytest.FixtureRequest) -> DynamoLedger:
    for item in EARLIER[request.param]["items"]:
        stage.dynamodb.put_item(TableName=stage.history, Item=stored(item))
    return DynamoLedger(stage.dynamodb, stage.history, BUSINESS, 0)


def places(stage: Stage) -> Places:
    return Places(lambda name: getattr(stage, name), stage.connections, stage.history, stage.bucket)


def test_every_row_opens_as_what_it_was(old: DynamoLedger) -> None:
    rows = old.load_many(STATES)
    assert {number: row.state for number, row in rows.items()} == STATES
    assert rows[5].postings[0].direct_cost_id == 71600023
    assert rows[5].postings[0].amount == Decimal("120.50")
    assert rows[6].unsent_receipts[0].receipt_id == "r1"
    assert (rows[2].reason, rows[8].reason) == ("missing_project", "refused_by_procore")


def test_a_row_in_doubt_is_still_looked_for_before_it_is_posted(old: DynamoLedger) -> None:
    """What was perhaps sent by the earlier version is not posted again by this one."""
    for number in (3, 4):
        row = old.load(number)
        assert row is not None
        (posting,) = row.unsettled_postings
        assert posting.reference == f"pex:98702:{number}:2310429"
        looked = old.save(record_not_found(row, 2310429, NOW, "run-2"))
        assert looked.postings[0].second_look_at() == NOW + timedelta(seconds=35)
        posted = old.save(record_posted(looked, 2310429, 7, NOW, "adopted", "run-2"))
        assert old.load(number) == posted
        assert posted.state == "posted"


def test_every_row_moves_on_and_is_saved_in_todays_form(old: DynamoLedger, stage: Stage) -> None:
    for number in STATES:
        row = old.load(number)
        assert row is not None
        saved = old.save(move(row, "ignored", NOW, "an administrator"))
        assert old.load(number) == saved
        assert len(saved.timeline) == len(row.timeline) + 1
    found, _ = old.search(Wanted(state="ignored"), 100, None)
    assert {row.transaction_id for row in found} == set(STATES)


def test_one_job_makes_old_rows_listed_and_found_again(old: DynamoLedger, stage: Stage) -> None:
    assert upgrade(places(stage)) == (8, 0)
    assert [row.transaction_id for row in old.list_by_state("waiting")] == [2]
    assert {row.transaction_id for row in old.list_by_state("posted")} == {5, 6}
    found, _ = old.search(Wanted(first_day=date(2026, 2, 1), last_day=date(2026, 3, 31)), 100, None)
    assert {row.transaction_id for row in found} == set(STATES)
    assert upgrade(places(stage)) == (0, 0)


def test_the_job_leaves_a_row_that_a_run_saves_meanwhile_to_the_run(old: DynamoLedger, stage: Stage) -> None:
    class Hasty:
        """Another save comes before each of ours."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stage.dynamodb, name)

        def put_item(self, **request: Any) -> Any:
            number = keys.transaction_of(request["Item"]["sk"]["S"])
            row = old.load(number)
            if row is not None and row.state != "ignored":
                old.save(move(row, "ignored", NOW))
            return stage.dynamodb.put_item(**request)

    hasty = Places(lambda name: Hasty() if name == "dynamodb" else stage.s3, stage.connections, stage.history, "")
    assert upgrade(hasty) == (0, 8)
    assert {row.state for row in old.load_many(STATES).values()} == {"ignored"}


@pytest.mark.parametrize("version", EARLIER)
def test_earlier_settings_connections_and_runs_open_with_todays_defaults(stage: Stage, version: str) -> None:
    said = EARLIER[version]
    for key, name in ((keys.connection(BUSINESS), "connection"), (keys.settings(BUSINESS), "settings")):
        item = {**{part: {"S": value} for part, value in key.items()}, name: {"S": said[name]}, "version": {"N": "1"}}
        stage.dynamodb.put_item(TableName=stage.connections, Item=item)
    for item in said["items"]:
        stage.dynamodb.put_item(TableName=stage.history, Item=stored(item))
    connections = DynamoConnections(stage.dynamodb, stage.connections, BUSINESS, Sealer(None, ""))
    connection = connections.load()
    assert connection is not None
    assert (connection.status, connection.company_id) == ("active", 4267118)
    settings, number = connections.load_settings()
    assert (settings.vendor_id, number) == (3411801, 1)
    assert settings.update_expenses is Settings().update_expenses
    run = DynamoRuns(stage.dynamodb, stage.history, BUSINESS, lambda: NOW).load("run-1")
    assert run is not None
    assert run.status == "running"


def newer(stage: Stage, **more: Any) -> DynamoLedger:
    """A row as the version being deployed beside this one writes it."""
    ledger = DynamoLedger(stage.dynamodb, stage.history, BUSINESS, 0)
    (item,) = [one for one in EARLIER["amended"]["items"] if one["sk"]["S"] == keys.transaction(5)]
    stage.dynamodb.put_item(TableName=stage.history, Item=stored(item))
    row = ledger.load(5)
    assert row is not None
    document = json.loads(row.model_dump_json())
    document["postings"][0]["promised"] = {"by": "the next version"}
    document |= {"held_back": ["a", "b"], **more}
    again = {**stored(item), "row": {"B": press(json.dumps(document))}}
    stage.dynamodb.put_item(TableName=stage.history, Item=again)
    return ledger


def test_fields_of_a_newer_version_survive_a_save_by_this_one(stage: Stage) -> None:
    ledger = newer(stage)
    row = ledger.load(5)
    assert row is not None
    ledger.save(finish(record_posted(row, 2310429, 71600023, NOW, "changed", "run-2"), NOW, "run-2"))
    kept = ledger.load(5)
    assert kept is not None
    document = json.loads(kept.model_dump_json())
    assert document["held_back"] == ["a", "b"]
    assert document["postings"][0]["promised"] == {"by": "the next version"}
    assert kept.state == "complete"


def test_a_state_of_a_newer_version_is_not_guessed_at(stage: Stage) -> None:
    """The step fails, and with it the run; a sweep of the newer version goes on with the row."""
    with pytest.raises(ValidationError):
        newer(stage, state="reversing").load(5)


def test_a_connection_of_a_newer_version_keeps_what_it_says() -> None:
    said = json.loads(EARLIER["amended"]["connection"]) | {"second_company_id": 7}
    connection = Connection.model_validate_json(json.dumps(said)).model_copy(update={"company_name": "Ridge"})
    assert json.loads(connection.model_dump_json())["second_company_id"] == 7
