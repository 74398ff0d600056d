"""One running simulator for many tests, each with a world of its own."""

from __future__ import annotations

from typing import Any


def renew(world: Any, fresh: Any) -> None:
    """`world` becomes what `fresh` is, in place: a running simulator holds on to its dictionaries and lists."""
    for name, value in vars(fresh).items():
        held = getattr(world, name)
        if isinstance(held, dict):
            held.clear()
            held.update(value)
        elif isinstance(held, list):
            held[:] = value
        else:
            setattr(world, name, value)
