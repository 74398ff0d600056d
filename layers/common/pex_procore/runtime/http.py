"""The HTTP border: sessions, problem+json, cookies, and who may change what."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from pydantic import BaseModel, ValidationError

from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.reasons import REASONS
from pex_procore.runtime.observe import tell
from pex_procore.runtime.wiring import PAGE_SHARE, Business, now, wiring
from pex_procore.services.door_ports import Session
from pex_procore.services.ports import Conflict
from pex_procore.services.sign_in import SESSION_SECONDS
from pex_procore.store.caps import Cap

M = TypeVar("M", bound=BaseModel)
COOKIE = "pex_connector_session"
STATUS = {  # of a reason that stops a request; any other is 422: understood, but cannot be done
    "pex_token_rejected": 401,
    "pex_launch_rejected": 401,
    "pex_permission_missing": 403,
    "pex_login_over": 404,
    "pex_login_off": 409,
    "pex_app_rejected": 502,
    "disconnected": 409,
    "vendor_answer_unreadable": 502,
    "internal_error": 500,
}
FIELD = {
    "pex_token_rejected": "pex_token",
    "pex_launch_rejected": "pex_jwt",
    "pex_permission_missing": "pex_token",
    "tags_disabled": "pex_token",
    "procore_secret_rejected": "client_secret",
    "procore_app_not_connected": "company_id",
    "procore_permission_missing": "company_id",
    "vendor_missing": "vendor_id",
    "vendor_inactive": "vendor_id",
    "tag_missing": "tags",
}


class HttpProblem(Exception):
    """An answer of RFC 9457's shape, with the field it is about, a code for programs and what to do."""

    def __init__(
        self, status: int, code: str, detail: str, *, field: str | None = None, todo: str = "", **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            "field": field,
            "what_to_do": todo,
            **more,
        }


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any) -> Response[str]:
    return Response(
        status_code=status,
        content_type="application/json",
        body=json.dumps(body, default=_encode),
        headers={"Cache-Control": "no-store", **(headers or {})},
        **more,
    )


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)  # cents survive: fifteen digits are exact
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def from_reason(error: NeedsAttention) -> HttpProblem:
    known = REASONS.get(error.reason, REASONS["internal_error"])
    detail = f"{known.text} ({error.message})" if error.message else known.text
    status = STATUS.get(error.reason, 422)
    return HttpProblem(status, error.reason, detail, field=FIELD.get(error.reason), todo=known.todo)


def problem(error: HttpProblem) -> Response[str]:
    return Response(
        status_code=error.status,
        content_type="application/problem+json",
        body=json.dumps(error.body),
        headers={"Cache-Control": "no-store", **error.headers},
    )


def make_api() -> APIGatewayRestResolver:
    """A resolver on which every failure becomes a problem a person can act on."""
    api = APIGatewayRestResolver()
    api.use([_keep_signed_in])

    def failed(error: Exception) -> Response[str]:
        trace = "".join(traceback.format_exception(error, limit=-8))
        route = api.current_event.raw_event.get("resource")  # not the path: it may hold the key of a sign-in
        tell("request failed", route=route, error=type(error).__name__, trace=trace)
        return problem(HttpProblem(500, "internal_error", REASONS["internal_error"].text, todo="Try again."))

    api.exception_handler(HttpProblem)(problem)
    api.exception_handler(NeedsAttention)(lambda error: problem(from_reason(error)))
    api.exception_handler([TryLater, Unsure])(_busy)
    api.exception_handler(Conflict)(_conflict)
    api.exception_handler(ServiceError)(_routing)
    api.exception_handler(Exception)(failed)
    return api


def _keep_signed_in(api: APIGatewayRestResolver, following: Callable[..., Response[str]]) -> Response[str]:
    """The browser forgets its cookie when the session ends unless it is given it again."""
    answer = following(api)
    if (token := api.context.get("renewed_session")) and not answer.cookies:
        answer.cookies = [session_cookie(token, SESSION_SECONDS)]
    return answer


def _busy(error: TryLater | Unsure) -> Response[str]:
    answer = problem(HttpProblem(503, "busy", REASONS["busy"].text, todo="Try again in a moment."))
    resume_at = getattr(error, "resume_at", None)
    seconds = max(1, int((resume_at - now()).total_seconds()) + 1) if resume_at else 5
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _conflict(error: Conflict) -> Response[str]:
    return problem(HttpProblem(409, "conflict", "Somebody else changed this just now.", todo="Load it again."))


def _routing(error: ServiceError) -> Response[str]:
    return problem(HttpProblem(error.status_code, "not_found" if error.status_code == 404 else "error", str(error.msg)))


class Request:
    """What a route may ask of the request it serves."""

    def __init__(self, app: APIGatewayRestResolver | Router) -> None:
        self._app = app
        self._event = app.current_event
        self._business: Business | None = None
        self._session: Session | None = None

    def has_body(self) -> bool:
        return bool((self._event.decoded_body or "").strip())

    def body(self) -> dict[str, Any]:
        try:
            parsed = json.loads(self._event.decoded_body or "")
        except (ValueError, UnicodeDecodeError):
            parsed = None
        if not isinstance(parsed, dict):
            raise HttpProblem(400, "not_json", "The body is not a JSON object.", todo="Send a JSON object.")
        return parsed

    def read(self, model: type[M]) -> M:
        """The body as the named model. Raises HttpProblem with the field that is wrong."""
        try:
            return model.model_validate(self.body())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or None
            raise HttpProblem(422, first["type"], first["msg"], field=where, todo="Correct the field.") from None

    def query(self, name: str) -> str | None:
        return (self._event.query_string_parameters or {}).get(name)

    def header(self, name: str) -> str | None:
        found = (value for key, value in (self._event.headers or {}).items() if key.lower() == name)
        return next(found, None)

    def cookie(self, wanted: str) -> str | None:
        for part in (self.header("cookie") or "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == wanted:
                return value
        return None

    def token(self) -> str | None:
        return self.cookie(COOKIE)

    def session(self) -> Session:
        """Raises HttpProblem when nobody is signed in."""
        if self._session is None:
            token = self.token()
            found = wiring().sessions.find(token) if token else None
            if found is None:
                raise HttpProblem(401, "not_signed_in", "You are not signed in.", todo="Sign in with PEX.")
            if found.renewed:
                self._app.context["renewed_session"] = token
            self._session = found
        return self._session

    def business(self) -> Business:
        """The signed-in administrator's business: the only place where a request's tenant is chosen."""
        if self._business is None:
            self._business = wiring().business(self.session().business_id, share=PAGE_SHARE)
        return self._business

    def cap(self, cap: Cap, who: int | str | None = None) -> None:
        """Counts something that costs much; `who`: by default the address it comes from. Raises HttpProblem."""
        seconds = wiring().caps.count(cap, self._address() if who is None else str(who))
        if seconds is not None:
            many = HttpProblem(429, "too_many", "That was asked for too often.", todo="Wait a little, then try again.")
            many.headers["Retry-After"] = str(seconds)
            raise many

    def _address(self) -> str:
        """Hashed; of IPv6 the network, which one subscriber has for itself."""
        identity = self._event.raw_event.get("requestContext", {}).get("identity", {})
        text = str(identity.get("sourceIp") or "")
        try:
            address = ip_address(text)
        except ValueError:
            return "unknown"
        wide = str(ip_network(f"{address}/64", strict=False)) if address.version == 6 else text
        return hashlib.sha256(wide.encode()).hexdigest()[:16]

    def public_url(self) -> str:
        """Where the outside reaches us: as deployed, or else at the API's own address."""
        context = self._event.raw_event.get("requestContext", {})
        own = f"https://{context.get('domainName')}/{context.get('stage')}"
        return wiring().deployment.public_url or own

    def refuse_other_sites(self) -> None:
        """For every change: a browser that comes from another site's page is turned away."""
        origin = self.header("origin")
        site = self.header("sec-fetch-site")
        if (origin and _origin(origin) != _origin(self.public_url())) or site in ("cross-site", "same-site"):
            raise HttpProblem(403, "wrong_origin", "This request came from another site.", todo="Use our own page.")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def session_cookie(token: str, seconds: int) -> Cookie:
    return cookie(COOKIE, token, seconds)


def cookie(name: str, value: str, seconds: int) -> Cookie:
    """Secure but on a developer's machine, which has no https."""
    secure = not wiring().deployment.public_url.startswith("http:")
    return Cookie(
        name=name, value=value, path="/", secure=secure, http_only=True, max_age=seconds, same_site=SameSite.LAX_MODE
    )
