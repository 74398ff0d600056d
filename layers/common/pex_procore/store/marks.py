"""Where the next page of a listing begins, as a caller carries it: opaque, and good for one partition only."""

from __future__ import annotations

import base64
import json

LONGEST = 1000


def write_mark(partition: str, sk: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([partition, sk]).encode()).decode().rstrip("=")


def read_mark(mark: str, partition: str) -> str:
    """The sort key to begin after. Raises ValueError for anything `write_mark` did not make for this partition."""
    try:
        padded = mark[:LONGEST] + "=" * (-len(mark[:LONGEST]) % 4)
        made_for, sk = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError) as error:
        raise ValueError("this is not the mark of a page") from error
    if made_for != partition or not isinstance(sk, str) or not sk:
        raise ValueError("this is not the mark of a page of this listing")
    return sk
