"""`python -m local up`: the connector whole on this machine. `python -m local demo`: the same, with a story played."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import DeployError
from local.processes import ChildFailed
from local.stack import ROOT, CannotStart, Stack
from local.sweep import NoSweep

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
VENDOR_OPTIONS = ("pex_api_url", "pex_oauth_url", "procore_api_url", "procore_login_url")


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    arguments = _parser().parse_args(argv)
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)
    try:
        with _stack(arguments, root) as stack:
            print(f"ready {json.dumps(stack.urls)}", flush=True)
            code = _play(stack, arguments.exit) if arguments.command == "demo" else 0
            if not (arguments.command == "demo" and arguments.exit):
                _tell("Ctrl-C stops everything.")
                stack.wait()
            return code
    except KeyboardInterrupt:
        return 0 if arguments.command == "up" or not arguments.exit else 130
    except (CannotStart, ChildFailed, DeployError, NoSweep) as error:
        print(_coloured(str(error), "31"), file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(_coloured(f"The emulated AWS did not do what was asked: {error}", "31"), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The connector whole on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|demo")
    up = commands.add_parser("up", help="run it in the foreground until interrupted")
    demo = commands.add_parser("demo", help="run it and play the story")
    demo.add_argument("--exit", action="store_true", help="end after the story; exit code 0 when the books are right")
    for command in (up, demo):
        command.add_argument("--port", type=int, default=8080, help="port of the connector (default 8080, 0: any)")
        for option in VENDOR_OPTIONS:
            command.add_argument(f"--{option.replace('_', '-')}", metavar="URL", help="instead of the simulator")
        command.add_argument("--state", type=Path, metavar="DIR", help="keep tables, bucket and queue here")
        command.add_argument("--sweep-seconds", type=int, default=900, metavar="N", help="default 900")
        command.add_argument("--json-logs", action="store_true", help="print the functions' logs as JSON lines")
    return parser


def _stack(arguments: argparse.Namespace, root: Path) -> Stack:
    if arguments.sweep_seconds < 1:
        raise CannotStart("--sweep-seconds must be 1 or more.")
    given = {name: getattr(arguments, name) for name in VENDOR_OPTIONS if getattr(arguments, name)}
    return Stack(
        port=arguments.port,
        vendor_urls=given,
        state=arguments.state,
        sweep_seconds=arguments.sweep_seconds,
        json_logs=arguments.json_logs,
        root=root,
        progress=_tell,
    )


def _play(stack: Stack, exit_after: bool) -> int:
    from local.demo.story import run

    return run(stack, exit_after=exit_after)


def _interrupt(number: int, frame: object) -> None:
    for other in INTERRUPTS:  # stopping is under way
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    print(_coloured(text, "2"), file=sys.stderr, flush=True)


def _coloured(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if sys.stderr.isatty() else text


if __name__ == "__main__":
    sys.exit(main())
