"""The control port: books, faults, switches and life of every simulator that runs.

    GET    /books                       {"pex": …, "procore": …}
    GET    /<vendor>/books
    GET    /<vendor>/requests           every request so far (see web.RequestRecord)      DELETE forgets them
    GET    /<vendor>/faults             POST one rule (see faults.py) → {"id": n}         DELETE clears all
    POST   /<vendor>/faults/settle      runs the late commits that still wait
    GET    /<vendor>/switches           POST {"name": value, …}
    GET    /<vendor>/act                the known actions
    POST   /<vendor>/act/<action>       JSON body = keyword arguments of the simulator's act_<action> method; answers
                                    what it returns

A vendor's room adds an action by giving its simulator a method `act_<name>(self, **keywords)`, which returns something
that fits in JSON and raises `Refused("sentence")` when it cannot be done. Afterwards the control port
calls its `save()`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from flask import Flask, Response, request

from local.simulators.faults import Faults
from local.simulators.switchboard import Switches, UnknownSwitch
from local.simulators.web import RequestLog, json_answer, read_json


class Refused(Exception):
    """An action that cannot be done, in a sentence."""


class Simulator(Protocol):
    requests: RequestLog
    faults: Faults
    switches: Switches

    def books(self) -> dict[str, Any]: ...

    def save(self) -> None: ...


def actions_of(simulator: Simulator) -> dict[str, str]:
    """Action name → its signature, as a person would read it."""
    names = sorted(name for name in dir(simulator) if name.startswith("act_") and callable(getattr(simulator, name)))
    return {
        name.removeprefix("act_"): str(inspect.signature(getattr(simulator, name), eval_str=True)) for name in names
    }


def control_app(simulators: Mapping[str, Simulator]) -> Flask:
    app = Flask("control")

    def missing(what: str, known: Any) -> Response:
        return json_answer({"error": f"There is no {what}.", "known": known}, 404)

    @app.before_request
    def known_vendor() -> Response | None:
        vendor = (request.view_args or {}).get("vendor")
        if vendor is not None and vendor not in simulators:
            return missing(f"simulator called {vendor}", sorted(simulators))
        return None

    @app.errorhandler(404)
    def unknown_path(_: Any) -> Response:
        return missing(f"path {request.path}", sorted(str(rule) for rule in app.url_map.iter_rules()))

    @app.get("/books")
    def all_books() -> Response:
        return json_answer({name: simulator.books() for name, simulator in simulators.items()})

    @app.get("/<vendor>/books")
    def books(vendor: str) -> Response:
        return json_answer(simulators[vendor].books())

    @app.get("/<vendor>/requests")
    def requests(vendor: str) -> Response:
        return json_answer(simulators[vendor].requests.as_json())

    @app.delete("/<vendor>/requests")
    def forget_requests(vendor: str) -> Response:
        simulators[vendor].requests.clear()
        return json_answer({})

    @app.get("/<vendor>/faults")
    def list_faults(vendor: str) -> Response:
        return json_answer(simulators[vendor].faults.as_json())

    @app.post("/<vendor>/faults")
    def add_fault(vendor: str) -> Response:
        try:
            return json_answer({"id": simulators[vendor].faults.add(_object())}, 201)
        except ValueError as error:
            return json_answer({"error": str(error)}, 400)

    @app.delete("/<vendor>/faults")
    def clear_faults(vendor: str) -> Response:
        simulators[vendor].faults.clear()
        return json_answer({})

    @app.post("/<vendor>/faults/settle")
    def settle(vendor: str) -> Response:
        simulators[vendor].faults.settle()
        return json_answer({})

    @app.get("/<vendor>/switches")
    def list_switches(vendor: str) -> Response:
        return json_answer(simulators[vendor].switches.explained())

    @app.post("/<vendor>/switches")
    def change_switches(vendor: str) -> Response:
        switches = simulators[vendor].switches
        try:
            switches.change(**_object())
        except UnknownSwitch as error:
            return json_answer({"error": error.args[0], "known": error.known}, 404)
        except (TypeError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        return json_answer(switches.as_dict())

    @app.get("/<vendor>/act")
    def list_actions(vendor: str) -> Response:
        return json_answer(actions_of(simulators[vendor]))

    @app.post("/<vendor>/act/<action>")
    def act(vendor: str, action: str) -> Response:
        known = actions_of(simulators[vendor])
        if action not in known:
            return missing(f"action called {action}", known)
        method = getattr(simulators[vendor], f"act_{action}")
        try:
            keywords = _object()
            inspect.signature(method).bind(**keywords)
        except (TypeError, ValueError) as error:
            return json_answer({"error": f"{action}{known[action]}: {error}"}, 400)
        try:
            done = method(**keywords)
        except Refused as refused:
            return json_answer({"error": str(refused)}, 400)
        simulators[vendor].save()
        return json_answer(done)

    return app


def _object() -> dict[str, Any]:
    body = read_json(request) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    return body
