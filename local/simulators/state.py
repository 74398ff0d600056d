"""A simulator's world on disk: written whole beside the old file and renamed over it, so `kill -9` leaves one or the
other.

    state = StateFile(directory / "procore.state")
    world = state.load() or seed_procore(7)
    state.save(world)

The file is a pickle of our own objects and is only ever read back by the same code; delete it to start afresh.
"""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any


class StateUnreadable(Exception):
    """A sentence for the person who started us."""


class StateFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def load(self) -> Any | None:
        """What was saved last, None when nothing was. Raises StateUnreadable."""
        try:
            return pickle.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except Exception as error:
            raise StateUnreadable(
                f"{self._path} was written by another version or is damaged ({type(error).__name__}): "
                "delete it to start afresh."
            ) from error

    def save(self, world: Any) -> None:
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".writing")
            beside.write_bytes(pickle.dumps(world, protocol=pickle.HIGHEST_PROTOCOL))
            os.replace(beside, self._path)
