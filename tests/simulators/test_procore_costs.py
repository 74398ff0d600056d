"""Direct costs: what is accepted, what is refused and in which shape, what stands in the books afterwards."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.procore_site import Site, procore_site

ROW_KEYS = {
    "id", "amount", "grand_total", "description", "direct_cost_type", "direct_cost_date", "status", "invoice_number",
    "vendor", "vendor_id", "vendor_name", "employee", "payment_date", "received_date", "terms", "origin_id",
    "origin_data", "created_at", "updated_at", "deleted_at", "currency_configuration", "tax_breakdown",
}  # fmt: skip
V10_KEYS = (ROW_KEYS - {"amount"}) | {"attachments", "attachments_count", "line_items_count"}
V11_KEYS = V10_KEYS | {"company", "project", "synced", "has_workflows", "line_items"}
LINE_KEYS = {
    "id", "amount", "total_amount", "extended_amount", "company", "cost_code", "line_item_type", "wbs_code",
    "description", "extended_type", "quantity", "unit_cost", "uom", "position", "tax_code_id", "funding_rule_id",
    "origin_id", "origin_data", "ref", "currency_configuration", "created_at", "updated_at",
}  # fmt: skip
PDF = b"%PDF-1.4 receipt"


@pytest.fixture
def site() -> Iterator[Site]:
    with procore_site() as site:
        yield site


def refused(site: Site, **changes: Any) -> tuple[int, Any]:
    answer = site.post(site.expense(**changes))
    assert site.sim.books()["direct_costs"] == []
    return answer.status_code, answer.json()


def test_one_post_commits_header_and_lines_and_answers_in_the_documented_shape(site: Site) -> None:
    body = site.expense(120.5, 79.5, origin_id="pex:1", description="anchors", status="pending")
    body["direct_cost"]["line_items"][1]["ref"] = "second"
    answer = site.post(body)
    shown = answer.json()
    assert answer.status_code == 201
    assert set(shown) == V11_KEYS
    assert set(shown["line_items"][0]) == LINE_KEYS
    assert (shown["grand_total"], shown["line_items_count"], shown["synced"]) == ("200.0", 2, True)
    assert shown["vendor"] == {"id": site.vendor(), "name": "PEX Card Purchases"}
    assert [line["amount"] for line in shown["line_items"]] == ["120.5", "79.5"]
    assert [line["ref"] for line in shown["line_items"]] == [None, "second"]
    assert shown["created_at"] == "2026-10-05T16:00:00Z"
    again = site.get(f"{site.costs_path}/{shown['id']}").json()
    assert [line["ref"] for line in again["line_items"]] == [None, None]
    assert again["grand_total"] == shown["grand_total"]


def test_a_list_row_names_the_vendor_and_has_neither_lines_nor_attachments(site: Site) -> None:
    site.posted(10)
    (row,) = site.get(site.costs_path).json()
    assert set(row) == ROW_KEYS
    assert (row["vendor"], row["amount"]) == ("PEX Card Purchases", "10.0")


def test_v10_has_its_own_wrapper_no_lines_and_fewer_keys(site: Site) -> None:
    path = site.costs_path.replace("v1.1", "v1.0")
    header = {"direct_cost_type": "expense", "status": "draft"}
    made = site.call("POST", path, json={"item": header})
    assert made.status_code == 201
    assert set(made.json()) == V10_KEYS
    for wrong_path, wrapper in ((path, "direct_cost"), (site.costs_path, "item")):
        answer = site.call("POST", wrong_path, json={wrapper: header})
        assert answer.status_code == 400
        assert set(answer.json()) == {"reason", "error"}
    assert site.call("POST", path, json={"item": header | {"line_items": []}}).status_code == 400


def test_a_field_the_schema_does_not_know_is_named_and_refused_while_strict(site: Site) -> None:
    status, body = refused(site, upload_ids=[1])
    assert (status, body["reason"]) == (400, "unknown field direct_cost.upload_ids")
    lines = [{"wbs_code_id": site.budget_codes()[0], "manual_amount": 1, "cost_code_id": 4}]
    assert refused(site, line_items=lines)[1]["reason"] == "unknown field line_items[0].cost_code_id"
    assert site.post(site.expense() | {"attachment_ids": []}).status_code == 400
    site.sim.switches.change(strict=False)
    assert site.post(site.expense(upload_ids=[1])).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"direct_cost_date": "10/03/2026"}, "direct_cost.direct_cost_date"),
        ({"direct_cost_date": "2026-10-03T00:00:00Z"}, "direct_cost.direct_cost_date"),
        ({"received_date": "2026-02-30"}, "direct_cost.received_date"),
        ({"vendor_id": "3411801"}, "direct_cost.vendor_id"),
        ({"status": "open"}, "direct_cost.status"),
        ({"direct_cost_type": "purchase"}, "direct_cost.direct_cost_type"),
        ({"description": None}, "direct_cost.description"),
        ({"origin_id": 17}, "direct_cost.origin_id"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(site: Site, changes: dict[str, Any], field: str) -> None:
    status, body = refused(site, **changes)
    assert (status, list(body["errors"])) == (400, [field])


@pytest.mark.parametrize("amount", ["12.50", True, None, [1]])
def test_an_amount_must_be_a_json_number(site: Site, amount: Any) -> None:
    lines = [{"wbs_code_id": site.budget_codes()[0], "manual_amount": amount}]
    status, body = refused(site, line_items=lines)
    assert (status, list(body["errors"])) == (400, ["line_items[0].manual_amount"])


def test_lines_are_refused_when_too_many_without_a_code_or_with_a_wrong_one(site: Site) -> None:
    active, inactive = site.budget_codes()[0], site.budget_codes("inactive")[0]
    elsewhere = next(code.id for code in site.world.wbs_codes.values() if code.project_id != site.project.id)
    assert refused(site, line_items=[{"wbs_code_id": active, "manual_amount": 1}] * 101)[0] == 422
    assert refused(site, line_items=[{"manual_amount": 1}])[1] == {"errors": {"wbs_code_id": ["can't be blank"]}}
    for wrong, text in ((elsewhere, "does not belong to this project"), (inactive, "is inactive"), (1, "does not")):
        status, body = refused(site, line_items=[{"wbs_code_id": wrong, "manual_amount": 1}])
        assert status == 422
        assert text in body["errors"]["wbs_code"][0]
    assert site.post(site.expense(*[1.0] * 100)).status_code == 201


def test_a_vendor_must_exist_be_active_and_be_on_the_project(site: Site) -> None:
    inactive, off_project = site.vendor(11), site.vendor(10)
    assert refused(site, vendor_id=77)[1] == {"errors": {"vendor": ["is invalid"]}}
    assert refused(site, vendor_id=inactive)[1] == {"errors": {"vendor": ["is inactive"]}}
    assert refused(site, vendor_id=off_project)[1] == {"errors": {"vendor": ["is not in the project directory"]}}
    added = site.call("POST", f"/rest/v1.0/projects/{site.project.id}/vendors/{off_project}/actions/add")
    assert added.status_code == 201
    assert site.post(site.expense(vendor_id=off_project)).status_code == 201


def test_an_invoice_needs_vendor_and_number_and_an_expense_loses_its_number(site: Site) -> None:
    blank = {"direct_cost": {"direct_cost_type": "invoice"}}
    assert set(site.post(blank).json()["errors"]) == {"vendor", "invoice_number"}
    assert site.post({"direct_cost": {"direct_cost_type": "expense"}}).status_code == 201
    site.posted(invoice_number="A-1")
    assert site.get(site.costs_path, **{"filters[invoice_number]": "A-1"}).json() == []
    assert site.post(site.expense(direct_cost_type="invoice", invoice_number="A-1")).status_code == 201
    assert (
        "invoice_number" in site.post(site.expense(direct_cost_type="invoice", invoice_number="A-1")).json()["errors"]
    )
    missing = {"direct_cost": {"description": "no type"}}
    assert (site.post(missing).status_code, list(site.post(missing).json()["errors"])) == (422, ["direct_cost_type"])


def test_refunds_are_negative_and_cents_are_exact(site: Site) -> None:
    site.posted(-45.25, -0.1, -0.2)
    (cost,) = site.sim.books()["direct_costs"]
    assert cost["grand_total"] == "-45.55"
    assert [line["amount"] for line in cost["line_items"]] == ["-45.25", "-0.10", "-0.20"]
    site.sim.switches.change(allow_negative_amounts=False, refuse_fractional_cents=True)
    assert site.post(site.expense(-1.0)).status_code == 422
    assert site.post(site.expense(1.005)).status_code == 422


def test_an_origin_id_is_unique_in_the_company_even_across_projects_and_after_deletion(site: Site) -> None:
    first = site.posted(origin_id="pex:1")
    taken = {"errors": {"origin_id": ["has already been taken"]}}
    assert site.post(site.expense(origin_id="pex:1")).json() == taken
    other = list(site.world.projects)[1]
    elsewhere = {"direct_cost": {"direct_cost_type": "expense", "origin_id": "pex:1"}}
    path = f"/rest/v1.1/projects/{other}/direct_costs"
    assert site.call("POST", path, json=elsewhere).json() == taken
    assert site.get(path, **{"filters[origin_id]": "pex:1"}).json() == []
    assert site.call("DELETE", f"{site.costs_path}/{first}").json() == {"id": first}
    assert site.post(site.expense(origin_id="pex:1")).status_code == 422
    site.sim.switches.change(origin_id_free_after_delete=True)
    second = site.posted(origin_id="pex:1")
    site.sim.switches.change(refuse_duplicate_origin_id=False)
    third = site.posted(origin_id="pex:1")
    assert {row["id"] for row in site.get(site.costs_path, **{"filters[origin_id]": "pex:1"}).json()} == {second, third}


def test_two_lines_cannot_share_an_origin_id_not_even_in_one_request(site: Site) -> None:
    body = site.expense(1, 2)
    for line in body["direct_cost"]["line_items"]:
        line["origin_id"] = "pex:1:a"
    assert site.post(body).json() == {"errors": {"origin_id": ["has already been taken"]}}
    del body["direct_cost"]["line_items"][1]["origin_id"]
    assert site.post(body).status_code == 201
    assert site.post(body).status_code == 422


def test_an_erp_project_keeps_origin_ids_to_its_connector(site: Site) -> None:
    project = next(project for project in site.world.projects.values() if project.is_erp_integrated)
    path = f"/rest/v1.1/projects/{project.id}/direct_costs"
    bare = {"direct_cost_type": "expense"}
    assert site.call("POST", path, json={"direct_cost": bare | {"origin_id": "pex:1"}}).status_code == 422
    assert site.call("POST", path, json={"direct_cost": bare}).status_code == 201


def test_receipts_are_appended_by_one_multipart_update_and_kept_with_their_digest(site: Site) -> None:
    id = site.posted(origin_id="pex:1")
    files = [("attachments[]", (f"receipt-{n}.pdf", PDF + bytes([n]), "application/pdf")) for n in (1, 2)]
    answer = site.call("PATCH", f"{site.costs_path}/{id}", files=files)
    assert answer.status_code == 200
    assert [set(row) for row in answer.json()["attachments"]] == [{"id", "url", "filename"}] * 2
    site.call("PATCH", f"{site.costs_path}/{id}", files=files[:1])
    attachments = site.sim.books()["direct_costs"][0]["attachments"]
    assert [row["filename"] for row in attachments] == ["receipt-1.pdf", "receipt-2.pdf", "receipt-1.pdf"]
    assert attachments[0]["sha256"] == hashlib.sha256(PDF + b"\x01").hexdigest()
    assert (attachments[0]["size"], attachments[0]["content_type"]) == (len(PDF) + 1, "application/pdf")


def test_files_in_another_field_empty_files_and_files_without_a_name_are_refused(site: Site) -> None:
    id = site.posted()
    for field, content, status in (("attachments", PDF, 400), ("file", PDF, 400), ("attachments[]", b"", 422)):
        files = [(field, ("receipt.pdf", content, "application/pdf"))]
        assert site.call("PATCH", f"{site.costs_path}/{id}", files=files).status_code == status
    site.sim.switches.change(attachment_max_bytes=4)
    large = [("attachments[]", ("receipt.pdf", PDF, "application/pdf"))]
    assert "too large" in site.call("PATCH", f"{site.costs_path}/{id}", files=large).text
    assert site.sim.books()["direct_costs"][0]["attachments"] == []


def test_lines_sent_as_form_data_vanish_without_a_word(site: Site) -> None:
    form = {
        "direct_cost[direct_cost_type]": "expense",
        "direct_cost[vendor_id]": str(site.vendor()),
        "direct_cost[line_items][][wbs_code_id]": str(site.budget_codes()[0]),
        "direct_cost[line_items][][manual_amount]": "10",
    }
    files = [("attachments[]", ("receipt.pdf", PDF, "application/pdf"))]
    made = site.call("POST", site.costs_path, data=form, files=files)
    assert (made.status_code, made.json()["grand_total"], made.json()["attachments_count"]) == (201, "0.0", 1)
    site.sim.switches.change(multipart_lines="refuse")
    assert site.call("POST", site.costs_path, data=form, files=files).status_code == 400


def test_a_body_without_a_content_type_or_not_json_is_refused(site: Site) -> None:
    text = json.dumps(site.expense())
    assert site.call("POST", site.costs_path, data=text.encode()).status_code == 406
    typed = {"Content-Type": "application/json"}
    for broken in (text[:-1], "[]", "", '"x"'):
        assert site.call("POST", site.costs_path, data=broken, headers=typed).status_code == 400
    assert site.call("POST", site.costs_path, data=text, headers=typed).status_code == 201


def test_an_update_changes_lines_with_ids_adds_those_without_and_leaves_the_rest(site: Site) -> None:
    id = site.posted(10, 20)
    lines = site.get(f"{site.costs_path}/{id}").json()["line_items"]
    added = {"wbs_code_id": site.budget_codes()[5], "manual_amount": 5}
    change = {"direct_cost": {"line_items": [{"id": lines[0]["id"], "manual_amount": 11}, added], "status": "approved"}}
    site.clock.advance(60)
    shown = site.call("PATCH", f"{site.costs_path}/{id}", json=change).json()
    assert [line["amount"] for line in shown["line_items"]] == ["11.0", "20.0", "5.0"]
    assert (shown["grand_total"], shown["status"], shown["updated_at"]) == ("36.0", "approved", "2026-10-05T16:01:00Z")
    unknown = {"direct_cost": {"line_items": [{"id": 9, "manual_amount": 1}]}}
    assert site.call("PATCH", f"{site.costs_path}/{id}", json=unknown).status_code == 422
    typed = {"direct_cost": {"direct_cost_type": "payroll"}}
    assert site.call("PATCH", f"{site.costs_path}/{id}", json=typed).status_code == 400


@pytest.mark.parametrize("go", [False, True])
def test_an_update_may_take_away_the_lines_it_does_not_name(site: Site, go: bool) -> None:
    site.sim.switches.change(lines_left_out_go=go)
    id = site.posted(10, 20)
    (first, _) = site.get(f"{site.costs_path}/{id}").json()["line_items"]
    body = {"direct_cost": {"line_items": [{"id": first["id"]}]}}
    shown = site.call("PATCH", f"{site.costs_path}/{id}", json=body).json()
    assert [line["amount"] for line in shown["line_items"]] == (["10.0"] if go else ["10.0", "20.0"])
    assert site.call("PATCH", f"{site.costs_path}/{id}", json={"direct_cost": {"terms": "x"}}).status_code == 200
    assert len(site.get(f"{site.costs_path}/{id}").json()["line_items"]) == (1 if go else 2)


@pytest.mark.parametrize("locks", [False, True])
def test_an_approved_record_may_refuse_changes(site: Site, locks: bool) -> None:
    site.sim.switches.change(approved_locks_record=locks)
    id = site.posted(10, status="approved")
    answer = site.call("PATCH", f"{site.costs_path}/{id}", json={"direct_cost": {"terms": "x"}})
    assert answer.status_code == (422 if locks else 200)


def test_a_refused_update_changes_nothing(site: Site) -> None:
    id = site.posted(10)
    before = site.sim.books()["direct_costs"]
    lines = [{"wbs_code_id": site.budget_codes()[1], "manual_amount": 5}, {"manual_amount": 1}]
    half_good = {"direct_cost": {"description": "new", "line_items": lines}}
    assert site.call("PATCH", f"{site.costs_path}/{id}", json=half_good).status_code == 422
    assert site.sim.books()["direct_costs"] == before


def test_two_updates_of_one_direct_cost_at_once_collide_and_of_two_do_not(site: Site) -> None:
    site.sim.switches.change(update_seconds=0.3)
    ids = [site.posted(1), site.posted(2)]

    def at_once(*targets: int) -> list[int]:
        statuses: list[int] = []

        def change(id: int) -> None:
            body = {"direct_cost": {"description": "x"}}
            answer = site.call("PATCH", f"{site.costs_path}/{id}", json=body)
            statuses.append(answer.status_code)
            if answer.status_code == 409:
                assert set(answer.json()) == {"reason", "error"}

        threads = [threading.Thread(target=change, args=(id,)) for id in targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    assert at_once(ids[0], ids[0]) == [200, 409]
    assert at_once(*ids) == [200, 200]


def test_a_deleted_direct_cost_is_gone_from_lists_and_shows_and_stands_under_deleted(site: Site) -> None:
    id = site.posted(10)
    assert site.call("DELETE", f"{site.costs_path}/{id}").json() == {"id": id}
    assert site.get(site.costs_path).json() == []
    assert site.get(f"{site.costs_path}/{id}").status_code == 404
    assert site.call("DELETE", f"{site.costs_path}/{id}").status_code == 404
    books = site.sim.books()
    assert (books["direct_costs"], [cost["id"] for cost in books["deleted"]]) == ([], [id])
    assert books["deleted"][0]["deleted_at"] == "2026-10-05T16:00:00Z"


def test_a_created_at_window_finds_what_was_made_inside_it(site: Site) -> None:
    site.posted(description="first")
    site.clock.advance(600)
    site.posted(description="second")
    window = {"filters[created_at]": "2026-10-05T16:05:00Z...2026-10-05T16:15:00Z"}
    assert [row["description"] for row in site.get(site.costs_path, **window).json()] == ["second"]
    received = {"filters[received_date]": "2026-10-01...2026-10-31"}
    assert site.get(site.costs_path, **received).json() == []


def test_a_locked_record_refuses_changes_when_switched_so(site: Site) -> None:
    id = site.posted(origin_id="pex:1")
    site.sim.switches.change(origin_id_locks_record=True)
    files = [("attachments[]", ("receipt.pdf", PDF, "application/pdf"))]
    assert site.call("PATCH", f"{site.costs_path}/{id}", files=files).status_code == 422
    assert site.call("DELETE", f"{site.costs_path}/{id}").status_code == 422


def test_the_books_count_calls_by_endpoint_and_name_the_client(site: Site) -> None:
    site.posted(1)
    site.posted(2)
    books = site.sim.books()
    assert books["calls"]["POST /rest/v1.1/projects/:id/direct_costs"] == 2
    assert {cost["client_id"] for cost in books["direct_costs"]} == {"demo-procore-client"}


@pytest.mark.parametrize("listed", [False, True])
def test_a_deleted_direct_cost_may_stay_in_lists(site: Site, listed: bool) -> None:
    site.sim.switches.change(list_deleted_direct_costs=listed)
    id = site.posted(origin_id="pex:1")
    site.call("DELETE", f"{site.costs_path}/{id}")
    rows = site.get(site.costs_path, **{"filters[origin_id]": "pex:1"}).json()
    assert [row["deleted_at"] for row in rows] == (["2026-10-05T16:00:00Z"] if listed else [])
    assert site.get(f"{site.costs_path}/{id}").status_code == 404


@pytest.mark.parametrize("honoured", [False, True])
def test_a_second_create_under_one_idempotency_token_may_be_none(site: Site, honoured: bool) -> None:
    site.sim.switches.change(honour_idempotency_token=honoured)
    header = {"Idempotency-Token": "one"}
    answers = [site.call("POST", site.costs_path, json=site.expense(), headers=header) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert (answers[0].json()["id"] == answers[1].json()["id"]) is honoured
    other = site.call("POST", site.costs_path, json=site.expense(), headers={"Idempotency-Token": "two"})
    assert other.json()["id"] not in {answer.json()["id"] for answer in answers}
