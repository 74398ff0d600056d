"""Settings, pick-lists, runs and transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response

from pex_procore.domain.eastern import eastern_date
from pex_procore.domain.ledger import Row
from pex_procore.domain.settings import Problem, change_settings
from pex_procore.runtime import caps
from pex_procore.runtime.answers import RunPage, RunStarted, TransactionPage
from pex_procore.runtime.bodies import RunOrder, TagOrder
from pex_procore.runtime.compare import compare_books
from pex_procore.runtime.connection_view import show_project
from pex_procore.runtime.history import send_history
from pex_procore.runtime.http import HttpProblem, Request, make_api, reply
from pex_procore.runtime.metrics import measured
from pex_procore.runtime.names import Names
from pex_procore.runtime.pages import MAX_PAGE, PAGE, load_row, page_of, read_days, read_wanted
from pex_procore.runtime.run_view import show_run_page
from pex_procore.runtime.try_out import try_out
from pex_procore.runtime.views import show_reasons, show_row, show_run, show_timeline
from pex_procore.runtime.wiring import now, wiring
from pex_procore.services import decisions
from pex_procore.services.check_settings import check_settings
from pex_procore.services.connect import activate, listen_to_procore
from pex_procore.services.reconcile import RECONCILE_SHARE
from pex_procore.services.refresh_tags import create_missing_tags
from pex_procore.services.start_runs import AlreadyRunning, start_by_hand
from pex_procore.store.keys import SWEEP_SHARDS

api = make_api()


def changing() -> Request:
    request = Request(api)
    request.refuse_other_sites()
    return request


@api.get("/v1/health")
def get_health() -> Response[str]:
    wiring().sweeps.due(now(), 1, SWEEP_SHARDS[0])
    return reply({"status": "ok"})


@api.get("/v1/settings")
def get_settings() -> Response[str]:
    settings, version = Request(api).business().connections.load_settings()
    return reply(settings.model_dump(mode="json"), headers={"ETag": f'"{version}"'})


@api.patch("/v1/settings")
def patch_settings() -> Response[str]:
    request = changing()
    business = request.business()
    patch = request.body()
    current, version = business.connections.load_settings()
    expected = request.header("if-match")
    if expected is not None and expected.strip('"') not in (str(version), "*"):
        raise HttpProblem(409, "stale", "The settings were changed meanwhile.", todo="Load them again.")
    changed = change_settings(current, patch)
    if isinstance(changed, list):
        raise invalid_settings(changed)
    connection = business.connection
    connected = connection.has_procore_credentials and connection.company_id is not None
    if connected and (
        problems := check_settings(changed, current, connection=connection, pex=business.pex, procore=business.procore)
    ):
        raise invalid_settings(problems)
    version = business.connections.save_settings(changed, version)
    if changed.start_date != current.start_date:
        connection = business.connections.save(connection.model_copy(update={"backfilled": False}))
    if connected:
        connection = activate(
            connection,
            changed,
            public_url=request.public_url(),
            pex=business.pex,
            connections=business.connections,
            clock=now,
        )
        listen_to_procore(
            connection,
            public_url=request.public_url(),
            procore=business.procore,
            connections=business.connections,
        )
    return reply(changed.model_dump(mode="json"), headers={"ETag": f'"{version}"'})


def invalid_settings(problems: Sequence[Problem]) -> HttpProblem:
    first = problems[0]
    return HttpProblem(
        422,
        first.code,
        first.message,
        field=first.field,
        todo="Correct the field and send it again.",
        problems=[one.model_dump() for one in problems],
    )


@api.get("/v1/procore/projects")
def list_projects() -> Response[str]:
    business = Request(api).business()
    settings, _ = business.connections.load_settings()
    projects = business.procore.list_projects(templates=settings.include_template_projects)
    return reply({"items": [show_project(one) for one in projects]})


@api.get("/v1/procore/cost-types")
def list_cost_types() -> Response[str]:
    types = Request(api).business().procore.list_cost_types()
    return reply({"items": [{"id": one.cost_type_id, "code": one.code, "name": one.name} for one in types]})


@api.get("/v1/procore/vendors")
def list_vendors() -> Response[str]:
    request = Request(api)
    vendors = request.business().procore.list_vendors(request.query("q") or "")
    return reply({"items": [{"id": one.vendor_id, "name": one.name, "active": one.active} for one in vendors]})


@api.get("/v1/pex/tags")
def list_tags() -> Response[str]:
    tags = Request(api).business().pex.list_tags()
    return reply(
        {
            "items": [
                {
                    "id": tag.tag_id,
                    "name": tag.name,
                    "type": tag.type,
                    "usable": tag.usable,
                    "options": len(tag.options),
                }
                for tag in tags
            ]
        }
    )


@api.post("/v1/pex/tags")
def create_tags() -> Response[str]:
    request = changing()
    business = request.business()
    order = request.read(TagOrder) if request.has_body() else TagOrder()
    settings, _ = business.connections.load_settings()
    created = create_missing_tags(business.pex, settings, order.kinds)
    return reply({"created": [{"id": tag.tag_id, "name": tag.name} for tag in created]}, 201)


@api.post("/v1/runs")
def start_run() -> Response[str]:
    request = changing()
    order = request.read(RunOrder)
    if order.since is not None and order.since > eastern_date(now()):
        raise HttpProblem(422, "invalid", "This day is still to come.", field="from", todo="Choose a day before.")
    if order.dry_run and order.kind == "tags":
        raise HttpProblem(422, "invalid", "Only purchases can be tried out.", field="dry_run", todo="Leave it out.")
    business = wiring().business(request.business().business_id, order.kind)
    request.cap(caps.TRY_OUTS if order.dry_run else caps.RUNS, business.business_id)
    if order.dry_run:
        return reply(try_out(business, order.since))
    try:
        run = start_by_hand(
            order.kind,
            confirmed=order.confirm,
            since=order.since,
            business_id=business.business_id,
            connections=business.connections,
            leases=business.leases,
            runs=business.runs,
            executions=wiring().executions,
            clock=now,
        )
    except AlreadyRunning as running:
        raise HttpProblem(
            409, "already_running", "A run is at work.", todo="Wait for it to finish.", run_id=running.run_id
        ) from running
    return reply(RunStarted(run_id=run.run_id), 202)


@api.get("/v1/runs")
def list_runs() -> Response[str]:
    request = Request(api)
    runs, following = page_of(request, request.business().runs.page)
    return reply(RunPage(items=[show_run(run) for run in runs], next=following))


@api.get("/v1/runs/<run_id>")
def get_run(run_id: str) -> Response[str]:
    request = Request(api)
    business = request.business()
    run = business.runs.load(run_id)
    if run is None:
        raise HttpProblem(404, "not_found", "There is no such run.")
    many = MAX_PAGE if run.status == "finished" else PAGE  # one at work is asked for every moment
    items, following = page_of(request, lambda limit, after: business.runs.page_of_items(run_id, limit, after), many)
    return reply(show_run_page(business, run, items, following))


@api.get("/v1/transactions")
def list_transactions() -> Response[str]:
    request = Request(api)
    business = request.business()
    names = Names(business)
    wanted = read_wanted(request, names)
    rows, following = page_of(request, lambda limit, after: business.ledger.search(wanted, limit, after))
    return reply(TransactionPage(items=[show_row(row, names) for row in rows], next=following))


@api.get("/v1/transactions/<transaction_id>")
def get_transaction(transaction_id: str) -> Response[str]:
    request = Request(api)
    row = load_row(request, transaction_id)
    return reply(show_timeline(row, Names(request.business())))


@api.get("/v1/history.csv")
def get_history() -> Response[str]:
    request = Request(api)
    business = request.business()
    request.cap(caps.FILES, business.business_id)
    return send_history(request, business)


@api.get("/v1/reconciliation")
def get_reconciliation() -> Response[str]:
    request = Request(api)
    first, last = read_days(request)
    business = wiring().business(request.business().business_id, share=RECONCILE_SHARE)
    request.cap(caps.COMPARISONS, business.business_id)
    return reply(compare_books(business, first, last))


@api.get("/v1/reasons")
def list_reasons() -> Response[str]:
    Request(api).business()
    return reply(show_reasons())


@api.post("/v1/transactions/<transaction_id>/retry")
def retry(transaction_id: str) -> Response[str]:
    return decide(transaction_id, decisions.retry, "nothing_to_retry")


@api.post("/v1/transactions/<transaction_id>/ignore")
def ignore(transaction_id: str) -> Response[str]:
    return decide(transaction_id, decisions.ignore, "nothing_to_ignore")


@api.post("/v1/transactions/<transaction_id>/post-again")
def post_again(transaction_id: str) -> Response[str]:
    return decide(transaction_id, decisions.post_again, "nothing_to_post_again")


def decide(transaction_id: str, decision: Callable[[Row, datetime], Row], code: str) -> Response[str]:
    request = changing()
    row = load_row(request, transaction_id)
    business = request.business()
    try:
        saved = business.ledger.save(decision(row, now()))
    except decisions.NotNow:
        raise HttpProblem(409, code, f"The transaction is {row.state}.") from None
    if saved.state != "ignored":
        business.connections.schedule_sweep(now())
    return reply(show_row(saved, Names(business)))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with measured(context.function_name):
        return api.resolve(event, context)
