"""What the public documents leave open, or what PEX may change: one switch each, so a test can take either side."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from local.simulators.switchboard import Switches

TABLE: dict[str, tuple[Any, str]] = {
    "dead_token_status": (401, "401 or 403: the status of an expired or deleted token"),
    "dead_token_current_status": (400, "400, 401 or 403: the same for GET /Token/Current, documented as 400"),
    "renewal": ("last_month", "last_month, any_time or never: when POST /Token/Renew makes a new token"),
    "renewed_token_dies": (False, "a renewed token is dead at once, instead of living to its own end"),
    "old_range": ("error", "error (400) or empty: a StartDate more than 12 months ago"),
    "strict_bodies": (True, "a field PEX's own documents and SDK do not know is refused with 400"),
    "put_omitted_options": ("removed", "removed or kept: options left out of a PUT of a dropdown tag"),
    "list_deleted_tags": (False, "deleted tags stay in the list and can be fetched, with IsDeleted"),
    "check_concurrency_key": (False, "a PUT of a tag with an outdated ConcurrencyKey is refused with 409"),
    "max_options": (0, "most options a dropdown may have, 0 for any number"),
    "max_option_length": (0, "longest name or value of an option, 0 for any length"),
    "note_limit": (255, "longest NoteText in UTF-16 units"),
    "note_needs_permission": (False, "POST /Note needs ModifyTransactionNotes"),
    "allow_http_callbacks": (True, "callback URLs may be http, for receivers on this machine"),
    "duplicate_subscriptions": ("accepted", "accepted or refused (409): a second one of the same type and URL"),
    "pin_settles": (False, "a PIN purchase is told of a second time, as a settlement"),
    "page_size": (30_000, "rows a page of transactions holds"),
    "time_filter": ("transaction", "transaction or settlement: the time StartDate and EndDate compare with"),
    "attachment_content": ("base64", "base64, data_uri or link: what Content of a full attachment is"),
    "link_seconds": (300, "how long a link to an attachment lives"),
    "split_values": ("json_string", "json_string or object: the Value of an allocation"),
    "split_amounts": ("string", "string or number: the Amount of an allocation"),
    "untagged": ("null", "null or initial: TransactionTags of a row nobody tagged"),
    "no_notes": ("empty", "empty or null: TransactionNotes of a row without notes"),
    "overall_per_minute": (120, "calls a minute before 429"),
    "limits_of_2018": (False, "the old limits of single endpoints hold too"),
    "retry_after": (False, "429 carries Retry-After, which no document promises"),
    "callback_secret_form": ("bare", "bare or user_and_secret: what is in the Basic authorization of a callback"),
    "callback_delays": ([15, 30, 60, 120, 3600], "seconds before each further try of a callback"),
    "callback_timeout": (10, "seconds a receiver of a callback has"),
}
_CHOICES: dict[str, tuple[object, ...]] = {
    "dead_token_status": (401, 403),
    "dead_token_current_status": (400, 401, 403),
    "renewal": ("last_month", "any_time", "never"),
    "old_range": ("error", "empty"),
    "put_omitted_options": ("removed", "kept"),
    "duplicate_subscriptions": ("accepted", "refused"),
    "callback_secret_form": ("bare", "user_and_secret"),
    "time_filter": ("transaction", "settlement"),
    "attachment_content": ("base64", "data_uri", "link"),
    "split_values": ("json_string", "object"),
    "split_amounts": ("string", "number"),
    "untagged": ("null", "initial"),
    "no_notes": ("empty", "null"),
}


class PexSwitches(Switches):
    def __init__(self, **values: Any) -> None:
        super().__init__(TABLE, **values)

    def change(self, **values: Any) -> None:
        """Raises TypeError beside UnknownSwitch when a value is not one of the choices; then nothing has changed."""
        values = {name: _plain(value) for name, value in values.items()}
        for name, value in values.items():
            if name in _CHOICES and value not in _CHOICES[name]:
                raise TypeError(f"Switch {name} takes one of {_CHOICES[name]}, not {value!r}.")
        super().change(**values)


def _plain(value: Any) -> Any:
    """Seconds that came as JSON are Decimal; clocks and sockets want float."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
