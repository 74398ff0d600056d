"""What our clients send and what both simulators answer is what the vendors publish, call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.errors import NeedsAttention, TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft, LineDraft
from pex_procore.domain.tags import TagDefinition, TagOption
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Limiter
from pex_procore.pex.client import PexClient
from pex_procore.procore.access import ProcoreAccess
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.connect import HOOK_RESOURCES
from pex_procore.services.sync_port import SyncAnswer
from pex_procore.services.vendor_ports import PostRefused, ReceiptFile, Reference
from tests.contract.contract import Contract, Sent
from tests.contract.recording import Exchange, RecordingSession
from tests.flow.clock import NOON, FlowClock
from tests.flow.worlds import CLIENT_ID, CLIENT_SECRET, COMPANY_ID, CONCRETE, PEX_TOKEN, Vendors

JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


class Driven:
    """Both vendors, and clients that remember every exchange."""

    def __init__(self, vendors: Vendors) -> None:
        self.vendors, self.clock, self.names = vendors, vendors.clock, vendors.names
        self.exchanges: dict[str, list[Exchange]] = {"pex": [], "procore": []}

    def pex(self, token: str = PEX_TOKEN) -> PexClient:
        session = RecordingSession(self.vendors.pex.api_url, self.exchanges["pex"])
        return PexClient(session, token, Limiter(PEX_WINDOWS), clock=self.clock, sleep=self.clock.forward)

    def procore(
        self, company_id: int | None = COMPANY_ID, secret: str = CLIENT_SECRET, client_id: str = CLIENT_ID
    ) -> ProcoreClient:
        exchanges = self.exchanges["procore"]
        login = RecordingSession(self.vendors.procore.login_url, exchanges)
        account = ServiceAccount(ProcoreCredentials(client_id=client_id, client_secret=secret), login, clock=self.clock)
        session = RecordingSession(self.vendors.procore.api_url, exchanges)
        limiter = Limiter(PROCORE_WINDOWS)
        return ProcoreClient(
            session, account, limiter, company_id=company_id, clock=self.clock, sleep=self.clock.forward
        )

    def draft(self, **changes: Any) -> DirectCostDraft:
        line = LineDraft(
            wbs_code_id=self.names.budget_codes["Library", CONCRETE, "M"],
            amount=Decimal("-120.50"),
            description="HOME DEPOT",
            ref="1",
        )
        fields: dict[str, Any] = {
            "project_id": self.names.projects["Library"],
            "scheme": "origin_id",
            "reference": "pex:1:2:3",
            "date": self.clock().date(),
            "status": "draft",
            "vendor_id": self.names.vendor_id,
            "description": "HOME DEPOT - Dana Whitaker [pex:1-2]",
            "lines": (line, line),
        }
        return DirectCostDraft.model_validate(fields | changes)


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    made = Vendors(FlowClock())
    yield made
    made.stop()


@pytest.fixture
def driven(vendors: Vendors) -> Driven:
    vendors.clock.reset(NOON)
    vendors.restore(vendors.founded)
    return Driven(vendors)


def drive_pex(driven: Driven) -> set[str]:
    """Calls every public method; answers which."""
    client, sim, clock = driven.pex(), driven.vendors.pex, driven.clock
    made = sim.act_purchase(driven.names.account_ids[0], "62.17", settle=True)["transaction_id"]
    sim.act_tag(made, project="1", cost_code="x", cost_type="y")
    sim.act_split(made, [{"amount": "60.00", "project": "1"}, {"amount": "2.17", "project": "2"}])
    sim.act_receipt(made, "pdf")
    sim.act_note(made, "PO 77")
    clock.forward(60)
    sim.act_refund(driven.names.account_ids[0], "1.00")
    clock.forward(60)
    sim.act_fee(driven.names.account_ids[0])
    window = (clock() - timedelta(days=20), clock())
    tag = client.show_tag(driven.names.tags["project"])
    assert tag is not None
    receipt = client.list_receipts(made)[0]
    steps: dict[str, Callable[[], object]] = {
        "identity": client.identity,
        "profile": client.profile,
        "tags_enabled": client.tags_enabled,
        "list_tags": client.list_tags,
        "show_tag": lambda: client.show_tag(tag.tag_id),
        "update_tag": lambda: client.update_tag(
            tag.model_copy(update={"options": (*tag.options, TagOption(value="9", name="New"))})
        ),
        "create_tag": lambda: client.create_tag(
            TagDefinition(tag_id="", name="Another", type="Dropdown", options=(TagOption(value="a", name="A"),))
        ),
        "list_transactions": lambda: client.list_transactions(*window),
        "list_account_transactions": lambda: client.list_account_transactions(driven.names.account_ids[0], *window),
        "cardholders": client.cardholders,
        "list_receipts": lambda: client.list_receipts(made),
        "fetch_receipt": lambda: client.fetch_receipt(made, receipt.receipt_id, 1_000_000),
        "post_note": lambda: client.post_note(made, "Posted to Procore " * 40),
        "subscribe": lambda: client.subscribe("SettlementPostedRealtime", "https://example.com/callbacks/pex/k"),
        "list_subscriptions": client.list_subscriptions,
        "unsubscribe": lambda: client.unsubscribe(client.list_subscriptions()[0].subscription_id),
        "renew_token": lambda: renew_token(driven, client),
        "delete_token": client.delete_token,
    }
    for step in steps.values():
        step()
    return set(steps)


def renew_token(driven: Driven, client: PexClient) -> None:
    assert client.renew_token() is None
    driven.vendors.pex.act_age_token(PEX_TOKEN, 20)
    assert client.renew_token()


def drive_procore(driven: Driven) -> set[str]:
    client, names, clock = driven.procore(), driven.names, driven.clock
    library = names.projects["Library"]
    access = ProcoreAccess(client, COMPANY_ID)
    began = clock()
    posted = client.create_direct_cost(driven.draft())
    described = Reference(project_id=library, scheme="description", reference="[pex:1-2]", sent_at=began)
    by_origin = Reference(project_id=library, scheme="origin_id", reference="pex:1:2:3", sent_at=began)
    driven.vendors.procore.world.vendors[names.vendor_id].project_ids.remove(names.projects["Bridge"])
    elsewhere = driven.draft(
        project_id=names.projects["Bridge"],
        reference="pex:1:2:4",
        lines=(
            LineDraft(
                wbs_code_id=names.budget_codes["Bridge", "01-500", "M"], amount=Decimal("5"), description="x", ref="1"
            ),
        ),
    )
    files = [ReceiptFile('a b".jpg', "image/jpeg", JPEG), ReceiptFile("r.pdf", "application/pdf", b"%PDF-1.4 x")]

    def create_hooks() -> None:
        """The second one's triggers are made, but Procore answers that it did not go smoothly."""
        for number in (1, 2):
            client.create_hook(f"https://example.com/callbacks/procore/{number}", "Bearer hook-secret", HOOK_RESOURCES)
            driven.vendors.procore.faults.add(
                {"kind": "status", "path": "/triggers/bulk$", "status": 207, "commit": True, "times": 1}
            )

    together = [driven.draft(reference=f"pex:1:3:{number}").with_line_ids() for number in (1, 2)]
    headers: list[SyncAnswer] = []
    steps: dict[str, Callable[[], object]] = {
        "list_companies": client.list_companies,
        "check": client.check,
        "list_projects": lambda: client.list_projects(templates=True),
        "show_project": lambda: client.show_project(library),
        "find_currency": client.find_currency,
        "find_web_address": client.find_web_address,
        "glance": lambda: [
            access.may_list_vendors(),
            access.may_list_direct_costs(library),
            access.may_list_budget_codes(library),
            access.tool_access(library),
        ],
        "list_cost_types": client.list_cost_types,
        "list_cost_codes": lambda: client.list_cost_codes(library),
        "list_budget_codes": lambda: client.list_budget_codes(library),
        "create_budget_code": lambda: client.create_budget_code(library, CONCRETE, "L"),
        "list_vendors": lambda: client.list_vendors("pex"),
        "find_vendor": lambda: client.find_vendor(names.vendor_id),
        "create_direct_cost": lambda: client.create_direct_cost(elsewhere),
        "find_direct_costs": lambda: (client.find_direct_costs(by_origin), client.find_direct_costs(described)),
        "list_direct_costs": lambda: client.list_direct_costs(library, began),
        "takes_lines": lambda: client.takes_lines(library, posted.direct_cost_id),
        "show_direct_cost": lambda: (
            client.show_direct_cost(library, posted.direct_cost_id),
            client.show_direct_cost(library, 999),
        ),
        "write_lines": lambda: client.write_lines(
            library,
            posted.direct_cost_id,
            [(posted.lines[0].line_id, driven.draft().lines[0])],
            driven.draft().lines,
            [posted.lines[1].line_id],
        ),
        "delete_line": lambda: client.delete_line(library, posted.direct_cost_id, posted.lines[1].line_id),
        "sync_headers": lambda: headers.append(client.sync_headers(together)),
        "sync_lines": lambda: client.sync_lines(
            [(headers[0].stored[one.reference].record_id, one) for one in together]
        ),
        "sync_statuses": lambda: client.sync_statuses(
            [(headers[0].stored[one.reference].record_id, one) for one in together], "pending"
        ),
        "attach_receipts": lambda: client.attach_receipts(library, posted.direct_cost_id, files[1:]),
        "list_hooks": client.list_hooks,
        "create_hook": create_hooks,
        "delete_hook": lambda: client.delete_hook(client.list_hooks()[0].hook_id),
        "sign_out": client.sign_out,
    }
    for step in steps.values():
        step()
    return set(steps)


def provoke(driven: Driven) -> None:
    """The refusals we know, each met once."""
    pex, procore, names = driven.pex(), driven.procore(), driven.names
    library = names.projects["Library"]
    refused: list[Callable[[], object]] = [
        driven.pex("nobody's-token").identity,
        driven.pex("nobody's-token").list_tags,
        lambda: pex.list_account_transactions(1, driven.clock() - timedelta(days=1), driven.clock()),
        lambda: pex.list_transactions(driven.clock() - timedelta(days=600), driven.clock()),
        lambda: pex.show_tag("0" * 24),
        lambda: pex.list_receipts(1),
        lambda: pex.post_note(1, "x"),
        lambda: pex.unsubscribe(1),
        driven.procore(secret="wrong").check,
        driven.procore(company_id=77).list_projects,
        lambda: procore.show_project(1),
        lambda: procore.list_cost_codes(1),
        lambda: procore.create_direct_cost(driven.draft(vendor_id=1)),
        lambda: procore.sync_headers([driven.draft(vendor_id=1)]),
        lambda: procore.write_lines(library, 1, [], [], status="pending"),
        lambda: (procore.create_direct_cost(driven.draft()), procore.create_direct_cost(driven.draft())),
        lambda: procore.attach_receipts(library, 1, [ReceiptFile("a.jpg", "image/jpeg", JPEG)]),
        lambda: driven.vendors.procore.act_set_tool(library, active=False),
        lambda: procore.create_direct_cost(driven.draft(reference="pex:1:2:9")),
        lambda: driven.vendors.pex.act_change_settings({"TagsEnabled": False}),
        pex.list_tags,
        driven.vendors.procore.act_revoke_tokens,
        procore.check,
        lambda: driven.vendors.procore.faults.add({"kind": "limit_429"}),
        procore.check,
        lambda: driven.vendors.pex.faults.add({"kind": "html_502"}),
        pex.tags_enabled,
    ]
    for call in refused:
        with suppress(NeedsAttention, TryLater, Unsure, PostRefused):
            call()


DRIVERS = {"pex": (drive_pex, PexClient), "procore": (drive_procore, ProcoreClient)}


@pytest.mark.parametrize("vendor", sorted(DRIVERS))
def test_the_contract_is_openapi(vendor: str) -> None:
    document = Contract(vendor).document
    for path in document["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                answer.setdefault("description", "")
    for answer in document["components"].get("responses", {}).values():
        answer.setdefault("description", "")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("vendor", sorted(DRIVERS))
def test_request_bodies_are_closed_to_unknown_fields(vendor: str) -> None:
    def open_objects(schema: Any, where: str) -> Iterator[str]:
        if isinstance(schema, dict):
            if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
                yield where
            for name, inner in schema.items():
                yield from open_objects(inner, f"{where}/{name}")

    found = []
    for name, (_, operation) in Contract(vendor).operations.items():
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            if kind != "multipart/form-data":
                found += list(open_objects(body["schema"], f"{name} {kind}"))
    assert found == []


@pytest.mark.parametrize("vendor", sorted(DRIVERS))
def test_every_call_of_the_client_and_its_answer_keep_the_contract(driven: Driven, vendor: str) -> None:
    drive, client = DRIVERS[vendor]
    called = drive(driven)
    assert called == {name for name in vars(client) if not name.startswith("_") and callable(getattr(client, name))}
    contract = Contract(vendor)
    for sent, got in driven.exchanges[vendor]:
        assert contract.problems_of_request(sent) == []
        assert contract.problems_of_answer(sent, got) == []
    met = {operation.name for sent, _ in driven.exchanges[vendor] if (operation := contract.find(sent))}
    assert met == set(contract.operations), "the contract holds nothing that we do not call"


def test_refusals_keep_the_contract_too(driven: Driven) -> None:
    provoke(driven)
    statuses = set()
    for vendor in DRIVERS:
        contract = Contract(vendor)
        for sent, got in driven.exchanges[vendor]:
            assert contract.problems_of_request(sent) == []
            assert contract.problems_of_answer(sent, got) == []
            statuses.add((vendor, got.status))
    assert {("pex", status) for status in (400, 401, 403, 404, 502)} <= statuses
    assert {("procore", status) for status in (401, 403, 404, 422, 429)} <= statuses


@pytest.mark.parametrize(
    ("switches", "vendor"),
    [
        ({"split_values": "object", "split_amounts": "number", "untagged": "initial", "no_notes": "null"}, "pex"),
        ({"attachment_content": "data_uri", "list_deleted_tags": True, "page_size": 2}, "pex"),
        ({"segment_items_share_ids": False, "page_cap": 1, "lines_left_out_go": True}, "procore"),
    ],
)
def test_either_side_of_what_is_undocumented_keeps_the_contract(
    driven: Driven, switches: dict[str, Any], vendor: str
) -> None:
    getattr(driven.vendors, vendor).switches.change(**switches)
    DRIVERS[vendor][0](driven)
    contract = Contract(vendor)
    problems = [contract.problems_of_answer(sent, got) for sent, got in driven.exchanges[vendor]]
    assert [one for one in problems if one] == []


def test_the_contract_notices_what_it_should(driven: Driven) -> None:
    """A checker that finds nothing wrong with anything would pass every test above."""
    drive_procore(driven)
    contract = Contract("procore")
    create = next(
        sent for sent, _ in driven.exchanges["procore"] if sent.target.endswith("/direct_costs") and sent.body
    )
    assert create.body is not None
    no_company = {name: value for name, value in create.headers.items() if name != "Procore-Company-Id"}
    changed = {
        "is unknown": Sent(create.method, f"{create.target}?surprise=1", create.headers, create.body),
        "is missing": Sent(create.method, create.target, no_company, create.body),
        "Authorization": Sent(create.method, create.target, {**create.headers, "Authorization": "x"}, create.body),
        "not in the contract": Sent("DELETE", create.target, create.headers),
        "Additional properties": Sent(
            create.method, create.target, create.headers, create.body.replace(b'"status"', b'"state"')
        ),
        "multiple of": Sent(create.method, create.target, create.headers, create.body.replace(b"120.50", b"120.505")),
    }
    for words, sent in changed.items():
        assert any(words in one for one in contract.problems_of_request(sent)), words
