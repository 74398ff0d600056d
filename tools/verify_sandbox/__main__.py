"""`make verify-sandbox`: asks the vendors' sandboxes what their documents leave open, and writes down the answers."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pex_procore.domain.errors import NeedsAttention, TryLater
from tools.verify_sandbox import catalog, places
from tools.verify_sandbox.line import Line, Silent
from tools.verify_sandbox.page import Asked, blank_page, findings_page, settings
from tools.verify_sandbox.pex_bench import PexBench
from tools.verify_sandbox.places import PexPlace, ProcorePlace, Refused
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.questions import CannotAsk, Question
from tools.verify_sandbox.undo import Undo

PAGE = Path("docs/sandbox-findings.md")
VENDORS = {"Procore": catalog.PROCORE, "PEX": catalog.PEX}
Bench = ProcoreBench | PexBench


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    options = _options(argv)
    if options.blank:
        options.page.write_text(blank_page(VENDORS))
        return 0
    try:
        with _terminable():
            return _Session(options, environ, clock, sleep).run()
    except (Refused, CannotAsk, Silent, NeedsAttention, TryLater) as error:
        print(error, file=sys.stderr)
        return 2


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make verify-sandbox", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="list the questions and what they write; ask nobody")
    parser.add_argument("--only", action="append", metavar="NAME", help="this question; may be given more than once")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the findings are written")
    parser.add_argument("--sweep-only", action="store_true", help="take away what earlier runs left, ask nothing")
    parser.add_argument("--provoke-limits", action="store_true", help="also ask beyond the limits")
    parser.add_argument("--renew-token", action="store_true", help="also have the PEX token renewed; it may die")
    parser.add_argument("--production-host", action="store_true", help="experiment on hosts that are no sandbox's")
    parser.add_argument("--confirm-company", metavar="ID", help="the Procore company is there for tests")
    parser.add_argument("--confirm-business", metavar="ID", help="the PEX business is there for tests")
    parser.add_argument("--blank", action="store_true", help="write the page of before the first run")
    return parser.parse_args(argv)


class _Session:
    """One run: who is asked, what, and what came of it."""

    def __init__(
        self,
        options: argparse.Namespace,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self.options, self.clock, self.sleep = options, clock, sleep
        self.procore, self.pex = places.procore_place(environ), places.pex_place(environ)
        self.run_id = secrets.token_hex(4)
        self.undo = Undo()
        self.benches: dict[str, Bench] = {}
        self.asked: dict[str, list[Asked]] = {}

    def run(self) -> int:
        if self.options.dry_run:
            for vendor in VENDORS:
                self._list(vendor)
            return 0
        self._open()
        if self.options.sweep_only:
            self._sweep()
            return self._tell_left()
        for vendor in self.benches:
            self._list(vendor)
        interrupted = False
        try:
            for vendor, bench in self.benches.items():
                self._ask_all(vendor, bench)
        except KeyboardInterrupt:
            interrupted = True
            print("\nInterrupted.")
        finally:
            self._clean_up()
            self._write_page()
        left = self._tell_left()
        return 130 if interrupted else left

    def _open(self) -> None:
        """Raises Refused before anything is written."""
        if self.procore is None and self.pex is None:
            raise Refused(
                "The environment names nobody to ask: PEX_TOKEN, PROCORE_CLIENT_ID. --dry-run lists what for."
            )
        if not self.options.production_host:
            urls = [self.procore.url, self.procore.login_url] if self.procore else []
            places.refuse_production([*urls, *([self.pex.url] if self.pex else [])])
        if self.procore is not None:
            self._open_procore(self.procore)
        if self.pex is not None:
            self._open_pex(self.pex)

    def _open_procore(self, place: ProcorePlace) -> None:
        bench = ProcoreBench(place, self.run_id, self.undo, self.clock, self.sleep)
        places.refuse_real("company", place.company_id, bench.company_name(), self.options.confirm_company)
        self.benches["Procore"] = bench

    def _open_pex(self, place: PexPlace) -> None:
        bench = PexBench(place, self.run_id, self.undo, self.clock, self.sleep)
        places.refuse_real("business", *bench.business(), self.options.confirm_business)
        self.benches["PEX"] = bench

    def _chosen(self, vendor: str) -> Iterator[Question]:
        for one in VENDORS[vendor]:
            wanted = not self.options.only or one.name in self.options.only
            if wanted and (not one.needs or getattr(self.options, one.needs.replace("-", "_"))):
                yield one

    def _list(self, vendor: str) -> None:
        print(f"\n{vendor}: everything written begins with PEX-VERIFY {self.run_id} and is taken away again.")
        for one in self._chosen(vendor):
            print(f"  {one.name}: {one.writes or 'only reads'}")

    def _ask_all(self, vendor: str, bench: Any) -> None:
        print(f"\n{vendor}")
        results = self.asked.setdefault(vendor, [])
        for one in self._chosen(vendor):
            results.append(asked := _ask(one, bench))
            self.undo.all()
            if asked.found is None:
                print(f" ? {one.asks}\n     not answered: {asked.reason}")
            else:
                print(f" ✓ {one.asks}\n     {asked.found.answer}. {settings(asked.found)} {asked.found.then}")

    def _clean_up(self) -> None:
        """A second Ctrl-C does not end it halfway."""
        before = signal.signal(signal.SIGINT, lambda *_: print("Still taking things away.", flush=True))
        try:
            print("\nTaking away what was made.")
            self._sweep()
        finally:
            signal.signal(signal.SIGINT, before)

    def _sweep(self) -> None:
        self.undo.all()
        for vendor, bench in self.benches.items():
            try:
                bench.owe_leftovers()
            except (Silent, NeedsAttention, TryLater) as error:
                self.undo.left.append(f"perhaps something in {vendor}: {error}")
        self.undo.finish()

    def _write_page(self) -> None:
        where = {vendor: urlsplit(bench.place.url).netloc for vendor, bench in self.benches.items()}
        lines: dict[str, Line] = {vendor: bench.line for vendor, bench in self.benches.items()}
        when = self.clock().strftime("%Y-%m-%d")
        self.options.page.write_text(findings_page(when, where, self.asked, lines, self.undo.left))
        print(f"\nWritten: {self.options.page}")

    def _tell_left(self) -> int:
        for one in self.undo.left:
            print(f"Left behind: {one}")
        return 1 if self.undo.left else 0


def _ask(question: Question, bench: Any) -> Asked:
    try:
        return Asked(question, question.ask(bench))
    except (CannotAsk, Silent, NeedsAttention, TryLater) as error:
        return Asked(question, None, str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Asked(question, None, f"an answer of another shape than expected ({type(error).__name__}: {error})")


@contextmanager
def _terminable() -> Iterator[None]:
    """A request to end is like Ctrl-C: what was made is taken away first."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
