"""Sessions that remember what went over the line."""

from __future__ import annotations

from collections.abc import Mapping

from pex_procore.net.messages import Answer, Request
from pex_procore.net.session import USER_AGENT, Session
from tests.contract.contract import Got, Sent

Exchange = tuple[Sent, Got]


class RecordingSession(Session):
    """What is sent is what `Session` adds to a request; `net`'s own tests hold that."""

    def __init__(self, base_url: str, exchanges: list[Exchange]) -> None:
        super().__init__(base_url)
        self._exchanges = exchanges

    def send(self, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
        answer = super().send(request, headers)
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT, **(headers or {})}
        if request.body is not None:
            sent["Content-Type"] = request.content_type
        self._exchanges.append(
            (
                Sent(request.method, request.target(), sent, request.body),
                Got(answer.status, dict(answer.headers), answer.body),
            )
        )
        return answer
