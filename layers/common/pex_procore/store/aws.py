"""What an error of AWS means for the caller, the same for every service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from pex_procore.domain.errors import TryLater

_TURNED_AWAY = {
    "ExecutionLimitExceeded",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TransactionConflictException",
}
_NO_ANSWER = {
    "DependencyTimeoutException",
    "InternalError",
    "InternalServerError",
    "KMSInternalException",
    "ServiceUnavailable",
}


def error_code(error: BaseException) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def _turned_away(error: BaseException) -> bool:
    """Certainly not done."""
    return error_code(error) in _TURNED_AWAY or _status(error) == 429


def _no_answer(error: BaseException) -> bool:
    """Perhaps done: the answer was lost or says nothing."""
    lost = isinstance(error, HTTPClientError | ConnectionError)
    return lost or error_code(error) in _NO_ANSWER or _status(error) >= 500


def _status(error: BaseException) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def ask(operation: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """One call of a client. Raises TryLater for what passes by itself; other errors are left alone."""
    try:
        answer: dict[str, Any] = operation(**request)
    except (ClientError, BotoCoreError) as error:
        if not (_turned_away(error) or _no_answer(error)):
            raise
        raise TryLater(f"AWS is busy or not reachable just now ({error_code(error)})") from error
    return answer


def tell(operation: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """A write that may safely arrive twice: sent once more when its answer was lost. Raises as `ask` does."""
    try:
        return ask(operation, **request)
    except TryLater as later:
        if later.__cause__ is None or _turned_away(later.__cause__):
            raise
    return ask(operation, **request)
