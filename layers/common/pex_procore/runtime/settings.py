"""The deployment's settings: environment names shared by every function, equal to the template's parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deployment:
    pex_api_url: str
    pex_oauth_url: str
    pex_app_id: str
    pex_app_secret_arn: str
    procore_api_url: str
    procore_login_url: str
    public_url: str
    connections_table: str
    history_table: str
    receipts_bucket: str
    key_id: str
    queue_url: str
    short_machine_arn: str
    long_machine_arn: str
    tags_machine_arn: str
    notices_topic_arn: str
    sweep_seconds: int

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Deployment:
        """A function that does not use a value need not be given it."""

        def text(name: str) -> str:
            return environment.get(name, "").rstrip("/")

        return cls(
            pex_api_url=text("PEX_API_URL"),
            pex_oauth_url=text("PEX_OAUTH_URL"),
            pex_app_id=text("PEX_APP_ID"),
            pex_app_secret_arn=text("PEX_APP_SECRET_ARN"),
            procore_api_url=text("PROCORE_API_URL"),
            procore_login_url=text("PROCORE_LOGIN_URL"),
            public_url=text("PUBLIC_URL"),
            connections_table=text("CONNECTIONS_TABLE"),
            history_table=text("HISTORY_TABLE"),
            receipts_bucket=text("RECEIPTS_BUCKET"),
            key_id=text("KEY_ID"),
            queue_url=text("QUEUE_URL"),
            short_machine_arn=text("SHORT_MACHINE_ARN"),
            long_machine_arn=text("LONG_MACHINE_ARN"),
            tags_machine_arn=text("TAGS_MACHINE_ARN"),
            notices_topic_arn=text("NOTICES_TOPIC_ARN"),
            sweep_seconds=int(environment.get("SWEEP_SECONDS", "900")),
        )
