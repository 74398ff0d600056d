"""The guards earn their place: with any one of them taken out of the code, the simulated weeks go wrong.

Each mutation replaces one line of a shipped file in memory; a line that moved says so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from tests.fakes.control import FakeLeases
from tests.services import world as world_room
from tests.simulation.week import Week

POST, STAGE = "pex_procore.services.post_transactions", "pex_procore.services.stage_receipts"
MUTATIONS = {
    "the intent is not written": (
        POST,
        "row = self._save(intend(row, todo, self._clock(), self._run.run_id))",
        "row = intend(row, todo, self._clock(), self._run.run_id)",
    ),
    "nobody looks before posting again": (
        POST,
        "found = self._procore.find_direct_costs(reference_of(posting))",
        "found = []",
    ),
    "equal receipts are not told from each other": (
        STAGE,
        "if any(mark.sha256 == digest for mark in known):",
        "if False:",
    ),
}
WEEKS = range(1, 13)


@contextmanager
def mutated(name: str, line: str, instead: str) -> Iterator[ModuleType]:
    """A module with one line replaced, in place of the real one for the simulation."""
    real = importlib.import_module(name)
    assert real.__file__ is not None
    with open(real.__file__) as file:
        source = file.read()
    assert source.count(line) == 1, f"{name} has no longer exactly one line {line!r}: mend this mutation"
    mutant = ModuleType(name)
    mutant.__file__ = real.__file__
    sys.modules[name] = mutant
    before = {one: getattr(world_room, one) for one in vars(world_room) if hasattr(real, one)}
    try:
        exec(compile(source.replace(line, instead), real.__file__, "exec"), vars(mutant))
        for one in before:
            if getattr(before[one], "__module__", None) == name:
                setattr(world_room, one, getattr(mutant, one))
        yield mutant
    finally:
        sys.modules[name] = real
        for one, value in before.items():
            setattr(world_room, one, value)


def find_bad_week() -> int | None:
    """The first seed of `WEEKS` that goes wrong."""
    for seed in WEEKS:
        try:
            live(seed)
        except AssertionError:
            return seed
    return None


def live(seed: int) -> None:
    Week(seed, transactions=150).live()


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_guard_taken_out_is_noticed(mutation: str) -> None:
    with mutated(*MUTATIONS[mutation]):
        seed = find_bad_week()
    assert seed is not None
    live(seed)  # with all guards in place the same week goes well


def test_a_lease_that_turns_nobody_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeLeases.claim

    def claim(leases: FakeLeases, run_id: str, seconds: int, execution: str | None = None) -> object:
        leases._held = None
        return real(leases, run_id, seconds, execution)

    with monkeypatch.context() as patched:
        patched.setattr(FakeLeases, "claim", claim)
        seed = find_bad_week()
    assert seed is not None
    live(seed)
