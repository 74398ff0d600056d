"""For AWS Batch tasks, which we have none of, moto's interpreter loads moto's whole EC2 model (130 MB, one second) to
read two words. These are the two words."""

from __future__ import annotations

import sys
from enum import Enum
from types import ModuleType


class JobStatus(Enum):
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


def install() -> None:
    """To be called before moto's interpreter is imported."""
    utils = ModuleType("moto.batch.utils")
    utils.JobStatus = JobStatus  # type: ignore[attr-defined]
    sys.modules["moto.batch"] = ModuleType("moto.batch")
    sys.modules["moto.batch.utils"] = utils
