"""PEX as its public documents describe it, odd parts included."""

from local.simulators.pex.simulator import PexSimulator

__all__ = ["PexSimulator"]
