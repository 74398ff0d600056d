"""What the story shows: coloured and with a moving line in a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from types import TracebackType
from typing import TextIO

_COLOURS = {"act": "1;36", "good": "32", "bad": "1;31", "quiet": "2", "strong": "1"}
_TURNS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Screen:
    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._terminal = self._out.isatty()
        self._coloured = self._terminal and "NO_COLOR" not in os.environ
        self._acts = 0
        self._began = time.monotonic()
        if hasattr(self._out, "reconfigure"):
            self._out.reconfigure(errors="replace")

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self._coloured else text

    def line(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def act(self, title: str) -> None:
        self._acts += 1
        elapsed = f"{time.monotonic() - self._began:.0f} s"
        self.line(f"\n{self.paint(f'{self._acts}. {title}', 'act')}  {self.paint(elapsed, 'quiet')}")

    def tell(self, text: str) -> None:
        self.line(f"   {text}")

    def good(self, text: str) -> None:
        self.line(f" {self.paint('✓', 'good')} {text}")

    def bad(self, text: str) -> None:
        self.line(f" {self.paint('✗ ' + text, 'bad')}")

    def link(self, text: str) -> None:
        self.line(f"   {self.paint('→ ' + text, 'quiet')}")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        for row in rows:
            cells = "  ".join(
                cell.rjust(width) if cell.startswith(("$", "-$")) else cell.ljust(width)
                for cell, width in zip(row, widths, strict=True)
            )
            self.line(f"     {cells}".rstrip())

    def waiting(self, text: str) -> Waiting:
        return Waiting(self, text)

    def turn(self, text: str) -> None:
        """Draws over the moving line; nothing without a terminal."""
        if self._terminal:
            room = shutil.get_terminal_size().columns - 4
            print(f"\r\033[K   {self.paint(text[:room], 'quiet')}", end="", file=self._out, flush=True)

    def erase(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=self._out, flush=True)


def dollars(raw: object) -> str:
    """Of an amount from the books (text) or from the connector (a JSON number)."""
    amount = Decimal(str(raw))
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


class Waiting:
    """A moving line for as long as the block runs: `with screen.waiting("Sync") as line: line.show("3 posted")`."""

    def __init__(self, screen: Screen, text: str) -> None:
        self._screen = screen
        self._text = text
        self._began = time.monotonic()
        self._turn = 0

    def __enter__(self) -> Waiting:
        self.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.erase()

    def show(self, detail: str = "") -> None:
        self._turn += 1
        moving = _TURNS[self._turn % len(_TURNS)]
        more = f" · {detail}" if detail else ""
        self._screen.turn(f"{moving} {self._text} · {time.monotonic() - self._began:.0f} s{more}")
