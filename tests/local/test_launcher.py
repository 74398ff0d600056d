"""`python -m local up` as a program: its ready line, its end, and what it keeps."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.local.launched import NOWHERE, Launcher, emulated, none_left, outputs_of

pytestmark = pytest.mark.whole_stack


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_ready_line_and_leaves_no_process_behind(running: list[Launcher], number: signal.Signals) -> None:
    launcher = Launcher(*NOWHERE, "--sweep-seconds", "1")
    running.append(launcher)
    assert len(launcher.lines) == 1
    assert launcher.urls["url"].startswith("http://127.0.0.1:")
    assert launcher.urls["procore_login_url"] == "http://127.0.0.1:9"
    assert launcher.urls["control_url"] is None
    with urllib.request.urlopen(f"{launcher.urls['url']}/v1/health") as response:
        assert response.status == 200
    assert len(launcher.tree) >= 2
    launcher.process.send_signal(number)
    rest, _ = launcher.process.communicate(timeout=20)
    assert (launcher.process.returncode, rest) == (0, "")
    assert none_left(launcher.tree, seconds=1)


def test_it_ends_with_a_sentence_when_the_emulated_aws_dies(running: list[Launcher], tmp_path: Path) -> None:
    launcher = Launcher(*NOWHERE, "--state", str(tmp_path))
    running.append(launcher)
    emulator = next(p for p in launcher.tree if "local.emulator" in Path(f"/proc/{p}/cmdline").read_text())
    os.kill(emulator, signal.SIGKILL)
    _, told = launcher.process.communicate(timeout=20)
    assert launcher.process.returncode == 1
    assert "The emulated AWS ended unexpectedly" in told
    assert "Traceback" not in told


def test_the_sweep_beats_faster_than_schedules_can(running: list[Launcher], tmp_path: Path) -> None:
    running.append(Launcher(*NOWHERE, "--sweep-seconds", "1", "--state", str(tmp_path)))
    clients = emulated(tmp_path)
    machine = outputs_of(clients)["LongMachine"]
    deadline = time.monotonic() + 20
    while len(clients("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) < 2:
        assert time.monotonic() < deadline, "the sweep did not beat"
        time.sleep(0.1)


def test_function_logs_are_json_lines_on_request(running: list[Launcher]) -> None:
    launcher = Launcher(*NOWHERE, "--json-logs")
    running.append(launcher)
    logged = [json.loads(line) for line in launcher.lines if not line.startswith("ready ")]
    assert {"function": "AnswerHttp", "level": "INFO", "message": "request", "path": "/v1/health"} in logged


def test_everything_is_there_again_after_kill_9(running: list[Launcher], tmp_path: Path) -> None:
    launcher = Launcher(*NOWHERE, "--state", str(tmp_path))
    running.append(launcher)
    clients = emulated(tmp_path)
    names = outputs_of(clients)
    tables, queue, bucket, keys = clients("dynamodb"), clients("sqs"), clients("s3"), clients("kms")
    key = keys.list_keys()["Keys"][0]["KeyId"]
    sealed = keys.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"business_id": "1"})["CiphertextBlob"]
    item = {"pk": {"S": "business"}, "sk": {"S": "1"}, "due": {"S": "2026"}, "sealed": {"B": sealed}}
    other = {"pk": {"S": "business"}, "sk": {"S": "2"}}
    tables.transact_write_items(
        TransactItems=[{"Put": {"TableName": names["ItemsTable"], "Item": one}} for one in (item, other)]
    )
    tables.delete_item(TableName=names["ItemsTable"], Key=other)
    bucket.put_object(Bucket=names["FilesBucket"], Key="receipt", Body=b"%PDF-")
    for body in ("in hand", "waiting", "deleted"):
        queue.send_message(QueueUrl=names["DeadLetterUrl"], MessageBody=body)
    received = queue.receive_message(QueueUrl=names["DeadLetterUrl"], MaxNumberOfMessages=3, VisibilityTimeout=600)
    for message in received["Messages"]:
        if message["Body"] == "deleted":
            queue.delete_message(QueueUrl=names["DeadLetterUrl"], ReceiptHandle=message["ReceiptHandle"])

    launcher.end(signal.SIGKILL)
    assert none_left(launcher.tree)
    again = Launcher(*NOWHERE, "--state", str(tmp_path))
    running.append(again)

    assert outputs_of(clients) == names
    found = tables.query(
        TableName=names["ItemsTable"],
        IndexName="by-due",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "business"}},
    )["Items"]
    assert found == [item]
    assert "Item" not in tables.get_item(TableName=names["ItemsTable"], Key=other)
    assert keys.decrypt(CiphertextBlob=sealed, EncryptionContext={"business_id": "1"})["Plaintext"] == b"secret"
    assert bucket.get_object(Bucket=names["FilesBucket"], Key="receipt")["Body"].read() == b"%PDF-"
    messages = queue.receive_message(QueueUrl=names["DeadLetterUrl"], MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"] for message in messages} == {"in hand", "waiting"}


def test_changed_code_is_deployed_onto_the_kept_state(running: list[Launcher], tmp_path: Path) -> None:
    first = Launcher(*NOWHERE, "--state", str(tmp_path), "--sweep-seconds", "900")
    clients = emulated(tmp_path)
    names = outputs_of(clients)
    item = {"pk": {"S": "kept"}, "sk": {"S": "1"}}
    clients("dynamodb").put_item(TableName=names["ItemsTable"], Item=item)
    first.end(signal.SIGTERM)
    running.append(Launcher(*NOWHERE, "--state", str(tmp_path), "--sweep-seconds", "600"))
    assert outputs_of(clients)["ItemsTable"] == names["ItemsTable"]
    assert clients("dynamodb").get_item(TableName=names["ItemsTable"], Key=item)["Item"] == item
