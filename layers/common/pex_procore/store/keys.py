"""Every key of the two tables. Charted in docs/data.md; standard library only, the callback's path reads it."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pex_procore.domain.runs import Kind

Key = dict[str, str]

TTL = "expires_at"
SWEEPS = "sweeps"
SWEEP_SHARDS = tuple(str(number) for number in range(8))
BY_STATE = "by_state"
BY_DAY = "by_day"
CARE_SHARD = "care"

_KINDS: dict[str, Kind] = {"": "transactions", "tags": "tags"}
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_DAY_KEY = re.compile(r"\d{4}-\d\d-\d\d#(T#\d{19})")
_MAX_TRANSACTION_ID = 10**19


def business(business_id: int) -> str:
    return f"B#{business_id}"


def business_of(pk: str) -> int:
    return int(pk.split("#")[1])


def connection(business_id: int) -> Key:
    return {"pk": business(business_id), "sk": "CONNECTION"}


def settings(business_id: int) -> Key:
    return {"pk": business(business_id), "sk": "SETTINGS"}


def credentials(business_id: int, vendor: str) -> Key:
    return {"pk": business(business_id), "sk": f"CRED#{vendor}"}


def lease(business_id: int, kind: Kind) -> Key:
    return {"pk": business(business_id), "sk": _of_kind("LEASE", kind)}


def sweep(business_id: int, kind: Kind) -> Key:
    return {"pk": business(business_id), "sk": _of_kind("SWEEP", kind)}


def _of_kind(sk: str, kind: Kind) -> str:
    return sk if kind == "transactions" else f"{sk}#{kind}"


def kind_of(sk: str) -> Kind:
    return _KINDS[sk.partition("#")[2]]


def sweep_shard(business_id: int) -> str:
    return SWEEP_SHARDS[business_id % len(SWEEP_SHARDS)]


def care(business_id: int) -> Key:
    return {"pk": business(business_id), "sk": "CARE"}


def callback(business_id: int, vendor: str = "pex") -> Key:
    return {"pk": business(business_id), "sk": "CALLBACK" if vendor == "pex" else f"CALLBACK#{vendor}"}


def hook(hook_hash: str) -> Key:
    return {"pk": f"HOOK#{hook_hash}", "sk": "HOOK"}


def session(token: str) -> Key:
    return {"pk": f"SESSION#{sha256(token)}", "sk": "SESSION"}


def login(login_id: str) -> Key:
    return {"pk": f"LOGIN#{sha256(login_id)}", "sk": "LOGIN"}


def cap(name: str, who: str, ends_at: int) -> Key:
    return {"pk": f"CAP#{name}#{who}#{ends_at}", "sk": "CAP"}


def checks(business_id: int) -> Key:
    return {"pk": business(business_id), "sk": "CHECKS"}


def limit(bucket: str) -> Key:
    return {"pk": f"LIMIT#{bucket}", "sk": "LIMIT"}


def catalog_document(business_id: int, company_id: int, name: str) -> Key:
    return {"pk": business(business_id), "sk": f"CATALOG#{company_id}#N#{name}"}


def catalog_project(business_id: int, company_id: int, project_id: int) -> Key:
    return {"pk": business(business_id), "sk": f"CATALOG#{company_id}#P#{project_id}"}


def catalog_codes(business_id: int, company_id: int, project_id: int) -> Key:
    return {"pk": business(business_id), "sk": f"CATALOG#{company_id}#C#{project_id}"}


def catalog_part(whole: Key, half: int, number: int) -> Key:
    return {"pk": whole["pk"], "sk": f"PART#{half}#{number}#{whole['sk']}"}


def stale_marks(business_id: int, company_id: int) -> Key:
    return {"pk": business(business_id), "sk": f"CATALOG#{company_id}#STALE"}


def ledger(business_id: int, generation: int) -> str:
    return f"{business(business_id)}#L{generation}"


def ledger_state(business_id: int, generation: int, state: str) -> str:
    return f"{ledger(business_id, generation)}#{state}"


def transaction(transaction_id: int) -> str:
    """Sorts as the number does. Raises ValueError outside of what a 64-bit id can be."""
    if not 0 <= transaction_id < _MAX_TRANSACTION_ID:
        raise ValueError(f"not a transaction id: {transaction_id}")
    return f"T#{transaction_id:019d}"


def transaction_of(sk: str) -> int:
    return int(sk.removeprefix("T#"))


def ledger_day(day: date, transaction_id: int) -> str:
    """Sorts by day, then by transaction."""
    return f"{day.isoformat()}#{transaction(transaction_id)}"


def days(first: date | None, last: date | None) -> tuple[str, str]:
    """What the day keys of these days, both included, lie between."""
    return first.isoformat() if first else "0", f"{last.isoformat() if last else '9999'}~"


def transaction_key_of(day_key: str) -> str:
    """Raises ValueError when it is no day key."""
    if (found := _DAY_KEY.fullmatch(day_key)) is None:
        raise ValueError("this is not the mark of a page of days")
    return found[1]


def runs(business_id: int) -> str:
    return f"{business(business_id)}#RUNS"


def run_items(business_id: int, run_id: str) -> str:
    return f"{business(business_id)}#RUN#{run_id}"


def is_run_id(text: str) -> bool:
    """Run ids come back from people in URLs."""
    return _RUN_ID.fullmatch(text) is not None


def receipt_prefix(business_id: int) -> str:
    """In the bucket."""
    return f"B/{business_id}/"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def instant(moment: datetime) -> str:
    """UTC in one fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
