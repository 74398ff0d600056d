"""Known secrets and card numbers, pushed in wherever a vendor or a person may say something: they come out nowhere.

Each case makes one call of one vendor fail with a body and headers full of them, in all words a vendor might use; then
logs, tables, queue, executions, answers and notices are searched, compressed rows opened.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.flow.story import COST, COSTS, Story
from tests.flow.worlds import CALLBACK_SECRET, CLIENT_SECRET, PEX_TOKEN

CARDS = ("4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011111111111117")
PEX, PROCORE = "pex", "procore"
PATHS = [
    (PEX, "GET", r"/Details/\w*Transactions"),
    (PEX, "GET", r"/V4/Tag"),
    (PEX, "POST", r"/Note"),
    (PEX, "GET", r"/Attachment"),
    (PEX, "GET", r"/Token|/Details/AccountDetails|/Details/Account"),
    (PROCORE, "POST", r"/oauth/token"),
    (PROCORE, "GET", r"/projects$"),
    (PROCORE, "GET", r"/wbs_codes|/cost_codes"),
    (PROCORE, "GET", r"/vendors"),
    (PROCORE, "POST", COSTS),
    (PROCORE, "GET", COSTS),
    (PROCORE, "GET", COST),
    (PROCORE, "PATCH", COST),
]  # fmt: skip
STATUSES = (401, 422)


class Everything:
    """What left our functions while the story was told."""

    def __init__(self, story: Story, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.story, self.capfd = story, capfd
        self.answers: list[str] = []
        self.bodies: list[str] = []
        ask, hand_over = story.cloud.request, story.cloud.hand_over

        def remembering(*args: Any, **more: Any) -> Any:
            answer = ask(*args, **more)
            self.answers.append(answer.text)
            return answer

        def reading(messages: list[dict[str, Any]]) -> None:
            self.bodies += [one["Body"] for one in messages]
            hand_over(messages)

        monkeypatch.setattr(story.cloud, "request", remembering)
        monkeypatch.setattr(story.cloud, "hand_over", reading)

    def places(self) -> Iterator[tuple[str, str]]:
        yield "logs", "".join(self.capfd.readouterr())
        yield "tables and executions", self.story.everything_stored()
        yield "queue", " ".join(self.bodies)
        yield "answers", " ".join(self.answers)
        yield "notices", json.dumps(self.story.cloud.notices())
        simulators = (self.story.pex, self.story.procore)
        yield "addresses", " ".join(f"{one.path}?{one.query}" for sim in simulators for one in sim.requests.all())

    def check(self, secrets: dict[str, str]) -> None:
        leaks = [(place, name) for place, text in self.places() for name, value in secrets.items() if value in text]
        assert leaks == []


@pytest.fixture
def everything(connected: Story, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Everything:
    capfd.readouterr()
    return Everything(connected, capfd, monkeypatch)


def canaries(story: Story) -> dict[str, str]:
    named = {"PEX token": PEX_TOKEN, "client secret": CLIENT_SECRET, "callback secret": CALLBACK_SECRET}
    named |= {f"access token {number}": token for number, token in enumerate(story.procore.world.tokens)}
    named |= {"session": story.cookie.partition("=")[2]}
    named |= {f"{name}, base64": base64.b64encode(value.encode()).decode() for name, value in named.items()}
    return named | {f"card {one}": one for one in CARDS}


def outburst(story: Story, vendor: str) -> dict[str, Any]:
    """A body as that vendor might write it: whatever it knows of us and of cards, in every usual place."""
    secrets = [PEX_TOKEN] if vendor == PEX else [CLIENT_SECRET, *story.procore.world.tokens]
    proofs = [base64.b64encode(one.encode()).decode() for one in secrets]
    return {
        "errors": {"base": [*secrets, *proofs, *CARDS], "name": [f"{secrets[0]} is not a name"]},
        "message": f"Authorization: {secrets[-1]}; card {' / '.join(CARDS)} declined",
        "Message": f"{secrets[0]}, pan {CARDS[0]}",
        "error_description": f"Client {secrets[0]} does not match",
    }


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("vendor", "method", "path"), PATHS, ids=lambda value: str(value).strip("/$"))
def test_what_a_vendor_says_in_anger_is_told_without_its_secrets(
    connected: Story, everything: Everything, vendor: str, method: str, path: str, status: int
) -> None:
    connected.purchase(receipts=("jpg",), note="lunch")
    connected.cloud.forget_warm_state()
    faults = (connected.pex if vendor == PEX else connected.procore).faults
    headers = {"X-Request-Id": f"req-{CARDS[0]}", "WWW-Authenticate": f'Bearer error="{CARDS[1]}"'}
    rule = {"method": method, "path": path, "kind": "status", "status": status, "times": 4}
    faults.add({**rule, "answer": outburst(connected, vendor), "headers": headers})
    connected.deliver()
    connected.sync()
    for route in ("/v1/connection", "/v1/runs", "/v1/transactions", "/v1/procore/vendors", "/v1/pex/tags"):
        connected.api("GET", route)
    faults.clear()
    everything.check(canaries(connected))
    restore(connected)


def restore(story: Story) -> None:
    """So that the books, which are compared at the end, can be right."""
    assert story.sign_in().status == 201
    credentials = {"client_id": "flow-client", "client_secret": CLIENT_SECRET}
    story.ask("PUT", "/v1/connection/procore", credentials)
    for _ in range(2):
        story.clock.forward(minutes=3)
        story.sync()


def bodies(said: str) -> list[tuple[str, str, Any]]:
    return [
        ("POST", "/v1/sessions", {"pex_token": said}),
        ("PUT", "/v1/connection/procore", {"client_id": said, "client_secret": said}),
        ("PUT", "/v1/connection/company", {"company_id": said}),
        ("PUT", "/v1/connection/pex-callback", {"secret": [said]}),
        ("PATCH", "/v1/settings", {"vendor_id": said, "start_date": said, "defaults": {"project": {"x": said}}}),
        ("POST", "/v1/runs", {"kind": said}),
        ("POST", "/v1/sessions", f"not json {said}"),
    ]


def test_what_is_wrong_in_a_body_of_ours_is_not_repeated(connected: Story, everything: Everything) -> None:
    said = f"{CLIENT_SECRET} {PEX_TOKEN} {CARDS[0]} {CARDS[1]}"
    for method, path, body in bodies(said):
        assert connected.api(method, path, body).status >= 400, path
    everything.check(canaries(connected))


def test_a_callback_full_of_secrets_leaves_none_behind(connected: Story, everything: Everything) -> None:
    key = connected.pex.books()["subscriptions"][0]["Url"].rsplit("/", 1)[-1]
    proof = base64.b64encode(CALLBACK_SECRET.encode()).decode()
    said = f"{CLIENT_SECRET} {PEX_TOKEN} {CARDS[0]}"
    for header in (f"Basic {proof}", "Basic wrong"):
        for data in ({"TransactionId": said}, {"TransactionId": 7, "AcctId": said}, {"TransactionId": 7, "Note": said}):
            connected.cloud.request(
                "POST", f"/callbacks/pex/{key}", {"Data": {**data, "Card": CARDS[1]}}, {"Authorization": header}
            )
    connected.cloud.pump()
    connected.cloud.finish()
    everything.check({**canaries(connected), "hook key": key})


def card_in_a_note(story: Story) -> None:
    story.purchase(note=f"card {CARDS[1]} was declined first")


def card_in_a_merchant(story: Story) -> None:
    story.purchase(merchant=f"SHOP {CARDS[0]}")


def card_in_a_later_note(story: Story) -> None:
    story.pex.act_note(story.purchase(), f"{CARDS[0]} and {CARDS[2]}")


@pytest.mark.parametrize("said", [card_in_a_note, card_in_a_merchant, card_in_a_later_note])
def test_a_card_number_that_somebody_typed_is_not_kept(
    connected: Story, everything: Everything, said: Callable[[Story], None]
) -> None:
    """Not even where it would be content: we are no place for card numbers, and neither is Procore."""
    said(connected)
    connected.deliver()
    connected.sync()
    cards = {name: value for name, value in canaries(connected).items() if name.startswith("card")}
    everything.check(cards)
    (cost,) = connected.costs()
    assert [card for card in CARDS if card in json.dumps(cost, default=str)] == []


def test_an_exception_nobody_foresaw_is_told_without_what_it_carried(
    connected: Story, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pex_procore.store.ledger import DynamoLedger

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"client_secret={CLIENT_SECRET} Authorization: token {PEX_TOKEN} card {CARDS[1]}")

    monkeypatch.setattr(DynamoLedger, "search", broken)
    assert connected.api("GET", "/v1/transactions").status == 500
    monkeypatch.setattr(DynamoLedger, "load_many", broken)
    connected.purchase()
    connected.ask("POST", "/v1/runs", {"kind": "transactions"})
    connected.cloud.finish()
    monkeypatch.undo()
    everything.check(canaries(connected))
    restore(connected)


def test_the_search_would_notice(connected: Story, everything: Everything) -> None:
    """A word of every place is found by it."""
    connected.purchase(merchant="CANARY BAKERY")
    connected.deliver()
    connected.api("GET", "/v1/transactions")
    found = {place for place, text in everything.places() if "CANARY" in text or "transaction_id" in text}
    assert {"logs", "tables and executions", "queue", "answers"} <= found
