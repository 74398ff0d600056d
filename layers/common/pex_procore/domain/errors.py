"""The three errors that leave a step.

Step Functions compares error names exactly, so none of them is ever subclassed. A refusal that concerns one transaction
is not an error but a value (`domain.reasons`).
"""

from __future__ import annotations

from datetime import datetime


class TryLater(Exception):
    """Nothing was written; the same call may be made again, not before `resume_at` when that is known."""

    def __init__(self, message: str, resume_at: datetime | None = None) -> None:
        super().__init__(message)
        self.resume_at = resume_at


class Unsure(Exception):
    """A write may or may not have happened: look before the next move."""


class NeedsAttention(Exception):
    """A person must act. `reason` is a code of `domain.reasons`, `upstream_status` the vendor's HTTP status."""

    def __init__(self, reason: str, message: str, upstream_status: int | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.upstream_status = upstream_status
