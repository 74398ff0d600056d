"""The ways in: a pasted PEX token, a launch from PEX's dashboard, and PEX's own page."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from pex_procore.domain.errors import NeedsAttention
from pex_procore.runtime import caps
from pex_procore.runtime.bodies import Launch, SignIn
from pex_procore.runtime.http import Request, cookie, reply, session_cookie
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services import sign_in as doors
from pex_procore.services.sign_in import LOGIN_LIFE, SESSION_SECONDS, sign_in

LOGIN_COOKIE = "pex_connector_login"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>PEX Connector for Procore</title><h1>{title}</h1><p>{text}</p></html>
"""
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def is_partner() -> bool:
    deployment = wiring().deployment
    return bool(deployment.pex_app_id and deployment.pex_app_secret_arn)


def sign_in_with_proof(request: Request) -> Response[str]:
    request.cap(caps.GUESSES)
    if "pex_jwt" in request.body():
        return _enter(request, wiring().pex_app().exchange(request.read(Launch).pex_jwt), ours=True, status=201)
    return _enter(request, request.read(SignIn).pex_token, ours=False, status=201)


def _enter(request: Request, token: str, *, ours: bool, status: int) -> Response[str]:
    pex = wiring().pex(token)
    identity = pex.identity()
    request.cap(caps.SIGN_INS, identity.business_id)
    business = wiring().business(identity.business_id)
    session = sign_in(
        token,
        identity,
        ours=ours,
        pex=pex,
        checks=business.checks,
        connections=business.connections,
        sessions=wiring().sessions,
        clock=now,
    )
    body = {"business_id": identity.business_id, "business_name": identity.business_name}
    return reply(body, status, cookies=[session_cookie(session, SESSION_SECONDS)])


def begin(request: Request) -> Response[str]:
    """Both addresses lie under the public one: PEX posts to the first and sends the browser to the second."""
    request.cap(caps.PEX_LOGINS)
    ours = f"{request.public_url()}/v1/sessions/pex-login"
    begun = doors.begin_login(
        lambda login_id, closing_key: (f"{ours}/{login_id}", f"{ours}/{login_id}/{closing_key}"),
        app=wiring().pex_app(),
        logins=wiring().logins,
        clock=now,
    )
    body = {"id": begun.login_id, "authorize_url": begun.authorize_url}
    seconds = int(LOGIN_LIFE.total_seconds())
    return reply(body, 201, cookies=[cookie(LOGIN_COOKIE, begun.browser_key, seconds)])


def come_back(request: Request, login_id: str, closing_key: str) -> Response[str]:
    """A page for people: the browser was sent here by PEX."""
    title, text, status = "You are signed in", "Close this tab and go on in the one you came from.", 200
    try:
        doors.close_login(login_id, request.cookie(LOGIN_COOKIE) or "", closing_key, logins=wiring().logins)
    except NeedsAttention:
        title, text, status = "Not signed in", "This sign-in is over, or it was begun in another browser.", 404
    page = PAGE.format(title=title, text=text)
    return Response(status_code=status, content_type="text/html; charset=utf-8", body=page, headers=PAGE_HEADERS)


def finish(request: Request, login_id: str) -> Response[str]:
    """202 until PEX's token came and the browser that began is back from PEX."""
    browser_key = request.cookie(LOGIN_COOKIE) or ""
    token = doors.token_of_login(login_id, browser_key, logins=wiring().logins)
    if token is None:
        return reply({"status": "waiting"}, 202)
    wiring().logins.end(login_id)
    answer = _enter(request, token, ours=True, status=200)
    answer.cookies.append(cookie(LOGIN_COOKIE, "", 0))
    return answer
