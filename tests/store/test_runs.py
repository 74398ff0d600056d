from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.domain.runs import Run, RunItem
from pex_procore.services.ports import Conflict, Runs
from pex_procore.store.runs import DynamoRuns
from tests.store.conftest import Hands
from tests.store.mischief import LosingClient
from tests.store.tables import Stage


def runs_of(stage: Stage, clock: Hands, business_id: int = 1) -> DynamoRuns:
    runs = DynamoRuns(stage.dynamodb, stage.history, business_id, clock)
    _: Runs = runs
    return runs


def run_at(clock: Hands, tail: str = "0a1b2c") -> Run:
    return Run(
        run_id=f"{clock.now:%Y%m%dT%H%M%S%f}-{tail}", kind="transactions", trigger="manual", started_at=clock.now
    )


def test_a_run_is_found_by_its_id_as_it_began_and_as_it_ended(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    run = run_at(clock)
    runs.create(run)
    assert runs.load(run.run_id) == run
    finished = run.model_copy(
        update={
            "status": "finished",
            "verdict": "partial",
            "counts": {"posted": 3, "failed": 1},
            "reasons": {"missing_project": 2},
            "finished_at": clock.now + timedelta(minutes=1),
        }
    )
    runs.finish(finished)
    assert runs.load(run.run_id) == finished


@pytest.mark.parametrize("run_id", ["20260504T120000000000-ffffff", "", "a#b", "x" * 3000, "ü", "run\n"])
def test_a_run_id_that_was_never_given_finds_nothing(stage: Stage, clock: Hands, run_id: str) -> None:
    assert runs_of(stage, clock).load(run_id) is None


def test_a_run_created_twice_is_one_run_but_never_another(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    run = run_at(clock)
    runs.create(run)
    runs.create(run)
    with pytest.raises(Conflict):
        runs.create(run.model_copy(update={"kind": "tags"}))
    runs.finish(run.model_copy(update={"status": "finished"}))
    with pytest.raises(Conflict):
        runs.create(run)
    assert runs.page(5, None) == ([run.model_copy(update={"status": "finished"})], None)


@pytest.mark.parametrize("resend", [False, True])
def test_a_run_whose_creation_was_not_answered_exists_once(stage: Stage, clock: Hands, resend: bool) -> None:
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "put_item", resend=resend))
    run = run_at(clock)
    runs_of(losing, clock).create(run)
    assert runs_of(stage, clock).page(5, None) == ([run], None)


def test_runs_are_paged_newest_first(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    ids: list[str] = []
    for _ in range(5):
        clock.forward(0.001)
        run = run_at(clock)
        runs.create(run)
        ids.insert(0, run.run_id)
    seen, after = [], None
    for _ in range(3):
        page, after = runs.page(2, after)
        seen += [run.run_id for run in page]
    assert (seen, after) == (ids, None)


def test_a_mark_of_another_business_is_a_value_error(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    for _ in range(2):
        clock.forward(1)
        runs.create(run_at(clock))
    _, mark = runs.page(1, None)
    with pytest.raises(ValueError, match="mark"):
        runs_of(stage, clock, 2).page(1, mark)
    with pytest.raises(ValueError, match="mark"):
        runs.page(1, "nonsense")


def test_what_a_run_did_is_kept_once_per_transaction_and_in_order(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    run = run_at(clock)
    items = [RunItem(transaction_id=number, outcome="posted") for number in range(60, 0, -1)]
    runs.record_items(run.run_id, items)
    runs.record_items(run.run_id, items[:3])
    later = RunItem(transaction_id=60, outcome="failed", reason="refused_by_procore", detail="no")
    runs.record_items(run.run_id, [items[0], later])
    runs.record_items(run.run_id, [])
    assert runs.items(run.run_id) == [*sorted(items[1:], key=lambda one: one.transaction_id), later]
    assert runs.items("another-run") == []


class Slow:
    """Puts off all but the first `taken` writes of a batch."""

    def __init__(self, client: Any, taken: int) -> None:
        self._client = client
        self._taken = taken

    def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:
        ((table, requests),) = RequestItems.items()
        if self._taken:
            self._client.batch_write_item(RequestItems={table: requests[: self._taken]})
        later = requests[self._taken :]
        return {"UnprocessedItems": {table: later} if later else {}}


class Strict:
    """Refuses a batch that names a key twice, as DynamoDB does and moto does not."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:
        for requests in RequestItems.values():
            keys = [str((one["PutRequest"]["Item"]["pk"], one["PutRequest"]["Item"]["sk"])) for one in requests]
            assert len(keys) == len(set(keys)), "a key twice in one batch"
        return self._client.batch_write_item(RequestItems=RequestItems)


def test_two_items_of_one_transaction_never_share_a_batch(stage: Stage, clock: Hands) -> None:
    items = [RunItem(transaction_id=1, outcome=outcome) for outcome in ("waiting", "posted")]
    runs_of(replace(stage, dynamodb=Strict(stage.dynamodb)), clock).record_items("run-1", items)
    assert runs_of(stage, clock).items("run-1") == [items[1]]


def test_writes_that_dynamodb_put_off_are_sent_again_or_asked_for_later(stage: Stage, clock: Hands) -> None:
    items = [RunItem(transaction_id=number, outcome="posted") for number in range(30)]
    runs_of(replace(stage, dynamodb=Slow(stage.dynamodb, 4)), clock).record_items("run-1", items)
    assert len(runs_of(stage, clock).items("run-1")) == 30
    with pytest.raises(TryLater):
        runs_of(replace(stage, dynamodb=Slow(stage.dynamodb, 0)), clock).record_items("run-1", items)


def test_runs_and_their_items_expire_after_400_days(stage: Stage, clock: Hands) -> None:
    runs = runs_of(stage, clock)
    run = run_at(clock)
    runs.create(run)
    runs.record_items(run.run_id, [RunItem(transaction_id=1, outcome="posted")])
    items = stage.dynamodb.scan(TableName=stage.history)["Items"]
    expected = int((clock.now + timedelta(days=400)).timestamp())
    assert [int(item["expires_at"]["N"]) for item in items] == [expected, expected]


@pytest.mark.parametrize("other", [2, 11])
def test_runs_of_another_business_cannot_be_reached(stage: Stage, clock: Hands, other: int) -> None:
    run = run_at(clock)
    runs_of(stage, clock, 1).create(run)
    runs_of(stage, clock, 1).record_items(run.run_id, [RunItem(transaction_id=1, outcome="posted")])
    theirs = runs_of(stage, clock, other)
    assert theirs.load(run.run_id) is None
    assert theirs.items(run.run_id) == []
    assert theirs.page(9, None) == ([], None)
