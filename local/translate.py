"""`.venv-local/bin/python -m local.translate` prints template.yaml as CloudFormation gets it, SAM's resources too."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from local.deploy import package

ROOT = Path(__file__).resolve().parent.parent


class _NoPolicies:
    """Policies of SAM's own list by name, which the template does not use."""

    def load(self) -> dict[str, str]:
        return {}


def translate(root: Path = ROOT) -> dict[str, Any]:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # SAM asks for one
    from samtranslator.translator.transform import transform

    translated: dict[str, Any] = transform(package(root, lambda content: "s3://artefacts/code"), {}, _NoPolicies())
    return translated


if __name__ == "__main__":
    json.dump(translate(), sys.stdout, indent=2)
