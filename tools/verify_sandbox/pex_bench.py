"""A workbench in one PEX business: makes marked tags and notes, and knows how to take them away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pex_procore.net.limiter import PEX_WINDOWS
from pex_procore.net.messages import Answer
from pex_procore.pex import wire
from pex_procore.pex.auth import authorization
from tools.verify_sandbox.line import Line, ok
from tools.verify_sandbox.places import PexPlace
from tools.verify_sandbox.procore_bench import MARK
from tools.verify_sandbox.questions import CannotAsk
from tools.verify_sandbox.undo import Undo

TAGS = "/v4/Business/Configuration/Tag"
LOOK_BACK = timedelta(days=60)


class PexBench:
    def __init__(
        self, place: PexPlace, run_id: str, undo: Undo, clock: Callable[[], datetime], sleep: Callable[[float], None]
    ) -> None:
        self.place, self.mark, self.undo = place, f"{MARK} {run_id}", undo
        self.clock, self.sleep = clock, sleep
        self.token = place.token.strip()
        self.secrets = [self.token]
        self.line = Line(
            "PEX", wire.base_url(place.url), self._headers, PEX_WINDOWS, wire.read_error,
            clock=clock, sleep=sleep, secrets=self.secrets,
        )  # fmt: skip
        self.said = self.line.said
        self._rows: list[dict[str, Any]] | None = None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": authorization(self.token)}

    def business(self) -> tuple[int, str]:
        answer = self.line.send(wire.current_token())
        if not ok(answer):
            raise CannotAsk(f"the token is refused: {self.said(answer)}")
        identity = wire.read_identity(answer)
        return identity.business_id, identity.business_name

    def rows(self) -> list[dict[str, Any]]:
        """Settled rows of the last 60 days, as they stand on the wire."""
        if self._rows is None:
            answer = self.line.send(wire.transactions(self.clock() - LOOK_BACK, self.clock()))
            if not ok(answer):
                raise CannotAsk(f"transactions cannot be listed: {self.said(answer)}")
            self._rows = answer.json()["TransactionList"]
        if not self._rows:
            raise CannotAsk("the business has no settled transaction of the last 60 days: make one")
        return self._rows

    def purchase(self) -> int:
        """A row that may get a note."""
        return int(self.rows()[-1]["TransactionId"])

    def tag_body(self, *names: str, **changes: Any) -> dict[str, Any]:
        options = [
            {"Name": name, "Value": name, "Order": place, "IsEnabled": True}
            for place, name in enumerate(names or ("One",))
        ]
        common = {"Description": "made to ask a question", "Order": 99, "IsRequired": False, "IsEnabled": True}
        return {"Name": self.mark, **common, "Options": options, **changes}

    def create_tag(self, body: dict[str, Any]) -> Answer:
        answer = self.line.ask("POST", f"{TAGS}/Dropdown", body=body)
        if ok(answer):
            self.owe_tag(str(answer.json()["Id"]))
        return answer

    def tag(self, *names: str) -> dict[str, Any]:
        """A dropdown of our own, for people to see while the question is asked."""
        answer = self.create_tag(self.tag_body(*names))
        if not ok(answer):
            raise CannotAsk(f"a tag could not be made: {self.said(answer)}")
        return self.shown(str(answer.json()["Id"]))

    def shown(self, tag_id: str) -> dict[str, Any]:
        answer = self.line.send(wire.tag(tag_id))
        if not ok(answer):
            raise CannotAsk(f"a tag could not be shown: {self.said(answer)}")
        tag: dict[str, Any] = answer.json()
        return tag

    def put(self, tag_id: str, body: dict[str, Any]) -> Answer:
        return self.line.ask("PUT", f"{TAGS}/Dropdown/{tag_id}", body=body, seconds=120)

    def delete_tag(self, tag_id: str) -> Answer:
        return self.line.ask("DELETE", f"{TAGS}/Dropdown/{tag_id}")

    def owe_tag(self, tag_id: str) -> None:
        self.undo.owe(f"tag {tag_id} in PEX", lambda: self._gone(self.delete_tag(tag_id)))

    def note(self, text: str, **changes: Any) -> Answer:
        body = {
            "TransactionId": self.purchase(), "NoteText": text, "Pending": False, "VisibleToCardholder": False,
            "SystemGenerated": True, **changes,
        }  # fmt: skip
        answer = self.line.ask("POST", "/v4/Note", body=body)
        if ok(answer):
            self.owe_note(int(answer.json()["Id"]))
        return answer

    def owe_note(self, note_id: int) -> None:
        def take_away() -> str:
            return self._gone(self.line.ask("DELETE", f"/v4/Note/{note_id}", body={"Pending": False}))

        self.undo.owe(f"note {note_id} in PEX", take_away)

    def owe_subscription(self, subscription_id: int) -> None:
        def take_away() -> str:
            return self._gone(self.line.send(wire.unsubscribe(subscription_id)))

        self.undo.owe(f"callback subscription {subscription_id} in PEX", take_away)

    def owe_leftovers(self) -> None:
        """Whatever carries our mark, also from earlier runs."""
        tags = self.line.send(wire.tags())
        for tag in tags.json() if ok(tags) else ():
            if str(tag.get("Name")).startswith(MARK) and not tag.get("IsDeleted"):
                self.owe_tag(str(tag["Id"]))
        listed = self.line.send(wire.subscriptions())
        for one in listed.json() if ok(listed) else ():
            if str(one.get("Name") or "").startswith(MARK):
                self.owe_subscription(int(one["Id"]))
        self._rows = None
        try:
            rows = self.rows()
        except CannotAsk:
            return
        for note in (note for row in rows for note in row.get("TransactionNotes") or ()):
            if str(note.get("NoteText") or "").startswith(MARK):
                self.owe_note(int(note["NoteId"]))

    def _gone(self, answer: Answer) -> str:
        absent = answer.status == 404 or "not found" in wire.read_error(answer).casefold()
        return "" if ok(answer) or absent else self.said(answer)
