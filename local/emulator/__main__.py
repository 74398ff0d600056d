"""`python -m local.emulator`: the emulated AWS on one port of 127.0.0.1. Started by `python -m local`, not by hand."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.emulator.pins import WrongLibrary, check_versions

CHECKPOINT_PATH = "/_local/checkpoint"
RUN_UNFINISHED_PATH = "/_local/run-unfinished"
"""Answers how many executions go on that had not ended when the emulator did."""
GRACE_SECONDS = 1.0
"""What requests and functions at work get to end in good order."""


def main() -> None:
    arguments = _arguments()
    try:
        check_versions()
        _settle_environment(arguments)
        serve = _install(arguments)
    except WrongLibrary as error:
        sys.exit(str(error))
    asyncio.run(serve)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--run-dir", type=Path, required=True, help="unpacked code and log files")
    parser.add_argument("--state-dir", type=Path, help="keep tables, bucket and queue here")
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--environments", type=int, default=12, help="most function processes at a time")
    parser.add_argument("--environments-per-function", type=int, default=4)
    parser.add_argument("--idle-seconds", type=float, default=300.0)
    parser.add_argument("--json-logs", action="store_true", help="print what functions print as JSON lines")
    parser.add_argument("--enforce-roles", action="store_true", help="let functions do what their roles allow only")
    return parser.parse_args()


def _settle_environment(arguments: argparse.Namespace) -> None:
    """ministack reads all of this while it is imported."""
    for folder in (arguments.run_dir / "logs", arguments.run_dir / "code", arguments.run_dir / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        AUTH="true" if arguments.enforce_roles else "false",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{arguments.port}",
        DOCKER_HOST="unix:///nonexistent",
        GATEWAY_PORT=str(arguments.port),
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL=os.environ.get("LOG_LEVEL", "WARNING"),
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION="us-east-1",
        SFTP_ENABLED="0",
        TMPDIR=str(arguments.run_dir / "tmp"),
        TZ="UTC",
    )
    time.tzset()
    if arguments.state_dir:
        (arguments.state_dir / "services").mkdir(parents=True, exist_ok=True)
        os.environ.update(
            PERSIST_STATE="1",
            S3_PERSIST="1",
            S3_DATA_DIR=str(arguments.state_dir / "buckets"),
            STATE_DIR=str(arguments.state_dir / "services"),
        )


def _install(arguments: argparse.Namespace) -> Any:
    from local.emulator import lean_moto

    lean_moto.install()

    from local.emulator import batches, gateway, workflows
    from local.emulator.durability import Journal
    from local.emulator.functions import FunctionRunner
    from local.emulator.logs import FunctionLogs

    runner = FunctionRunner(
        folder=arguments.run_dir / "code",
        logs=FunctionLogs(arguments.run_dir / "logs", arguments.stack_name, arguments.json_logs),
        total=arguments.environments,
        per_function=arguments.environments_per_function,
        idle_seconds=arguments.idle_seconds,
    )
    runner.install()
    workflows.install()
    batches.install()
    gateway.install()
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs each failed state with all its data
    journal = None
    if arguments.state_dir:
        journal = Journal(arguments.state_dir / "journal.jsonl")
        journal.install()
    return _serve(arguments.port, journal, workflows.interrupt, runner.close)


async def _serve(port: int, journal: Any, interrupt: Callable[[], None], close: Callable[[], None]) -> None:
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]
    from hypercorn.config import Config  # type: ignore[import-not-found]
    from ministack.app import app

    actions: dict[str, Callable[[], Any]] = {}
    if journal:
        actions = {CHECKPOINT_PATH: journal.checkpoint, RUN_UNFINISHED_PATH: journal.run_unfinished}

    async def with_actions(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (act := actions.get(scope["path"])):
            answer = json.dumps(act()).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": answer})
        else:
            await app(scope, receive, send)

    ended = asyncio.Event()

    loop = asyncio.get_running_loop()

    def end() -> None:
        interrupt()
        ended.set()
        loop.call_later(GRACE_SECONDS, close)  # the server does not end before the functions it waits for

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 600
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = os.environ["LOG_LEVEL"]
    await serve(with_actions, config, shutdown_trigger=ended.wait)
    close()
    os._exit(0)  # the state is saved; worker threads may still wait for functions


if __name__ == "__main__":
    main()
