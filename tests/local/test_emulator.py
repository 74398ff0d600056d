"""The emulated AWS does what the connector relies on. Each test would fail on one of the emulator's known gaps."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack import Stack

pytestmark = pytest.mark.whole_stack


def get(stack: Stack, path: str, **headers: str) -> dict[str, Any]:
    with urllib.request.urlopen(urllib.request.Request(stack.url + path, headers=headers), timeout=30) as response:
        return dict(json.load(response))


def send_callback(stack: Stack, **message: Any) -> None:
    request = urllib.request.Request(f"{stack.url}/callbacks/pex/key", json.dumps(message).encode(), method="POST")
    urllib.request.urlopen(request, timeout=30).close()


def until(found: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return result


def finished(stack: Stack, name: str, machine: str = "ShortMachine") -> dict[str, Any]:
    states = stack.clients("stepfunctions")

    def find() -> dict[str, Any] | None:
        for execution in states.list_executions(stateMachineArn=stack.deployment.outputs[machine])["executions"]:
            if execution["name"] == name and execution["status"] != "RUNNING":
                return dict(states.describe_execution(executionArn=execution["executionArn"]))
        return None

    return dict(until(find))


def start(stack: Stack, name: str, machine: str = "ShortMachine", **message: Any) -> dict[str, Any]:
    stack.clients("stepfunctions").start_execution(
        stateMachineArn=stack.deployment.outputs[machine], name=name, input=json.dumps(message)
    )
    return finished(stack, name, machine)


def items_of(stack: Stack, key: str) -> list[dict[str, Any]]:
    answer = stack.clients("dynamodb").query(
        TableName=stack.deployment.outputs["ItemsTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": key}},
    )
    return list(answer["Items"])


def test_a_function_gets_its_layer_environment_timeout_and_memory(stack: Stack) -> None:
    echo = get(stack, "/v1/runs/7?a=1&a=2")
    assert (echo["greeting"], echo["public_url"]) == ("from the layer", stack.url)
    assert (echo["resource"], echo["path_parameters"], echo["query"]) == (
        "/v1/runs/{run_id}",
        {"run_id": "7"},
        {"a": ["1", "2"]},
    )
    assert 9000 < echo["remaining_ms"] <= 10000
    assert echo["memory_mb"] == "256"


def test_a_callback_becomes_an_express_execution_whose_items_run_in_processes_of_their_own(stack: Stack) -> None:
    send_callback(stack, id="callback", items=[{"n": 1, "sleep": 0.5}, {"n": 2, "sleep": 0.5}])
    output = json.loads(finished(stack, "callback")["output"])
    assert output["verdict"] == "success"
    assert len({item["pid"] for item in output["done"]}) == 2
    assert {item["sk"]["S"] for item in items_of(stack, "callback")} == {"attempts", "item#1", "item#2"}


def test_a_burst_of_callbacks_is_one_batch(stack: Stack) -> None:
    queue = stack.clients("sqs")
    entries = [{"Id": str(n), "MessageBody": json.dumps({"id": f"burst-{n}", "items": []})} for n in range(6)]
    queue.send_message_batch(QueueUrl=stack.deployment.outputs["QueueUrl"], Entries=entries)
    assert {json.loads(finished(stack, f"burst-{n}")["input"])["batch"] for n in range(6)} == {6}


def test_an_exception_is_retried_by_its_class_name(stack: Stack) -> None:
    assert json.loads(start(stack, "retried", fail_times=2)["output"])["verdict"] == "success"
    attempts = next(item for item in items_of(stack, "retried") if item["sk"]["S"] == "attempts")
    assert attempts["attempts"]["N"] == "3"


def test_an_exception_is_caught_by_its_class_name(stack: Stack) -> None:
    output = json.loads(start(stack, "caught", needs_attention=True)["output"])
    assert output == {"verdict": "needs_attention", "error": "NeedsAttention"}


def test_a_process_that_crashes_is_an_exit_error_and_the_next_event_gets_a_new_one(stack: Stack) -> None:
    crashed = start(stack, "crashed", crash=True)
    assert (crashed["status"], crashed["error"]) == ("FAILED", "Runtime.ExitError")
    assert start(stack, "after-crash")["status"] == "SUCCEEDED"


def test_one_failing_item_does_not_fail_the_others(stack: Stack) -> None:
    done = json.loads(start(stack, "mixed", items=[{"n": 1, "boom": True}, {"n": 2}])["output"])["done"]
    assert done[0] == {"failed": True, "error": "ValueError"}
    assert done[1]["n"] == 2


def test_a_long_run_waits_until_the_moment_it_was_given_and_keeps_its_history(stack: Stack) -> None:
    began = time.monotonic()
    waited = start(stack, "waited", "LongMachine", wait_seconds=3)
    assert waited["status"] == "SUCCEEDED"
    assert time.monotonic() - began >= 2  # the step cuts off what is below a second
    history = stack.clients("stepfunctions").get_execution_history(executionArn=waited["executionArn"])["events"]
    assert {"WaitStateEntered", "ExecutionSucceeded"} <= {event["type"] for event in history}


def test_a_function_past_its_timeout_is_ended(stack: Stack) -> None:
    function = stack.deployment.resources["DoStep"]
    functions = stack.clients("lambda")
    functions.update_function_configuration(FunctionName=function, Timeout=1)
    try:
        event = {"step": "item", "execution": "slow", "item": {"n": 1, "sleep": 30}}
        began = time.monotonic()
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
        assert json.load(answer["Payload"])["errorType"] == "Sandbox.Timedout"
        assert time.monotonic() - began < 10
    finally:
        functions.update_function_configuration(FunctionName=function, Timeout=10)


def test_express_executions_may_share_a_name_and_standard_ones_may_not(stack: Stack) -> None:
    states = stack.clients("stepfunctions")
    start(stack, "same")
    start(stack, "same")
    start(stack, "same", "LongMachine")
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(stateMachineArn=stack.deployment.outputs["LongMachine"], name="same", input="{}")


def test_a_transaction_is_all_or_nothing(stack: Stack) -> None:
    table = stack.deployment.outputs["ItemsTable"]
    put = {"TableName": table, "Item": {"pk": {"S": "both"}, "sk": {"S": "1"}}}
    check = {
        "TableName": table,
        "Key": {"pk": {"S": "both"}, "sk": {"S": "2"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(ClientError) as refusal:
        stack.clients("dynamodb").transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    reasons = [reason["Code"] for reason in refusal.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert items_of(stack, "both") == []


def test_what_was_sealed_for_one_business_does_not_open_for_another(stack: Stack) -> None:
    keys = stack.clients("kms")
    key = stack.deployment.resources["Key"]
    sealed = keys.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"business_id": "1"})["CiphertextBlob"]
    assert keys.decrypt(CiphertextBlob=sealed, EncryptionContext={"business_id": "1"})["Plaintext"] == b"secret"
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        keys.decrypt(CiphertextBlob=sealed, EncryptionContext={"business_id": "2"})


@pytest.mark.parametrize("path", ["/unknown", "/callbacks/pex/key"])
def test_the_gateway_answers_an_unknown_path_or_method_as_the_template_says(stack: Stack, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(stack, path)
    assert refusal.value.code == 404
    assert json.load(refusal.value) == {"status": 404, "title": "Not Found"}


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    sockets = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [address.split(":") for address, _, state in sockets if state == "0A"]
    ports = {int(port, 16): host for host, port in listening}
    assert ports[int(stack.url.rpartition(":")[2])] == "0100007F"
    gateway = stack.clients("sts").meta.endpoint_url.rpartition(":")[2]
    assert ports[int(gateway)] == "0100007F"


def test_forty_events_at_once_run_in_at_most_four_processes_of_one_function(stack: Stack) -> None:
    items = [{"n": n} for n in range(20)]
    for name in ("many-1", "many-2"):
        send_callback(stack, id=name, items=items, long=True)
    done = [json.loads(finished(stack, name, "LongMachine")["output"])["done"] for name in ("many-1", "many-2")]
    assert [len(one) for one in done] == [20, 20]
    assert len({item["pid"] for one in done for item in one}) <= 4
    assert stack.memory_mb() < 1000
