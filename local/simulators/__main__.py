"""python -m local.simulators: both vendors, seeded, until interrupted.

Every vendor's simulator has the same outside: `XSimulator(world, clock=…, switches=…, save=…)`, `.start(**ports)`,
`.stop()`, `.books()`, `.requests`, `.faults`, `.switches`, `.save()`, and `act_<name>` methods for the control port.
Its method `save()` hands the world to the given `save` under the simulator's own lock (nothing when none was given);
it is called after every request that is not a read (web.stack) and after every action (control).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local.simulators.control import control_app
from local.simulators.state import StateFile, StateUnreadable
from local.simulators.web import AdjustableClock, Server

PARENT_LOOK_SECONDS = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    parent = os.getppid()
    options = _options(argv)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    running: dict[str, Any] = {}
    clock = AdjustableClock()
    control: Server | None = None
    try:
        for vendor in options.vendors:
            running[vendor] = _start(vendor, options, clock)
            running[vendor].save()
        control = Server(control_app(running), options.control_port).start()
        print("ready " + json.dumps(_urls(running) | {"control_url": control.url}), flush=True)
        _wait(ended, parent)
        return 0
    except StateUnreadable as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"The simulators cannot listen ({error.strerror}): give another port, or 0 for any free one.",
            file=sys.stderr,
        )
        return 1
    finally:
        if control is not None:
            control.stop()
        for simulator in running.values():
            simulator.stop()


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.simulators", description="PEX and Procore on this machine")
    for port in ("pex-api", "pex-oauth", "procore-api", "procore-login", "control"):
        parser.add_argument(f"--{port}-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--state", type=Path, help="directory that keeps both worlds across restarts")
    parser.add_argument("--vendors", type=_vendors, default=["pex", "procore"], help="comma-separated: pex, procore")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same world")
    return parser.parse_args(argv)


def _vendors(text: str) -> list[str]:
    vendors = [vendor.strip() for vendor in text.split(",") if vendor.strip()]
    if not vendors or set(vendors) - {"pex", "procore"}:
        raise argparse.ArgumentTypeError("give pex, procore, or both with a comma between them")
    return vendors


def _start(vendor: str, options: argparse.Namespace, clock: AdjustableClock) -> Any:
    state = StateFile(options.state / f"{vendor}.state") if options.state else None
    world = state.load() if state else None
    save: Callable[[Any], None] | None = state.save if state else None
    if vendor == "procore":
        from local.simulators.procore import ProcoreSimulator
        from local.simulators.seed_procore import seed_procore

        procore = ProcoreSimulator(world or seed_procore(options.seed), clock=clock, save=save)
        return procore.start(api_port=options.procore_api_port, login_port=options.procore_login_port)
    from local.simulators.pex import PexSimulator
    from local.simulators.seed_pex import seed_pex

    pex = PexSimulator(world or seed_pex(options.seed, clock=clock), clock=clock, save=save)
    return pex.start(api_port=options.pex_api_port, oauth_port=options.pex_oauth_port)


def _urls(running: dict[str, Any]) -> dict[str, str]:
    names = {"pex": ("api_url", "oauth_url"), "procore": ("api_url", "login_url")}
    return {
        f"{vendor}_{name}": getattr(simulator, name) for vendor, simulator in running.items() for name in names[vendor]
    }


def _wait(ended: threading.Event, parent: int) -> None:
    """Until a signal, or until the process that started us is gone."""
    while not ended.wait(PARENT_LOOK_SECONDS):
        if os.getppid() != parent:
            return


if __name__ == "__main__":
    sys.exit(main())
