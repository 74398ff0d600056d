"""Questions about who may ask what, about refusals, sync calls and limits."""

from __future__ import annotations

from typing import Any

from pex_procore.net.limiter import SPIKE_LIMIT
from pex_procore.net.messages import Answer
from pex_procore.procore import wire
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

HURRY = 150  # quick calls at most until a limit is met
WINDOWS = "`PROCORE_WINDOWS` in `net/limiter.py`"


def companies_without_header(bench: ProcoreBench) -> Found:
    answer = bench.line.ask("GET", "/rest/v1.0/companies", headers={"Procore-Company-Id": None})
    then = NOTHING if ok(answer) else f"{NOTHING}: administrators are asked for the number"
    return Found(
        "listed" if ok(answer) else "refused",
        bench.said(answer),
        {"companies_need_company_header": not ok(answer)},
        then,
    )


def missing_header(bench: ProcoreBench) -> Found:
    answer = bench.line.ask(
        "GET",
        "/rest/v1.1/projects",
        query=[("company_id", bench.place.company_id)],
        headers={"Procore-Company-Id": None},
    )
    if ok(answer):
        return Found("not refused", str(answer.status))
    return Found(f"refused with {answer.status}", bench.said(answer), {"missing_header_status": answer.status})


def other_company(bench: ProcoreBench) -> Found:
    answer = bench.line.get("/rest/v1.0/line_item_types", company_id=bench.place.company_id + 1)
    if ok(answer):
        return Found("not refused", str(answer.status))
    return Found(f"refused with {answer.status}", bench.said(answer), {"other_company_status": answer.status})


def unpermitted_project(bench: ProcoreBench) -> Found:
    return _closed(bench, bench.place.unpermitted_project_id, "UNPERMITTED", "unpermitted_project_status")


def tool_off(bench: ProcoreBench) -> Found:
    return _closed(bench, bench.place.tool_off_project_id, "TOOL_OFF", "disabled_tool_status")


def _closed(bench: ProcoreBench, project_id: int | None, name: str, switch: str) -> Found:
    if project_id is None:
        raise CannotAsk(f"PROCORE_{name}_PROJECT_ID names no such project")
    answer = bench.line.get(wire.direct_costs_path(project_id), per_page=1)
    if ok(answer):
        return Found("not refused", "is the project what the environment says?")
    then = NOTHING if answer.status in (403, 404) else "`READS` in `net/verdicts.py`"
    return Found(f"refused with {answer.status}", bench.said(answer), {switch: answer.status}, then)


def sync_rows(bench: ProcoreBench) -> Found:
    day = bench.today().isoformat()
    good = [
        {
            "origin_id": bench.reference(f"sync-{number}"),
            "direct_cost_type": "expense",
            "status": "draft",
            "direct_cost_date": day,
            "description": f"{bench.mark} made to ask a question, may be deleted",
            "vendor_id": bench.vendor_id(),
        }
        for number in range(3)
    ]
    bad = {**good[0], "origin_id": bench.reference("sync-bad"), "vendor_id": 1}
    answer = bench.sync("direct_costs", [*good, bad])
    if not ok(answer):
        return Found(
            "refused as a whole", bench.said(answer), {}, "`services/post_batch.py` falls back to single calls"
        )
    told = answer.json()
    order = [row.get("origin_id") for row in told.get("entities") or ()]
    errors = told.get("errors") or []
    named = any(row.get("origin_id") == bad["origin_id"] for row in errors)
    sent = [row["origin_id"] for row in good]
    shuffled = order[: len(sent)] != sent
    seen = (
        f"{len(order)} of 3 good rows stored, {'in another' if shuffled else 'in the same'} order; {len(errors)} errors"
    )
    switches: dict[str, Any] = {"shuffle_sync_entities": shuffled}
    if errors:
        switches["sync_errors_name_rows"] = named
    then = NOTHING if named or not errors else f"{NOTHING}: what no row tells of is looked for"
    return Found("errors name their rows" if named else "errors do not name their rows", seen, switches, then)


def limit_headers(bench: ProcoreBench) -> Found:
    for _ in range(2):
        answer = bench.line.get("/rest/v1.0/me", company_id=bench.place.company_id)
    told = bench.line.limit_headers
    numbers = sorted({int(value) for value in told.get("x-rate-limit-limit", ()) if value.isdecimal()})
    if not numbers:
        return Found(
            "none", f"headers of an answer: {', '.join(sorted(answer.headers))}", {}, f"{WINDOWS}: nothing is told"
        )
    switches = {("spike_limit" if number <= SPIKE_LIMIT else "hourly_limit"): number for number in numbers}
    seen = ", ".join(sorted(told))
    then = (
        NOTHING
        if {"spike_limit": 25, "hourly_limit": 600}.items() >= switches.items()
        else f"{WINDOWS} begin with these"
    )
    return Found(f"limits of {', '.join(map(str, numbers))}", f"in {seen}", switches, then)


def limit_scope(bench: ProcoreBench) -> Found:
    companies = bench.line.get("/rest/v1.0/companies", per_page=100)
    others = (
        [int(row["id"]) for row in companies.json() if int(row["id"]) != bench.place.company_id]
        if ok(companies)
        else []
    )
    if not others:
        raise CannotAsk("the client sees one company only")
    here = _remaining(bench, bench.place.company_id)
    there = _remaining(bench, others[0])
    apart = there >= here
    then = "one bucket per client id and company in `runtime/wiring.py`" if apart else NOTHING
    seen = f"{here} left in one company, then {there} in the other"
    return Found(
        "each company has its own" if apart else "one for all companies", seen, {"limit_per_company": apart}, then
    )


def _remaining(bench: ProcoreBench, company_id: int) -> int:
    query = [("company_id", company_id)]
    answer = bench.line.ask(
        "GET", "/rest/v1.0/me", query=query, headers={"Procore-Company-Id": str(company_id)}, hurry=True
    )
    told = answer.headers.get("x-rate-limit-remaining", "")
    if not told.isdecimal():
        raise CannotAsk("answers do not tell how many calls are left")
    return int(told)


def over_the_limit(bench: ProcoreBench) -> Found:
    """Whether refused calls count: some more are made halfway through the window. If they count, the window is still
    full when it should be free again."""
    calls, refused = _until_refused(bench)
    if refused is None:
        return Found("not met", f"{calls} calls at once", {}, NOTHING)
    reset = refused.headers.get("x-rate-limit-reset", "")
    retry_after = "retry-after" in refused.headers
    switches: dict[str, Any] = {"retry_after": retry_after}
    counted = "not known"
    wait = float(reset) - bench.clock().timestamp() if reset.isdecimal() else 0
    if 0 < wait <= 15:
        bench.sleep(wait * 0.7)
        for _ in range(calls):
            _me(bench)
        bench.sleep(wait * 0.3 + 1)
        switches["count_refused"] = _me(bench).status == 429
        counted = "count" if switches["count_refused"] else "do not count"
    bench.sleep(15)
    seen = f"after {calls} calls at once: {bench.said(refused)}; {'with' if retry_after else 'without'} Retry-After"
    return Found(f"refused calls {counted}", seen, switches, f"{NOTHING}: headers outrank what is assumed")


def _until_refused(bench: ProcoreBench) -> tuple[int, Answer | None]:
    for calls in range(1, HURRY + 1):
        answer = _me(bench)
        if answer.status == 429:
            return calls, answer
    return HURRY, None


def _me(bench: ProcoreBench) -> Answer:
    return bench.line.ask("GET", "/rest/v1.0/me", query=[("company_id", bench.place.company_id)], hurry=True)


QUESTIONS = [
    Question("companies_without_header", "Are companies listed without a company id?", companies_without_header,
             switches=("companies_need_company_header",)),
    Question("missing_header", "How is a call without company id refused?", missing_header,
             switches=("missing_header_status",)),
    Question("other_company", "How is a call about another company refused?", other_company,
             switches=("other_company_status",)),
    Question("unpermitted_project", "How is a project refused that we may not see?", unpermitted_project,
             switches=("unpermitted_project_status",)),
    Question("tool_off", "And one where the Direct Costs tool is off?", tool_off, switches=("disabled_tool_status",)),
    Question("sync_rows", "Do the answers of a sync keep the order, and name the rows that failed?", sync_rows,
             "three draft expenses without lines, and a fourth that is refused",
             ("shuffle_sync_entities", "sync_errors_name_rows")),
    Question("limit_headers", "What are the limits, and in which headers are they told?", limit_headers,
             switches=("spike_limit", "hourly_limit")),
    Question("limit_scope", "Is there one limit per client, or one per company?", limit_scope,
             switches=("limit_per_company",)),
    Question("over_the_limit", "How is a call over the limit refused, and does it count?", over_the_limit,
             switches=("retry_after", "count_refused"), needs="provoke-limits"),
]  # fmt: skip
