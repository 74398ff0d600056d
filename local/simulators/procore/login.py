"""The login host: tokens, nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, Response, request

from local.simulators.procore.core import Core
from local.simulators.procore.world import Client, Token
from local.simulators.web import json_answer

LIFE_SECONDS = 5400
OTHER_GRANTS = ("authorization_code", "refresh_token")


def login_app(core: Core) -> Flask:
    app = Flask("procore-login")

    @app.post("/oauth/token")
    def token() -> Response:
        given = _fields()
        grant = given.get("grant_type")
        if grant in OTHER_GRANTS:
            return _refused(400, "invalid_grant", "The provided authorization grant is invalid.")
        if grant != "client_credentials":
            kind = "unsupported_grant_type" if grant else "invalid_request"
            return _refused(400, kind, "The grant type is missing or not supported.")
        with core.lock:
            client = _client(core, given)
            if client is None:
                return _refused(401, "invalid_client", "Client authentication failed.")
            text, made = issue(core, client)
            request.environ["simulators.client_id"] = client.id
        return json_answer(
            {
                "access_token": text,
                "token_type": "bearer",
                "expires_in": LIFE_SECONDS,
                "created_at": int(made.created_at.timestamp()),
            }
        )

    @app.get("/oauth/token/info")
    def info() -> Response:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with core.lock:
            token = core.world.tokens.get(text)
            if token is None or token.revoked or core.clock() >= token.expires_at:
                return _refused(401, "invalid_token", "The access token is invalid")
            return json_answer(
                {
                    "resource_owner_id": core.world.clients[token.client_id].user_id,
                    "scopes": ["public"],
                    "expires_in_seconds": int((token.expires_at - core.clock()).total_seconds()),
                    "application": {"uid": token.client_id},
                    "created_at": int(token.created_at.timestamp()),
                }
            )

    @app.post("/oauth/revoke")
    def revoke() -> Response:
        given = _fields()
        with core.lock:
            if _client(core, given) is None:
                return _refused(403, "unauthorized_client", "You are not authorized to revoke this token")
            token = core.world.tokens.get(given.get("token", ""))
            if token is not None and token.client_id == given["client_id"]:
                token.revoked = True
        return json_answer({})

    @app.errorhandler(404)
    def elsewhere(_: Any) -> Response:
        return Response("<html><body><h1>The page you were looking for doesn't exist.</h1></body></html>", 404)

    return app


def issue(core: Core, client: Client) -> tuple[str, Token]:
    """A new token shaped like the real ones: a JWT well over 1 KB."""
    now = core.now()
    made = Token(client.id, now, now + timedelta(seconds=LIFE_SECONDS))
    text = _jwt({"aud": client.id, "exp": int(made.expires_at.timestamp()), "jti": secrets.token_hex(16)})
    core.world.tokens[text] = made
    return text, made


def _jwt(claims: dict[str, Any]) -> str:
    filled = claims | {"padding": secrets.token_hex(400)}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, filled)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(secrets.token_bytes(32), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _client(core: Core, given: dict[str, str]) -> Client | None:
    client = core.world.clients.get(given.get("client_id", ""))
    return client if client is not None and client.secret == given.get("client_secret") else None


def _fields() -> dict[str, str]:
    """Form, multipart or JSON, as sent."""
    if request.is_json:
        body = request.get_json(silent=True)
        return body if isinstance(body, dict) else {}
    return request.form.to_dict()


def _refused(status: int, error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, status)
