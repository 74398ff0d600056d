"""A secret of the deployment, read from Secrets Manager where it is used, so that a rotated one holds at once."""

from __future__ import annotations

from typing import Any

from pex_procore.store.aws import ask


def read_secret(client: Any, arn: str) -> str:
    """Raises TryLater."""
    return str(ask(client.get_secret_value, SecretId=arn)["SecretString"])
