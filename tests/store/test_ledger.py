from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pex_procore.domain.errors import TryLater
from pex_procore.domain.ledger import Posting, Row, announce, move
from pex_procore.domain.search import Wanted
from pex_procore.domain.transactions import Allocation, Transaction
from pex_procore.services.ports import Conflict, Ledger
from pex_procore.store.ledger import DynamoLedger
from tests.store.mischief import BusyClient, LosingClient, Rival
from tests.store.tables import Stage

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WAITING = Wanted(state="waiting")


def ledger_of(stage: Stage, business_id: int = 1, generation: int = 1) -> DynamoLedger:
    ledger = DynamoLedger(stage.dynamodb, stage.history, business_id, generation)
    _: Ledger = ledger
    return ledger


def row(transaction_id: int) -> Row:
    return announce(transaction_id, 77, NOW, "callback")


def test_a_saved_row_comes_back_whole_with_its_cents_and_times(stage: Stage) -> None:
    transaction = Transaction(
        transaction_id=9,
        account_id=77,
        kind="purchase",
        amount=Decimal("12.30"),
        transacted_at=NOW - timedelta(days=2),
        settled_at=NOW,
        merchant="Café Ace — 2x4",
        allocations=(Allocation(amount=Decimal("12.30"), tags={"101": "P-1"}),),
    )
    posting = Posting(
        project_id=5,
        scheme="origin_id",
        reference="pex-9-5",
        body_hash="ab",
        amount=Decimal("12.30"),
        attempt=1,
        sent_at=NOW,
    )
    sent = move(row(9).model_copy(update={"transaction": transaction}), "posting", NOW, postings=(posting,))

    saved = ledger_of(stage).save(sent)

    assert saved == sent.model_copy(update={"version": 1})
    assert ledger_of(stage).load(9) == saved
    assert str(saved.postings[0].amount) == "12.30"


def test_an_unknown_transaction_has_no_row(stage: Stage) -> None:
    assert ledger_of(stage).load(404) is None


def test_versions_count_up_with_every_save(stage: Stage) -> None:
    ledger = ledger_of(stage)
    first = ledger.save(row(1))
    second = ledger.save(move(first, "waiting", NOW))
    assert (first.version, second.version) == (1, 2)
    assert ledger.load(1) == second


def test_of_two_writers_with_the_same_version_the_second_gets_a_conflict_and_changes_nothing(stage: Stage) -> None:
    ledger = ledger_of(stage)
    seen = ledger.save(row(1))
    winner = ledger.save(move(seen, "waiting", NOW))
    with pytest.raises(Conflict):
        ledger.save(move(seen, "ignored", NOW))
    assert ledger.load(1) == winner


def test_a_new_row_never_overwrites_one_that_exists(stage: Stage) -> None:
    ledger = ledger_of(stage)
    ledger.save(row(1))
    with pytest.raises(Conflict):
        ledger.save(row(1))


def test_a_row_that_was_never_saved_cannot_be_replaced(stage: Stage) -> None:
    with pytest.raises(Conflict):
        ledger_of(stage).save(row(1).model_copy(update={"version": 3}))


@pytest.mark.parametrize("resend", [False, True])
@pytest.mark.parametrize("version", [0, 1])
def test_a_save_whose_answer_was_lost_is_recognised_as_our_own(stage: Stage, version: int, resend: bool) -> None:
    before = row(1) if version == 0 else ledger_of(stage).save(row(1))
    losing = replace(stage, dynamodb=LosingClient(stage.dynamodb, "put_item", resend=resend))

    saved = ledger_of(losing).save(move(before, "waiting", NOW))

    assert saved.version == version + 1
    assert ledger_of(stage).load(1) == saved


def test_a_rival_that_writes_between_our_look_and_our_save_wins(stage: Stage) -> None:
    seen = ledger_of(stage).save(row(1))
    rival = Rival(stage.dynamodb, "put_item", lambda: ledger_of(stage).save(move(seen, "ignored", NOW)))
    with pytest.raises(Conflict):
        ledger_of(replace(stage, dynamodb=rival)).save(move(seen, "waiting", NOW))
    stored = ledger_of(stage).load(1)
    assert stored is not None
    assert stored.state == "ignored"


def test_a_save_that_is_never_answered_asks_to_try_later(stage: Stage) -> None:
    losing = replace(stage, dynamodb=BusyClient("InternalServerError", 500))
    with pytest.raises(TryLater):
        ledger_of(losing).save(row(1))
    assert losing.dynamodb.calls == 2


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
def test_throttling_asks_to_try_later_without_sending_again(code: str) -> None:
    busy = BusyClient(code)
    ledger = DynamoLedger(busy, "History", 1, 1)
    with pytest.raises(TryLater):
        ledger.save(row(1))
    assert busy.calls == 1
    with pytest.raises(TryLater):
        ledger.load(1)


def test_many_rows_are_loaded_at_once_whatever_is_missing_or_asked_twice(stage: Stage) -> None:
    ledger = ledger_of(stage)
    for transaction_id in range(1, 231):
        ledger.save(row(transaction_id))
    found = ledger.load_many([*range(1, 260), *range(1, 50)])
    assert sorted(found) == list(range(1, 231))
    assert all(found[transaction_id].transaction_id == transaction_id for transaction_id in found)
    assert ledger.load_many([]) == {}


class Slow:
    """Leaves out the last keys of every batch, as DynamoDB may."""

    def __init__(self, client: Any, answered: int) -> None:
        self._client = client
        self._answered = answered

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:
        ((table, request),) = RequestItems.items()
        now, later = request["Keys"][: self._answered], request["Keys"][self._answered :]
        if not now:
            return {"Responses": {table: []}, "UnprocessedKeys": RequestItems}
        answer = self._client.batch_get_item(RequestItems={table: {**request, "Keys": now}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": later}} if later else {}}


def test_keys_that_dynamodb_left_unprocessed_are_asked_for_again(stage: Stage) -> None:
    for transaction_id in range(1, 8):
        ledger_of(stage).save(row(transaction_id))
    ledger = ledger_of(replace(stage, dynamodb=Slow(stage.dynamodb, answered=3)))
    assert sorted(ledger.load_many(range(1, 8))) == list(range(1, 8))


def test_a_batch_that_makes_no_progress_asks_to_try_later(stage: Stage) -> None:
    ledger = ledger_of(replace(stage, dynamodb=Slow(stage.dynamodb, answered=0)))
    with pytest.raises(TryLater):
        ledger.load_many([1])


def test_rows_of_a_state_are_listed_oldest_first_over_all_pages_of_the_index(stage: Stage) -> None:
    ledger = ledger_of(stage)
    for transaction_id in range(205, 0, -1):
        ledger.save(row(transaction_id))
    for transaction_id in (3, 150):
        ledger.save(move(ledger.load_many([transaction_id])[transaction_id], "waiting", NOW))
    announced = [one.transaction_id for one in ledger.list_by_state("announced")]
    assert announced == [number for number in range(1, 206) if number not in (3, 150)]
    assert [one.transaction_id for one in ledger.list_by_state("waiting")] == [3, 150]
    assert ledger.list_by_state("exception") == []


class Lagging:
    """An index that still lists what has moved on."""

    def __init__(self, client: Any, stale: list[dict[str, Any]]) -> None:
        self._client = client
        self._stale = stale

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **request: Any) -> Any:
        return {"Items": self._stale} if "IndexName" in request else self._client.query(**request)


def test_a_row_that_moved_on_is_not_listed_by_an_index_that_lags(stage: Stage) -> None:
    ledger = ledger_of(stage)
    ledger.save(row(1))
    moving = ledger.save(row(2))
    entries = stage.dynamodb.query(
        TableName=stage.history,
        IndexName="by_state",
        KeyConditionExpression="state_key = :state",
        ExpressionAttributeValues={":state": {"S": "B#1#L1#announced"}},
    )["Items"]
    assert len(entries) == 2
    ledger.save(move(moving, "waiting", NOW))
    lagging = ledger_of(replace(stage, dynamodb=Lagging(stage.dynamodb, entries)))
    assert [one.transaction_id for one in lagging.list_by_state("announced")] == [1]


@pytest.mark.parametrize("state", [None, "announced"])
def test_pages_go_newest_first_and_show_every_row_once(stage: Stage, state: Any) -> None:
    ledger = ledger_of(stage)
    for transaction_id in [*range(1, 12), 2**62]:
        ledger.save(row(transaction_id))
    seen: list[int] = []
    after, pages = None, 0
    while True:
        rows, after = ledger.search(Wanted(state=state), 4, after)
        seen += [one.transaction_id for one in rows]
        pages += 1
        if after is None:
            break
    assert seen == [2**62, *range(11, 0, -1)]
    assert pages == 3, "the last page is full and still known to be the last"


def test_a_page_of_a_state_leaves_out_other_states(stage: Stage) -> None:
    ledger = ledger_of(stage)
    for transaction_id in range(1, 7):
        saved = ledger.save(row(transaction_id))
        if transaction_id % 2:
            ledger.save(move(saved, "waiting", NOW))
    rows, after = ledger.search(WAITING, 2, None)
    assert [one.transaction_id for one in rows] == [5, 3]
    rows, after = ledger.search(WAITING, 2, after)
    assert [one.transaction_id for one in rows] == [1]
    assert after is None


@pytest.mark.parametrize("mark", ["", "x", "%%%", "bnVsbA", "WzFd", "WyJCIzEjTDEiLCA1XQ", "é", "A" * 5000])
def test_a_malformed_mark_is_a_value_error(stage: Stage, mark: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        ledger_of(stage).search(Wanted(), 2, mark)


def test_a_mark_of_another_business_generation_or_state_is_a_value_error(stage: Stage) -> None:
    ledger = ledger_of(stage)
    for transaction_id in range(1, 4):
        ledger.save(row(transaction_id))
    _, mark = ledger.search(Wanted(), 1, None)
    _, mark_of_state = ledger.search(Wanted(state="announced"), 1, None)
    assert mark
    assert mark_of_state
    for other in (ledger_of(stage, business_id=2), ledger_of(stage, generation=2)):
        with pytest.raises(ValueError, match="mark"):
            other.search(Wanted(), 1, mark)
    with pytest.raises(ValueError, match="mark"):
        ledger.search(WAITING, 1, mark_of_state)
    with pytest.raises(ValueError, match="mark"):
        ledger.search(Wanted(), 1, mark_of_state)


@pytest.mark.parametrize(("business_id", "generation"), [(2, 1), (1, 2), (11, 1), (1, 11)])
def test_rows_of_another_business_or_generation_cannot_be_reached(
    stage: Stage, business_id: int, generation: int
) -> None:
    mine = ledger_of(stage, 1, 1)
    mine.save(row(5))
    other = ledger_of(stage, business_id, generation)
    assert other.load(5) is None
    assert other.load_many([5]) == {}
    assert other.list_by_state("announced") == []
    assert other.search(Wanted(), 10, None) == ([], None)
    assert other.search(Wanted(state="announced"), 10, None) == ([], None)
    assert other.save(row(5)).version == 1, "the same transaction id is free there"
    assert mine.load(5) == row(5).model_copy(update={"version": 1})


@pytest.mark.parametrize("transaction_id", [-1, 10**19])
def test_an_id_that_would_not_sort_is_refused(stage: Stage, transaction_id: int) -> None:
    with pytest.raises(ValueError, match="not a transaction id"):
        ledger_of(stage).save(row(transaction_id))


def test_ledger_rows_never_expire(stage: Stage) -> None:
    ledger_of(stage).save(row(1))
    (item,) = stage.dynamodb.scan(TableName=stage.history)["Items"]
    assert "expires_at" not in item


def test_a_glance_finds_what_reading_by_key_finds(stage: Stage) -> None:
    ledger = ledger_of(stage)
    for transaction_id in range(100, 160):
        ledger.save(row(transaction_id))
    ledger_of(stage, 2).save(row(120))
    for wanted in ([], [130], [100, 159], [*range(110, 140, 2), 7, 9_000], [120, 120]):
        assert ledger.glance(wanted) == ledger.load_many(wanted)


def test_a_glance_is_one_call_that_waits_for_no_other_copy(stage: Stage) -> None:
    ledger_of(stage).save(row(1))
    ledger_of(stage).save(row(3))
    asked: list[tuple[str, bool]] = []
    stage.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.*",
        lambda params, model, **_: asked.append((model.name, params.get("ConsistentRead", True))),
    )
    ledger_of(stage).glance([1, 3])
    assert asked == [("Query", False)]
