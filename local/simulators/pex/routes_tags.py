"""Tag definitions: reading them, and the rules a write has to keep."""

from __future__ import annotations

from collections import Counter
from typing import Any

from local.simulators.pex import rows
from local.simulators.pex.bodies import IGNORED, Field, check, read_fields
from local.simulators.pex.http_api import Api, Caller, Problem, Query
from local.simulators.pex.world import Tag, TagOption
from local.simulators.web import json_answer

_TAGS = "/v4/Business/Configuration/Tag"
_VIEWERS = ("ManageCardholder", "EditBusinessProfile")
_OPTION = {"Name": Field("text", True), "Value": Field("text", True), "Order": Field("int"), "IsEnabled": Field("bool")}
_TAG = {
    "Name": Field("text", True),
    "Description": Field("text"),
    "Order": Field("int", True),
    "IsRequired": Field("bool", True),
    "IsEnabled": Field("bool", True),
}
_SENT_BACK = dict.fromkeys(
    (
        "Id",
        "Type",
        "IsDeleted",
        "CreatedDateUtc",
        "CreatedBy",
        "UpdatedDateUtc",
        "UpdatedBy",
        "DeletedDateUtc",
        "DeletedBy",
    ),
    IGNORED,
) | {"ConcurrencyKey": Field("text")}
_OF_TYPE = {
    "Dropdown": {"Options": Field("list", True)},
    "Text": dict.fromkeys(("Length", "MinLength", "ValidationType", "ValidationRegex"), IGNORED),
    "Decimal": {},
    "YesNo": {},
    "Allocation": {},
}


def register(api: Api) -> None:
    sim = api.sim
    switches = sim.switches

    def live_tag(caller: Caller, tag_id: str, type: str | None = None) -> Tag:
        tags_on(caller)
        tag = caller.business.tags.get(tag_id)
        gone = tag is not None and tag.deleted_at is not None and not (switches.list_deleted_tags and type is None)
        if tag is None or gone or type not in (None, tag.type):
            raise Problem(404, "Tag not found")
        return tag

    def options_of(body: dict[str, Any], before: list[TagOption]) -> list[TagOption]:
        given = _options(body["Options"], strict=switches.strict_bodies)
        if switches.put_omitted_options == "kept":
            sent = {option.value.lower() for option in given}
            given += [option for option in before if option.value.lower() not in sent]
        _check_options(given, int(switches.max_options), int(switches.max_option_length))
        return given

    @api.route("GET", "/v4/Business/Configuration/Tags", who="admin", any_of=_VIEWERS)
    def tags(caller: Caller) -> Any:
        tags_on(caller)
        override = Query().flag("OverrideRestrictions")
        shown = [tag for tag in caller.business.tags.values() if tag.deleted_at is None or switches.list_deleted_tags]
        return [rows.tag_definition(tag, override=override) for tag in shown]

    @api.route("GET", f"{_TAGS}/<tag_id>", who="admin", any_of=_VIEWERS)
    def tag(caller: Caller, tag_id: str) -> Any:
        return rows.tag_definition(live_tag(caller, tag_id), override=Query().flag("OverrideRestrictions"))

    def writes(type: str) -> None:
        fields = _TAG | _OF_TYPE[type]

        @api.route("POST", f"{_TAGS}/{type}", who="admin", any_of=_VIEWERS)
        def create(caller: Caller) -> Any:
            tags_on(caller)
            body = read_fields(fields, strict=switches.strict_bodies)
            options = options_of(body, []) if type == "Dropdown" else []
            alike = [tag for tag in caller.business.tags.values() if tag.type == type and tag.deleted_at is None]
            if type == "Allocation" and alike:
                raise Problem(400, "The request is invalid.")
            made = sim.new_tag(caller.business, body["Name"], type)
            write(caller, made, body, options)
            made.updated_at = made.updated_by = None
            made.created_by = caller.admin_id
            location = f"{sim.api_url}{_TAGS}/{made.tag_id}"
            return json_answer(rows.tag_definition(made, override=True), 201, {"Location": location})

        @api.route("PUT", f"{_TAGS}/{type}/<tag_id>", who="admin", any_of=_VIEWERS)
        def update(caller: Caller, tag_id: str) -> Any:
            found = live_tag(caller, tag_id, type)
            body = read_fields(fields | _SENT_BACK, strict=switches.strict_bodies)
            stale = body["ConcurrencyKey"] not in (None, found.concurrency_key)
            if switches.check_concurrency_key and stale:
                raise Problem(409, "Please update your outdated ConcurrencyKey value.")
            write(caller, found, body, options_of(body, found.options) if type == "Dropdown" else [])
            return rows.tag_definition(found, override=True)

        @api.route("DELETE", f"{_TAGS}/{type}/<tag_id>", who="admin", any_of=_VIEWERS)
        def delete(caller: Caller, tag_id: str) -> Any:
            found = live_tag(caller, tag_id, type)
            found.deleted_at, found.deleted_by = sim.now(), caller.admin_id
            return rows.tag_definition(found, override=True)

    def write(caller: Caller, tag: Tag, body: dict[str, Any], options: list[TagOption]) -> None:
        tag.name, tag.description = body["Name"], body["Description"]
        tag.order, tag.is_required, tag.is_enabled = body["Order"], body["IsRequired"], body["IsEnabled"]
        tag.extra = {name: body[name] for name in _OF_TYPE[tag.type] if name != "Options" and body[name] is not None}
        tag.options = options
        touched(caller, tag)

    def touched(caller: Caller, tag: Tag) -> None:
        tag.concurrency_key, tag.updated_at, tag.updated_by = sim.world.hex_id(), sim.now(), caller.admin_id

    for type in _OF_TYPE:
        writes(type)

    @api.route("POST", f"{_TAGS}/Dropdown/<tag_id>/Options", who="admin", any_of=_VIEWERS)
    def add_options(caller: Caller, tag_id: str) -> Any:
        found = live_tag(caller, tag_id)
        if found.type != "Dropdown":
            raise Problem(400, "Tag is not dropdown type.")
        body = read_fields({"Options": Field("list", True)}, strict=switches.strict_bodies)
        options = found.options + _options(body["Options"], strict=switches.strict_bodies)
        _check_options(options, int(switches.max_options), int(switches.max_option_length))
        found.options = options
        touched(caller, found)
        return rows.tag_definition(found, override=True)

    @api.route("PUT", f"{_TAGS}/Dropdown/<tag_id>/Option", who="admin", any_of=_VIEWERS)
    def update_option(caller: Caller, tag_id: str) -> Any:
        found = live_tag(caller, tag_id, "Dropdown")
        body = read_fields(_OPTION, strict=switches.strict_bodies)
        given = _options([body], strict=False)[0]
        if all(each.value.lower() != given.value.lower() for each in found.options):
            raise Problem(404, "Tag option not found")
        options = [given if each.value.lower() == given.value.lower() else each for each in found.options]
        _check_options(options, int(switches.max_options), int(switches.max_option_length))
        found.options = options
        touched(caller, found)
        return rows.tag_option(given)


def tags_on(caller: Caller) -> None:
    if not caller.business.settings["TagsEnabled"]:
        raise Problem(403, "Tags are not enabled for the business")


def _options(given: list[Any], *, strict: bool) -> list[TagOption]:
    options = []
    for place, each in enumerate(given):
        if not isinstance(each, dict):
            raise Problem.invalid(f"Options[{place}]", "An option is an object.")
        values = check(each, _OPTION, strict=strict, where=f"Options[{place}].")
        enabled = True if values["IsEnabled"] is None else values["IsEnabled"]
        options.append(TagOption(values["Name"], values["Value"], values["Order"] or 0, enabled))
    return options


def _check_options(options: list[TagOption], most: int, longest: int) -> None:
    if not any(option.enabled for option in options):
        raise Problem.invalid("Options", "At least one option must be enabled.")
    for what in ("name", "value"):
        seen = Counter(str(getattr(option, what)).lower() for option in options)
        twice = next((text for text, times in seen.items() if times > 1), None)
        if twice is not None:
            raise Problem.invalid("Options", f"The option {what} '{twice}' is not unique.")
    if most and len(options) > most:
        raise Problem.invalid("Options", f"A tag has at most {most} options.")
    if longest and any(max(len(option.name), len(option.value)) > longest for option in options):
        raise Problem.invalid("Options", f"An option's name and value have at most {longest} characters.")
