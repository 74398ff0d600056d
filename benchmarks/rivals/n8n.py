"""n8n in its strongest stock build, in real time: a list, what was seen before removed, a loop of one, three tries.

It is 1.3 GB and ten minutes of npm, so it only takes part where it is installed:

    mkdir .venv-n8n && cd .venv-n8n
    echo '{"private": true, "dependencies": {"n8n": "1.82.3"}, "overrides": {"xlsx": "0.18.5"}}' > package.json
    npm install --omit=dev

`look up`: Procore is looked up before every POST, and the expense carries an origin id. Receipts are not part of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import load
from benchmarks.books import judge
from benchmarks.market import Market
from benchmarks.stack import LiveMarket
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, PEX_TOKEN

FOLDER = Path(__file__).parents[2] / ".venv-n8n"
PROGRAM = FOLDER / "node_modules/.bin/n8n"
RUNS = 3  # as a schedule would start it, one after another
PATIENCE_SECONDS = 240
QUIET = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_RUNNERS_ENABLED": "false",
    "N8N_HIRING_BANNER_ENABLED": "false",
}
PARSE = """
const tags = TAGS, codes = CODES, kinds = KINDS, vendor = VENDOR, found = [];
for (const row of $json.TransactionList) {
  const chosen = (row.TransactionTags && row.TransactionTags.Tags) || [];
  const splits = chosen.filter(t => String(t.Value).startsWith('{')).map(t => JSON.parse(t.Value));
  const parts = splits.length
    ? splits.map(s => [Number(s.Amount), Object.fromEntries(s.Allocation.map(a => [a.TagId, a.Value]))])
    : [[Math.abs(row.TransactionAmount), Object.fromEntries(chosen.map(t => [t.FieldId, t.Value]))]];
  const coded = parts.every(([, v]) => v[tags.project] && v[tags.cost_code] && v[tags.cost_type]);
  if (!row.SettlementTime || !coded) continue;
  const sign = row.TransactionAmount > 0 ? -1 : 1, byProject = {};
  for (const [amount, v] of parts) {
    const project = v[tags.project];
    const code = codes[project + '/' + v[tags.cost_code] + '/' + kinds[v[tags.cost_type]]];
    (byProject[project] = byProject[project] || []).push({wbs_code_id: code, quantity: 1, unit_cost: sign * amount});
  }
  for (const [project, line_items] of Object.entries(byProject)) {
    const key = `PEX-${row.TransactionId}-${project}`;
    const direct_cost = {direct_cost_type: 'expense', status: 'draft', vendor_id: vendor,
      direct_cost_date: row.SettlementTime.slice(0, 10), line_items,
      description: `${row.MerchantName.trim()} - PEX ${row.TransactionId}`};
    if (LOOKUP) direct_cost.origin_id = key;
    found.push({json: {key, project, body: {direct_cost}}});
  }
}
return found;
"""


def measure(purchases: int, seeds: int = 3) -> dict[str, Any] | None:
    """None, and a sentence, where it is not installed."""
    if not PROGRAM.exists():
        print(f"n8n is not installed in {FOLDER}: left out. benchmarks/rivals/n8n.py says how.")
        return None
    found: dict[str, Any] = {"purchases": purchases, "runs": RUNS}
    for name, look_up, faults in (
        ("stock, without faults", False, False),
        ("stock", False, True),
        ("with look-up", True, True),
    ):
        rounds = [_round(seed, purchases, look_up, faults) for seed in range(1, (seeds if faults else 1) + 1)]
        found[name] = {
            field: {"median": median(one[field] for one in rounds), "worst": max(one[field] for one in rounds)}
            for field in ("due", "duplicates", "lost", "wrong", "calls_per_expense")
        }
    return found


def _round(seed: int, count: int, look_up: bool, faults: bool) -> dict[str, Any]:
    market = LiveMarket(seed=seed)
    try:
        for one in load.backlog(seed, count, receipts=False):
            market.buy(replace(one, receipts=()))
        if faults:
            market.begin_faults()
        with tempfile.TemporaryDirectory(prefix="bench-n8n-") as home:
            environment = {**os.environ, **QUIET, "N8N_USER_FOLDER": home}
            file = Path(home) / "workflow.json"
            file.write_text(json.dumps([workflow(market, look_up)]))
            _run(environment, "import:workflow", f"--input={file}")
            for _ in range(RUNS):
                _run(environment, "execute", "--id=bench", may_fail=True)
        verdict = judge(market, datetime.now(UTC))
    finally:
        market.close()
    return {
        "due": verdict.due,
        "duplicates": verdict.duplicates,
        "lost": verdict.lost,
        "wrong": verdict.wrong,
        "calls_per_expense": round(verdict.procore_calls / verdict.due, 2),
    }


def _run(environment: Mapping[str, str], *arguments: str, may_fail: bool = False) -> None:
    done = subprocess.run(
        [str(PROGRAM), *arguments], env=dict(environment), capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    if done.returncode and not may_fail:
        raise RuntimeError(f"n8n {arguments[0]} failed: {(done.stderr or done.stdout)[-800:]}")


def workflow(market: Market, look_up: bool) -> dict[str, Any]:
    names = market.names
    codes = {f"{names.projects[project]}/{code}/{kind}": id for (project, code, kind), id in names.budget_codes.items()}
    parse = (
        PARSE.replace("TAGS", json.dumps(names.tags))
        .replace("CODES", json.dumps(codes))
        .replace("KINDS", json.dumps({str(id): code for code, id in names.types.items()}))
        .replace("VENDOR", str(names.vendor_id))
        .replace("LOOKUP", str(look_up).lower())
    )
    now = datetime.now(UTC)
    span = {
        "StartDate": f"{now - timedelta(days=30):%Y-%m-%dT00:00:00}",
        "EndDate": f"{now + timedelta(days=1):%Y-%m-%dT00:00:00}",
    }
    bearer = {
        "Authorization": "=Bearer {{ $('Token').first().json.access_token }}",
        "Procore-Company-Id": str(COMPANY_ID),
    }
    where = f"={market.procore.api_url}/rest/v1.1/projects/{{{{ $('Loop').item.json.project }}}}/direct_costs"
    login = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    nodes = [
        _node("Start", "manualTrigger", 1, {}),
        _http("Token", "POST", f"{market.procore.login_url}/oauth/token", body=json.dumps(login)),
        _http(
            "List",
            "GET",
            f"{market.pex.api_url}/v4/Details/AllCardholderTransactions",
            {"Authorization": f"token {PEX_TOKEN}"},
            span,
        ),
        _node("Parse", "code", 2, {"jsCode": parse}),
        _node(
            "New",
            "removeDuplicates",
            2,
            {"operation": "removeItemsSeenInPreviousExecutions", "dedupeValue": "={{ $json.key }}", "options": {}},
        ),
        _node("Loop", "splitInBatches", 3, {"batchSize": 1, "options": {}}),
        _http("Post", "POST", where, bearer, body="={{ JSON.stringify($('Loop').item.json.body) }}", goes_on=True),
    ]
    steps = ["Start", "Token", "List", "Parse", "New", "Loop"]
    links: dict[str, Any] = {one: {"main": [[_to(after)]]} for one, after in pairwise(steps)}
    links["Post"] = {"main": [[_to("Loop")]]}
    if look_up:
        query = {"filters[origin_id]": "={{ $('Loop').item.json.key }}"}
        nodes.append({**_http("Find", "GET", where, bearer, query, goes_on=True), "alwaysOutputData": True})
        absent = {
            "id": "absent",
            "leftValue": "={{ $json.id }}",
            "rightValue": "",
            "operator": {"type": "number", "operation": "notExists", "singleValue": True},
        }
        options = {"caseSensitive": True, "typeValidation": "loose", "version": 2}
        conditions = {"options": options, "conditions": [absent], "combinator": "and"}
        nodes.append(_node("Absent", "if", 2.2, {"conditions": conditions, "options": {}}))
        links["Loop"] = {"main": [[], [_to("Find")]]}
        links["Find"] = {"main": [[_to("Absent")]]}
        links["Absent"] = {"main": [[_to("Post")], [_to("Loop")]]}
    else:
        links["Loop"] = {"main": [[], [_to("Post")]]}
    return {"id": "bench", "name": "bench", "active": False, "nodes": nodes, "connections": links, "settings": {}}


def _to(name: str) -> dict[str, Any]:
    return {"node": name, "type": "main", "index": 0}


def _node(name: str, kind: str, version: float, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name.lower(),
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters,
    }


def _http(
    name: str,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: str | None = None,
    goes_on: bool = False,
) -> dict[str, Any]:
    """Three tries, two seconds apart; `goes_on`: then with the next item."""
    parameters: dict[str, Any] = {"method": method, "url": url, "options": {}}
    if headers:
        parameters |= {"sendHeaders": True, "headerParameters": {"parameters": _pairs(headers)}}
    if query:
        parameters |= {"sendQuery": True, "queryParameters": {"parameters": _pairs(query)}}
    if body:
        parameters |= {"sendBody": True, "specifyBody": "json", "jsonBody": body}
    node = {**_node(name, "httpRequest", 4.2, parameters), "retryOnFail": True, "maxTries": 3, "waitBetweenTries": 2000}
    return {**node, "onError": "continueRegularOutput"} if goes_on else node


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
