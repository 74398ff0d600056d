"""Hook 4: the answers an API gives by itself. SAM writes a template's GatewayResponses into the API's description, from
which ministack imports the paths only."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import apigateway_v1

from local.emulator.pins import replace, require

EXTENSION = "x-amazon-apigateway-gateway-responses"


def install() -> None:
    require(apigateway_v1, "_put_gateway_response")
    replace(apigateway_v1, "_import_rest_api", functools.partial(_import, apigateway_v1._import_rest_api))


def _import(stock: Any, description: dict[str, Any], *more: Any) -> str:
    api_id: str = stock(description, *more)
    for kind, response in (description.get(EXTENSION) or {}).items():
        status, _, body = apigateway_v1._put_gateway_response(api_id, kind, response)
        if status >= 400:
            raise ValueError(f"GatewayResponses of the API: {kind} is refused: {body.decode()}")
    return api_id
