"""What every API request passes before its route: Accept, token, quota, company."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from local.simulators.procore.answers import (
    TOO_MANY,
    Refusal,
    bad_request,
    forbidden,
    in_v2,
    missing_company_header,
    not_connected,
    not_found,
)
from local.simulators.procore.core import Core
from local.simulators.procore.world import Token

WITHOUT_COMPANY = ("/rest/v1.0/companies", "/rest/v1.0/me")


def install_gate(app: Flask, core: Core) -> None:
    @app.before_request
    def gate() -> None:
        g.limit_headers = {}
        _acceptable()
        token = _token(core)
        request.environ["simulators.client_id"] = token.client_id
        header = request.headers.get("Procore-Company-Id", "")
        verdict = core.take_quota(token.client_id, header)
        g.limit_headers = verdict.headers
        if not verdict.allowed:
            raise Refusal(429, {"error": TOO_MANY})
        _alive(core, token)
        with core.lock:
            g.client = core.world.clients[token.client_id]
            g.company = _company(core, header)

    @app.after_request
    def limits(answer: Response) -> Response:
        answer.headers.update(getattr(g, "limit_headers", {}))
        return answer

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return (in_v2(refusal) if request.path.startswith("/rest/v2.") else refusal).answer()

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        return refused(not_found() if error.code == 404 else bad_request(str(error.name), error.code or 500))


def _acceptable() -> None:
    accept = request.headers.get("Accept", "")
    if accept and not request.accept_mimetypes["application/json"]:
        raise Refusal(406, {"message": f"Cannot answer as {accept}."})


def _token(core: Core) -> Token:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    token = core.world.tokens.get(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise Refusal(401, {"error": "Invalid Token"})
    return token


def _alive(core: Core, token: Token) -> None:
    if token.revoked:
        raise Refusal(401, {"errors": "The access token is invalid"})
    if core.clock() >= token.expires_at:
        raise Refusal(401, {"errors": "The access token expired"})


def _company(core: Core, header: str) -> Any:
    """The company of the header, None on the paths that do without. Raises every refusal of the header's rules."""
    asked = [text for text in (request.args.get("company_id"), (request.view_args or {}).get("company_id")) if text]
    if not header:
        exempt = request.path in WITHOUT_COMPANY and not asked and not request.args.get("project_id")
        if exempt and not core.switches.companies_need_company_header:
            return None
        raise missing_company_header(core.switches.missing_header_status)
    if not header.isdigit():
        raise bad_request("Procore-Company-Id must be an integer")
    company = core.world.companies.get(int(header))
    if company is None or company.id not in g.client.company_ids:
        raise not_connected()
    if any(str(text) != header for text in asked):
        raise forbidden(core.switches.other_company_status)
    return company
