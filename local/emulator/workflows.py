"""Hook 2: ministack's Step Functions run on moto's interpreter, which keeps time-outs, retry delays, the 256 KB limit
and the errors of missing paths as AWS does. It calls back into this emulator with boto3, as Step Functions calls AWS.

On AWS an execution goes on whatever happens to this machine. Here one that had not ended when the emulator did is run
again from its beginning, under the same name, input and start time, by the definition deployed then (`run_again`).
"""

from __future__ import annotations

import contextvars
import datetime
import functools
import json
import logging
import os
import pickle
import sys
import threading
import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple

import boto3
import moto.stepfunctions.parser.asl.utils.boto_client as moto_clients
from botocore.config import Config
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    now_iso,
    set_request_account_id,
    set_request_region,
)
from ministack.services import stepfunctions
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.backend.execution_worker import SyncExecutionWorker
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.emulator.pins import WrongLibrary, replace, require

KEPT_EXECUTIONS = 1000
LONGEST_TASK_SECONDS = 900
logger = logging.getLogger("local.emulator")


def install() -> None:
    require(stepfunctions, "_executions", "_state_machines", "_resolve_state_machine_arn")
    require(stepfunctions, "_fail_execution")
    stock_clients = replace(moto_clients, "boto_client_for", _client)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and getattr(module, "boto_client_for", None) is stock_clients:
            replace(module, "boto_client_for", _client)
    if lambda_eval_utils.boto_client_for is not _client:
        raise WrongLibrary("moto's state machines no longer take their clients from boto_client_for. Run `make setup`.")
    for name, ours in {
        "_emit_execution_status_event": functools.partial(_publish, stepfunctions._emit_execution_status_event),
        "_restore_state": functools.partial(_restore, stepfunctions._restore_state),
        "_run_execution": _run,
        "_start_execution": functools.partial(_start, stepfunctions._start_execution),
        "_stop_execution": functools.partial(_stop, stepfunctions._stop_execution),
        "_get_execution_history": functools.partial(_history, stepfunctions._get_execution_history),
        "_start_sync_execution": _not_emulated,
        "_send_task_success": _not_emulated,
        "_send_task_failure": _not_emulated,
        "_send_task_heartbeat": _not_emulated,
    }.items():
        replace(stepfunctions, name, ours)
    replace(Timestamp, "_eval_body", _wait_until)
    threading.Thread(target=_client, args=(os.environ["MINISTACK_REGION"], "lambda"), daemon=True).start()


def _client(region: str, service: str, state_credentials: Any = None) -> Any:
    return _shared_client(region, service)


@functools.lru_cache
def _shared_client(region: str, service: str) -> Any:
    """One client per service for all executions: making one takes longer than most tasks."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            read_timeout=LONGEST_TASK_SECONDS,
            max_pool_connections=50,
        ),
    )


@dataclass(frozen=True)
class _Machine:
    """What moto's execution reads of a state machine."""

    arn: str
    name: str
    definition: str
    sm_type: str
    create_date: None = None
    logging_config: None = None
    revision_id: None = None


@functools.lru_cache(maxsize=32)
def _parsed(definition: str) -> bytes:
    """Parsing takes 30 ms and more, copying a parsed program 1 ms. Executions change it, so each gets a copy."""
    program, _ = AmazonStateLanguageParser.parse(definition)
    return pickle.dumps(program)


class _Worker(SyncExecutionWorker):
    def _get_evaluation_entrypoint(self) -> EvalComponent:
        return pickle.loads(_parsed(self._evaluation_details.state_machine_details.definition))


class _Execution(SyncExecution):
    """Runs in the calling thread, which ministack starts for each execution."""

    def _get_start_execution_worker(self) -> _Worker:
        stock = super()._get_start_execution_worker()
        return _Worker(
            evaluation_details=stock._evaluation_details,
            exec_comm=stock._execution_communication,
            cloud_watch_logging_session=None,
            activity_store={},
        )

    def history(self) -> list[dict[str, Any]]:
        if self.exec_worker is None or self.exec_worker.env is None:
            return []
        events: list[dict[str, Any]] = self.exec_worker.env.event_manager.get_event_history()
        return json.loads(json.dumps(events, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _wait_until(wait: Any, env: Any) -> None:
    """In the place of moto's wait for a moment, which reads it as local time and ends up to a second early."""
    wait.string.eval(env=env)
    text = env.stack.pop()
    try:
        moment = datetime.datetime.fromisoformat(text)
        remaining = (moment - datetime.datetime.now(datetime.UTC)).total_seconds()
    except (TypeError, ValueError) as error:  # no text, no moment, or one without its offset
        raise FailureEventException(wait._create_failure_event(env, text)) from error
    while remaining > 0 and env.is_running():
        env.program_state_event.wait(remaining)
        remaining = (moment - datetime.datetime.now(datetime.UTC)).total_seconds()


_running: dict[str, _Execution] = {}
"""By execution ARN."""
_interrupting = threading.Event()


def interrupt() -> None:
    """The emulator is about to end: from now on an execution's end is only that of the functions it waited for."""
    _interrupting.set()


class Unfinished(NamedTuple):
    account: str
    region: str
    arn: str
    record: dict[str, Any]


def unfinished() -> list[Unfinished]:
    return [
        Unfinished(account, region, arn, record)
        for (account, region, arn), record in stepfunctions._executions.all_items()
        if record["status"] == "RUNNING"
    ]


def run_again(executions: list[Unfinished]) -> int:
    """How many of those were started. The others were stopped meanwhile, or their state machine is no more."""
    started = 0
    for account, region, arn, record in executions:
        if not stepfunctions._state_machines.contains_scoped(account, region, record["stateMachineArn"]):
            logger.warning("%s is dropped: its state machine is no more.", arn)
            stepfunctions._executions.pop_scoped(account, region, arn, None)
        elif record["status"] == "RUNNING":
            scope = contextvars.Context()
            scope.run(set_request_account_id, account)
            scope.run(set_request_region, region)
            _run_in_thread(scope, arn)
            started += 1
    return started


def _restore(stock: Any, state: dict[str, Any] | None) -> None:
    """ministack declares failed what was running."""
    if state:
        stock({**state, "executions": {}})
        stepfunctions._executions.update(state["executions"])


def _publish(stock: Any, record: dict[str, Any]) -> None:
    """Called at the start and the end of every execution. EXPRESS ones publish no events on AWS."""
    machine = stepfunctions._state_machines.get(record["stateMachineArn"])
    if machine and machine.get("type") != "EXPRESS":
        stock(record)


def _run(execution_arn: str) -> None:
    record = stepfunctions._executions.get(execution_arn)
    machine = record and stepfunctions._state_machines.get(record["stateMachineArn"])
    if not machine:
        return
    express = machine.get("type") == "EXPRESS"
    execution = _Execution(
        name=record["name"],
        sm_type=machine.get("type", "STANDARD"),
        role_arn=machine["roleArn"],
        exec_arn=execution_arn,
        account_id=get_account_id(),
        region_name=get_region(),
        state_machine=_Machine(
            machine["stateMachineArn"], machine["name"], machine["definition"], machine.get("type", "STANDARD")
        ),
        start_date=record["startDate"],
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=record["input"] or "{}",
    )
    _running[execution_arn] = execution
    try:
        execution.start()
    except Exception as error:
        if _interrupting.is_set():
            return
        stepfunctions._fail_execution(record, "States.Runtime", f"{type(error).__name__}: {error}")
        return
    finally:
        del _running[execution_arn]
        TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
    if record["status"] != "RUNNING" or _interrupting.is_set():  # stopped from outside; to be run again
        return
    record["events"] = [] if express else execution.history()
    record["stopDate"] = now_iso()
    record["error"], record["cause"] = execution.error, execution.cause
    if execution.status == "SUCCEEDED":
        record["output"] = to_json_str(execution.output, separators=(",", ":"))
    record["status"] = execution.status
    stepfunctions._emit_execution_status_event(record)
    _forget_old_executions()


def _forget_old_executions() -> None:
    executions = stepfunctions._executions
    surplus = len(executions) - KEPT_EXECUTIONS
    if surplus > KEPT_EXECUTIONS // 10:
        finished = [arn for arn, record in list(executions.items()) if record["status"] != "RUNNING"]
        for arn in finished[:surplus]:
            executions.pop(arn, None)


def _start(stock: Any, request: dict[str, Any]) -> Any:
    """AWS refuses input that is no JSON, and answers a repeated start of a running STANDARD execution with the first
    one."""
    try:
        given = json.loads(request.get("input") or "{}")
    except ValueError as error:
        return error_response_json("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400)
    machine_arn = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    if machine_arn and stepfunctions._state_machines[machine_arn].get("type") == "EXPRESS":
        return _start_express(machine_arn, request)
    name = request.get("name")
    if machine_arn and name:
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        existing = stepfunctions._executions.get(arn)
        if existing and existing["status"] == "RUNNING" and json.loads(existing["input"] or "{}") == given:
            return json_response({"executionArn": arn, "startDate": existing["startDate"]})
    return stock(request)


def _start_express(machine_arn: str, request: dict[str, Any]) -> Any:
    """EXPRESS executions may share a name, so the ARN has an id of its own, as on AWS."""
    name = request.get("name") or str(uuid.uuid4())
    arn = f"{machine_arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}"
    record = {
        "executionArn": arn,
        "stateMachineArn": machine_arn,
        "name": name,
        "status": "RUNNING",
        "startDate": now_iso(),
        "stopDate": None,
        "input": request.get("input") or "{}",
        "output": None,
        "events": [],
    }
    stepfunctions._executions[arn] = record
    stepfunctions._emit_execution_status_event(record)
    _run_in_thread(contextvars.copy_context(), arn)
    return json_response({"executionArn": arn, "startDate": record["startDate"]})


def _run_in_thread(scope: contextvars.Context, arn: str) -> None:
    threading.Thread(target=scope.run, args=(_run, arn), daemon=True).start()


def _stop(stock: Any, request: dict[str, Any]) -> Any:
    answer = stock(request)
    execution = _running.get(request.get("executionArn", ""))
    if execution and execution.exec_worker and execution.exec_worker.env:
        execution.stop(datetime.datetime.now(datetime.UTC), request.get("error"), request.get("cause"))
    return answer


def _history(stock: Any, request: dict[str, Any]) -> Any:
    execution = _running.get(request.get("executionArn", ""))
    if execution:
        stepfunctions._executions[request["executionArn"]]["events"] = execution.history()
    return stock(request)


def _not_emulated(request: dict[str, Any]) -> Any:
    return error_response_json("UnsupportedOperation", "The connector does not use this, so it is not emulated.", 400)
