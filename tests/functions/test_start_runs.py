"""Hints and the schedule's beat become runs."""

from __future__ import annotations

import json
from typing import Any

from pex_procore.store.keys import SWEEP_SHARDS, sweep_shard
from tests.flow.process import LambdaContext, load_app
from tests.flow.story import Story
from tests.functions.events import load_event
from tests.template.cfn import beats


def batch(story: Story, *bodies: str) -> dict[str, Any]:
    """The event file's records with our business's id, or with these bodies."""
    event = load_event("start_runs")
    if not bodies:
        for record in event["Records"]:
            body = json.loads(record["body"])
            record["body"] = json.dumps(body | {"business_id": story.names.business_id})
        return event
    record = event["Records"][0]
    event["Records"] = [record | {"messageId": f"message-{at}", "body": body} for at, body in enumerate(bodies)]
    return event


def started(story: Story) -> list[dict[str, Any]]:
    return [json.loads(one.execution_input) for one in story.cloud.executions()]


def hint(business_id: int, **fields: Any) -> str:
    return json.dumps({"business_id": business_id, "hint": fields})


def test_a_batch_starts_one_run_with_the_hinted_cards(connected: Story) -> None:
    answer = connected.cloud.invoke("StartRuns", batch(connected))
    connected.cloud.finish()
    assert answer == {"batchItemFailures": []}
    (work,) = started(connected)
    assert (work["trigger"], work["account_ids"]) == ("callback", [660703])
    assert work["since"].startswith("2026-05-04T12:00:00")


def test_the_same_batch_again_starts_no_second_run(connected: Story) -> None:
    event = batch(connected)
    connected.cloud.invoke("StartRuns", event)
    connected.cloud.invoke("StartRuns", event)
    connected.cloud.finish()
    assert len(started(connected)) == 1


def test_hinted_transactions_are_on_the_ledger_before_the_run(connected: Story) -> None:
    connected.cloud.before("OpenRun", lambda: seen.extend(connected.rows()))
    seen: list[dict[str, Any]] = []
    connected.cloud.invoke("StartRuns", batch(connected))
    connected.cloud.finish()
    assert sorted((row["transaction_id"], row["state"]) for row in seen) == [
        (419080004, "announced"),
        (419080005, "announced"),
    ]


def test_a_message_that_cannot_be_read_fails_alone(connected: Story) -> None:
    mine = connected.names.business_id
    answer = connected.cloud.invoke(
        "StartRuns",
        batch(
            connected,
            "not json",
            hint(mine, transaction_id=1, account_id=660703),
            "[]",
            '{"business_id": "x", "hint": {}}',
            json.dumps({"business_id": mine, "hint": {"transaction_id": "a lot"}}),
            json.dumps({"business_id": mine}),
        ),
    )
    connected.cloud.finish()
    failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    assert failed == ["message-0", "message-2", "message-3", "message-4", "message-5"]
    assert len(started(connected)) == 1


def test_a_business_that_cannot_be_started_comes_back_and_the_others_do_not(connected: Story) -> None:
    mine = connected.names.business_id
    stage = connected.cloud.stage
    stage.dynamodb.put_item(
        TableName=stage.connections,
        Item={"pk": {"S": "B#7"}, "sk": {"S": "CONNECTION"}, "connection": {"S": "not what we stored"}},
    )
    answer = connected.cloud.invoke("StartRuns", batch(connected, hint(7, account_id=1), hint(mine, account_id=660703)))
    connected.cloud.finish()
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert [work["business_id"] for work in started(connected)] == [mine]


def test_hints_for_an_unknown_or_disconnected_business_are_taken_and_forgotten(connected: Story) -> None:
    connected.ask("DELETE", "/v1/connection")
    mine = connected.names.business_id
    answer = connected.cloud.invoke("StartRuns", batch(connected, hint(999, account_id=1), hint(mine, account_id=1)))
    assert (answer, started(connected)) == ({"batchItemFailures": []}, [])


def beat_of(story: Story) -> dict[str, Any]:
    return load_event("start_runs.beat", shard=sweep_shard(story.names.business_id))


def test_the_beat_starts_each_due_business_once(connected: Story) -> None:
    def sweeps() -> list[dict[str, Any]]:
        connected.cloud.finish()
        return [work for work in started(connected) if work["kind"] == "transactions"]

    event = beat_of(connected)
    assert connected.cloud.invoke("StartRuns", event)["started"] >= 1
    assert connected.cloud.invoke("StartRuns", event) == {"started": 0}
    assert [work["trigger"] for work in sweeps()] == ["sweep"]
    connected.clock.forward(minutes=16)
    connected.cloud.invoke("StartRuns", event)
    assert len(sweeps()) == 2


def test_the_beats_of_the_template_reach_every_shard_once(connected: Story) -> None:
    assert sorted(one["shard"] for one in beats()) == list(SWEEP_SHARDS)
    others = [one for one in beats() if one["shard"] != sweep_shard(connected.names.business_id)]
    assert [connected.cloud.invoke("StartRuns", one) for one in others] == [{"started": 0}] * 7


def test_nothing_is_refreshed_where_no_tag_follows_procore(connected: Story) -> None:
    connected.clock.forward(minutes=16)
    connected.cloud.beat()
    connected.cloud.finish()
    assert {work["kind"] for work in started(connected)} == {"transactions"}
    connected.set(sync_cost_types=True)
    connected.cloud.beat()
    connected.cloud.finish()
    assert {work["kind"] for work in started(connected)} == {"transactions", "tags"}


def test_a_beat_whose_time_is_up_leaves_the_rest_to_the_next(connected: Story) -> None:
    event = beat_of(connected)
    short = LambdaContext("StartRuns", connected.clock, timeout_seconds=4)
    assert load_app("start_runs").handler(event, short) == {"started": 0}
    assert connected.cloud.invoke("StartRuns", event)["started"] >= 1
