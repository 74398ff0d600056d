"""A client without opinions: what was answered, as it was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from local.simulators.pex import PexSimulator
from local.simulators.seed_pex import TOKEN

NOON = datetime(2026, 6, 15, 16, 0, tzinfo=UTC)
"""Noon in New York."""


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = build_opener(_Stay)


@dataclass(frozen=True)
class Answered:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def message(self) -> str:
        return str(self.json["Message"])


class Pex:
    def __init__(self, sim: PexSimulator, token: str | None = TOKEN) -> None:
        self.sim = sim
        self.authorization = f"token {token}" if token else None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        host: str | None = None,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Answered:
        """`body`: sent as JSON, or as it is when bytes."""
        url = f"{host or self.sim.api_url}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {"Accept": "application/json"}
        if self.authorization:
            sent["Authorization"] = self.authorization
        data = body
        if body is not None and not isinstance(body, bytes):
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json; charset=utf-8"
        request = Request(url, data, sent | (headers or {}), method=method)
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return Answered(answer.status, answer.read().decode("utf-8", "replace"), dict(answer.headers))
        except OSError as error:
            if not hasattr(error, "code"):
                raise
            refused: Any = error
            return Answered(refused.code, refused.read().decode("utf-8", "replace"), dict(refused.headers))

    def get(self, path: str, **query: str) -> Answered:
        return self.call("GET", path, None, host=None, headers=None, **query)

    def list(self, start: str = "2026-06-01T00:00:00", end: str = "2026-06-30T23:59:59", **query: str) -> list[Any]:
        answer = self.get("/v4/Details/AllCardholderTransactions", StartDate=start, EndDate=end, **query)
        assert answer.status == 200, answer.text
        rows: list[Any] = answer.json["TransactionList"]
        return rows


class Now:
    """A clock that moves when told."""

    def __init__(self, start: datetime = NOON) -> None:
        self.at = start

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, **units: float) -> None:
        self.at += timedelta(**units)
