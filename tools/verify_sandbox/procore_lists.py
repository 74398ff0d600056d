"""Questions about lists, pages, ranges and the catalog. None of them writes more than an expense to look for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pex_procore.net.messages import Answer
from pex_procore.procore import coding, hooks, wire
from pex_procore.services.connect import HOOK_RESOURCES
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

MANY = 10_000
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
COUNTED = f"{NOTHING}: any number of rows is taken"


def rows_of(bench: ProcoreBench, answer: Answer) -> list[dict[str, Any]]:
    if not ok(answer):
        raise CannotAsk(bench.said(answer))
    return wire.read_rows(answer)


def page_cap(bench: ProcoreBench) -> Found:
    paths: dict[str, dict[str, object]] = {
        "vendors": {"path": "/rest/v1.0/vendors", "company_id": bench.place.company_id},
        "cost codes": {"path": "/rest/v1.0/cost_codes", "project_id": bench.place.project_id},
        "expenses": {"path": bench.costs},
    }
    told = {}
    for name, query in paths.items():
        path = str(query.pop("path"))
        told[name] = _page_size(bench.line.get(path, per_page=MANY, **query))
    sizes = {size for size in told.values() if size}
    if not sizes:
        raise CannotAsk("no list tells its page size")
    seen = ", ".join(f"{name} {size or 'not told'}" for name, size in told.items())
    return Found(f"{min(sizes)} rows a page", seen, {"page_cap": min(sizes)}, COUNTED)


def projects_page_cap(bench: ProcoreBench) -> Found:
    size = _page_size(bench.line.get("/rest/v1.1/projects", company_id=bench.place.company_id, per_page=MANY))
    if size is None:
        raise CannotAsk("the list does not tell its page size")
    return Found(f"{size} rows a page", "", {"projects_page_cap": size}, COUNTED)


def default_page(bench: ProcoreBench) -> Found:
    size = _page_size(bench.line.get("/rest/v1.0/vendors", company_id=bench.place.company_id))
    if size is None:
        raise CannotAsk("the list does not tell its page size")
    return Found(f"{size} rows", "", {"default_page_size": size}, f"{NOTHING}: `per_page` is always sent")


def _page_size(answer: Answer) -> int | None:
    """As the header tells it, or as many rows as came when there are more in all."""
    if not ok(answer):
        return None
    told = answer.headers.get("per-page", "")
    if told.isdecimal():
        return int(told)
    total, _ = wire.read_end(answer, None)
    rows = len(wire.read_rows(answer))
    return rows if total is not None and total > rows else None


def link_header(bench: ProcoreBench) -> Found:
    answer = bench.line.get("/rest/v1.0/vendors", company_id=bench.place.company_id, per_page=1)
    link = answer.headers.get("link", "")
    if 'rel="next"' not in link:
        raise CannotAsk(
            f"the list of vendors has no next page: {bench.said(answer) if not ok(answer) else 'too short'}"
        )
    drops = "company_id" not in link
    then = f"{NOTHING}: it is only read for whether there is a next page"
    return Found("drops the filters" if drops else "keeps the filters", "", {"link_drops_params": drops}, then)


def quoted_ranges(bench: ProcoreBench) -> Found:
    record = bench.made()
    now = bench.clock()
    found = {}
    for quoted in (False, True):
        span = wire.span(now - timedelta(hours=1), now + timedelta(hours=1), quoted=quoted)
        answer = bench.found(**{"filters[created_at]": span, "per_page": 100})
        found[quoted] = ok(answer) and any(row["id"] == record["id"] for row in answer.json())
    seen = ", ".join(
        f"{'quoted' if one else 'unquoted'} {'found' if hit else 'not found'}" for one, hit in found.items()
    )
    if not any(found.values()):
        return Found("neither finds the expense", seen, {}, "setting `reference` = `origin_id`")
    then = NOTHING if found[False] else "`quoted_ranges=True` of `ProcoreClient`, in `runtime/wiring.py`"
    return Found(
        "quotes are not needed" if found[False] else "needed", seen, {"quoted_ranges_only": not found[False]}, then
    )


def range_ends(bench: ProcoreBench) -> Found:
    record = bench.made()
    made_at = datetime.fromisoformat(str(record["created_at"])).astimezone(UTC)
    hit = _in_range(bench, record, f"{(made_at - timedelta(hours=1)).strftime(FORMAT)}...{made_at.strftime(FORMAT)}")
    then = f"{NOTHING}: ranges overlap by 15 minutes"
    return Found("the end belongs to it" if hit else "it does not", "", {"range_end_inclusive": hit}, then)


def date_ends(bench: ProcoreBench) -> Found:
    record = bench.made()
    day = str(record["created_at"])[:10]
    hit = _in_range(bench, record, f"{day}...{day}")
    then = f"{NOTHING}: ranges are sent as moments"
    return Found("means the end of that day" if hit else "its beginning", "", {"date_end_covers_day": hit}, then)


def _in_range(bench: ProcoreBench, record: dict[str, Any], span: str) -> bool:
    for text in (span, f'"{span}"'):
        answer = bench.found(**{"filters[created_at]": text, "per_page": 100})
        if ok(answer):
            return any(row["id"] == record["id"] for row in answer.json())
    raise CannotAsk(bench.said(answer))


def deleted_cost_codes(bench: ProcoreBench) -> Found:
    rows = rows_of(bench, bench.line.send(coding.cost_codes(bench.place.project_id)))
    gone = sum(row.get("deleted_at") is not None for row in rows)
    then = f"{NOTHING}: they are left out"
    return Found(
        "are listed" if gone else "none is listed", f"{gone} of {len(rows)} have `deleted_at`",
        {"list_deleted_cost_codes": bool(gone)}, then,
    )  # fmt: skip


def segment_item_ids(bench: ProcoreBench) -> Found:
    project_id = bench.place.project_id
    ids = {int(row["id"]) for row in rows_of(bench, bench.line.send(coding.cost_codes(project_id)))}
    segments = bench.line.send(coding.segments(project_id))
    if not ok(segments) or coding.COST_CODE not in coding.read_segments(segments):
        raise CannotAsk(f"the project's segments cannot be read: {bench.said(segments)}")
    request = coding.segment_items(project_id, coding.read_segments(segments)[coding.COST_CODE])
    items = {int(row["id"]) for row in rows_of(bench, bench.line.send(request))}
    if not ids or not items:
        raise CannotAsk("the project has no cost codes")
    same = bool(ids & items)
    then = f"{NOTHING}: they are joined by code text"
    return Found("the same" if same else "others", "", {"segment_items_share_ids": same}, then)


def webhook_resources(bench: ProcoreBench) -> Found:
    offered = {}
    for version in hooks.VERSIONS:
        request = hooks.list_resources(bench.place.company_id, version)
        answer = bench.line.ask("GET", request.path, query=[*request.query, ("per_page", 100)])
        if ok(answer):
            offered[version] = answer
    if not offered:
        raise CannotAsk("no payload version is offered, or the webhooks are not for us")
    rows = [row for answer in offered.values() for row in hooks.read_page(answer).values()]
    names = {str(row.get("name")) for row in rows}
    objects = any(isinstance(one, dict) for row in rows for one in row.get("actions") or ())
    codes = "Cost Codes" in names
    headers = any("total" in answer.headers for answer in offered.values())
    seen = (
        f"versions {', '.join(sorted(offered))}; of {', '.join(HOOK_RESOURCES)} there are "
        f"{', '.join(sorted(names & set(HOOK_RESOURCES))) or 'none'}; actions are {'objects' if objects else 'words'}; "
        f"pages {'with' if headers else 'without'} Total"
    )
    then = NOTHING if names & set(HOOK_RESOURCES) else "`HOOK_RESOURCES` in `services/connect.py`"
    return Found(
        "offered" if names else "none", seen,
        {
            "payload_versions": sorted(offered), "company_lists_project_resources": codes,
            "actions_as_objects": objects, "v2_page_headers": headers,
        },
        then,
    )  # fmt: skip


def engine_name(bench: ProcoreBench) -> Found:
    rows = rows_of(bench, bench.line.get(f"/rest/v1.0/projects/{bench.place.project_id}/tools", per_page=100))
    for row in rows:
        if "direct cost" in str(row.get("title") or row.get("friendly_name") or "").casefold():
            name = str(row.get("engine_name"))
            return Found(name, "", {"engine_name": name}, f"{NOTHING}: it is not used")
    raise CannotAsk("the project has no tool of a title like Direct Costs")


def web_address(bench: ProcoreBench) -> Found:
    answer = bench.line.send(wire.web_address())
    if not ok(answer):
        return Found("not told", bench.said(answer), {}, f"{NOTHING}: there is no link then")
    address = wire.read_web_address(answer)
    if address is None:
        return Found("told in another form", str(answer.json())[:100], {}, "`WEB_ADDRESS` in `procore/wire.py`")
    then = "open such a link by hand while an expense stands there; else `expense_url` in `domain/notes.py`"
    return Found(address, f"{address}/{bench.place.project_id}/project/direct_costs/<id>", {}, then)


QUESTIONS = [
    Question("page_cap", "How many rows has a page at most?", page_cap, switches=("page_cap",)),
    Question("projects_page_cap", "And a page of projects?", projects_page_cap, switches=("projects_page_cap",)),
    Question("default_page", "How many rows has a page when none are asked for?", default_page,
             switches=("default_page_size",)),
    Question("link_header", "Does the `Link` header keep the filters?", link_header, switches=("link_drops_params",)),
    Question("quoted_ranges", "Must date ranges stand in double quotes?", quoted_ranges, "one draft expense of $1.23",
             ("quoted_ranges_only",)),
    Question("range_ends", "Does the end of a range belong to it?", range_ends, "one draft expense of $1.23",
             ("range_end_inclusive",)),
    Question("date_ends", "What does a bare date mean as the end of a range?", date_ends, "one draft expense of $1.23",
             ("date_end_covers_day",)),
    Question("deleted_cost_codes", "Are deleted cost codes listed?", deleted_cost_codes,
             switches=("list_deleted_cost_codes",)),
    Question("segment_item_ids", "Are ids of segment items those of cost codes?", segment_item_ids,
             switches=("segment_items_share_ids",)),
    Question("webhook_resources", "What do webhooks of a company tell of, in which versions?", webhook_resources,
             switches=("payload_versions", "company_lists_project_resources", "actions_as_objects", "v2_page_headers")),
    Question("web_address", "Where is an expense seen in the web app?", web_address),
    Question("engine_name", "What is the Direct Costs tool called inside?", engine_name, switches=("engine_name",)),
]  # fmt: skip
