"""Webhooks of a company, v2.0: resources, hooks, triggers, deliveries."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

from local.simulators.procore.answers import Refusal, bad_request, forbidden, in_v2, not_found
from local.simulators.procore.bodies import checked, json_array, json_body
from local.simulators.procore.core import Core, here, moment
from local.simulators.procore.lists import PAGES, boolean, data_page_of, known_query, one_of
from local.simulators.procore.world import LEVELS, Delivery, Hook, Trigger
from local.simulators.web import json_answer

BASE = "/rest/v2.0/companies/<company_id>/webhooks"
VERSIONS = ("v2.0", "v3.0", "v4.0")
NEW_HOOK = {"payload_version": str, "namespace": str, "destination_url": str, "destination_headers": dict}
CHANGED_HOOK = {**NEW_HOOK, "status": ("active", "disabled")}
HEADERS = {"Authorization": str}
NEW_TRIGGER = {"resource_name": str, "event_type": str}
STATUS_FILTERS = {"succeeded": "delivered", **{name: name for name in ("failed", "discarded", "enqueued", "retrying")}}
DELIVERY_FILTERS = tuple(f"filter[{name}]" for name in ("status", "resource_name", "event_type", "start", "end"))

ALL = ("create", "update", "delete")
COMPANY_RESOURCES: dict[str, tuple[str, ...]] = {
    "Bids": ("update",),
    "Change Order Change Reasons": ALL,
    "Change Types": ALL,
    "Company File Versions": ALL,
    "Company Files": ALL,
    "Company Folders": ALL,
    "Company Insurances": ALL,
    "Company Users": ("create", "update"),
    "Company Vendors": ("create", "update"),
    "Departments": ALL,
    "ERP Requests": ALL,
    "Form Templates": ALL,
    "Line Item Types": ALL,
    "Offices": ALL,
    "Programs": ALL,
    "Project Bid Types": ALL,
    "Project Owner Types": ALL,
    "Project Regions": ALL,
    "Project Stages": ALL,
    "Project Types": ALL,
    "Projects": ("create", "update"),
    "Standard Cost Code Lists": ("create",),
    "Standard Cost Codes": ALL,
    "Timecard Time Types": ("create", "delete"),
    "Trades": ("create", "delete"),
}
# Of these only cost codes announce their changes here.
PROJECT_RESOURCES: dict[str, tuple[str, ...]] = {
    "Budget Line Items": ALL,
    "Cost Codes": ALL,
    "Direct Cost Line Items": ALL,
    "Direct Costs": ALL,
    "Project Vendors": ("create", "delete"),
    "Sub Jobs": ALL,
}


def offered(core: Core) -> dict[str, tuple[str, ...]]:
    """What a company's hook can be triggered by."""
    switches = core.switches
    inside = switches.company_hooks_hear_projects or switches.company_lists_project_resources
    return COMPANY_RESOURCES | PROJECT_RESOURCES if inside else COMPANY_RESOURCES


def masked(secret: str | None) -> str | None:
    return None if secret is None else "*" * max(0, len(secret) - 5) + secret[-5:]


def hook_row(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "status": hook.status,
        "payload_version": hook.payload_version,
        "namespace": hook.namespace,
        "destination_headers": {} if hook.authorization is None else {"Authorization": masked(hook.authorization)},
        "destination_url": hook.destination_url,
        "company_id": str(hook.company_id),
        "project_id": None,
        "created_at": moment(hook.created_at),
        "updated_at": moment(hook.updated_at),
    }


def counted_hook_row(hook: Hook) -> dict[str, Any]:
    return hook_row(hook) | {"trigger_count": len(hook.triggers)}


def trigger_row(hook: Hook, trigger: Trigger) -> dict[str, Any]:
    return {
        "id": trigger.id,
        "webhook_hook_id": hook.id,
        "resource_name": trigger.resource_name,
        "event_type": trigger.event_type,
        "company_id": str(hook.company_id),
        "project_id": None,
    }


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "status": delivery.status,
        "payload": delivery.payload,
        "delivery_attempts": delivery.attempts,
    }


def hook_book(hook: Hook) -> dict[str, Any]:
    triggers = sorted(f"{trigger.resource_name} {trigger.event_type}" for trigger in hook.triggers.values())
    return hook_row(hook) | {"triggers": triggers}


def delivery_book(delivery: Delivery) -> dict[str, Any]:
    return {
        **delivery_row(delivery),
        "hook_id": delivery.hook_id,
        "resource_name": delivery.resource_name,
        "event_type": delivery.event_type,
        "forged": delivery.forged,
    }


def webhook_routes(app: Flask, core: Core) -> None:
    world = core.world

    def permitted() -> None:
        if LEVELS.index(here().levels.get("webhooks", "admin")) < LEVELS.index("standard"):
            raise forbidden()

    def own(hook_id: str) -> Hook:
        permitted()
        hook = world.hooks.get(hook_id)
        if hook is None or hook.company_id != here().id:
            raise not_found()
        return hook

    def version_of(text: str) -> str:
        if text not in VERSIONS or text not in core.switches.payload_versions:
            raise bad_request(f"payload_version must be one of {', '.join(core.switches.payload_versions)}")
        return text

    def fill(hook: Hook, given: dict[str, Any]) -> None:
        """Refuses before it changes anything."""
        version = version_of(given.get("payload_version", hook.payload_version))
        namespace = given.get("namespace", hook.namespace)
        if not re.fullmatch(r"[a-z0-9-]+", namespace):
            raise bad_request("namespace may only hold lowercase letters, digits and dashes")
        url = given.get("destination_url", hook.destination_url)
        schemes = ("https", "http") if core.switches.allow_http_destinations else ("https",)
        if urlsplit(url).scheme not in schemes or not urlsplit(url).hostname:
            raise bad_request("destination_url must be an absolute HTTPS URL")
        headers = checked(core, given.get("destination_headers", {}), HEADERS, "destination_headers")
        if hook.triggers and version != hook.payload_version:
            raise bad_request("payload_version cannot change while the hook has triggers")
        hook.payload_version, hook.namespace, hook.destination_url = version, namespace, url
        hook.authorization = headers.get("Authorization", hook.authorization)
        hook.status = given.get("status", hook.status)
        hook.updated_at = core.now()

    def add_trigger(hook: Hook, given: Any, where: str) -> Trigger:
        taken = checked(core, given, NEW_TRIGGER, where)
        for name in NEW_TRIGGER:
            if not taken.get(name):
                raise bad_request(f"{name} is missing")
        name, kind = taken["resource_name"], taken["event_type"]
        if kind not in offered(core).get(name, ()):
            raise bad_request(f"{name} has no event {kind} for a company hook")
        if any((one.resource_name, one.event_type) == (name, kind) for one in hook.triggers.values()):
            raise bad_request(f"the hook has a trigger for {name} {kind} already")
        trigger = Trigger(world.next_ulid("trigger", core.now()), name, kind)
        hook.triggers[trigger.id] = trigger
        return trigger

    @app.get(f"{BASE}/resources")
    def webhook_resources(company_id: str) -> Response:
        known_query(core, *PAGES, "payload_version")
        permitted()
        version = version_of(request.args.get("payload_version", ""))

        def row(resource: tuple[str, tuple[str, ...]]) -> dict[str, Any]:
            name, actions = resource
            return {
                "category": "Project" if name in PROJECT_RESOURCES else "Company",
                "tool": name,
                "name": name,
                "payload_version": version,
                "actions": [{"name": action} for action in actions]
                if core.switches.actions_as_objects
                else list(actions),
            }

        return data_page_of(core, sorted(offered(core).items()), row)

    @app.get(f"{BASE}/hooks")
    def list_hooks(company_id: str) -> Response:
        known_query(core, *PAGES, "namespace", "payload_version", "include_trigger_count")
        permitted()
        namespace, version = request.args.get("namespace"), request.args.get("payload_version")
        with core.lock:
            mine = [
                hook
                for hook in world.hooks.values()
                if hook.company_id == here().id
                and namespace in (None, hook.namespace)
                and version in (None, hook.payload_version)
            ]
            shape = counted_hook_row if boolean("include_trigger_count") else hook_row
            return data_page_of(core, mine, shape)

    @app.post(f"{BASE}/hooks")
    def create_hook(company_id: str) -> Response:
        known_query(core)
        given = checked(core, json_body(core, *NEW_HOOK), NEW_HOOK, "hook")
        with core.lock:
            permitted()
            for name in ("destination_url", "payload_version", "namespace"):
                if not given.get(name):
                    raise bad_request(f"{name} is missing")
            now = core.now()
            hook = Hook("", here().id, given["payload_version"], "", "", None, now, now)
            fill(hook, given)
            hook.id = world.next_ulid("hook", now)
            world.hooks[hook.id] = hook
            return json_answer({"data": counted_hook_row(hook)}, 201)

    @app.get(f"{BASE}/hooks/<hook_id>")
    def show_hook(company_id: str, hook_id: str) -> Response:
        known_query(core)
        with core.lock:
            hook = own(hook_id)
            return json_answer({"data": counted_hook_row(hook)})

    @app.patch(f"{BASE}/hooks/<hook_id>")
    def change_hook(company_id: str, hook_id: str) -> Response:
        known_query(core)
        given = checked(core, json_body(core, *CHANGED_HOOK), CHANGED_HOOK, "hook")
        with core.lock:
            hook = own(hook_id)
            fill(hook, given)
            core.dispatcher.wake()
            return json_answer({"data": counted_hook_row(hook)})

    @app.delete(f"{BASE}/hooks/<hook_id>")
    def delete_hook(company_id: str, hook_id: str) -> Response:
        known_query(core)
        with core.lock:
            del world.hooks[own(hook_id).id]
            core.dispatcher.wake()
            return Response(status=204)

    @app.get(f"{BASE}/hooks/<hook_id>/triggers")
    def list_triggers(company_id: str, hook_id: str) -> Response:
        known_query(core, *PAGES)
        with core.lock:
            hook = own(hook_id)
            return data_page_of(core, hook.triggers.values(), lambda trigger: trigger_row(hook, trigger))

    @app.post(f"{BASE}/hooks/<hook_id>/triggers")
    def create_trigger(company_id: str, hook_id: str) -> Response:
        known_query(core)
        body = json_body(core, *NEW_TRIGGER)
        with core.lock:
            hook = own(hook_id)
            return json_answer({"data": trigger_row(hook, add_trigger(hook, body, "trigger"))}, 201)

    @app.delete(f"{BASE}/hooks/<hook_id>/triggers/<trigger_id>")
    def delete_trigger(company_id: str, hook_id: str, trigger_id: str) -> Response:
        known_query(core)
        with core.lock:
            if own(hook_id).triggers.pop(trigger_id, None) is None:
                raise not_found()
            return Response(status=204)

    @app.post(f"{BASE}/hooks/<hook_id>/triggers/bulk")
    def create_triggers(company_id: str, hook_id: str) -> Response:
        """All 201, some 207, none 400."""
        known_query(core)
        body = json_array(core)
        with core.lock:
            hook = own(hook_id)
            made, failed = [], []
            for position, given in enumerate(body):
                try:
                    made.append(trigger_row(hook, add_trigger(hook, given, f"triggers[{position}]")))
                except Refusal as refusal:
                    failed.append({"trigger": given, **in_v2(refusal).body})
            if not made:
                raise bad_request("no trigger could be created")
            return json_answer(
                {"data": {"succeeded": made, "failed": failed} if failed else made}, 207 if failed else 201
            )

    @app.delete(f"{BASE}/hooks/<hook_id>/triggers/bulk")
    def delete_triggers(company_id: str, hook_id: str) -> Response:
        known_query(core)
        ids = json_array(core)
        with core.lock:
            triggers = own(hook_id).triggers
            gone = [id for id in ids if isinstance(id, str) and triggers.pop(id, None) is not None]
            failed = [id for id in ids if id not in gone]
            if not gone:
                raise bad_request("no trigger could be deleted")
            body = {"succeeded": gone, "failed": failed} if failed else {"succeeded": gone}
            return json_answer({"data": body}, 207 if failed else 200)

    @app.get(f"{BASE}/hooks/<hook_id>/deliveries")
    def list_deliveries(company_id: str, hook_id: str) -> Response:
        known_query(core, *PAGES, *DELIVERY_FILTERS)
        status = one_of("filter[status]", (*STATUS_FILTERS, ""), "")
        name, kind = request.args.get("filter[resource_name]"), request.args.get("filter[event_type]")
        start, end = day_of("filter[start]"), day_of("filter[end]")
        with core.lock:
            hook = own(hook_id)
            found = [
                delivery
                for delivery in world.deliveries
                if delivery.hook_id == hook.id
                and not delivery.forged
                and delivery.status != "lost"
                and (not status or delivery.status == STATUS_FILTERS[status])
                and name in (None, delivery.resource_name)
                and kind in (None, delivery.event_type)
                and (start is None or start <= delivery.created_at.date())
                and (end is None or delivery.created_at.date() <= end)
            ]
            return data_page_of(core, found, delivery_row)


def day_of(name: str) -> date | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name} must be a date YYYY-MM-DD") from None
