from __future__ import annotations

from tests.store.conftest import aws, clients, stage

__all__ = ["aws", "clients", "stage"]
