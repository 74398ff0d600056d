"""An outside program that knows the published interface only: routes, names and the ready line."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from local.demo.books import EASTERN
from tests.whole_stack.program import Life, Program, Stranger, until

pytestmark = pytest.mark.whole_stack
TODAY = datetime.now(EASTERN).date().isoformat()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    running = Program("up", "--port", "0", "--sweep-seconds", "600")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def life(program: Program) -> Life:
    return Life(program.urls["control_url"])


@pytest.fixture(scope="module")
def connected(program: Program) -> Stranger:
    stranger = Stranger(program.urls["url"])
    stranger.connect(TODAY)
    return stranger


@pytest.fixture
def newcomer(program: Program, life: Life) -> Stranger:
    """Signed in for a business that has connected nothing."""
    token = life.act("pex", "add_business")["token"]
    stranger = Stranger(program.urls["url"])
    assert stranger.sign_in(token).status_code == 201
    return stranger


@pytest.fixture
def nobody(program: Program) -> Stranger:
    return Stranger(program.urls["url"])


def is_problem(answer: requests.Response, status: int, code: str, field: str | None = None) -> None:
    """Problem details that name the field, a code for programs and what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert (body["status"], body["code"], body["field"]) == (status, code, field)
    assert body["what_to_do"]


def coded(life: Life) -> dict[str, str]:
    """Project, cost code and cost type of an earlier purchase that Procore takes."""
    books = life.books("pex")
    row = next(
        one for one in books["transactions"] if one["why"] == "purchase" and one["tags"] and one["state"] == "settled"
    )
    names: dict[str, str] = row["tags"]
    return names


def test_health_needs_no_session(nobody: Stranger) -> None:
    answer = nobody.ask("GET", "/v1/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/v1/connection", "/v1/settings", "/v1/transactions", "/v1/runs"])
def test_without_a_session_nothing_is_told(nobody: Stranger, path: str) -> None:
    is_problem(nobody.ask("GET", path), 401, "not_signed_in")


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("nobody's token", 401, "pex_token_rejected"),
        ("demo-pex-token-cardholder", 403, "pex_permission_missing"),
    ],
)
def test_a_pex_token_that_will_not_do_is_refused_with_the_way_out(
    nobody: Stranger, token: str, status: int, code: str
) -> None:
    is_problem(nobody.sign_in(token), status, code, "pex_token")
    assert not nobody.session.cookies


def test_an_administrator_without_permissions_is_shown_which_are_lacking(connected: Stranger, nobody: Stranger) -> None:
    assert nobody.sign_in("demo-pex-token-no-permissions").status_code == 201
    shown = nobody.ask("GET", "/v1/connection").json()
    assert shown["session"]["username"] != shown["pex"]["username"], "a login that works is not replaced"
    assert shown["pex"]["problem"] is None


def test_signing_in_at_pexs_page_ends_in_the_browser_that_began(
    program: Program, connected: Stranger, nobody: Stranger
) -> None:
    username = connected.ask("GET", "/v1/connection").json()["pex"]["username"]
    begun = nobody.ask("POST", "/v1/sessions/pex-login", {}).json()
    assert nobody.ask("GET", f"/v1/sessions/pex-login/{begun['id']}").status_code == 202
    page, _, session_id = begun["authorize_url"].partition("?sessionid=")
    form = {"sessionid": session_id, "username": username, "password": "demo-password"}
    sent_back = requests.post(page, form, allow_redirects=False, timeout=30)
    assert sent_back.status_code == 302, sent_back.text
    other = Stranger(program.urls["url"])
    path = sent_back.headers["Location"].removeprefix(program.urls["url"])
    assert other.ask("GET", path).status_code == 404
    assert nobody.ask("GET", path).status_code == 200
    assert nobody.ask("GET", f"/v1/sessions/pex-login/{begun['id']}").status_code == 200
    assert nobody.ask("GET", "/v1/connection").json()["session"]["username"] == username


def test_a_fresh_look_finds_permissions_tags_and_tools_in_order(connected: Stranger) -> None:
    shown = connected.ask("GET", "/v1/connection?check=now").json()
    assert {one["status"] for one in shown["pex"]["permissions"]} == {"ok"}
    assert {one["name"] for one in shown["procore"]["tools"] if one["status"] == "missing"} == set()
    assert all(shown["set_up"].values())
    assert shown["quota"]["limit"] > 0


def test_the_session_is_a_cookie_that_scripts_cannot_read(nobody: Stranger) -> None:
    cookie = nobody.sign_in().headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert nobody.ask("DELETE", "/v1/sessions/current").status_code == 200
    assert nobody.ask("GET", "/v1/connection").status_code == 401


def test_a_body_that_is_not_json_is_refused(nobody: Stranger) -> None:
    is_problem(nobody.ask("POST", "/v1/sessions", data=b"{pex_token:"), 400, "not_json")


def test_wrong_procore_credentials_are_refused_with_the_way_out(newcomer: Stranger) -> None:
    wrong = {"client_id": "demo-procore-client", "client_secret": "wrong"}
    is_problem(newcomer.ask("PUT", "/v1/connection/procore", wrong), 422, "procore_secret_rejected", "client_secret")


def test_a_company_the_app_does_not_see_is_refused_with_the_way_out(newcomer: Stranger) -> None:
    credentials = {"client_id": "demo-procore-client", "client_secret": "demo-procore-secret"}
    assert newcomer.ask("PUT", "/v1/connection/procore", credentials).status_code == 200
    answer = newcomer.ask("PUT", "/v1/connection/company", {"company_id": 1})
    is_problem(answer, 422, "procore_app_not_connected", "company_id")


def test_nothing_runs_before_both_sides_are_connected(newcomer: Stranger) -> None:
    is_problem(newcomer.ask("POST", "/v1/runs", {"kind": "transactions"}), 409, "disconnected")


def test_a_change_from_another_site_is_refused(newcomer: Stranger) -> None:
    answer = newcomer.ask("PATCH", "/v1/settings", {}, headers={"Origin": "https://elsewhere.example"})
    is_problem(answer, 403, "wrong_origin")


def test_settings_are_shown_back_and_unknown_names_ignored(connected: Stranger) -> None:
    answer = connected.ask("PATCH", "/v1/settings", {"write_notes": True, "business_id": 1, "colour": "green"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == connected.ask("GET", "/v1/settings").json()
    assert answer.json()["write_notes"] is True
    assert {"business_id", "colour"}.isdisjoint(answer.json())
    assert {
        "sync_projects", "sync_cost_codes", "sync_cost_types", "sync_expenses", "attach_receipts", "transactions",
        "vendor_id", "project_ids", "tags", "start_date", "expense_status", "post_date", "reference", "defaults",
        "automatic_sync", "write_notes",
    } <= answer.json().keys()  # fmt: skip


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"transactions": "some"}, "transactions"),
        ({"start_date": "31/12/2026"}, "start_date"),
        ({"vendor_id": 1}, "vendor_id"),
        ({"expense_status": 7}, "expense_status"),
        ({"tags": {"project": "nope"}}, "tags.project"),
    ],
)
def test_a_setting_that_will_not_do_is_refused_and_nothing_changes(
    connected: Stranger, patch: dict[str, Any], field: str
) -> None:
    before = connected.ask("GET", "/v1/settings").json()
    answer = connected.ask("PATCH", "/v1/settings", patch)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert answer.json()["problems"][0]["message"]
    assert connected.ask("GET", "/v1/settings").json() == before


def test_of_two_changes_to_the_same_settings_the_second_must_look_again(connected: Stranger) -> None:
    seen = connected.ask("GET", "/v1/settings").headers["ETag"]
    fresh = {"If-Match": seen}
    assert connected.ask("PATCH", "/v1/settings", {"write_notes": True}, headers=fresh).status_code == 200
    is_problem(connected.ask("PATCH", "/v1/settings", {"write_notes": True}, headers=fresh), 409, "stale")


def hook(life: Life) -> str:
    subscriptions = life.books("pex")["subscriptions"]
    return str(next(one["Url"] for one in subscriptions if one["CallbackType"] == "SettlementPostedRealtime"))


def knock(url: str, body: bytes, secret: str = "demo-callback-secret") -> int:
    authorization = "Basic " + base64.b64encode(secret.encode()).decode()
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    return requests.post(url, data=body, headers=headers, timeout=30).status_code


def test_callbacks_are_subscribed_under_our_own_url(connected: Stranger, life: Life) -> None:
    assert hook(life).startswith(f"{connected.url}/callbacks/pex/")
    assert connected.ask("GET", "/v1/connection").json()["pex"]["callbacks"] == "subscribed"


@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [
        (b'{"Data": {}}', "guessed", 401),
        (b"not json", "guessed", 401),
        (b"not json", "demo-callback-secret", 400),
        (b'{"Data": "' + b"x" * 1_000_000 + b'"}', "demo-callback-secret", 413),
    ],
)
def test_a_callback_that_will_not_do_is_refused(
    connected: Stranger, life: Life, body: bytes, secret: str, status: int
) -> None:
    assert knock(hook(life), body, secret) == status


def test_an_unknown_hook_key_is_not_found(connected: Stranger) -> None:
    assert knock(f"{connected.url}/callbacks/pex/nobody", b'{"Data": {}}') == 404


def test_a_settlement_becomes_an_expense_by_itself(connected: Stranger, life: Life) -> None:
    id = life.purchase("62.17", coded(life), merchant="SUNBELT RENTALS")
    row = connected.transaction(id, "complete")
    assert (row["amount"], row["merchant"], row["reason"]) == (62.17, "SUNBELT RENTALS", None)
    (held,) = [cost for cost in life.books("procore")["direct_costs"] if str(id) in str(cost["origin_id"])]
    (posted,) = row["direct_costs"]
    assert (posted["direct_cost_id"], posted["project_id"]) == (held["id"], held["project_id"])
    assert posted["reference"] == held["origin_id"]
    assert held["grand_total"] == "62.17"


def test_a_callback_decides_nothing(connected: Stranger, life: Life) -> None:
    """With the right secret, about a purchase that does not exist: nothing comes of it."""
    before = life.books("procore")["direct_costs"]
    account_id = life.books("pex")["businesses"][0]["cardholders"][0]["account_id"]
    data = {"TransactionId": 77, "AcctId": account_id, "TransactionAmount": -9999}
    life.act("pex", "forge_callback", data=data, secret="demo-callback-secret")
    until(lambda: [one for one in life.books("pex")["deliveries"] if one["transaction_id"] == 77 and one["statuses"]])
    connected.finished(connected.start_run())
    assert life.books("procore")["direct_costs"] == before


def test_what_waits_says_why_and_a_second_start_names_the_run_at_work(connected: Stranger, life: Life) -> None:
    id = life.purchase("18.40", None)
    waiting = connected.transaction(id, "waiting")
    assert waiting["reason"] == "missing_project"
    assert waiting["direct_costs"] == []
    assert waiting["help"]["what_to_do"]
    life.act("pex", "tag", transaction_id=id, **coded(life))
    run_id = connected.start_run()
    second = connected.ask("POST", "/v1/runs", {"kind": "transactions"})
    assert (second.status_code, second.json()["run_id"]) == (409, run_id)
    run = connected.finished(run_id)
    assert (run["verdict"], run["counts"]["posted"]) == ("success", 1)
    assert connected.transaction(id, "complete")["direct_costs"]
    assert run_id in [one["run_id"] for one in connected.ask("GET", "/v1/runs").json()["items"]]


def test_the_list_comes_in_pages_that_hold_each_transaction_once(connected: Stranger, life: Life) -> None:
    ids = [life.purchase("5.00", None), life.purchase("6.00", None)]
    for id in ids:
        connected.transaction(id, "waiting")
    found: list[int] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = connected.ask("GET", "/v1/transactions", params=query).json()
        found += [one["transaction_id"] for one in page["items"]]
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert set(ids) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("path", ["/v1/transactions?state=sideways", "/v1/transactions?limit=0", "/v1/runs?limit=x"])
def test_a_question_that_makes_no_sense_is_refused(connected: Stranger, path: str) -> None:
    assert connected.ask("GET", path).status_code == 422


def test_another_business_sees_nothing_of_ours(connected: Stranger, newcomer: Stranger, life: Life) -> None:
    mine = [one["transaction_id"] for one in connected.ask("GET", "/v1/transactions").json()["items"]]
    runs = [one["run_id"] for one in connected.ask("GET", "/v1/runs").json()["items"]]
    assert newcomer.ask("GET", "/v1/transactions").json() == {"items": [], "next": None}
    assert [newcomer.ask("GET", f"/v1/transactions/{id}").status_code for id in mine[:3]] == [404] * len(mine[:3])
    assert [newcomer.ask("GET", f"/v1/runs/{id}").status_code for id in runs[:3]] == [404] * len(runs[:3])
    assert newcomer.ask("GET", "/v1/connection").json()["procore"]["company_id"] is None
