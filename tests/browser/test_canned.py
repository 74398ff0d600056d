"""The answers told beforehand are those the API gives: same names, same kinds."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from pex_procore.domain.settings import Settings
from pex_procore.runtime.answers import DryRunAnswer, Reasons, RunDetail, RunPage, TransactionDetail, TransactionPage
from pex_procore.runtime.connection_view import ConnectionShown
from tests.browser.canned import DRY_RUN, PURCHASES, Canned, run_detail

SHAPES = [
    ("connection", ConnectionShown), ("settings", Settings), ("reasons", Reasons), ("transactions", TransactionPage),
    ("runs", RunPage), ("runs/r-3", RunDetail),
    *((f"transactions/{one[0]}", TransactionDetail) for one in PURCHASES),
]  # fmt: skip


def names(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: names(value) for name, value in told.items()}
    return [names(one) for one in told] if isinstance(told, list) else None


def is_answer_of(model: type[BaseModel], body: Any) -> None:
    assert names(model.model_validate(body).model_dump(mode="json")) == names(body)


@pytest.mark.parametrize(("path", "model"), SHAPES)
def test_it_has_the_shape_of_the_apis_answer(path: str, model: type[BaseModel]) -> None:
    found = Canned().answers["GET", path]
    _, body = found(None) if callable(found) else found
    if model is Settings:
        body = body | {"project_ids": list(body["project_ids"])}
    is_answer_of(model, body)


def test_so_have_a_run_at_work_and_a_dry_run() -> None:
    progress = {"done": 1, "total": 2, "quota_remaining": None, "waits_until": None, "estimated_end": None}
    is_answer_of(RunDetail, run_detail("r-9", status="running", progress=progress))
    is_answer_of(DryRunAnswer, DRY_RUN)
