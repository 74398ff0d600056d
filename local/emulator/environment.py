"""One execution environment of one function: a process under the real Lambda runtime client, and the Runtime API
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) that hands it one event at a time."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

LEASH = Path(__file__).resolve().parent.parent / "leash.py"
INIT_SECONDS = 30.0
"""How long a process may take to ask for its first event. Lambda gives 10 s; a busy laptop is slower."""


@dataclass(frozen=True)
class Function:
    name: str
    arn: str
    handler: str
    code: Path
    environment: tuple[tuple[str, str], ...]
    timeout_seconds: float
    revision: str
    """Changes with the code, the layers or the configuration: environments of an older revision are not used again."""


@dataclass(frozen=True)
class Outcome:
    payload: bytes
    failed: bool = False

    @classmethod
    def failure(cls, error_type: str, message: str) -> Outcome:
        return cls(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)


@dataclass(frozen=True)
class _Event:
    request_id: str
    payload: bytes
    deadline_ms: int
    trace: str


@dataclass(frozen=True)
class _Answer:
    request_id: str | None
    """None: the process ended."""
    outcome: Outcome


class ExecutionEnvironment:
    def __init__(self, function: Function, on_line: Callable[[str], None]) -> None:
        self.function = function
        self.cold = True
        self._on_line = on_line
        self._events: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._init_failure: Outcome | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(LEASH), "awslambdaric", function.handler],
            cwd=function.code,
            env={**dict(function.environment), "AWS_LAMBDA_RUNTIME_API": address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._accept, name=f"runtime-api-{function.name}", daemon=True).start()
        threading.Thread(target=self._read_output, name=f"output-{function.name}", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, request_id: str, payload: bytes) -> Outcome:
        """Blocks until the handler answers, its process ends, or its timeout passes (then the process is killed)."""
        if not self._ready.wait(INIT_SECONDS):
            self.kill()
            return Outcome.failure("Sandbox.Timedout", f"The function did not start within {INIT_SECONDS:.0f} seconds")
        self.cold = False
        if self._init_failure:
            self.kill()
            return self._init_failure
        seconds = self.function.timeout_seconds
        trace = f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]};Sampled=0"
        self._events.put(_Event(request_id, payload, int((time.time() + seconds) * 1000), trace))
        deadline = time.monotonic() + seconds
        try:
            while True:
                answer = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
                if answer.request_id in (request_id, None):
                    return answer.outcome
        except queue.Empty:
            self.kill()
            message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            return Outcome.failure("Sandbox.Timedout", message)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            for part in line.decode("utf-8", "replace").rstrip("\n").split("\r"):
                self._on_line(part)
        status = self._process.wait()
        self._answers.put(_Answer(None, Outcome.failure("Runtime.ExitError", f"Runtime exited: exit status {status}")))
        self._ready.set()
        self._events.put(None)
        # close() alone would leave accept() waiting
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            _RuntimeApi(connection, address, self)  # type: ignore[arg-type]  # takes the place of a server
        except OSError:
            pass  # the process ended in the middle of a call
        finally:
            connection.close()

    def next_event(self) -> _Event | None:
        self._ready.set()
        return self._events.get()

    def accept_answer(self, request_id: str, outcome: Outcome) -> None:
        self._answers.put(_Answer(request_id, outcome))

    def accept_init_failure(self, payload: bytes) -> None:
        self._init_failure = Outcome(payload, failed=True)
        self._ready.set()


class _RuntimeApi(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    server: Any

    def do_GET(self) -> None:
        event = self.server.next_event()
        if event is None:
            self._answer(410, b"{}")
            return
        self._answer(
            200,
            event.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": self.server.function.arn,
                "Lambda-Runtime-Trace-Id": event.trace,
            },
        )

    def do_POST(self) -> None:
        body = self._read_body()
        *_, subject, verb = self.path.rstrip("/").split("/")
        if (subject, verb) == ("init", "error"):
            self.server.accept_init_failure(body)
        elif verb in ("response", "error"):
            self.server.accept_answer(subject, Outcome(body, failed=verb == "error"))
        self._answer(202, b'{"status":"OK"}')

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        # the runtime client crashes on an event without a content type
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass
