from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pex_procore.store.queue import HintQueue

LAYER = Path(__file__).parents[2] / "layers" / "common"
HEAVY = ["pydantic", "requests", "boto3", "botocore", "pex_procore.domain", "pex_procore.services", "pex_procore.net"]


def loaded_after(statement: str) -> set[str]:
    program = f"import sys; sys.path.insert(0, {str(LAYER)!r}); {statement}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


@pytest.mark.parametrize("module", ["hooks", "queue"])
def test_the_callbacks_path_imports_nothing_heavy(module: str) -> None:
    loaded = loaded_after(f"import pex_procore.store.{module}")
    assert f"pex_procore.store.{module}" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_check_above_would_notice() -> None:
    assert not loaded_after("import pex_procore.domain.values").isdisjoint(HEAVY)


def test_a_hint_travels_under_its_business_and_cannot_rename_it(aws: None, clients: dict[str, Any]) -> None:
    sqs = clients["sqs"]
    url = sqs.create_queue(QueueName="hints")["QueueUrl"]
    hint = {"transaction_id": 5, "account_id": 77, "happened_at": None, "business_id": 666}
    HintQueue(sqs, url).send(42, hint)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"business_id": 42, "hint": hint}
