"""The login host: partner sign-in with its page, tokens from a name and password, revocation."""

from __future__ import annotations

import html
import http.client
import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Response, redirect, request

from local.simulators.pex.bodies import Field, read_fields
from local.simulators.pex.http_api import NO_TOKEN, Api, Problem

_LOGIN_LIFE = timedelta(hours=1)
_CALLBACK_TIMEOUT_SECONDS = 10


def register(api: Api) -> None:
    sim = api.sim
    world = sim.world

    def check_app(body: dict[str, Any]) -> str:
        app_id: str = body["AppId"]
        if world.apps.get(app_id) != body["AppSecret"]:
            raise Problem(401, "Application is not authorized")
        return app_id

    @api.route("POST", "/Auth/Partner", who="open")
    def partner() -> Any:
        fields = dict.fromkeys(("AppId", "AppSecret", "ServerCallbackUrl", "BrowserClosingUrl"), Field("text", True))
        body = read_fields(fields, strict=sim.switches.strict_bodies)
        app_id = check_app(body)
        for name in ("ServerCallbackUrl", "BrowserClosingUrl"):
            if urlsplit(body[name]).scheme not in ("http", "https"):
                raise Problem.invalid(name, f"{name} must be an absolute URL.")
        session_id = str(uuid.UUID(int=world.random.getrandbits(128)))
        world.logins[session_id] = {
            "app_id": app_id,
            "server": body["ServerCallbackUrl"],
            "browser": body["BrowserClosingUrl"],
            "expires_at": sim.now() + _LOGIN_LIFE,
        }
        return {"OAuthUrl": f"{sim.oauth_url}/Home/Auth?sessionid={session_id}"}

    def login(session_id: str) -> dict[str, Any] | None:
        found = world.logins.get(session_id)
        expires_at: datetime | None = found["expires_at"] if found else None
        return found if expires_at is not None and expires_at > sim.now() else None

    @api.route("GET", "/Home/Auth", who="open")
    def page() -> Any:
        session_id = request.args.get("sessionid", "")
        if login(session_id) is None:
            return _page("<p>This sign-in has expired. Go back to the application and start again.</p>", 400)
        return _page(_form(session_id))

    @api.route("POST", "/Home/Auth", who="open", locked=False)
    def submit() -> Any:
        session_id = request.form.get("sessionid", "")
        with sim.lock:
            found = login(session_id)
            if found is None:
                return _page("<p>This sign-in has expired. Go back to the application and start again.</p>", 400)
            token = sim.log_in(found["app_id"], request.form.get("username", ""), request.form.get("password", ""))
            if token is None:
                return _page("<p>Wrong user name or password.</p>" + _form(session_id), 401)
            del world.logins[session_id]
        if not push_token(found["server"], token.token):
            return _page("<p>The application did not accept the sign-in.</p>", 502)
        return redirect(found["browser"], 302)

    @api.route("POST", "/token", who="open")
    def create() -> Any:
        app_id = api.basic()
        fields = dict.fromkeys(("Username", "Password", "UserAgentString"), Field("text", True))
        body = read_fields(fields, strict=sim.switches.strict_bodies)
        made = sim.log_in(app_id, body["Username"], body["Password"])
        if made is None:
            raise Problem(401, "Invalid username or password")
        return {"Token": made.token}

    @api.route("DELETE", "/Auth/Token", who="open")
    def revoke() -> Any:
        fields = dict.fromkeys(("AppId", "AppSecret", "Token"), Field("text", True))
        body = read_fields(fields, strict=sim.switches.strict_bodies)
        app_id = check_app(body)
        found = world.tokens.get(body["Token"])
        if found is None or found.app_id != app_id:
            raise Problem(401, NO_TOKEN)
        del world.tokens[found.token]
        return Response(status=200)


def push_token(url: str, token: str) -> bool:
    """Hand the token to the application's server, once; whether it answered with success."""
    where = urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=_CALLBACK_TIMEOUT_SECONDS)
    try:
        path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
        body = json.dumps({"Token": token}).encode()
        connection.request("POST", path, body, {"Content-Type": "application/json; charset=utf-8"})
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _form(session_id: str) -> str:
    return (
        '<form method="post" action="/Home/Auth">'
        f'<input type="hidden" name="sessionid" value="{html.escape(session_id, quote=True)}">'
        '<label>User name <input name="username"></label> '
        '<label>Password <input name="password" type="password"></label> '
        "<button>Log in to PEX</button></form>"
    )


def _page(content: str, status: int = 200) -> Response:
    text = f"<!doctype html><html lang=en><title>PEX</title><body><h1>PEX (stand-in)</h1>{content}</body></html>"
    return Response(text, status, mimetype="text/html")
