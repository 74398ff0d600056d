"""No secret leaves its seal: not into tables, messages, executions, answers, addresses or logs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.flow.story import COSTS, Story
from tests.flow.worlds import CALLBACK_SECRET, CLIENT_SECRET, PEX_TOKEN


def secrets_of(story: Story) -> dict[str, str]:
    hook_url = story.pex.books()["subscriptions"][0]["Url"]
    named = {
        "PEX token": PEX_TOKEN,
        "client secret": CLIENT_SECRET,
        "callback secret": CALLBACK_SECRET,
        "hook key": hook_url.rsplit("/", 1)[-1],
        "session": story.cookie.partition("=")[2],
    }
    for number, token in enumerate(story.procore.world.tokens):
        named[f"access token {number}"] = token
    return named | {f"{name}, base64": base64.b64encode(value.encode()).decode() for name, value in named.items()}


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    return [name for name, value in secrets.items() if value and value in text]


def test_tables_executions_answers_addresses_and_logs_are_free_of_secrets(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    story.connect()
    answers: list[str] = []
    ask = story.cloud.request

    def remembering(*args: Any, **more: Any) -> Any:
        answer = ask(*args, **more)
        answers.append(answer.text)
        return answer

    story.cloud.request = remembering  # type: ignore[method-assign]
    story.purchase(receipts=("jpg",))
    story.deliver()
    story.purchase()
    story.sync()
    story.procore.faults.add(
        {"method": "POST", "path": COSTS, "kind": "status", "status": 422, "answer": {"errors": f"no {CLIENT_SECRET}"}}
    )
    story.pex.faults.add({"path": "/Note", "kind": "status", "status": 400, "body_text": f"token {PEX_TOKEN} is bad"})
    story.purchase()
    story.sync()
    story.procore.faults.clear()
    story.procore.act_rotate_secret("flow-client", "another-secret", revoke_tokens=True)
    story.purchase()
    story.sync()
    for path in ("/v1/connection", "/v1/settings", "/v1/runs", "/v1/transactions"):
        answers.append(story.api("GET", path).text)
    secrets = secrets_of(story)
    logs = "".join(capfd.readouterr())
    addresses = " ".join(f"{one.path}?{one.query}" for sim in (story.pex, story.procore) for one in sim.requests.all())
    assert logs.count("step done") > 10
    for place, text in {
        "tables and executions": story.everything_stored(),
        "answers": " ".join(answers),
        "addresses": addresses,
        "logs": logs,
    }.items():
        assert found_in(text, secrets) == [], place
