"""What each route takes and answers. A test holds the table against the template's routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from pex_procore.domain.ledger import State
from pex_procore.domain.reasons import REASONS
from pex_procore.domain.settings import Settings
from pex_procore.runtime import answers, bodies
from pex_procore.runtime.connection_view import ConnectionShown
from pex_procore.runtime.pages import MAX_PAGE
from tools.openapi import shapes

Model = type[BaseModel]
SIGNED_IN = (401,)
ASKING = (401, 403, 409, 422, 429, 502, 503)  # a vendor is asked on the way
PAGED = (401, 422)
CHANGED = (400, 401, 403, 404, 409, 422)

DAY = {"type": "string", "format": "date"}
PAGE: Mapping[str, Any] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100},
    "next": {"type": "string", "description": "The `next` of the page before"},
}
DAYS: Mapping[str, Any] = {"from": DAY, "to": DAY}


@dataclass(frozen=True)
class Operation:
    """`answers`: by status; a text is the content type of what is no JSON. `problems`: statuses of problem+json."""

    summary: str
    answers: Mapping[int, Model | str]
    problems: tuple[int, ...] = SIGNED_IN
    takes: Model | None = None
    takes_optionally: bool = False
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    problem: Model = shapes.Problem
    open: bool = False  # without a session


def _decision(summary: str) -> Operation:
    return Operation(summary, {200: answers.TransactionShown}, (401, 403, 404, 409, 503))


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/health"): Operation("Whether functions and tables answer", {200: shapes.Ok}, (503,), open=True),
    ("POST", "/v1/sessions"): Operation(
        "Sign in with a PEX token, or as PEX's dashboard launches us",
        {201: shapes.SignedIn},
        (400, *ASKING),
        takes=shapes.Proof,
        open=True,
    ),
    ("GET", "/v1/sessions/options"): Operation("Ways of signing in", {200: shapes.Options}, (), open=True),
    ("POST", "/v1/sessions/pex-login"): Operation(
        "Begin to sign in at PEX's page", {201: shapes.LoginBegun}, ASKING, open=True
    ),
    ("POST", "/v1/sessions/pex-login/{login_id}"): Operation(
        "PEX's server brings the token", {200: shapes.Nothing}, (400, 403, 404, 422), takes=bodies.PexToken, open=True
    ),
    ("GET", "/v1/sessions/pex-login/{login_id}"): Operation(
        "Finish signing in at PEX's page",
        {200: shapes.SignedIn, 202: shapes.LoginWaiting},
        (404, *ASKING),
        open=True,
    ),
    ("GET", "/v1/sessions/pex-login/{login_id}/{closing_key}"): Operation(
        "Where PEX sends the browser", {200: "text/html", 404: "text/html"}, (404,), open=True
    ),
    ("DELETE", "/v1/sessions/current"): Operation("Sign out", {200: shapes.Nothing}, (403,), open=True),
    ("GET", "/v1/connection"): Operation(
        "Both sides, and what needs attention",
        {200: ConnectionShown},
        ASKING,
        query={"check": {"type": "string", "enum": ["now"], "description": "Ask both sides first"}},
    ),
    ("DELETE", "/v1/connection"): Operation("Disconnect", {200: shapes.Disconnected}, ASKING),
    ("PUT", "/v1/connection/procore"): Operation(
        "The Procore service account", {200: shapes.Companies}, (400, *ASKING), takes=bodies.ProcoreLogin
    ),
    ("PUT", "/v1/connection/company"): Operation(
        "The Procore company", {200: shapes.CompanyChosen}, (400, *ASKING), takes=bodies.CompanyChoice
    ),
    ("PUT", "/v1/connection/pex-callback"): Operation(
        "The secret of PEX's callbacks", {200: shapes.SecretStored}, (400, *ASKING), takes=bodies.CallbackSecret
    ),
    ("GET", "/v1/settings"): Operation("The settings, with their ETag", {200: Settings}),
    ("PATCH", "/v1/settings"): Operation(
        "Change some settings",
        {200: Settings},
        (400, *ASKING),
        takes=Settings,
        headers={"If-Match": {"type": "string"}},
        problem=shapes.SettingsProblem,
    ),
    ("GET", "/v1/procore/projects"): Operation("Pick-list", {200: shapes.Projects}, ASKING),
    ("GET", "/v1/procore/cost-types"): Operation("Pick-list", {200: shapes.CostTypes}, ASKING),
    ("GET", "/v1/procore/vendors"): Operation(
        "Pick-list", {200: shapes.Vendors}, ASKING, query={"q": {"type": "string", "description": "Part of the name"}}
    ),
    ("GET", "/v1/pex/tags"): Operation("Pick-list", {200: shapes.TagsListed}, ASKING),
    ("POST", "/v1/pex/tags"): Operation(
        "Create the tags that do not exist",
        {201: shapes.TagsCreated},
        (400, *ASKING),
        takes=bodies.TagOrder,
        takes_optionally=True,
    ),
    ("POST", "/v1/runs"): Operation(
        "Start a run, or try out what it would do",
        {200: answers.DryRunAnswer, 202: answers.RunStarted},
        (400, *ASKING),
        takes=bodies.RunOrder,
        problem=shapes.RunProblem,
    ),
    ("GET", "/v1/runs"): Operation("Runs, newest first", {200: answers.RunPage}, PAGED, query=PAGE),
    ("GET", "/v1/runs/{run_id}"): Operation(
        "A run, and what it did with each transaction",
        {200: answers.RunDetail},
        (401, 404, 422),
        query={**PAGE, "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}},
    ),
    ("GET", "/v1/history.csv"): Operation(
        "Every purchase as a line", {200: "text/csv"}, (401, 422, 429), query={**DAYS, "next": PAGE["next"]}
    ),
    ("GET", "/v1/reconciliation"): Operation(
        "PEX, our ledger and Procore side by side", {200: answers.Reconciliation}, ASKING, query=DAYS
    ),
    ("GET", "/v1/reasons"): Operation("Every reason, and who can help", {200: answers.Reasons}),
    ("GET", "/v1/transactions"): Operation(
        "Purchases, newest first",
        {200: answers.TransactionPage},
        PAGED,
        query={
            "state": {"type": "string", "enum": list(get_args(State))},
            "reason": {"type": "string", "enum": list(REASONS)},
            "project_id": {"type": "integer", "minimum": 0},
            "cardholder": {"type": "string", "description": "Part of the name"},
            "q": {"type": "string", "description": "Words out of merchant, amount and number"},
            **DAYS,
            **PAGE,
        },
    ),
    ("GET", "/v1/transactions/{transaction_id}"): Operation(
        "A purchase, with its coding, its timeline, and what may be done now",
        {200: answers.TransactionDetail},
        (401, 404),
    ),
    ("POST", "/v1/transactions/{transaction_id}/retry"): _decision("Try again"),
    ("POST", "/v1/transactions/{transaction_id}/ignore"): _decision("Never import it"),
    ("POST", "/v1/transactions/{transaction_id}/post-again"): _decision("Post it again, under a new reference"),
    **{
        ("POST", f"/callbacks/{vendor}/{{hook_key}}"): Operation(
            f"{name} only",
            {200: shapes.Nothing},
            (400, 401, 404, 413),
            headers={"Authorization": {"type": "string"}},
            problem=shapes.CallbackProblem,
            open=True,
        )
        for vendor, name in (("pex", "PEX"), ("procore", "Procore"))
    },
}
