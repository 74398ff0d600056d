from __future__ import annotations

from tests.functions.events import FOLDER
from tests.template.cfn import ROOT, routes


def test_every_function_has_an_event_file_and_every_file_a_function() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {path.name.split(".")[0] for path in FOLDER.glob("*.json")} == folders


def test_the_http_events_name_routes_of_the_template() -> None:
    from tests.functions.events import load_event

    known = {(route.method, route.path) for route in routes()}
    for name in ("receive_callback", "setup_credentials", "config_api"):
        event = load_event(name)
        assert (event["httpMethod"], event["resource"]) in known
