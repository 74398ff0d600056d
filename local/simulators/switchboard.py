"""Named switches: one row for every decision a vendor's documentation leaves open.

TABLE = {"refuse_duplicate_origin_id": (True, "a create with an origin_id already used in the company is refused")}
switches = Switches(TABLE, refuse_duplicate_origin_id=False)
switches.refuse_duplicate_origin_id; switches.change(refuse_duplicate_origin_id=True); switches.as_dict()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UnknownSwitch(LookupError):
    """Carries the sentence; `known` lists the names there are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no switch called {name}.")
        self.known = known


class Switches:
    def __init__(self, table: Mapping[str, tuple[Any, str]], **values: Any) -> None:
        self._table = table
        self._values = {name: default for name, (default, _) in table.items()}
        self.change(**values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise UnknownSwitch(name, sorted(self._values)) from None

    def change(self, **values: Any) -> None:
        """All or nothing. Raises UnknownSwitch, or TypeError when a value is not of the default's kind."""
        for name, value in values.items():
            if name not in self._table:
                raise UnknownSwitch(name, sorted(self._table))
            kind = type(self._table[name][0])
            fits = isinstance(value, (int, float)) and not isinstance(value, bool) if kind in (int, float) else None
            if not (fits if fits is not None else isinstance(value, kind)):
                raise TypeError(f"Switch {name} takes a {kind.__name__}, not {value!r}.")
        self._values |= values

    def as_dict(self) -> dict[str, Any]:
        return dict(self._values)

    def explained(self) -> dict[str, dict[str, Any]]:
        return {name: {"value": self._values[name], "stands_for": text} for name, (_, text) in self._table.items()}
