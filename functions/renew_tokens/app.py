"""Every business once a day: its PEX token is renewed in time, and its admin told what a program cannot mend."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pex_procore.runtime.metrics import count, measured
from pex_procore.runtime.observe import tell
from pex_procore.runtime.step import Context
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services.renew_tokens import ends_soon, look_after

AT_ONCE = 100
RETRY = timedelta(hours=1)  # after a crash
TIME_TO_STOP = 60_000  # milliseconds: a business costs at most three calls to PEX


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    looked_after = 0
    with measured(context.function_name):
        while due := wiring().care.due(now(), AT_ONCE):
            for business_id, due_at in due:
                if context.get_remaining_time_in_millis() < TIME_TO_STOP:
                    return {"looked_after": looked_after, "more": True}
                looked_after += wiring().care.take(business_id, due_at, now() + RETRY) and care_for(business_id)
    return {"looked_after": looked_after, "more": False}


def care_for(business_id: int) -> bool:
    """What fails for one business stops no other."""
    business = wiring().business(business_id)
    try:
        outcome = look_after(
            pex=lambda: business.pex,
            with_token=business.pex_with,
            connections=business.connections,
            ledger=lambda: business.ledger,
            notices=wiring().notices,
            clock=now,
        )
        business.save_limits()
    except Exception as error:
        tell("business not looked after", business_id=business_id, error=type(error).__name__, message=str(error))
        count("CareFailures")
        return False
    tell("business looked after", business_id=business_id, outcome=outcome)
    if outcome == "renewed":
        count("TokensRenewed")
    elif outcome not in (None, "dead") and ends_soon(business.connection, now()):
        count("TokensExpiring")
    return True
