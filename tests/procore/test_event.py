from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pex_procore
from local.simulators.procore.deliveries import Event as Sent
from local.simulators.procore.deliveries import payload
from pex_procore.procore.event import Event, parse_event
from tests.net.moving_time import NOON

LARGE = 562_949_953_508_586


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("version", ["v2.0", "v4.0"])
def test_both_payload_versions_say_the_same(version: str) -> None:
    renamed = Sent(LARGE, "Cost Codes", "update", 81204001, 2310401, 7, "01M46CP7000000000000000001", NOON)
    parsed = parse_event(json.dumps(payload(renamed, version)).encode())
    assert parsed == Event("cost_code", 2310401, 81204001, "update", LARGE)


@pytest.mark.parametrize("version", ["v2.0", "v4.0"])
def test_what_belongs_to_the_company_names_no_project_but_a_project_names_itself(version: str) -> None:
    def parsed(name: str) -> Event:
        sent = Sent(LARGE, name, "create", 77, None, 7, "01M46CP7000000000000000001", NOON)
        return parse_event(json.dumps(payload(sent, version)).encode())

    assert parsed("Line Item Types") == Event("line_item_type", None, 77, "create", LARGE)
    assert parsed("Projects") == Event("project", 77, 77, "create", LARGE)


@pytest.mark.parametrize("name", ["Cost Codes", "cost_codes", "CostCode", " COST CODES "])
def test_a_resource_is_known_however_it_is_spelled(name: str) -> None:
    assert parse_event(body(resource_type=name)).resource == "cost_code"


@pytest.mark.parametrize("name", ["Standard Cost Codes", "Project Vendors", "Direct Cost Line Items", "Sub Jobs", "s"])
def test_other_resources_are_other_even_when_they_sound_alike(name: str) -> None:
    assert parse_event(body(resource_type=name)).resource == "other"


def test_a_reason_beyond_create_update_and_delete_is_passed_on() -> None:
    event = parse_event(body(resource_type="Projects", reason="Recycle", resource_id="5", data={"x": [1]}))
    assert event == Event("project", 5, 5, "recycle", None)


@pytest.mark.parametrize("odd", [None, True, -1, 0, "x", "1e9", [1], {"a": 1}, 1.5, "9" * 5000, "٣x"])
def test_an_odd_id_is_no_id(odd: object) -> None:
    event = parse_event(body(resource_name="Cost Codes", resource_id=odd, project_id=odd, company_id=odd))
    assert event == Event("cost_code", None, None, "", None)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "not JSON"),
        (b"<xml/>", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"resource_id": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"Projects"', "not a JSON object"),
        (b"{}", "does not say which kind"),
        (b'{"resource_type": 5, "resource_name": " "}', "does not say which kind"),
    ],
)
def test_what_is_no_event_is_refused_in_a_sentence(sent: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_event(sent)


def test_reading_events_imports_nothing_heavy() -> None:
    code = (
        "import sys; import pex_procore.procore.event; "
        "print([name for name in ('pydantic', 'requests', 'urllib3', 'zoneinfo') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(Path(pex_procore.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
