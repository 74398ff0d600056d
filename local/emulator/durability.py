"""Keeps tables and queue through `kill -9`. ministack by itself saves its state when it ends in good order, no earlier
(only bucket objects are written at once), so:

- a *checkpoint* is the whole state in ministack's own files, written after a deployment and at every start and end;
- the *journal* has one line per table item, queue message and execution that changed since, written before the caller
  gets its answer. Written, not synced: it survives the end of the process, not of the machine.

A start loads the checkpoint, replays the journal and writes a new checkpoint. Lines tell what is so after the change,
so replaying one that the checkpoint already has does no harm.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app as gateway
from ministack.core import persistence
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, sqs, stepfunctions

from local.emulator import workflows
from local.emulator.pins import replace, require

Json = dict[str, Any]


class Journal:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)
        self._messages: dict[tuple[str, str, str], set[str]] = {}
        """Message ids by account, region and queue URL, as the journal has them."""
        self._comparing = threading.Lock()
        self._held = threading.local()
        self._unfinished: list[workflows.Unfinished] = []

    def install(self) -> None:
        """Every write to a table passes `_set_item` or `_remove_item`; queues are compared after each operation; an
        execution tells its status before its first step and after its last."""
        require(dynamodb, "_tables", "_items_replaced")
        require(sqs, "_queues")
        require(persistence, "_json_default", "_json_object_hook", "_state_format_version", "STATE_DIR")
        require(gateway, "_build_persistence_save_dict")
        self._record_after(dynamodb, "_set_item", lambda table, pk, sk, item: self._write_item(table, pk, sk, item))
        self._record_after(dynamodb, "_remove_item", lambda table, pk, sk: self._write_item(table, pk, sk, None))
        self._record_as_one(dynamodb, "_transact_write_items")
        for operation in (
            "_act_send_message",
            "_act_delete_message",
            "_act_delete_message_batch",
            "_act_purge_queue",
            "_delete_messages_for_esm",
            "_dlq_sweep",
        ):
            self._record_after(sqs, operation, lambda *arguments, **named: self._write_queues())
        require(stepfunctions, "_executions")
        self._record_after(stepfunctions, "_emit_execution_status_event", lambda record: self._write_execution(record))
        stock_load = replace(gateway, "_load_persisted_state", None)
        replace(gateway, "_load_persisted_state", lambda: self._load(stock_load))

    def checkpoint(self) -> None:
        """Lines written while the state is saved stay in the journal, those written before are dropped."""
        with self._lock:
            before = self._file.tell()
        for service, state_of in gateway._build_persistence_save_dict().items():
            state = _steady(state_of)
            if state is not None:
                _save(service, state)
        with self._lock:
            rest = self._path.read_bytes()[before:]
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(rest)
            fresh.replace(self._path)
            self._file.close()
            self._file = self._path.open("ab", buffering=0)

    def run_unfinished(self) -> int:
        """Once; see `workflows.run_again`."""
        executions, self._unfinished = self._unfinished, []
        return workflows.run_again(executions)

    def _record_after(self, module: Any, name: str, record: Callable[..., None]) -> None:
        stock = getattr(module, name, None)

        def recorded(*arguments: Any, **named: Any) -> Any:
            assert stock is not None
            result = stock(*arguments, **named)
            record(*arguments, **named)
            return result

        replace(module, name, recorded)
        for action, handler in getattr(module, "_HANDLERS", {}).items():
            if handler is stock:
                module._HANDLERS[action] = recorded

    def _record_as_one(self, module: Any, name: str) -> None:
        """All lines of one call are written at its end with one system call: all of them survive, or none."""
        stock = getattr(module, name, None)

        def recorded(*arguments: Any) -> Any:
            assert stock is not None
            self._held.lines = []
            try:
                return stock(*arguments)
            finally:
                lines, self._held.lines = self._held.lines, None
                if lines:
                    self._write(*lines)

        replace(module, name, recorded)

    def _write(self, *lines: list[Any]) -> None:
        held = getattr(self._held, "lines", None)
        if held is not None:
            held.extend(lines)
            return
        if not lines:
            return
        data = b"".join(json.dumps(line, default=persistence._json_default).encode() + b"\n" for line in lines)
        with self._lock:
            self._file.write(data)

    def _write_item(self, table: Json, pk: str, sk: str, item: Json | None) -> None:
        self._write(["item", get_account_id(), get_region(), table["TableName"], pk, sk, item])

    def _write_execution(self, record: Json) -> None:
        self._write(["execution", get_account_id(), get_region(), record["executionArn"], record])

    def _write_queues(self) -> None:
        with self._comparing:
            self._write(*self._queue_changes())

    def _queue_changes(self) -> list[list[Any]]:
        lines: list[list[Any]] = []
        for (account, region, url), queue in list(sqs._queues.all_items()):
            present = {message["id"]: message for message in list(queue["messages"])}
            known = self._messages.setdefault((account, region, url), set())
            added, gone = present.keys() - known, known - present.keys()
            lines += [["message", account, region, url, present[message_id]] for message_id in added]
            lines += [["gone", account, region, url, message_id] for message_id in gone]
            known |= added
            known -= gone
        return lines

    def _load(self, stock_load: Callable[[], None]) -> None:
        stock_load()
        for line in self._path.read_bytes().splitlines():
            try:
                kind, *fields = json.loads(line, object_hook=persistence._json_object_hook)
            except ValueError:  # the process was killed while it wrote its last line
                continue
            _REPLAY[kind](*fields)
        for _, table in dynamodb._tables.all_items():
            dynamodb._items_replaced(table)
        now = time.time()
        for _, queue in sqs._queues.all_items():
            for message in queue["messages"]:  # nobody has them in hand any more
                message["visible_at"] = min(message["visible_at"], now)
                message["receipt_handle"] = None
        self._messages = {
            scope: {message["id"] for message in queue["messages"]} for scope, queue in sqs._queues.all_items()
        }
        self._unfinished = workflows.unfinished()
        self.checkpoint()


def _replay_item(account: str, region: str, table_name: str, pk: str, sk: str, item: Json | None) -> None:
    table = dynamodb._tables.get_scoped(account, region, table_name)
    if table is None:
        return
    if item is None:
        table["items"].get(pk, {}).pop(sk, None)
        if not table["items"].get(pk, True):
            del table["items"][pk]
    else:
        table["items"][pk][sk] = item


def _replay_message(account: str, region: str, url: str, message: Json) -> None:
    _replay_gone(account, region, url, message["id"])
    if queue := sqs._queues.get_scoped(account, region, url):
        queue["messages"].append(copy.deepcopy(message))


def _replay_gone(account: str, region: str, url: str, message_id: str) -> None:
    if queue := sqs._queues.get_scoped(account, region, url):
        queue["messages"] = [message for message in queue["messages"] if message["id"] != message_id]


def _replay_execution(account: str, region: str, arn: str, record: Json) -> None:
    stepfunctions._executions.set_scoped(account, region, arn, record)


_REPLAY: dict[str, Callable[..., None]] = {
    "item": _replay_item,
    "message": _replay_message,
    "gone": _replay_gone,
    "execution": _replay_execution,
}


def _steady(state_of: Callable[[], Json | None]) -> Json | None:
    """The state as it was at one moment: the copy is made anew when another thread changed something meanwhile."""
    while True:
        try:
            return state_of()
        except RuntimeError as error:
            if "changed size during iteration" not in str(error):
                raise


def _save(service: str, state: Json) -> None:
    """As ministack's own `save_state` does, but a failure is raised, not logged: the journal is dropped after this."""
    path = Path(persistence.STATE_DIR) / f"{service}.json"
    content = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, default=persistence._json_default), "utf-8")
    fresh.replace(path)
