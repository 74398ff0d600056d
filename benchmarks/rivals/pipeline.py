"""dlt with a custom destination, its strongest stock build: what was extracted once is remembered in the pipeline's
state, one item a batch, so that a repeated load job goes on behind the last item that came through. `look_up`: the
destination looks Procore up before every POST.

It runs once an hour. Its own pauses are real time and cost nothing on the timeline.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from benchmarks.market import Market
from benchmarks.rivals.plain import Failed, Row, Vendors

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "LOAD__WORKERS": "1",
    "EXTRACT__WORKERS": "1",
    "NORMALIZE__WORKERS": "1",
}

T = TypeVar("T")
EVERY = timedelta(hours=1)
WINDOW = timedelta(days=30)
UPLOADS = 3  # tries; after the last one the receipt stays away, since failing the item would post it once more


class DltPipeline:
    look_up = False

    def __init__(self, market: Market) -> None:
        import dlt
        from dlt.pipeline.exceptions import PipelineStepFailed

        self._failed = PipelineStepFailed
        self._dlt = dlt
        self.time = market.time
        self.vendors = Vendors(market)
        self._folder = tempfile.mkdtemp(prefix="bench-dlt-")

        @dlt.destination(batch_size=1, name="procore", loader_file_format="typed-jsonl")
        def destination(items: Any, table: Any) -> None:
            self._load(items)

        self._pipeline = dlt.pipeline("expenses", pipelines_dir=self._folder, destination=destination)

    def live(self, until: datetime) -> None:
        while self.time() < until:
            began = self.time()
            with suppress(self._failed):
                self.run()
            self.time.wait_until(max(self.time(), min(until, began + EVERY)))
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self) -> None:
        """What was extracted and not loaded yet comes first; dlt itself then extracts nothing."""
        if self._pipeline.has_pending_data:
            self._pipeline.load(raise_on_failed_jobs=False)
            return
        try:
            rows = self.vendors.rows(self.time() - WINDOW, self.time())
        except Failed:
            return
        seen = set(self._pipeline.state.get("sources", {}).get("bench", {}).get("seen", []))
        if any(row.transaction_id not in seen for row in rows):  # else a run would move nothing but its own files
            self._pipeline.run(self._source(rows))

    def _source(self, rows: list[Row]) -> Any:
        @self._dlt.resource(name="expenses", write_disposition="append")
        def expenses() -> Iterator[dict[str, Any]]:
            seen = self._dlt.current.source_state().setdefault("seen", [])
            for row in rows:
                if row.transaction_id not in seen:
                    seen.append(row.transaction_id)
                    for project_id in row.projects():
                        yield {"project_id": project_id, **_packed(row)}

        @self._dlt.source(name="bench")
        def source() -> Any:
            return expenses

        return source()

    def _load(self, items: Any) -> None:
        """An exception makes dlt repeat the job from this item on."""
        for item in items:
            row, project_id = _unpacked(item), int(item["project_id"])
            files = self._patiently(lambda: self.vendors.receipts(row.transaction_id))  # noqa: B023
            made = self._patiently(lambda: self._post(row, project_id))  # noqa: B023
            if files:
                self._upload(project_id, made, files)

    def _post(self, row: Row, project_id: int) -> int:
        if not self.look_up:
            return self.vendors.post(row, project_id)
        origin_id = f"PEX-{row.transaction_id}-{project_id}"
        return self.vendors.find(project_id, origin_id) or self.vendors.post(row, project_id, origin_id)

    def _upload(self, project_id: int, direct_cost_id: int, files: list[tuple[str, bytes]]) -> None:
        for _ in range(UPLOADS):
            with suppress(Failed):
                self._patiently(lambda: self.vendors.attach(project_id, direct_cost_id, files))
                return

    def _patiently(self, act: Callable[[], T]) -> T:
        """Waits where Procore says until when."""
        while True:
            try:
                return act()
            except Failed as failed:
                if failed.status != 429:
                    raise
                reset = failed.reset_at or self.time().timestamp() + 60
                self.time.forward(reset - self.time().timestamp() + 1)


class DltWithLookUp(DltPipeline):
    look_up = True


def _packed(row: Row) -> dict[str, Any]:
    shares = [{"amount": str(amount), "to": [project_id, code, kind]} for amount, project_id, code, kind in row.shares]
    return {
        "transaction_id": row.transaction_id,
        "account_id": row.account_id,
        "merchant": row.merchant,
        "date": row.date,
        "shares": shares,
    }


def _unpacked(item: dict[str, Any]) -> Row:
    shares = tuple((Decimal(one["amount"]), int(one["to"][0]), one["to"][1], one["to"][2]) for one in item["shares"])
    return Row(
        int(item["transaction_id"]), int(item["account_id"]), item["merchant"], str(item["date"])[:10], (), shares
    )
