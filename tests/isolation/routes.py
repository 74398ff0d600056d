"""What each route of the template asks of who calls it. A route that is not told here fails a test."""

from __future__ import annotations

from tests.template.cfn import Route, routes

# Answered without a session: what they tell is nobody's, or they bring a proof of their own.
OPEN = {
    ("GET", "/"),
    ("GET", "/static/{proxy+}"),
    ("GET", "/v1/health"),
    ("POST", "/v1/sessions"),
    ("DELETE", "/v1/sessions/current"),
    ("GET", "/v1/sessions/options"),
    ("POST", "/v1/sessions/pex-login"),
    ("POST", "/v1/sessions/pex-login/{login_id}"),
    ("GET", "/v1/sessions/pex-login/{login_id}"),
    ("GET", "/v1/sessions/pex-login/{login_id}/{closing_key}"),
    ("POST", "/callbacks/pex/{hook_key}"),
    ("POST", "/callbacks/procore/{hook_key}"),
}
# Called by a vendor's server, which is no browser: their secret stands in the address or a header.
FROM_SERVERS = {("POST", "/callbacks/pex/{hook_key}"), ("POST", "/callbacks/procore/{hook_key}")}
IDS = ("run_id", "transaction_id")  # in paths; they belong to a business


def key(route: Route) -> tuple[str, str]:
    return route.method, route.path


def closed() -> list[Route]:
    return [route for route in routes() if key(route) not in OPEN]


def changing() -> list[Route]:
    return [route for route in routes() if route.method != "GET" and key(route) not in FROM_SERVERS]


def with_ids() -> list[Route]:
    return [route for route in closed() if any(f"{{{name}}}" in route.path for name in IDS)]


def without_ids() -> list[Route]:
    return [route for route in closed() if route not in with_ids()]


def path_of(route: Route, run_id: str = "20260504T160000000000-00000000", transaction_id: int = 1) -> str:
    path = route.path.replace("{run_id}", run_id).replace("{transaction_id}", str(transaction_id))
    return path.replace("{login_id}", "x" * 32).replace("{closing_key}", "y" * 32)
