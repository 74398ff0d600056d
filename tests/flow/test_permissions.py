"""What a role allows, its function needs. That nothing else is called every flow test proves: it would be refused."""

from __future__ import annotations

import botocore.client
import pytest
from botocore.exceptions import ClientError

from tests.flow.process import here
from tests.flow.roles import BY_AWS, Permission, granted, permission, refuse_unless_granted
from tests.flow.story import COSTS, Story
from tests.flow.worlds import PEX_TOKEN
from tests.template.cfn import functions

LEASE = {("dynamodb:UpdateItem", "Connections")}  # renewed only by a step that lasts long
SEAL = {("kms:Decrypt", "Key")}  # opened by whichever function of a kind comes first, then remembered
RARE: dict[str, set[Permission]] = {  # allowed, and not met in the story below
    "ReceiveProcoreEvent": {  # tests/functions/test_receive_procore_event.py
        ("dynamodb:GetItem", "Connections"), ("dynamodb:PutItem", "Connections"),
        ("dynamodb:UpdateItem", "Connections"),
    },
    "SetupCredentials": {("secretsmanager:GetSecretValue", "PexAppSecretArn")},  # of a PEX partner app only
    "ConfigApi": {("dynamodb:DeleteItem", "Connections")},  # automatic sync is switched off
    "StartRuns": {  # a business that is gone is not asked about again; one that cannot be started is, soon
        ("dynamodb:PutItem", "Connections"), ("dynamodb:DeleteItem", "Connections"),
    },
    "RenewTokens": {  # tests/flow/test_health.py: a token is renewed, an administrator told
        ("kms:Encrypt", "Key"), ("sns:Publish", "Notices"), ("dynamodb:BatchGetItem", "History"),
        ("dynamodb:DeleteItem", "Connections"), *SEAL,
    },
    "OpenRun": {  # the run before this one was cut off
        ("dynamodb:PutItem", "Connections"), ("dynamodb:Query", "History"),
    },
    "ListTransactions": {*LEASE, ("dynamodb:BatchWriteItem", "History")},  # unprocessed rows of a page
    "StageReceipts": {*LEASE, *SEAL, ("dynamodb:BatchWriteItem", "History")},  # a receipt that is refused
    "PostTransactions": LEASE,
    "AttachReceipts": LEASE | SEAL,
    "ReadCatalog": LEASE | SEAL,
    "RefreshTag": LEASE | SEAL,
}  # fmt: skip


@pytest.fixture
def used(story: Story, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Permission]]:
    """By function, as the story goes on."""
    found: dict[str, set[Permission]] = {name: set() for name in functions()}
    real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: object, name: str, request: dict[str, object]) -> object:
        if (invocation := getattr(here, "invocation", None)) is not None:
            service = client.meta.service_model.service_name  # type: ignore[attr-defined]
            found[invocation.name].add(permission(service, name, request))
        return real(client, name, request)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return found


def tell_everything(story: Story) -> None:
    """Whatever our functions do, at least once."""
    story.connect(sync_projects=True, sync_cost_codes=True, sync_cost_types=True)
    story.ask("POST", "/v1/runs", {"kind": "tags"})
    story.cloud.finish()
    first = story.purchase(receipts=("jpg", "png"), approve=True)
    story.cloud.forget_warm_state()
    story.deliver()
    story.purchase(project=None)
    odd = story.purchase()
    story.procore.faults.add({"method": "POST", "path": COSTS, "kind": "status", "status": 422, "times": 1})
    story.sync()
    story.sweep()
    story.api("POST", f"/v1/transactions/{odd}/retry")
    story.api("GET", f"/v1/transactions/{first}")
    story.cloud.forget_warm_state()
    for path in ("/v1/health", "/v1/connection", "/v1/runs", "/v1/transactions", "/v1/procore/vendors", "/v1/pex/tags"):
        story.api("GET", path)
    for path in ("/v1/transactions", "/v1/history.csv"):
        story.api("GET", path, state="exception")
    story.clock.forward(days=1)
    story.sign_in()
    story.pex.act_age_token(PEX_TOKEN, days_left=20)
    story.cloud.forget_warm_state()
    story.cloud.care()
    story.api("DELETE", "/v1/connection")
    story.api("DELETE", "/v1/sessions/current")


def test_a_call_that_no_role_grants_is_refused() -> None:
    with pytest.raises(ClientError, match="may not call dynamodb:Scan on History"):
        refuse_unless_granted("PostTransactions", "dynamodb", "Scan", '{"TableName": "History"}')
    refuse_unless_granted("PostTransactions", "dynamodb", "PutItem", '{"TableName": "History"}')


def test_what_a_role_allows_is_used_or_rare_for_a_reason(story: Story, used: dict[str, set[Permission]]) -> None:
    tell_everything(story)
    spare = {name: set(granted(name)) - calls - BY_AWS for name, calls in used.items()}
    assert {
        name: unused - RARE.get(name, set()) for name, unused in spare.items() if unused - RARE.get(name, set())
    } == {}
    assert all(rare <= granted(name) for name, rare in RARE.items())
