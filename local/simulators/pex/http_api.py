"""The floor under PEX's routes: case-blind paths, who is calling, limits, the shape of errors."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from local.simulators.limiter import Limiter, Window
from local.simulators.pex.world import Admin, Business, Cardholder, Token
from local.simulators.web import json_answer

if TYPE_CHECKING:
    from local.simulators.pex.simulator import PexSimulator

TOO_MANY = "Usage Limits Exceeded"
NO_TOKEN = "Token expired or does not exist"
NO_PERMISSION = "Admin does not have permission"
_DEATH_STATUS = {"Password has changed": 401, "User is not active": 403}
_HOUR, _DAY = 3600, 86_400
_LIMITS_OF_2018 = {
    "GET /v4/Details/TransactionDetails": Window(60, 1),
    "GET /v4/Details/AccountDetails": Window(_HOUR, 10),
    "GET /v4/Details/AllCardholderTransactions": Window(_HOUR, 10),
    "POST /v4/Token": Window(_DAY, 2),
    "DELETE /v4/Token": Window(_DAY, 2),
}

View = Callable[..., Any]


class Problem(Exception):
    """An answer that is not a success. `body` None: the gateway in front of PEX answers, which speaks no JSON."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] | None = {"Message": message, **more}
        self.headers: dict[str, str] = {}

    @classmethod
    def gateway(cls, status: int, text: str) -> Problem:
        problem = cls(status, text)
        problem.body = None
        return problem

    @classmethod
    def invalid(cls, field: str, text: str) -> Problem:
        return cls(400, "The request is invalid.", ModelState={field: [text]})

    def answer(self) -> Response:
        if self.body is None:
            return Response(str(self), self.status, headers=self.headers, mimetype="text/plain")
        return json_answer(self.body, self.status, self.headers)


@dataclass(frozen=True)
class Caller:
    token: Token
    business: Business
    admin: Admin | None
    cardholder: Cardholder | None

    @property
    def username(self) -> str:
        user = self.admin or self.cardholder
        return user.email if user else ""

    @property
    def full_name(self) -> str:
        user = self.admin or self.cardholder
        return f"{user.first_name} {user.last_name}" if user else ""

    @property
    def admin_id(self) -> int:
        return self.admin.admin_id if self.admin else 0

    def allowed(self, permission: str) -> bool:
        return self.admin is not None and self.admin.permissions.get(permission, False)


class Query:
    """Query values by name, whatever its case."""

    def __init__(self) -> None:
        self._values = {name.lower(): value for name, value in request.args.items()}

    def text(self, name: str) -> str | None:
        return self._values.get(name.lower())

    def flag(self, name: str, default: bool = False) -> bool:
        text = self.text(name)
        if text is None:
            return default
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in known:
            raise Problem.invalid(name, f"The value '{text}' is not valid for {name}.")
        return known[text.lower()]


class Api:
    def __init__(self, sim: PexSimulator, name: str) -> None:
        self.sim = sim
        self.flask = Flask(name)
        self.flask.url_map.strict_slashes = False
        self._overall = Limiter((Window(60, 120),), clock=sim.clock)
        self._single = {
            endpoint: Limiter((window,), clock=sim.clock, send_headers=True)
            for endpoint, window in _LIMITS_OF_2018.items()
        }
        self.flask.register_error_handler(Problem, lambda problem: problem.answer())
        self.flask.register_error_handler(HTTPException, _framework_problem)

    def app(self) -> WSGIApplication:
        return _fold(self.flask)

    def route(
        self,
        method: str,
        path: str,
        *,
        who: str = "any",
        all_of: Iterable[str] = (),
        any_of: Iterable[str] = (),
        locked: bool = True,
    ) -> Callable[[View], View]:
        """`who`: open (nobody is asked), any (a living token) or admin. The view gets the Caller first unless open.
        `locked` false: the view calls out and takes the world's lock itself where it needs it."""
        endpoint = f"{method} {path}"
        every, some = tuple(all_of), tuple(any_of)

        def register(view: View) -> View:
            def run(**arguments: Any) -> Response:
                with self.sim.lock if locked else nullcontext():
                    calls = self.sim.world.calls
                    calls[endpoint] = calls.get(endpoint, 0) + 1
                    if who == "open":
                        self._limit("anyone", endpoint)
                        result = view(**arguments)
                    else:
                        caller = self._caller(current=path.endswith("/Token/Current"))
                        request.environ["simulators.client_id"] = mask(caller.token.token)
                        self._limit(caller.business.business_id, endpoint)
                        self._permit(caller, who, every, some)
                        result = view(caller, **arguments)
                return result if isinstance(result, Response) else json_answer(result)

            self.flask.add_url_rule(path.lower(), endpoint, run, methods=[method])
            return view

        return register

    def basic(self) -> str:
        """The app id of a Basic header; 401 when the app is unknown."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            app_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Problem(401, "Invalid application credentials") from error
        if scheme.lower() != "basic" or self.sim.world.apps.get(app_id) != secret:
            raise Problem(401, "Invalid application credentials")
        return app_id

    def is_basic(self) -> bool:
        return request.headers.get("Authorization", "").lower().startswith("basic ")

    def caller_or_refuse(self) -> Caller:
        return self._caller(current=False)

    def _caller(self, *, current: bool) -> Caller:
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() not in ("token", "bearer") or not text.strip():
            raise Problem.gateway(403, "Unauthorized")
        world, switches = self.sim.world, self.sim.switches
        token = world.tokens.get(text.strip())
        dead_status = switches.dead_token_current_status if current else switches.dead_token_status
        if token is None:
            raise Problem(int(dead_status), NO_TOKEN)
        if token.death is not None or token.expires_at <= self.sim.now():
            del world.tokens[token.token]
            message = token.death or NO_TOKEN
            raise Problem(_DEATH_STATUS.get(message, int(dead_status)), message)
        business = world.businesses[token.business_id]
        admin = business.admins.get(token.admin_id) if token.admin_id else None
        cardholder = business.cardholders.get(token.account_id) if token.account_id else None
        return Caller(token, business, admin, cardholder)

    def _permit(self, caller: Caller, who: str, every: tuple[str, ...], some: tuple[str, ...]) -> None:
        if who == "admin" and caller.admin is None:
            raise Problem(403, NO_PERMISSION)
        if not all(caller.allowed(name) for name in every):
            raise Problem(403, NO_PERMISSION)
        if some and not any(caller.allowed(name) for name in some):
            raise Problem(403, NO_PERMISSION)

    def _limit(self, key: int | str, endpoint: str) -> None:
        switches = self.sim.switches
        self._overall.windows = (Window(60, int(switches.overall_per_minute)),)
        limiters = [self._overall]
        if switches.limits_of_2018 and endpoint in self._single:
            limiters.append(self._single[endpoint])
        for limiter in limiters:
            verdict = limiter.take(key)
            if not verdict.allowed:
                problem = Problem(429, TOO_MANY)
                if switches.retry_after:
                    reset = int(verdict.headers["X-Rate-Limit-Reset"])
                    problem.headers = {"Retry-After": str(max(1, math.ceil(reset - self.sim.clock().timestamp())))}
                raise problem


def mask(token: str) -> str:
    return f"{token[:4]}…{token[-3:]}" if len(token) > 10 else "…"


def _framework_problem(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        text = f"The requested resource does not support http method '{request.method}'."
    elif status == HTTPStatus.NOT_FOUND:
        text = f"No HTTP resource was found that matches the request URI '{request.base_url}'."
    else:
        text = error.name
    return json_answer({"Message": text}, int(status))


def _fold(app: WSGIApplication) -> WSGIApplication:
    """ASP.NET does not care how a path is spelled. What the view notes for the request log is handed back."""

    def folded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inner = {**environ, "PATH_INFO": environ["PATH_INFO"].lower()}
        answer = app(inner, start_response)
        environ["simulators.client_id"] = inner.get("simulators.client_id")
        return answer

    return folded
