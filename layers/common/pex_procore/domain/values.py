"""Base of every immutable value of the domain: built strictly, read back from storage leniently."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

WHEN_USED = ConfigDict(defer_build=True)  # of adapters; models say it themselves


class Value(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")


class Kept(Value):
    """Stored, and perhaps written by a newer version while it is being deployed: fields we do not know are kept and
    written back, for they may be what keeps a purchase from being posted twice."""

    model_config = ConfigDict(extra="allow")
