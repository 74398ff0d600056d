from __future__ import annotations

import email
import email.policy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pex_procore.domain.catalog import BudgetCode
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.net.messages import Answer
from pex_procore.procore import coding, wire
from pex_procore.services.vendor_ports import ReceiptFile

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def draft(**changes: Any) -> DirectCostDraft:
    given = {
        "project_id": 2310401,
        "scheme": "origin_id",
        "reference": "pex:7:500100:2310401",
        "date": date(2026, 6, 4),
        "status": "draft",
        "vendor_id": 5,
        "description": "BOLT & BEAM - Müller [pex:7-500100]",
        "lines": (
            LineDraft(wbs_code_id=9001, amount=Decimal("120.50"), description="BOLT & BEAM", ref="1"),
            LineDraft(wbs_code_id=9002, amount=Decimal("0.10"), description="BOLT & BEAM", ref="2"),
        ),
    }
    return DirectCostDraft(**{**given, **changes})


def test_an_expense_is_one_request_with_all_its_lines() -> None:
    request = wire.create_direct_cost(draft())
    assert (request.method, request.target()) == ("POST", "/rest/v1.1/projects/2310401/direct_costs")
    assert not request.repeatable
    assert json.loads(request.body or b"", parse_float=Decimal) == {
        "direct_cost": {
            "direct_cost_type": "expense",
            "status": "draft",
            "direct_cost_date": "2026-06-04",
            "received_date": "2026-06-04",
            "description": "BOLT & BEAM - Müller [pex:7-500100]",
            "vendor_id": 5,
            "origin_id": "pex:7:500100:2310401",
            "line_items": [
                {"wbs_code_id": 9001, "manual_amount": Decimal("120.50"), "description": "BOLT & BEAM", "ref": "1"},
                {"wbs_code_id": 9002, "manual_amount": Decimal("0.10"), "description": "BOLT & BEAM", "ref": "2"},
            ],
        }
    }
    assert b'"manual_amount":120.50,' in (request.body or b"")


def test_with_the_reference_in_the_description_no_origin_id_is_sent() -> None:
    request = wire.create_direct_cost(draft(scheme="description", reference="[pex:7-500100]"))
    assert b"origin_id" not in (request.body or b"")


@given(st.decimals("-999999999.99", "999999999.99", places=2))
def test_every_amount_leaves_with_exactly_its_digits(amount: Decimal) -> None:
    sent = wire.encode({"amount": amount}).decode()
    assert sent == f'{{"amount":{amount:f}}}'
    assert json.loads(sent, parse_float=Decimal, parse_int=Decimal)["amount"] == amount


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
@settings(max_examples=30)
def test_everything_else_is_ordinary_json(value: Any) -> None:
    assert json.loads(wire.encode(value)) == value


def test_receipts_are_sent_as_files_and_nothing_else() -> None:
    files = [
        ReceiptFile("receipt-1.jpg", "image/jpeg", b"\xff\xd8--\r\n\x00"),
        ReceiptFile('a"b\r\nc.pdf', "application/pdf", b""),
    ]
    request = wire.attach(2310401, 71, files)
    assert (request.method, request.target()) == ("PATCH", "/rest/v1.1/projects/2310401/direct_costs/71")
    assert request.seconds >= 60
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + (request.body or b""), policy=email.policy.HTTP)
    parts = [part for part in message.walk() if isinstance(part, EmailMessage) and not part.is_multipart()]
    assert [part.get_param("name", header="content-disposition") for part in parts] == ["attachments[]"] * 2
    assert [part.get_filename() for part in parts] == ["receipt-1.jpg", "a_b__c.pdf"]
    assert [part.get_content_type() for part in parts] == ["image/jpeg", "application/pdf"]
    assert [part.get_payload(decode=True) for part in parts] == [b"\xff\xd8--\r\n\x00", b""]


@pytest.mark.parametrize(("quoted", "quote"), [(False, ""), (True, "%22")])
def test_a_range_of_time_is_asked_for_in_utc(quoted: bool, quote: str) -> None:
    start, end = datetime(2026, 6, 1, 10, 0, tzinfo=UTC), datetime(2026, 6, 1, 11, 0, 0, 5, tzinfo=UTC)
    assert wire.direct_costs_created(7, start, end, quoted=quoted).target() == (
        "/rest/v1.1/projects/7/direct_costs?filters%5Bcreated_at%5D="
        f"{quote}2026-06-01T10%3A00%3A00Z...2026-06-01T11%3A00%3A00Z{quote}"
    )


def test_a_direct_cost_is_read_from_its_page() -> None:
    read = wire.read_direct_cost(sample("direct_cost"), 2310401)
    assert (read.direct_cost_id, read.project_id, read.amount) == (562949953508999, 2310401, Decimal("120.50"))
    assert (read.date, read.origin_id, read.deleted) == (date(2026, 6, 4), None, False)
    assert read.filenames == ("receipt-1.jpg", "receipt-2.pdf")


def test_a_direct_cost_is_read_from_a_list_with_most_of_it_missing() -> None:
    row = {"id": "71", "amount": "-40.0", "vendor": "a name", "deleted_at": "2026-06-04T00:00:00Z", "description": None}
    read = wire.read_direct_cost(row, 7)
    assert (read.direct_cost_id, read.amount, read.deleted, read.description) == (71, Decimal("-40.00"), True, "")


@pytest.mark.parametrize("row", [{}, {"id": 1}, {"id": 1, "grand_total": "1.005"}, {"id": 1, "grand_total": "?"}])
def test_a_direct_cost_without_id_or_amount_cannot_be_read(row: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        wire.read_direct_cost(row, 7)


def test_projects_are_read_without_templates() -> None:
    rows = [
        {"id": 1, "name": "Harbor Point", "project_number": "25-101", "active": True},
        {"id": 2, "name": None, "display_name": "26-1 - Pier", "project_number": None, "active": False},
        {"id": 3, "name": "Standard", "template": True},
        {"id": 4, "name": "New", "is_erp_integrated": True},
    ]
    read = wire.read_projects(rows)
    assert [(one.project_id, one.label, one.active, one.erp_integrated) for one in read] == [
        (1, "25-101 - Harbor Point", True, False),
        (2, "26-1 - Pier", False, False),
        (4, "New", True, True),
    ]


def test_cost_codes_are_leaves_that_still_exist_under_their_full_code() -> None:
    read = coding.read_cost_codes(sample("cost_codes"))
    assert read == {"01-500": "Temporary facilities", "99": "Without children"}


def test_budget_codes_are_known_by_the_types_of_their_segments() -> None:
    assert coding.read_budget_codes(sample("wbs_codes")) == [
        BudgetCode(wbs_code_id=9001, cost_code="01-500", cost_type="M"),
        BudgetCode(wbs_code_id=562949953508586, cost_code="02-310", cost_type="L", active=False, plain=False),
    ]


def test_segment_items_are_found_by_code_whatever_their_ids() -> None:
    items = [
        {"id": 1, "code": "01", "path_code": "01", "is_parent": True},
        {"id": 2, "code": "500", "path_code": "01-500", "is_parent": False, "status": "active"},
        {"id": 3, "code": "510", "path_code": "01-510", "status": "inactive"},
        {"id": 4, "code": "Svc"},
    ]
    assert coding.index_items(items) == {"01-500": 2, "svc": 4}


def test_a_budget_code_is_asked_for_without_a_description() -> None:
    request = coding.create_budget_code(7, [(1, 71), (2, 72)])
    assert json.loads(request.body or b"") == {
        "segment_items": [{"segment_id": 1, "segment_item_id": 71}, {"segment_id": 2, "segment_item_id": 72}]
    }
    assert request.repeatable


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"errors": ["App is not connected to this company."]}, "App is not connected to this company."),
        ({"errors": {"origin_id": ["has already been taken"]}}, "origin_id has already been taken"),
        ({"errors": {"a": ["b", "c"], "base": ["d"]}}, "a b; a c; d"),
        ({"errors": "The token has expired"}, "The token has expired"),
        ({"error": "Invalid Token"}, "Invalid Token"),
        ({"reason": "conflict", "error": "Concurrent"}, "conflict; Concurrent"),
        ({"message": "Not possible", "error": 5}, "Not possible"),
        ({"message": "Twice", "error": "Twice"}, "Twice"),
        ({"error": {"code": "BAD", "message": "Wrong"}}, "code BAD; Wrong"),
        ({"message": "Already there"}, "Already there"),
        (
            {"error": {"message": "Bad", "details": [{"reason_code": "X", "message": "Too long", "source": "s"}]}},
            "Bad; reason_code X; Too long; source s",
        ),
        (["one", "two"], "one; two"),
        ({}, "{}"),
        ({"errors": None}, '{"errors": null}'),
    ],
)
def test_every_shape_of_an_error_body_is_read(body: object, text: str) -> None:
    assert wire.read_error(Answer(422, {}, json.dumps(body).encode())) == text


@pytest.mark.parametrize("body", [b"Missing Procore-Company-Id header! Send it.", b"<html>Bad Gateway</html>", b""])
def test_an_error_that_is_not_json_is_its_own_text(body: bytes) -> None:
    assert wire.read_error(Answer(502, {}, body)) == body.decode()


def test_an_error_nested_beyond_reason_ends() -> None:
    body = b'{"a":' * 500 + b'"deep"' + b"}" * 500
    assert wire.read_error(Answer(400, {}, body)).startswith("{")


@pytest.mark.parametrize(
    ("said", "duplicate"),
    [
        ("origin_id has already been taken", True),
        ("Origin must be unique within the company", True),
        ("violates the uniqueness constraint on origin_id", True),
        ("has already been taken", True),
        ("origin_id is managed by the ERP integration", False),
        ("origin_id is too long", False),
        ("wbs_code is inactive", False),
    ],
)
def test_a_taken_reference_is_told_from_other_refusals(said: str, duplicate: bool) -> None:
    assert wire.is_duplicate(said) is duplicate
