"""What has to be taken away again, last things first."""

from __future__ import annotations

from collections.abc import Callable

from tools.verify_sandbox.line import Silent

TakeAway = Callable[[], str]


class Undo:
    def __init__(self) -> None:
        self._owed: dict[str, TakeAway] = {}
        self._last: dict[str, TakeAway] = {}
        self.left: list[str] = []

    def owe(self, what: str, take_away: TakeAway) -> None:
        """`take_away` answers why it could not, or nothing."""
        self._owed[what] = take_away

    def owe_last(self, what: str, take_away: TakeAway) -> None:
        """What the rest is taken away with."""
        self._last[what] = take_away

    def all(self) -> None:
        self._take_away(self._owed)

    def finish(self) -> list[str]:
        """What is left behind, each with the reason."""
        self.all()
        self._take_away(self._last)
        return self.left

    def _take_away(self, owed: dict[str, TakeAway]) -> None:
        while owed:
            what = next(reversed(owed))
            try:
                reason = owed[what]()
            except Silent as error:
                reason = str(error)
            del owed[what]  # not before: whoever interrupts us still owes it
            if reason:
                self.left.append(f"{what} ({reason})")
