"""Tokens, the business, its administrators and card accounts."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from local.simulators.pex import rows
from local.simulators.pex.bodies import Field, read_fields
from local.simulators.pex.http_api import NO_TOKEN, Api, Caller, Problem
from local.simulators.pex.times import months_before, wire_eastern
from local.simulators.pex.world import Token
from local.simulators.web import json_answer


def register(api: Api) -> None:
    _tokens(api)
    _business(api)


def _tokens(api: Api) -> None:
    sim = api.sim
    world = sim.world

    @api.route("GET", "/v4/Ping", who="open")
    def ping() -> Any:
        return "pong"

    @api.route("GET", "/v4/Details/Version", who="open")
    def version() -> Any:
        return "2025.12.10.3"

    @api.route("GET", "/v4/Token/Current")
    def current(caller: Caller) -> Any:
        return rows.token_row(caller.token, caller.business, caller.username)

    def visible() -> list[Token]:
        if api.is_basic():
            app_id = api.basic()
            return [token for token in world.tokens.values() if token.app_id == app_id]
        own = api.caller_or_refuse().token
        who = (own.business_id, own.admin_id, own.account_id)
        return [each for each in world.tokens.values() if (each.business_id, each.admin_id, each.account_id) == who]

    @api.route("GET", "/v4/Token", who="open")
    def tokens() -> Any:
        shown = [rows.token_row(each, world.business(each.business_id), sim.username(each)) for each in visible()]
        return {"Tokens": shown}

    @api.route("GET", "/v4/Token/GetAuthTokens", who="open")
    def auth_tokens() -> Any:
        now = sim.now()
        return {
            "Tokens": [
                {
                    "Token": each.token,
                    "SecondsUntilExpire": int((each.expires_at - now).total_seconds()),
                    "ExpirationTime": wire_eastern(each.expires_at),
                }
                for each in visible()
            ]
        }

    @api.route("POST", "/v4/Token/Renew")
    def renew(caller: Caller) -> Any:
        old, when = caller.token, sim.switches.renewal
        if when == "never" or (when == "last_month" and months_before(old.expires_at, 1) > sim.now()):
            raise Problem(403, "Cannot renew token")
        made = sim.issue_token(caller.business, old.admin_id, old.account_id, app_id=old.app_id)
        if sim.switches.renewed_token_dies:
            del world.tokens[old.token]
        return {
            "Username": caller.username,
            "Token": made.token,
            "AppId": made.app_id,
            "TokenExpiration": wire_eastern(made.expires_at),
        }

    @api.route("DELETE", "/v4/Token")
    def delete(caller: Caller) -> Any:
        del world.tokens[caller.token.token]
        return Response(status=200)

    @api.route("POST", "/v4/Token", who="open")
    def create() -> Any:
        app_id = api.basic()
        body = read_fields(
            {"Username": Field("text", True), "Password": Field("text", True)}, strict=sim.switches.strict_bodies
        )
        made = sim.log_in(app_id, body["Username"], body["Password"])
        if made is None:
            raise Problem(401, "Invalid username or password")
        return json_answer({"Token": made.token}, 201)

    @api.route("POST", "/Internal/V4/Account/Token/Exchange", who="open")
    def exchange() -> Any:
        scheme, _, jwt = request.headers.get("Authorization", "").partition(" ")
        body = read_fields(
            {"AppId": Field("text", True), "AppSecret": Field("text", True)}, strict=sim.switches.strict_bodies
        )
        launch = world.launches.get(jwt.strip()) if scheme.lower() == "bearer" else None
        if launch is None or launch[1] <= sim.now():
            raise Problem(401, NO_TOKEN)
        if world.apps.get(body["AppId"]) != body["AppSecret"]:
            raise Problem(401, "Invalid application credentials")
        for business in world.businesses.values():
            if launch[0] in business.admins:
                return json_answer(sim.issue_token(business, launch[0], None, app_id=body["AppId"]).token)
        raise Problem(403, "User is not active")


def _business(api: Api) -> None:
    def open_business(caller: Caller) -> None:
        if caller.business.status != "Open":
            raise Problem(403, "Business is not open")

    @api.route("GET", "/v4/Business/Profile", who="admin")
    def profile(caller: Caller) -> Any:
        open_business(caller)
        return rows.business_profile(caller.business)

    @api.route("GET", "/v4/Business/MyProfile", who="admin")
    def my_profile(caller: Caller) -> Any:
        assert caller.admin is not None
        return {"Admin": rows.admin_row(caller.admin, caller.business)}

    @api.route("GET", "/v4/Business/Settings", who="admin")
    def settings(caller: Caller) -> Any:
        return dict(caller.business.settings)

    @api.route("GET", "/v4/Business/Balance", who="admin")
    def balance(caller: Caller) -> Any:
        return {
            "BusinessAccountId": caller.business.business_id,
            "BusinessAccountBalance": caller.business.balance,
        }

    @api.route("GET", "/v4/Business/Admin", who="admin")
    def admins(caller: Caller) -> Any:
        return {"BusinessAdmins": [rows.admin_row(each, caller.business) for each in caller.business.admins.values()]}

    @api.route("GET", "/v4/Business/Admin/<int:admin_id>", who="admin")
    def admin(caller: Caller, admin_id: int) -> Any:
        found = caller.business.admins.get(admin_id)
        if found is None:
            raise Problem(403, "Invalid business admin ID")
        return {"Admin": rows.admin_row(found, caller.business)}

    @api.route("GET", "/v4/Details/AccountDetails", who="admin")
    def account_details(caller: Caller) -> Any:
        return rows.account_details(caller.business)

    @api.route("GET", "/v4/Details/AccountDetails/<int:account_id>")
    def cardholder_details(caller: Caller, account_id: int) -> Any:
        found = caller.business.cardholders.get(account_id)
        if found is None or (caller.cardholder is not None and caller.cardholder is not found):
            raise Problem(403, "Invalid card account ID")
        return rows.cardholder_details(found, caller.business)
