"""The connector on moto: real handlers, real state machine, called by API, queue, schedule and PEX's callbacks.

    with mock_aws(config=MOTO), Cloud(clock, vendors) as cloud: …
        answer = cloud.request("POST", "/v1/runs", {"kind": "transactions"})
        cloud.finish()                                   # until no execution runs
        cloud.pump()                                     # the queue into start_runs
        cloud.crash("PostTransactions", at=5)            # the process dies before its fifth write
        cloud.before("CloseRun", act)                    # act happens just before that step's next invocation

The part of AWS between our files is moto's; routes, timeouts and queue come from template.yaml.
"""

from __future__ import annotations

import json
import pickle
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.simulators.web import Server
from pex_procore.runtime import webhook
from pex_procore.runtime import wiring as wiring_room
from pex_procore.runtime.wiring import wiring
from tests.flow.clock import FlowClock
from tests.flow.gateway import Reply, pattern_of, proxy_event, reply_of
from tests.flow.process import (
    ACCOUNT,
    REGION,
    Crash,
    FunctionFailed,
    Invocation,
    Killed,
    LambdaContext,
    function_arn,
    here,
    load_app,
)
from tests.flow.swift import client, definition_of, interpreters_client, parse, parsed_path
from tests.flow.worlds import PEX_APP_ID, PEX_APP_SECRET
from tests.store.tables import create_stage
from tests.template.cfn import beats, every_environment, folder_of, functions, resources, routes

MOTO = {
    "core": {"reset_boto3_session": False},
    "lambda": {"use_docker": False},
    "stepfunctions": {"execute_state_machine": True},
}
PATIENCE_SECONDS = 30.0  # real ones, for what runs in other threads


class Cloud:
    """Made once for many tests, for that is slow: `restore` gives each of them the tables of its own."""

    def __init__(self, clock: FlowClock, vendors: dict[str, str]) -> None:
        """`vendors`: the four URLs by environment name."""
        self.clock = clock
        self._crashes: list[Crash] = []
        self._beside: dict[tuple[str, str], list[Callable[[], object]]] = {}
        self._told: list[Any] = []
        self._patch = pytest.MonkeyPatch()
        self.server = Server(self._serve)
        self._vendors = vendors

    def __enter__(self) -> Cloud:
        self.clock.govern(self._patch)
        for where, name, ours in (
            (LambdaSimpleBackend, "invoke", self._invoke_for_step),
            (AmazonStateLanguageParser, "parse", parse),
            (lambda_eval_utils, "boto_client_for", interpreters_client),
            (json_path, "parse", parsed_path),
            (wiring_room, "get_session", lambda: SimpleNamespace(create_client=client)),
            (webhook, "aws", client),
        ):
            self._patch.setattr(where, name, ours)
        self.server.start()
        self.stage = create_stage(*(client(name) for name in ("dynamodb", "s3", "kms")))
        self.sqs, self.states = client("sqs"), client("stepfunctions")
        self.queue_url, self.dead_queue_url = self._make_queues()
        machines = {name: self._make_machine(name) for name in resources("AWS::Serverless::StateMachine")}
        made = {
            **machines,
            "Connections": self.stage.connections,
            "History": self.stage.history,
            "Receipts": self.stage.bucket,
            "Key": self.stage.key_id,
            "Hints": self.queue_url,
            "Notices": client("sns").create_topic(Name="Notices")["TopicArn"],
        }
        secret = client("secretsmanager").create_secret(Name="pex-app", SecretString=PEX_APP_SECRET)["ARN"]
        app = {"PEX_APP_ID": PEX_APP_ID, "PEX_APP_SECRET_ARN": secret}
        given = {**self._vendors, **app, "PUBLIC_URL": self.server.url, "SWEEP_SECONDS": "900"}
        for name, value in every_environment().items():
            resource = value.get("Ref") or value.get("Fn::GetAtt", [""])[0]
            self._patch.setenv(name, given.get(name) or made[resource])
        self.forget_warm_state()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self._patch.undo()
        wiring.cache_clear()
        webhook.door.cache_clear()

    def forget_warm_state(self) -> None:
        """As if every function's process were new."""
        wiring.cache_clear()
        webhook.door.cache_clear()
        wiring().sleep = self.clock.forward

    def save(self) -> Any:
        """What the tables hold, for `restore`."""
        return pickle.dumps({name: table.items for name, table in self._tables().items()})

    def restore(self, saved: bytes | None) -> None:
        """The tables as they were, and nothing anywhere else."""
        items = pickle.loads(saved) if saved else {}
        for name, table in self._tables().items():
            table.items = items.get(name) or defaultdict(dict)
        for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
            machine.executions.clear()
        for url in (self.queue_url, self.dead_queue_url):
            self.sqs.delete_queue(QueueUrl=url)
        assert (self.queue_url, self.dead_queue_url) == self._make_queues()
        for one in self.stage.s3.list_objects_v2(Bucket=self.stage.bucket).get("Contents", []):
            self.stage.s3.delete_object(Bucket=self.stage.bucket, Key=one["Key"])
        self._crashes.clear()
        self._beside.clear()
        self._told.clear()
        for topic in self._topics():
            topic.sent_notifications.clear()
        self.forget_warm_state()

    @staticmethod
    def _tables() -> dict[str, Any]:
        found: dict[str, Any] = dynamodb_backends[ACCOUNT][REGION].tables
        return found

    def _make_queues(self) -> tuple[str, str]:
        dead = self.sqs.create_queue(QueueName="DeadHints")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        declared = resources("AWS::SQS::Queue")["Hints"]
        redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": declared["RedrivePolicy"]["maxReceiveCount"]}
        attributes = {
            "VisibilityTimeout": str(declared["VisibilityTimeout"]),
            "RedrivePolicy": json.dumps(redrive),
        }
        return self.sqs.create_queue(QueueName="Hints", Attributes=attributes)["QueueUrl"], dead

    def _make_machine(self, name: str) -> str:
        """From the real file, each placeholder replaced as CloudFormation would."""
        declared = resources("AWS::Serverless::StateMachine")[name]
        values = {
            key: function_arn(value["Fn::GetAtt"][0]) if isinstance(value, dict) else str(value)
            for key, value in declared["DefinitionSubstitutions"].items()
        }
        made = self.states.create_state_machine(
            name=name,
            definition=definition_of(declared["DefinitionUri"], tuple(values.items())),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/states",
            type=declared["Type"],
        )
        arn: str = made["stateMachineArn"]
        return arn

    # Functions

    def invoke(self, name: str, event: Any) -> Any:
        """Raises FunctionFailed."""
        invocation = Invocation(name, self._crashes)
        for act in self._beside.pop(("before", name), []):
            act()
        outer = getattr(here, "invocation", None)
        here.invocation = invocation
        context = LambdaContext(name, self.clock, functions()[name]["Timeout"])
        try:
            answer = load_app(folder_of(name)).handler(json.loads(json.dumps(event)), context)
            if invocation.dead:
                raise Killed
        except Killed:
            self.forget_warm_state()
            raise FunctionFailed(invocation.dead, f"RequestId: {context.aws_request_id} Error") from None
        except Exception as error:
            raise FunctionFailed(type(error).__name__, str(error)) from error
        finally:
            here.invocation = outer
        for act in self._beside.pop(("after", name), []):
            act()
        return json.loads(json.dumps(answer))

    def before(self, name: str, act: Callable[[], object]) -> None:
        self._beside.setdefault(("before", name), []).append(act)

    def after(self, name: str, act: Callable[[], object]) -> None:
        self._beside.setdefault(("after", name), []).append(act)

    def crash(
        self,
        name: str,
        at: int | None = None,
        when: Callable[[], bool] | None = None,
        how: str = "Runtime.ExitError",
        times: int = 1,
    ) -> None:
        """Kills the function's process before its write number `at` to AWS, or before the first call to AWS at which
        `when` holds; in its next `times` invocations."""
        for _ in range(times):
            self._crashes.append(Crash(name, lambda one: len(one.writes) == at if at else bool(when and when()), how))

    def forget_crashes(self) -> int:
        """How many had not happened."""
        left = len(self._crashes)
        self._crashes.clear()
        return left

    def _invoke_for_step(self, name: str, qualifier: Any, body: Any, headers: Any, response_headers: Any) -> bytes:
        try:
            return json.dumps(self.invoke(name.rsplit(":", 1)[-1], json.loads(body))).encode()
        except FunctionFailed as failure:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": failure.error_type, "errorMessage": failure.message}).encode()

    # Executions

    def executions(self) -> list[Any]:
        backend = stepfunctions_parser_backends[ACCOUNT][REGION]
        return [execution for machine in backend.state_machines for execution in machine.executions]

    def finish(self, but: Sequence[Any] = (), patience_seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Waits until no execution runs (besides `but`), answers how each ended that was not told of before."""
        until = time.monotonic() + patience_seconds
        while any(one.status == "RUNNING" for one in self.executions() if one not in but):
            assert time.monotonic() < until, "an execution does not come to its end"
            time.sleep(0.002)
        fresh = [one for one in self.executions() if one not in self._told and one not in but]
        self._told += fresh
        return [one.status for one in fresh]

    # Events

    def pump(self, limit: int = 50) -> int:
        """The queue's messages into start_runs, in batches, until it is empty or every one came `limit` times."""
        handed_over = 0
        while limit and (messages := self.messages()):
            limit -= 1
            handed_over += len(messages)
            self.hand_over(messages)
        return handed_over

    def pump_once(self) -> int:
        messages = self.messages()
        if messages:
            self.hand_over(messages)
        return len(messages)

    def messages(self) -> list[dict[str, Any]]:
        """Those in the queue, taken out of it for now."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            found += batch
        return found

    def hand_over(self, messages: list[dict[str, Any]]) -> None:
        """To start_runs, as one batch."""
        sent_at = str(int(self.clock().timestamp() * 1000))
        records = [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": {"SentTimestamp": sent_at, "ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:Hints",
                "awsRegion": REGION,
            }
            for one in messages
        ]
        try:
            answer = self.invoke("StartRuns", {"Records": records})
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        except FunctionFailed:
            failed = {one["MessageId"] for one in messages}
        for one in messages:
            handle = {"QueueUrl": self.queue_url, "ReceiptHandle": one["ReceiptHandle"]}
            if one["MessageId"] in failed:
                self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(**handle)

    def beat(self, shard: str | None = None) -> int:
        """The schedules' events, of every shard or of one; how many runs they started."""
        due = [event for event in beats() if shard in (None, event["shard"])]
        return sum(self.invoke("StartRuns", event)["started"] for event in due)

    def care(self) -> dict[str, Any]:
        """The other schedule's event."""
        event = json.loads(functions()["RenewTokens"]["Events"]["Beat"]["Properties"]["Input"])
        answer: dict[str, Any] = self.invoke("RenewTokens", event)
        return answer

    def notices(self) -> list[tuple[str, str]]:
        """Subject and text of what went to people."""
        return [(one[2], one[1]) for topic in self._topics() for one in topic.sent_notifications]

    @staticmethod
    def _topics() -> list[Any]:
        return list(sns_backends[ACCOUNT][REGION].topics.values())

    # HTTP

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Reply:
        """Through the routes of the template, as API Gateway's REST proxy does it. `body`: JSON, or text as it is."""
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        for route in routes():
            if route.method == method and (found := pattern_of(route.path).fullmatch(path)):
                event = proxy_event(method, path, route.path, found.groupdict(), text, headers or {}, query or {})
                return reply_of(self.invoke(route.function, event))
        return Reply(404, {}, [], '{"code": "not_found"}')

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read().decode()
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        reply = self.request(environ["REQUEST_METHOD"], environ["PATH_INFO"], body, headers, query)
        start_response(f"{reply.status} Answer", list(reply.headers.items()))
        return [reply.text.encode()]
