"""Questions about one expense: its reference, its fields, its lines."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pex_procore.domain.expense import DESCRIPTION_LIMIT
from pex_procore.domain.money import parse_amount
from pex_procore.net.messages import Answer
from pex_procore.procore import coding, wire
from pex_procore.services.vendor_ports import ReceiptFile
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

LAG_SECONDS = (0, 1, 2, 5, 10, 15, 30)  # pauses between looks, together about a minute
ONE = "one draft expense of $1.23"
BY_DESCRIPTION = "setting `reference` = `description`"


def duplicate_origin_id(bench: ProcoreBench) -> Found:
    reference = bench.reference("twice")
    bench.made(origin_id=reference)
    second = bench.create(bench.expense(origin_id=reference))
    if ok(second):
        return Found(
            "accepted: a second record stands there", bench.said(second), {"refuse_duplicate_origin_id": False},
            "35 s become 65 s for `origin_id` too, in `domain/ledger.py`: nothing but looking guards it",
        )  # fmt: skip
    known = wire.is_duplicate(wire.read_error(second)) or second.status == 409
    then = NOTHING if known else "its words into `TAKEN` in `procore/wire.py`: this refusal is not understood"
    return Found("refused", bench.said(second), {"refuse_duplicate_origin_id": True}, then)


def duplicate_line_origin_id(bench: ProcoreBench) -> Found:
    reference = bench.reference("line")
    bench.made(line_items=bench.lines(origin_id=reference))
    second = bench.create(bench.expense(line_items=bench.lines(origin_id=reference)))
    return Found(
        "accepted" if ok(second) else "refused", bench.said(second), {"refuse_duplicate_origin_id": not ok(second)}
    )


def origin_id_after_delete(bench: ProcoreBench) -> Found:
    reference = bench.reference("again")
    first = bench.made(origin_id=reference)
    gone = bench.delete(first["id"])
    if not ok(gone):
        raise CannotAsk(f"an expense with origin_id cannot be deleted: {bench.said(gone)}")
    listed = bench.found(**{"filters[origin_id]": reference})
    still = bool(ok(listed) and listed.json())
    second = bench.create(bench.expense(origin_id=reference))
    seen = f"{bench.said(second)}; the look-up {'still lists' if still else 'does not list'} the deleted one"
    return Found(
        "free again" if ok(second) else "stays taken", seen,
        {"origin_id_free_after_delete": ok(second), "list_deleted_direct_costs": still},
        f"{NOTHING}: what is posted again gets a new reference, and deleted rows are left out",
    )  # fmt: skip


def origin_id_locks(bench: ProcoreBench) -> Found:
    record = bench.made(origin_id=bench.reference("locked"))
    answers = {
        "header": bench.change(record["id"], description=f"{bench.mark} changed"),
        "a new line": bench.change(record["id"], line_items=bench.lines(2.34)),
        "a line by sync": bench.sync(
            "direct_costs/line_items",
            [
                {
                    "direct_cost_id": record["id"],
                    "wbs_code_id": bench.codes()[0],
                    "amount": 3.45,
                    "extended_type": "manual",
                    "origin_id": bench.reference("locked-line"),
                }
            ],
        ),
        "a receipt": attach(bench, record["id"], "receipt.pdf", PDF),
    }
    return _lock(bench, answers, "origin_id_locks_record", f"setting `update_expenses` off, or {BY_DESCRIPTION}")


def approved_locks(bench: ProcoreBench) -> Found:
    record = bench.made(status="approved")
    answers = {"header": bench.change(record["id"], description=f"{bench.mark} changed")}
    return _lock(bench, answers, "approved_locks_record", "setting `expense_status` = `draft`, as it is by default")


def _refused(answer: Answer) -> bool:
    """Also of a sync, which answers 200 and names the rows that failed."""
    if not ok(answer):
        return True
    told = answer.json()
    return bool(isinstance(told, dict) and told.get("errors"))


def _lock(bench: ProcoreBench, answers: dict[str, Answer], switch: str, then: str) -> Found:
    refused = [what for what, answer in answers.items() if _refused(answer)]
    seen = "; ".join(
        f"{what} {bench.said(answer) if _refused(answer) else answer.status}" for what, answer in answers.items()
    )
    answer = "may be changed" if not refused else f"refused: {', '.join(refused)}"
    return Found(answer, seen, {switch: bool(refused)}, then if refused else NOTHING)


def lines_left_out(bench: ProcoreBench) -> Found:
    record = bench.made(line_items=bench.lines(1.0, 2.0))
    kept = record["line_items"][0]
    answer = bench.change(record["id"], line_items=[{"id": kept["id"], "manual_amount": 1.5}])
    if not ok(answer):
        raise CannotAsk(f"a line could not be changed: {bench.said(answer)}")
    left = len(bench.shown(record["id"])["line_items"])
    then = NOTHING if left == 2 else f"{NOTHING} up to 100 lines, which name those that stay; see `_parts`"
    return Found(
        "they stay" if left == 2 else "they go", f"{left} of 2 lines left", {"lines_left_out_go": left == 1}, then
    )


def origin_id_in_erp_project(bench: ProcoreBench) -> Found:
    if bench.place.erp_project_id is None:
        raise CannotAsk("PROCORE_ERP_PROJECT_ID names no project that an ERP connector syncs")
    body = bench.expense(origin_id=bench.reference("erp"), line_items=[])
    answer = bench.create(body, bench.place.erp_project_id)
    then = "" if ok(answer) else f"{NOTHING}: `reference` = `auto` uses descriptions there"
    return Found(
        "accepted" if ok(answer) else "refused", bench.said(answer), {"erp_project_refuses_origin_id": not ok(answer)},
        then or f"{NOTHING}; ask the ERP connector's maker whether it minds",
    )  # fmt: skip


def invoice_number(bench: ProcoreBench) -> Found:
    number = bench.reference("number")[:40]
    record = bench.shown(bench.made(invoice_number=number)["id"])
    kept = record.get("invoice_number") == number
    listed = bench.found(**{"filters[invoice_number]": number})
    found = ok(listed) and any(row["id"] == record["id"] for row in listed.json())
    return Found(
        "kept" if kept else "dropped", f"{'found' if found else 'not found'} by `filters[invoice_number]`",
        {"keep_invoice_number_on_expense": kept}, f"{NOTHING}: it carries no reference of ours",
    )  # fmt: skip


def default_status(bench: ProcoreBench) -> Found:
    status = str(bench.made(status=None).get("status"))
    return Found(status, "", {"default_status": status}, f"{NOTHING}: it is always sent")


def negative_lines(bench: ProcoreBench) -> Found:
    answer = bench.create(bench.expense(line_items=bench.lines(-1.23)))
    then = NOTHING if ok(answer) else "refunds become exceptions for a person; tell the administrators"
    total = answer.json().get("grand_total") if ok(answer) else ""
    return Found(
        "taken" if ok(answer) else "refused", f"{bench.said(answer) if not ok(answer) else f'total {total}'}",
        {"allow_negative_amounts": ok(answer)}, then,
    )  # fmt: skip


def fractions_of_cents(bench: ProcoreBench) -> Found:
    answer = bench.create(bench.expense(line_items=bench.lines(1.005)))
    if not ok(answer):
        return Found("refused", bench.said(answer), {"refuse_fractional_cents": True})
    total = parse_amount(answer.json()["grand_total"])
    how = {Decimal("1.01"): "rounded up to 1.01", Decimal("1.00"): "rounded down to 1.00"}
    return Found(how.get(total, f"kept as {total}"), "", {"refuse_fractional_cents": False})


def longest_description(bench: ProcoreBench) -> Found:
    longest, seen = _longest(bench, "description", (12_000, 4000, 1000, DESCRIPTION_LIMIT))
    then = NOTHING if longest >= DESCRIPTION_LIMIT else f"`DESCRIPTION_LIMIT` = {longest} in `domain/expense.py`"
    return Found(f"{longest} characters at least", seen, {"description_max": longest}, then)


def longest_origin_id(bench: ProcoreBench) -> Found:
    longest, seen = _longest(bench, "origin_id", (400, 255, 128, 64))
    then = NOTHING if longest >= 64 else "shorter references in `domain/expense.py`"
    return Found(f"{longest} characters at least", seen, {"origin_id_max": longest}, then)


def _longest(bench: ProcoreBench, field: str, lengths: tuple[int, ...]) -> tuple[int, str]:
    refusal = "never refused"
    for length in lengths:
        start = bench.reference(f"long-{length}-") if field == "origin_id" else f"{bench.mark} "
        answer = bench.create(bench.expense(**{field: start.ljust(length, "x")}))
        if ok(answer):
            kept = len(bench.shown(answer.json()["id"])[field])
            return kept, refusal if kept == length else f"cut at {kept}"
        refusal = bench.said(answer)
    raise CannotAsk(f"none of {lengths} characters is taken: {refusal}")


def vendor_outside_project(bench: ProcoreBench) -> Found:
    company = bench.line.get("/rest/v1.0/vendors", company_id=bench.place.company_id, view="compact", per_page=100)
    project = bench.line.get(f"/rest/v1.1/projects/{bench.place.project_id}/vendors", view="minimal", per_page=1000)
    if not ok(company) or not ok(project):
        raise CannotAsk("the directories cannot be read")
    outside = {int(row["id"]) for row in company.json()} - {int(row["id"]) for row in project.json()}
    if not outside:
        raise CannotAsk("every vendor of the company is in the project's directory: add one to the company only")
    answer = bench.create(bench.expense(vendor_id=min(outside)))
    then = NOTHING if ok(answer) or "vendor" in wire.read_error(answer).casefold() else "its words are not understood"
    return Found(
        "taken" if ok(answer) else "refused", bench.said(answer), {"vendor_must_be_on_project": not ok(answer)}, then
    )


def look_up_lag(bench: ProcoreBench) -> Found:
    reference = bench.reference("fresh")
    bench.made(origin_id=reference)
    waited = 0
    for pause in LAG_SECONDS:
        bench.sleep(pause)
        waited += pause
        answer = bench.found(**{"filters[origin_id]": reference})
        if ok(answer) and answer.json():
            then = NOTHING if waited < 35 else "the pause between two looks in `domain/ledger.py`"
            return Found(f"seen after {waited} s", "", {"list_lag_seconds": float(waited)}, then)
    return Found("not seen within a minute", "", {"list_lag_seconds": 120.0}, "the pauses in `domain/ledger.py`")


def idempotency_token(bench: ProcoreBench) -> Found:
    body, header = bench.expense(), {"Idempotency-Token": bench.reference("token")}
    first, second = bench.create(body, headers=header), bench.create(body, headers=header)
    if not ok(first):
        raise CannotAsk(f"an expense could not be made: {bench.said(first)}")
    honoured = not ok(second) or first.json()["id"] == second.json()["id"]
    return Found(
        "honoured" if honoured else "ignored", bench.said(second) if not ok(second) else "",
        {"honour_idempotency_token": honoured}, f"{NOTHING}; could be sent as one more guard" if honoured else NOTHING,
    )  # fmt: skip


def budget_code_from_parts(bench: ProcoreBench) -> Found:
    project_id, company_id = bench.place.project_id, bench.place.company_id
    codes = bench.line.send(coding.cost_codes(project_id))
    types = bench.line.send(coding.cost_types(company_id))
    known = bench.line.send(coding.budget_codes(project_id))
    if not (ok(codes) and ok(types) and ok(known)):
        raise CannotAsk("cost codes, cost types or budget codes cannot be listed")
    parents = {(row.get("parent") or {}).get("id") for row in codes.json()}
    leaves = [row for row in codes.json() if row["id"] not in parents and row.get("deleted_at") is None]
    taken = {(code.cost_code, code.cost_type) for code in coding.read_budget_codes(known.json())}
    free = ((one, kind) for one in leaves for kind in types.json() if (one["full_code"], kind["code"]) not in taken)
    code, kind = next(free, (None, None))
    if code is None or kind is None:
        raise CannotAsk("every cost code of the project has a budget code with every cost type")
    record = bench.made()
    line = {"cost_code_id": code["id"], "line_item_type_id": kind["id"], "amount": 1.0, "extended_type": "manual"}
    path = f"/rest/v1.0/projects/{project_id}/direct_costs/{record['id']}/line_items"
    answer = bench.line.ask("POST", path, body={"line_item": line})
    if ok(answer):
        made_id = int((answer.json().get("wbs_code") or {}).get("id") or 0)
        bench.undo.owe(f"budget code {made_id} of Procore (made inactive)", lambda: _inactive(bench, made_id))
    return Found(
        "made when missing" if ok(answer) else "refused", bench.said(answer) if not ok(answer) else "",
        {"lines_create_wbs_codes": ok(answer)}, f"{NOTHING}: budget codes are made before they are used",
    )  # fmt: skip


def _inactive(bench: ProcoreBench, wbs_code_id: int) -> str:
    path = f"/rest/v1.0/projects/{bench.place.project_id}/work_breakdown_structure/wbs_codes/{wbs_code_id}"
    answer = bench.line.ask("PATCH", path, body={"status": "inactive"})
    return "" if ok(answer) else bench.said(answer)


def lines_in_a_form(bench: ProcoreBench) -> Found:
    record = bench.made()
    fields = {
        "direct_cost[line_items][][wbs_code_id]": str(bench.codes()[0]),
        "direct_cost[line_items][][manual_amount]": "9",
    }
    content_type, body = form(fields)
    answer = bench.line.ask("PATCH", f"{bench.costs}/{record['id']}", body=body, content_type=content_type)
    if not ok(answer):
        return Found("refused", bench.said(answer), {"multipart_lines": "refuse"})
    lines = bench.shown(record["id"])["line_items"]
    taken = len(lines) != 1 or parse_amount(lines[0]["amount"]) != Decimal("1.23")
    then = f"{NOTHING}: none are sent so" if not taken else "lines and receipts could travel in one call"
    return Found("taken" if taken else "ignored silently", "", {} if taken else {"multipart_lines": "ignore"}, then)


def nulls(bench: ProcoreBench) -> Found:
    record = bench.made(origin_id=bench.reference("null"))
    answer = bench.change(record["id"], origin_id=None)
    if not ok(answer):
        return Found("refused", bench.said(answer), {"refuse_null": True}, f"{NOTHING}: none is sent")
    cleared = bench.shown(record["id"]).get("origin_id") is None
    return Found("clears the field" if cleared else "ignored", "", {"refuse_null": False}, f"{NOTHING}: none is sent")


def unknown_names(bench: ProcoreBench) -> Found:
    listed = bench.found(**{"filters[pex_verify]": "1", "per_page": 1})
    answer = bench.create({**bench.expense(), "pex_verify": "1"})
    strict = not ok(listed) or not ok(answer)
    seen = f"as a filter {listed.status}, in a body {bench.said(answer) if not ok(answer) else answer.status}"
    switches: dict[str, Any] = {"strict": strict}
    if not ok(answer):
        switches["unknown_field_status"] = answer.status
    return Found("refused" if strict else "ignored silently", seen, switches)


def missing_type(bench: ProcoreBench) -> Found:
    answer = bench.create(bench.expense(direct_cost_type=None))
    return _status(bench, answer, "missing_type_status")


def too_many_lines(bench: ProcoreBench) -> Found:
    answer = bench.create(bench.expense(line_items=bench.lines(*[0.01] * 101)))
    if ok(answer):
        return Found("taken", "101 lines in one call", {}, "`LINES_AT_ONCE` in `domain/expense.py` may grow")
    return _status(bench, answer, "too_many_lines_status")


def wrong_content_type(bench: ProcoreBench) -> Found:
    body = json.dumps({"direct_cost": bench.expense()}).encode()
    answer = bench.line.ask("POST", bench.costs, body=body, content_type="text/plain")
    if ok(answer):
        bench.owe(int(answer.json()["id"]))
    return _status(bench, answer, "content_type_status")


def _status(bench: ProcoreBench, answer: Answer, switch: str) -> Found:
    if ok(answer):
        return Found("taken", str(answer.status))
    then = NOTHING if wire.read_error(answer) else "`read_error` in `procore/wire.py` finds no words in it"
    return Found(f"refused with {answer.status}", bench.said(answer), {switch: answer.status}, then)


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def attach(bench: ProcoreBench, cost_id: int, filename: str, *contents: bytes, kind: str = "application/pdf") -> Answer:
    files = [ReceiptFile(filename=filename, content_type=kind, content=content) for content in contents]
    return bench.line.send(wire.attach(bench.place.project_id, cost_id, files))


def form(fields: dict[str, str]) -> tuple[str, bytes]:
    boundary = "pex-verify-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return f"multipart/form-data; boundary={boundary}", "".join([*parts, f"--{boundary}--\r\n"]).encode()


QUESTIONS = [
    Question("duplicate_origin_id", "Does a second create with the same `origin_id` fail, and how?",
             duplicate_origin_id, "two draft expenses of $1.23", ("refuse_duplicate_origin_id",)),
    Question("duplicate_line_origin_id", "And a second line with the same `origin_id`?",
             duplicate_line_origin_id, "two draft expenses of $1.23", ("refuse_duplicate_origin_id",)),
    Question("origin_id_after_delete", "Is an `origin_id` free again after its record was deleted, and is that listed?",
             origin_id_after_delete, "two draft expenses of $1.23, one after the other",
             ("origin_id_free_after_delete", "list_deleted_direct_costs")),
    Question("origin_id_locks", "May a record with `origin_id` still be changed, and still get receipts?",
             origin_id_locks, f"{ONE}, changed, with two lines and a PDF more", ("origin_id_locks_record",)),
    Question("approved_locks", "May an approved record be changed?",
             approved_locks, "one approved expense of $1.23", ("approved_locks_record",)),
    Question("lines_left_out", "Do the lines that an update leaves out stay?",
             lines_left_out, "one draft expense of $3.00 with two lines", ("lines_left_out_go",)),
    Question("origin_id_in_erp_project", "May an `origin_id` be set where an ERP connector owns that field?",
             origin_id_in_erp_project, "one draft expense without lines in PROCORE_ERP_PROJECT_ID",
             ("erp_project_refuses_origin_id",)),
    Question("invoice_number", "Is `invoice_number` kept on an expense, and found?",
             invoice_number, ONE, ("keep_invoice_number_on_expense",)),
    Question("default_status", "Which status has an expense that came without one?",
             default_status, ONE, ("default_status",)),
    Question("negative_lines", "Are negative lines allowed in expenses?",
             negative_lines, "one draft expense of -$1.23", ("allow_negative_amounts",)),
    Question("fractions_of_cents", "What becomes of a fraction of a cent?",
             fractions_of_cents, "one draft expense of $1.005", ("refuse_fractional_cents",)),
    Question("longest_description", "How long may a description be?",
             longest_description, f"up to four times {ONE}", ("description_max",)),
    Question("longest_origin_id", "How long may an `origin_id` be?",
             longest_origin_id, f"up to four times {ONE}", ("origin_id_max",)),
    Question("vendor_outside_project", "Must the vendor of an expense be in the project's directory?",
             vendor_outside_project, ONE, ("vendor_must_be_on_project",)),
    Question("look_up_lag", "How soon does a look-up see a new expense?",
             look_up_lag, ONE, ("list_lag_seconds",)),
    Question("idempotency_token", "Is the header `Idempotency-Token` honoured?",
             idempotency_token, f"up to two times {ONE}", ("honour_idempotency_token",)),
    Question("budget_code_from_parts", "Does a line with cost code and cost type make the missing budget code?",
             budget_code_from_parts, f"{ONE}, with a line more; a budget code, which can only be made inactive again",
             ("lines_create_wbs_codes",)),
    Question("lines_in_a_form", "What becomes of lines in a multipart request?",
             lines_in_a_form, ONE, ("multipart_lines",)),
    Question("nulls", "What does an explicit null do?", nulls, ONE, ("refuse_null",)),
    Question("unknown_names", "What becomes of names that nobody documents?",
             unknown_names, f"{ONE}, if it is taken", ("strict", "unknown_field_status")),
    Question("missing_type", "How is an expense without a type refused?",
             missing_type, "nothing, if it is refused", ("missing_type_status",)),
    Question("too_many_lines", "How are more than 100 lines refused?",
             too_many_lines, "nothing, if it is refused", ("too_many_lines_status",)),
    Question("wrong_content_type", "How is a body refused that is not announced as JSON?",
             wrong_content_type, "nothing, if it is refused", ("content_type_status",)),
]  # fmt: skip
