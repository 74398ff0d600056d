"""The fakes are what they stand for, and misbehave as ordered."""

from __future__ import annotations

import inspect
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pex_procore.domain.errors import TryLater, Unsure
from pex_procore.domain.expense import DirectCostDraft, LineDraft, Scheme
from pex_procore.domain.ledger import announce
from pex_procore.services import door_ports, ports, start_port, vendor_ports
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeChecks, FakeExecutions, FakeLeases, FakeSessions
from tests.fakes.pex import FakePex
from tests.fakes.procore import FakeProcore
from tests.fakes.stores import FakeCatalogCache, FakeConnections, FakeLedger, FakeNotices, FakeReceiptBucket, FakeRuns
from tests.services.world import P1, VENDOR_ID, World

_CLOCK = FakeClock()
PEX: vendor_ports.Pex = FakePex(42)
PROCORE: vendor_ports.Procore = FakeProcore(_CLOCK)
LEDGER: ports.Ledger = FakeLedger()
RUNS: ports.Runs = FakeRuns()
LEASES: ports.Leases = FakeLeases(_CLOCK)
CONNECTIONS: ports.Connections = FakeConnections()
SESSIONS: door_ports.Sessions = FakeSessions(_CLOCK)
CHECKS: door_ports.CheckStore = FakeChecks()
CATALOG_CACHE: ports.CatalogCache = FakeCatalogCache(_CLOCK)
RECEIPT_BUCKET: ports.ReceiptBucket = FakeReceiptBucket()
EXECUTIONS: start_port.Executions = FakeExecutions()
NOTICES: ports.Notices = FakeNotices()

PAIRS = [
    (vendor_ports.Pex, PEX),
    (vendor_ports.Procore, PROCORE),
    (vendor_ports.ProcoreSync, PROCORE),
    (ports.Ledger, LEDGER),
    (ports.Runs, RUNS),
    (ports.Leases, LEASES),
    (ports.Connections, CONNECTIONS),
    (ports.CatalogCache, CATALOG_CACHE),
    (ports.ReceiptBucket, RECEIPT_BUCKET),
    (ports.Notices, NOTICES),
]
BESIDE = [(door_ports.Sessions, SESSIONS), (door_ports.CheckStore, CHECKS), (start_port.Executions, EXECUTIONS)]


@pytest.mark.parametrize(("port", "fake"), [*PAIRS, *BESIDE], ids=lambda one: getattr(one, "__name__", ""))
def test_a_fake_has_exactly_its_ports_signatures(port: type, fake: object) -> None:
    for name, method in inspect.getmembers(port, inspect.isfunction):
        if not name.startswith("_"):
            bound = inspect.signature(method).replace(
                parameters=[one for one in inspect.signature(method).parameters.values() if one.name != "self"]
            )
            assert inspect.signature(getattr(fake, name)) == bound, f"{port.__name__}.{name}"


def test_every_port_has_a_fake() -> None:
    classes = [one for room in (ports, vendor_ports) for _, one in inspect.getmembers(room, inspect.isclass)]
    protocols = {one for one in classes if getattr(one, "_is_protocol", False)}
    assert protocols - {ports.Clock, getattr(ports, "Protocol", None)} == {port for port, _ in PAIRS}


def draft(reference: str = "pex:42:1:101", scheme: Scheme = "origin_id", amount: str = "10.00") -> DirectCostDraft:
    return DirectCostDraft(
        project_id=P1,
        scheme=scheme,
        reference=reference,
        date=date(2026, 5, 4),
        status="draft",
        vendor_id=VENDOR_ID,
        description="Home Depot",
        lines=(LineDraft(wbs_code_id=11, amount=Decimal(amount), description="", ref="1"),),
    )


def look(world: World, one: DirectCostDraft) -> int:
    wanted = vendor_ports.Reference(
        project_id=one.project_id, scheme=one.scheme, reference=one.reference, sent_at=world.clock()
    )
    return len(world.procore.find_direct_costs(wanted))


def test_a_lost_answer_was_stored_and_a_dropped_request_was_not(world: World) -> None:
    world.procore.lose_next_answer = True
    world.procore.drop_next_request = True
    with pytest.raises(Unsure):
        world.procore.create_direct_cost(draft())
    with pytest.raises(Unsure):
        world.procore.create_direct_cost(draft("pex:42:2:101"))
    assert (look(world, draft()), look(world, draft("pex:42:2:101"))) == (1, 0)


def test_a_late_commit_appears_when_it_is_due(world: World) -> None:
    world.procore.commit_late(10)
    with pytest.raises(Unsure):
        world.procore.create_direct_cost(draft())
    world.clock.forward(9)
    assert look(world, draft()) == 0
    world.clock.forward(1)
    assert look(world, draft()) == 1


def test_a_fresh_record_stays_hidden_from_look_ups_for_a_while(world: World) -> None:
    world.procore.hide_fresh_for(30)
    world.procore.create_direct_cost(draft())
    assert look(world, draft()) == 0
    world.clock.forward(30)
    assert look(world, draft()) == 1


def test_an_origin_id_is_taken_for_good_and_a_description_never(world: World) -> None:
    world.procore.create_direct_cost(draft())
    world.procore.books[0].deleted = True
    with pytest.raises(vendor_ports.PostRefused) as refusal:
        world.procore.create_direct_cost(draft())
    assert refusal.value.duplicate
    for _ in range(2):
        world.procore.create_direct_cost(draft("[pex:42-1]", "description"))
    assert len(world.procore.live()) == 2


def test_orders_are_carried_out_one_write_after_the_other(world: World) -> None:
    world.procore.behave_next()
    world.procore.refuse_next(422, "no")
    world.procore.turn_away_next(world.clock() + timedelta(minutes=1))
    world.procore.create_direct_cost(draft())
    with pytest.raises(vendor_ports.PostRefused):
        world.procore.create_direct_cost(draft("pex:42:2:101"))
    with pytest.raises(TryLater):
        world.procore.create_direct_cost(draft("pex:42:2:101"))


def test_the_ledger_refuses_a_row_that_somebody_else_saved_first(world: World) -> None:
    first = world.ledger.save(announce(1, 7, world.clock(), "test"))
    world.ledger.save(first)
    with pytest.raises(ports.Conflict):
        world.ledger.save(first)
    with pytest.raises(ports.Conflict):
        world.ledger.save(announce(1, 7, world.clock(), "test"))


def test_one_lease_at_a_time_and_an_expired_one_is_taken_over(world: World) -> None:
    world.leases.claim("a", 60)
    with pytest.raises(ports.Held):
        world.leases.claim("b", 60)
    world.clock.forward(61)
    lease = world.leases.claim("b", 60)
    assert (lease.interrupted_run_id, lease.fence) == ("a", 2)
    world.leases.count_announcement()
    assert not world.leases.release("b", announced=lease.announced)
    assert world.leases.release("b", announced=1)
