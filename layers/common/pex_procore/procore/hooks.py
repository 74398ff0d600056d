"""Webhooks (REST v2.0): Procore's requests and answers. Pure.

In v2 a body stands under `data`, ids are text, and a page has ten rows unless more are asked for
(docs/behaviour.md#webhooks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pex_procore.domain.connection import Webhook
from pex_procore.net.messages import Answer, Request
from pex_procore.procore.wire import encode, get, text

NAMESPACE = "pex-connector"
VERSIONS = ("v4.0", "v2.0")  # of payloads, the preferred one first
EVENTS = ("create", "update", "delete")
SMALLEST_PAGE = 10  # rows: fewer end a list, whichever page size Procore chose

Trigger = tuple[str, str]  # resource name, event type


def list_hooks(company_id: int) -> Request:
    return get(f"{_webhooks(company_id)}/hooks", "list the webhooks", namespace=NAMESPACE)


def list_resources(company_id: int, version: str) -> Request:
    path = f"{_webhooks(company_id)}/resources"
    return get(path, f"list what webhooks of version {version} can tell", payload_version=version)


def list_triggers(company_id: int, hook_id: str) -> Request:
    return get(f"{_hook(company_id, hook_id)}/triggers", "list a webhook's triggers")


def create_hook(company_id: int, url: str, authorization: str, version: str) -> Request:
    body = {
        "payload_version": version,
        "namespace": NAMESPACE,
        "destination_url": url,
        "destination_headers": {"Authorization": authorization},
    }
    return Request("POST", f"{_webhooks(company_id)}/hooks", "create a webhook", body=encode(body))


def create_triggers(company_id: int, hook_id: str, triggers: Iterable[Trigger]) -> Request:
    body = [{"resource_name": name, "event_type": event} for name, event in triggers]
    return Request("POST", f"{_hook(company_id, hook_id)}/triggers/bulk", "add a webhook's triggers", body=encode(body))


def delete_hook(company_id: int, hook_id: str) -> Request:
    """Its triggers go with it."""
    return Request("DELETE", _hook(company_id, hook_id), "delete a webhook", repeatable=True)


def read_page(answer: Answer) -> dict[str, dict[str, Any]]:
    """Rows by what tells them apart: resources have no id."""
    rows = _data(answer)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a list of objects under data")
    return {text(row.get("id")) or text(row["name"]): row for row in rows}


def read_hooks(rows: Iterable[Mapping[str, Any]]) -> list[Webhook]:
    """Only ours, whatever the filter was worth."""
    return [
        Webhook(hook_id=text(row["id"]), url=text(row.get("destination_url")), active=row.get("status") == "active")
        for row in rows
        if row.get("namespace") == NAMESPACE
    ]


def read_hook_id(answer: Answer) -> str:
    hook_id = text(_data(answer)["id"])
    if not hook_id:
        raise ValueError("a webhook without id")
    return hook_id


def read_triggers(rows: Iterable[Mapping[str, Any]]) -> list[Trigger]:
    return [(text(row.get("resource_name")), text(row.get("event_type"))) for row in rows]


def choose(rows: Iterable[Mapping[str, Any]], wanted: Sequence[str]) -> list[Trigger]:
    """The triggers for those of the wanted resources that are offered, by the names they are offered under."""
    names = {name.casefold() for name in wanted}
    offered = [row for row in rows if text(row.get("name")).casefold() in names]
    return [(text(row["name"]), event) for row in offered for event in EVENTS if event in _actions(row)]


def _actions(row: Mapping[str, Any]) -> set[str]:
    """Plain words, or objects that hold one."""
    given = row.get("actions")
    words = given if isinstance(given, list) else []
    found = [word for one in words for word in (one.values() if isinstance(one, dict) else (one,))]
    return {word.casefold() for word in found if isinstance(word, str)}


def _data(answer: Answer) -> Any:
    return answer.json()["data"]


def _webhooks(company_id: int) -> str:
    return f"/rest/v2.0/companies/{company_id}/webhooks"


def _hook(company_id: int, hook_id: str) -> str:
    return f"{_webhooks(company_id)}/hooks/{quote(hook_id, safe='')}"
