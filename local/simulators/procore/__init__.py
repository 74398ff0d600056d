"""The Procore simulator."""

from __future__ import annotations

from local.simulators.procore.simulator import ProcoreSimulator

__all__ = ["ProcoreSimulator"]
