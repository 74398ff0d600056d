"""Hook 1: ministack runs every Python function through our execution environments instead of its own worker script,
which reports each exception as the same error type and so breaks every Retry and Catch by name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

from local.emulator.environment import ExecutionEnvironment, Function
from local.emulator.logs import FunctionLogs
from local.emulator.pins import replace, require
from local.emulator.pool import NoneFree, Pool

RESPONSE_BYTES = 6 * 1024 * 1024
_FROM_OUR_ENVIRONMENT = (
    "PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip


@dataclass
class FunctionRunner:
    folder: Path
    """Where code and layers are unpacked, one folder per content."""
    logs: FunctionLogs
    total: int
    per_function: int
    idle_seconds: float

    def __post_init__(self) -> None:
        self._pool = Pool(self._launch, self.total, self.per_function, self.idle_seconds)

    def install(self) -> None:
        require(lambda_svc, "_resolve_layer_zip", "_throttle_response", "execution_credentials", "_runtime_env_vars")
        replace(lambda_svc, "_execute_function_warm", self.run)
        # output goes to our log files; kept in CloudWatch it would only grow in memory
        replace(lambda_svc, "_emit_lambda_logs", lambda *arguments, **named: None)
        # the pool waits instead of throttling
        replace(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", 0)

    def close(self) -> None:
        self._pool.close()

    def run(self, record: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """ministack's contract for an executor: `body` is the parsed answer, `error` tells a failed invocation."""
        function = self._function(record)
        try:
            environment = self._pool.lease(function)
        except NoneFree:
            busy: dict[str, Any] = lambda_svc._throttle_response(
                reason_code="ConcurrentInvocationLimitExceeded",
                msg=f"Rate Exceeded: every environment for {function.name} stayed busy",
            )
            return busy
        started, cold = time.perf_counter(), environment.cold
        try:
            outcome = environment.invoke(request_id, json.dumps(event).encode())
        finally:
            self._pool.release(environment)
        self.logs.report(function.name, request_id, time.perf_counter() - started, cold, outcome.failed)
        if len(outcome.payload) > RESPONSE_BYTES:
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
            return {"body": {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}, "error": True}
        answer = {"body": json.loads(outcome.payload) if outcome.payload else None, "log": ""}
        return {**answer, "error": True} if outcome.failed else answer

    def _launch(self, function: Function) -> ExecutionEnvironment:
        return ExecutionEnvironment(function, lambda line: self.logs.line(function.name, line))

    def _function(self, record: dict[str, Any]) -> Function:
        config = record.get("config") or record
        code = self._unpack(record["code_zip"])
        layers = [zipped for layer in config.get("Layers") or [] if (zipped := lambda_svc._resolve_layer_zip(layer))]
        path = [code, *(self._unpack(layer) / "python" for layer in layers)]
        environment = _environment(config, code, path)
        timeout_seconds = float(config.get("Timeout", 3))
        revision = hashlib.sha256(json.dumps([timeout_seconds, environment]).encode()).hexdigest()
        return Function(
            name=config["FunctionName"],
            arn=config["FunctionArn"],
            handler=config["Handler"],
            code=code,
            environment=tuple(environment.items()),
            timeout_seconds=timeout_seconds,
            revision=revision,
        )

    def _unpack(self, content: bytes) -> Path:
        folder = self.folder / hashlib.sha256(content).hexdigest()[:32]
        if not folder.is_dir():
            half_done = self.folder / f"{folder.name}.{os.getpid()}.{time.monotonic_ns()}"
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(half_done)
            try:
                half_done.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        return folder


def _environment(config: dict[str, Any], code: Path, path: list[Path]) -> dict[str, str]:
    name, logging = config["FunctionName"], config.get("LoggingConfig") or {}
    return {
        **{key: os.environ[key] for key in _FROM_OUR_ENVIRONMENT if key in os.environ},
        **lambda_svc.execution_credentials(config),
        **lambda_svc._runtime_env_vars(config),
        "AWS_REGION": os.environ["MINISTACK_REGION"],
        "AWS_DEFAULT_REGION": os.environ["MINISTACK_REGION"],
        # a test may stand between the functions and AWS
        "AWS_ENDPOINT_URL": os.environ.get("FUNCTIONS_ENDPOINT_URL") or os.environ["AWS_ENDPOINT_URL"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "LAMBDA_TASK_ROOT": str(code),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "TZ": ":UTC",
        "_HANDLER": config["Handler"],
    }
