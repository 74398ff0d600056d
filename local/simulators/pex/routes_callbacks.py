"""Callback subscriptions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Response

from local.simulators.pex import rows
from local.simulators.pex.bodies import IGNORED, Field, enum_name, read_fields
from local.simulators.pex.http_api import Api, Caller, Problem, Query
from local.simulators.pex.world import CALLBACK_TYPES, Subscription

_PATH = "/v4/Callback-Subscription"
_NEEDS = ("EditBusinessProfile",)
_STATUSES = {"Active": 1, "Inactive": 2}
_FIELDS = {
    "CallbackType": Field("any", True),
    "Status": Field("any", True),
    "Url": Field("text", True),
    "Name": Field("text"),
    "Description": Field("text"),
}
_SENT_BACK = dict.fromkeys(("Id", "BusinessAccountId", "Username", "CreatedDate"), IGNORED)
_LONGEST_URL = 500


def register(api: Api) -> None:
    sim = api.sim
    subscriptions = sim.world.subscriptions

    def own(caller: Caller, subscription_id: int) -> Subscription:
        found = subscriptions.get(subscription_id)
        if found is None or found.business_id != caller.business.business_id:
            raise Problem(404, "Callback subscription not found")
        return found

    def url_of(body: dict[str, Any]) -> str:
        url: str = body["Url"]
        schemes = ("https", "http") if sim.switches.allow_http_callbacks else ("https",)
        where = urlsplit(url)
        if where.scheme not in schemes or not where.hostname:
            raise Problem.invalid("Url", "Url must be an absolute HTTPS URL.")
        if len(url) > _LONGEST_URL:
            raise Problem.invalid("Url", f"Url has at most {_LONGEST_URL} characters.")
        return url

    @api.route("GET", f"{_PATH}/types", who="admin", all_of=_NEEDS)
    def types(caller: Caller) -> Any:
        return [{"Id": number, "Name": name} for name, number in CALLBACK_TYPES.items()]

    @api.route("GET", _PATH, who="admin", all_of=_NEEDS)
    def all_of_business(caller: Caller) -> Any:
        asked = Query().text("type")
        kind = enum_name(int(asked) if asked.isdigit() else asked, CALLBACK_TYPES, "type") if asked else None
        return [
            rows.subscription_row(each)
            for each in subscriptions.values()
            if each.business_id == caller.business.business_id and kind in (None, each.type)
        ]

    @api.route("GET", f"{_PATH}/<int:subscription_id>", who="admin", all_of=_NEEDS)
    def one(caller: Caller, subscription_id: int) -> Any:
        return rows.subscription_row(own(caller, subscription_id))

    @api.route("POST", _PATH, who="admin", all_of=_NEEDS)
    def create(caller: Caller) -> Any:
        body = read_fields(_FIELDS, strict=sim.switches.strict_bodies)
        kind, url = enum_name(body["CallbackType"], CALLBACK_TYPES, "CallbackType"), url_of(body)
        mine = [each for each in subscriptions.values() if each.business_id == caller.business.business_id]
        if sim.switches.duplicate_subscriptions == "refused" and any(
            (one.type, one.url) == (kind, url) for one in mine
        ):
            raise Problem(409, "The item already exists.")
        made = Subscription(
            subscription_id=sim.world.next_id("subscription"),
            business_id=caller.business.business_id,
            type=kind,
            active=enum_name(body["Status"], _STATUSES, "Status") == "Active",
            url=url,
            name=body["Name"],
            description=body["Description"],
            username=caller.username,
            created_at=sim.now(),
        )
        subscriptions[made.subscription_id] = made
        return rows.subscription_row(made)

    @api.route("PUT", f"{_PATH}/<int:subscription_id>", who="admin", all_of=_NEEDS)
    def update(caller: Caller, subscription_id: int) -> Any:
        found = own(caller, subscription_id)
        body = read_fields(_FIELDS | _SENT_BACK, strict=sim.switches.strict_bodies)
        kind = enum_name(body["CallbackType"], CALLBACK_TYPES, "CallbackType")
        active = enum_name(body["Status"], _STATUSES, "Status") == "Active"
        found.url, found.type, found.active = url_of(body), kind, active
        found.name, found.description = body["Name"], body["Description"]
        return rows.subscription_row(found)

    @api.route("DELETE", f"{_PATH}/<int:subscription_id>", who="admin", all_of=_NEEDS)
    def delete(caller: Caller, subscription_id: int) -> Any:
        sim.unsubscribe(own(caller, subscription_id))
        return Response(status=200)
