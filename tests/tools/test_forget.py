"""One business is deleted whole, and nothing of any other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pex_procore.domain.alerts import Care
from pex_procore.domain.catalog import ProjectCodes
from pex_procore.domain.connection import Connection, ProcoreCredentials
from pex_procore.domain.ledger import announce
from pex_procore.domain.runs import Run, RunItem
from pex_procore.domain.settings import Settings
from pex_procore.store import keys
from pex_procore.store.catalog import DynamoCatalog
from pex_procore.store.connections import DynamoConnections
from pex_procore.store.leases import DynamoLeases
from pex_procore.store.ledger import DynamoLedger
from pex_procore.store.limits import LimitStore
from pex_procore.store.receipts import S3Receipts
from pex_procore.store.runs import DynamoRuns
from pex_procore.store.seal import Sealer
from tests.store.tables import Stage
from tools.forget import AtWork, Places, forget, main, stop

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OURS, OTHER = 1, 10  # one number begins with the other


def now() -> datetime:
    return datetime.now(UTC)


def places_of(stage: Stage) -> Places:
    return Places(lambda name: getattr(stage, name), stage.connections, stage.history, stage.bucket)


def leases_of(stage: Stage, business_id: int) -> DynamoLeases:
    return DynamoLeases(stage.dynamodb, stage.connections, business_id, now)


def settle(stage: Stage, business_id: int) -> None:
    """Everything a business leaves behind in a year."""
    connections = DynamoConnections(stage.dynamodb, stage.connections, business_id, Sealer(stage.kms, stage.key_id))
    connections.save(Connection(business_id=business_id, status="active", generation=6, generations=(5, 6)))
    connections.save_settings(Settings(), 0)
    connections.seal_pex_token(f"token of {business_id}")
    connections.seal_next_pex_token(f"new token of {business_id}")
    connections.seal_procore_credentials(ProcoreCredentials(client_id="id", client_secret="secret"))
    connections.schedule_sweep(NOON)
    connections.schedule_sweep(NOON, "tags")
    connections.save_care(Care(due_at=NOON))
    for vendor in ("pex", "procore"):
        connections.save_hook(f"{vendor} hook of {business_id}", vendor)  # type: ignore[arg-type]
        connections.set_callback_secret("secret", vendor)  # type: ignore[arg-type]
    leases = leases_of(stage, business_id)
    leases.claim("run-0", 60)
    leases.release("run-0")
    LimitStore(stage.dynamodb, stage.connections, now).save(f"pex:{business_id}", {})
    runs = DynamoRuns(stage.dynamodb, stage.history, business_id, now)
    for company_id in (5, 6):
        catalog = DynamoCatalog(stage.dynamodb, stage.connections, business_id, company_id, now)
        catalog.save("projects", ["one"])
        catalog.save_codes(ProjectCodes(project_id=1, cost_codes={}, read_at=NOON))
        catalog.mark_stale("codes")
        ledger = DynamoLedger(stage.dynamodb, stage.history, business_id, company_id)
        for transaction_id in range(30):
            ledger.save(announce(transaction_id, 7, NOON, "listed"))
        run = Run(
            run_id=f"run-{company_id}", kind="transactions", trigger="sweep", settings=Settings(),
            company_id=company_id, started_at=NOON,
        )  # fmt: skip
        runs.create(run)
        runs.record_items(run.run_id, [RunItem(transaction_id=1, outcome="posted")])
    S3Receipts(stage.s3, stage.bucket, business_id).put(b"receipt", "image/jpeg")


def held(stage: Stage, business_id: int) -> list[Any]:
    """All that names the business in its key, or in a key that leads to it."""
    found = []
    for table in (stage.connections, stage.history):
        for item in stage.dynamodb.scan(TableName=table)["Items"]:
            pk = item["pk"]["S"]
            mine = pk == f"B#{business_id}" or pk.startswith(f"B#{business_id}#") or pk == f"LIMIT#pex:{business_id}"
            if mine or item.get("business_id", {}).get("N") == str(business_id):
                found.append(item)
    files = stage.s3.list_objects_v2(Bucket=stage.bucket, Prefix=keys.receipt_prefix(business_id))
    return found + files.get("Contents", [])


def test_everything_of_the_business_goes_and_nothing_of_another(stage: Stage) -> None:
    settle(stage, OURS)
    settle(stage, OTHER)
    others = held(stage, OTHER)
    assert len(held(stage, OURS)) == len(others) > 80
    gone = forget(places_of(stage), OURS)
    assert held(stage, OURS) == []
    assert held(stage, OTHER) == others
    assert (gone["files"], gone["history"]) == (1, 2 * 30 + 2 + 2)


def test_a_second_time_there_is_nothing_left(stage: Stage) -> None:
    settle(stage, OURS)
    forget(places_of(stage), OURS)
    assert set(forget(places_of(stage), OURS).values()) == {0}


def test_a_run_at_work_is_stopped_first_and_its_business_forgotten_afterwards(stage: Stage) -> None:
    settle(stage, OURS)
    leases = leases_of(stage, OURS)
    leases.claim("run-9", 60)
    with pytest.raises(AtWork, match="run-9"):
        forget(places_of(stage), OURS)
    connections = DynamoConnections(stage.dynamodb, stage.connections, OURS, Sealer(stage.kms, stage.key_id))
    stopped = connections.load()
    assert stopped is not None
    assert stopped.status == "disconnected"
    assert connections.open_pex_token() is None
    assert DynamoLedger(stage.dynamodb, stage.history, OURS, 6).load(1) is not None
    leases.release("run-9")
    forget(places_of(stage), OURS)
    assert held(stage, OURS) == []


def test_a_business_that_is_only_stopped_keeps_its_history(stage: Stage) -> None:
    settle(stage, OURS)
    stop(places_of(stage), OURS)
    assert DynamoLedger(stage.dynamodb, stage.history, OURS, 6).load(1) is not None
    left = {item["sk"]["S"] for item in held(stage, OURS) if "sk" in item}
    assert not {"SWEEP", "SWEEP#tags", "CARE", "CRED#pex", "CRED#pex_next", "CRED#procore", "HOOK", "CALLBACK"} & left
    assert {"CONNECTION", "SETTINGS"} <= left


def test_without_the_id_given_twice_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: "2")
    assert main(["1", "--endpoint-url", "http://127.0.0.1:9"]) == 1
    assert "Nothing was done" in capsys.readouterr().out
