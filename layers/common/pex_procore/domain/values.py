"""Base of every immutable value of the domain: built strictly, read back from storage leniently."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")
