"""Changing the connection while others may change it too."""

from __future__ import annotations

from collections.abc import Callable

from pex_procore.domain.connection import Connection
from pex_procore.domain.errors import TryLater
from pex_procore.services.ports import Conflict, Connections

TRIES = 3


def revise(connections: Connections, business_id: int, change: Callable[[Connection], Connection]) -> Connection:
    """`change` may be asked again, with what somebody else just saved. Nothing is written where it changes nothing."""
    for _ in range(TRIES):
        known = connections.load() or Connection(business_id=business_id)
        changed = change(known)
        try:
            return connections.save(changed) if changed != known else known
        except Conflict:
            continue
    raise TryLater("the connection is being changed by somebody else")
