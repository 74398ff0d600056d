"""Signing in and connecting the two sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response

from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention
from pex_procore.runtime import caps, entrance
from pex_procore.runtime.bodies import CallbackSecret, CompanyChoice, PexToken, ProcoreLogin
from pex_procore.runtime.connection_view import show_connection
from pex_procore.runtime.http import HttpProblem, Request, make_api, reply, session_cookie
from pex_procore.runtime.metrics import count, measured
from pex_procore.runtime.wiring import PAGE_SHARE, now, wiring
from pex_procore.services.check_connection import check_connection
from pex_procore.services.connect import CompanyChange, activate, choose_company, disconnect, put_procore

T = TypeVar("T")
api = make_api()


def changing() -> Request:
    request = Request(api)
    request.refuse_other_sites()
    return request


@api.post("/v1/sessions")
def create_session() -> Response[str]:
    return entrance.sign_in_with_proof(changing())


@api.get("/v1/sessions/options")
def get_options() -> Response[str]:
    return reply({"pex_token": True, "pex_login": entrance.is_partner()})


@api.post("/v1/sessions/pex-login")
def begin_pex_login() -> Response[str]:
    return entrance.begin(changing())


@api.post("/v1/sessions/pex-login/<login_id>")
def receive_pex_token(login_id: str) -> Response[str]:
    token = changing().read(PexToken).token
    if not wiring().logins.bring_token(login_id, token):
        raise NeedsAttention("pex_login_over", "")
    return reply({})


@api.get("/v1/sessions/pex-login/<login_id>/<closing_key>")
def come_back_from_pex(login_id: str, closing_key: str) -> Response[str]:
    return entrance.come_back(Request(api), login_id, closing_key)


@api.get("/v1/sessions/pex-login/<login_id>")
def finish_pex_login(login_id: str) -> Response[str]:
    return entrance.finish(Request(api), login_id)


@api.delete("/v1/sessions/current")
def delete_session() -> Response[str]:
    if token := changing().token():
        wiring().sessions.delete(token)
    return reply({}, cookies=[session_cookie("", 0)])


@api.get("/v1/connection")
def get_connection() -> Response[str]:
    request = Request(api)
    business = request.business()
    silent: frozenset[Any] = frozenset()
    if request.query("check") == "now":
        request.cap(caps.CHECKS, business.business_id)
        looking = wiring().business(business.business_id, share=PAGE_SHARE)
        silent = check_connection(
            pex=lambda: looking.pex,
            procore=lambda: looking.procore,
            access=lambda: looking.procore_access,
            store=looking.checks,
            connections=looking.connections,
            business_id=business.business_id,
            clock=now,
        )
        looking.save_limits()
    return reply(show_connection(business, request.session().username, silent))


@api.put("/v1/connection/procore")
def put_procore_credentials() -> Response[str]:
    request = changing()
    business = request.business()
    login = request.read(ProcoreLogin)
    credentials = ProcoreCredentials(client_id=login.client_id, client_secret=login.client_secret)
    company_id = login.company_id or business.connection.company_id
    companies = put_procore(
        credentials,
        procore=wiring().procore(credentials, company_id),
        connections=business.connections,
        connection=business.connection,
    )
    if not companies:
        raise NeedsAttention("procore_app_not_connected", "the credentials see no company")
    return reply({"companies": [{"id": one.company_id, "name": one.name} for one in companies]})


@api.put("/v1/connection/company")
def put_company() -> Response[str]:
    request = changing()
    business = request.business()
    choice = request.read(CompanyChoice)
    credentials = business.connections.open_procore_credentials()
    if credentials is None:
        raise NeedsAttention("procore_secret_rejected", "enter the Procore client id and secret first")
    try:
        connection = choose_company(
            choice.company_id,
            confirm=choice.confirm,
            procore=wiring().procore(credentials, choice.company_id),
            former=wiring().procore(credentials, business.connection.company_id),
            connections=business.connections,
            connection=business.connection,
            clock=now,
        )
    except CompanyChange as error:
        raise HttpProblem(
            409,
            "company_change",
            "Another company is connected; settings and history belong to it.",
            field="company_id",
            todo='Send "confirm": true to begin a new history with this company.',
        ) from error
    settings, _ = business.connections.load_settings()
    connection = activate(
        connection,
        settings,
        public_url=request.public_url(),
        pex=business.pex,
        connections=business.connections,
        clock=now,
    )
    return reply({"company_id": connection.company_id, "company_name": connection.company_name})


@api.put("/v1/connection/pex-callback")
def put_callback_secret() -> Response[str]:
    request = changing()
    business = request.business()
    business.connections.set_callback_secret(request.read(CallbackSecret).secret)
    connection = business.connection
    if not connection.has_callback_secret:
        business.connections.save(connection.model_copy(update={"has_callback_secret": True}))
    return reply({"has_callback_secret": True})


@api.delete("/v1/connection")
def delete_connection() -> Response[str]:
    request = changing()
    business = request.business()
    _, left_behind = disconnect(
        business.connection,
        pex=_or_none(lambda: business.pex),
        procore=_or_none(lambda: business.procore),
        connections=business.connections,
    )
    shown = show_connection(wiring().business(business.business_id), request.session().username)
    return reply({**shown.model_dump(), "left_behind": [one.model_dump() for one in left_behind]})


def _or_none(client: Callable[[], T]) -> T | None:
    """None when its credentials are gone already."""
    try:
        return client()
    except NeedsAttention:
        return None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with measured(context.function_name):
        answer: dict[str, Any] = api.resolve(event, context)
        if event["resource"] == "/v1/sessions" and answer["statusCode"] == 401:
            count("AuthFailures")
        return answer
