"""How much memory the steps take at their largest: the shipped clients, each in a process of its own that has loaded
what its function loads, before a server on this machine that answers as the vendors and S3 would.

    python -m benchmarks.memory          prints megabytes at the peak, by case (PYTHONPATH=layers/common)
    python -m benchmarks.memory CASE URL runs one case against that server
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.session import get_session

from pex_procore.domain.catalog import ProjectCodes
from pex_procore.domain.connection import ProcoreCredentials
from pex_procore.domain.tag_plan import Memory, plan_tag_update
from pex_procore.domain.tag_source import cost_code_entries
from pex_procore.net.limiter import PEX_WINDOWS, PROCORE_WINDOWS, Limiter
from pex_procore.net.session import Session
from pex_procore.pex.client import PexClient
from pex_procore.procore.auth import ServiceAccount
from pex_procore.procore.client import ProcoreClient
from pex_procore.services.attach_receipts import PARCEL_BYTES
from pex_procore.services.vendor_ports import ReceiptFile
from pex_procore.store.receipts import S3Receipts

OPTIONS, PROJECTS, CODES = 20_000, 1_000, 200


@cache
def receipt() -> bytes:
    return b"\xff\xd8\xff" + os.urandom(PARCEL_BYTES - 3)


def clock() -> datetime:
    return datetime.now(UTC)


def pex_at(url: str) -> PexClient:
    return PexClient(Session(url), "token", Limiter(PEX_WINDOWS), clock=clock, sleep=lambda _: None)


def bucket_at(url: str) -> S3Receipts:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    return S3Receipts(get_session().create_client("s3", "us-east-1", endpoint_url=url, **keys), "bucket", 42)


def load_only(_: str) -> None:
    pass


def stage(url: str) -> None:
    for _ in range(3):
        bucket_at(url).put(pex_at(url).fetch_receipt(7, "r1", PARCEL_BYTES), "image/jpeg")


def attach(url: str) -> None:
    session = Session(url)
    account = ServiceAccount(ProcoreCredentials(client_id="id", client_secret="secret"), session, clock=clock)
    procore = ProcoreClient(session, account, Limiter(PROCORE_WINDOWS), company_id=1, clock=clock, sleep=lambda _: None)
    content = bucket_at(url).get("B/42/receipt")
    procore.attach_receipts(1, 2, [ReceiptFile(filename="r.jpg", content=content, content_type="image/jpeg")])


def refresh(url: str) -> None:
    """All options of a tag are replaced, by those of as many projects as a large contractor has."""
    pex = pex_at(url)
    tag = pex.show_tag("tag")
    assert tag is not None
    codes = {f"{code // 10:02d}-{code:05d}": f"Cost code number {code}" for code in range(OPTIONS)}
    read = [
        ProjectCodes(project_id=one, cost_codes=dict(list(codes.items())[one : one + CODES]), read_at=clock())
        for one in range(PROJECTS)
    ]
    read = [
        ProjectCodes.model_validate_json(one.model_dump_json()) for one in read
    ]  # as from the store, nothing shared
    entries = cost_code_entries([*read, ProjectCodes(project_id=PROJECTS, cost_codes=codes, read_at=clock())])
    plan = plan_tag_update(tag, tuple(entries), Memory(), known=frozenset(codes), complete=True, rename=True)
    assert plan.options is not None
    pex.update_tag(tag.model_copy(update={"options": plan.options}))


CASES: dict[str, Callable[[str], None]] = {
    "nothing but what is loaded": load_only,
    "StageReceipts: receipts of 40 MB": stage,
    "AttachReceipts: a parcel of 40 MB": attach,
    "RefreshTag: 20,000 options replaced, 220,000 codes read": refresh,
}


class Answers(BaseHTTPRequestHandler):
    """Of PEX, Procore and S3, to what the cases ask."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body, content_type = self._body()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> tuple[bytes, str]:
        if self.command == "GET" and self.path.startswith("/bucket/"):
            return receipt(), "image/jpeg"
        if self.path.startswith("/bucket/"):
            return b"", "application/xml"
        if "/Attachment/" in self.path:
            return json.dumps({"Content": base64.b64encode(receipt()).decode()}).encode(), "application/json"
        if "Tag" in self.path:
            options = [{"Value": f"{n}", "Name": f"Option {n}", "IsEnabled": True} for n in range(OPTIONS)]
            tag = {"Id": "tag", "Name": "Procore Cost Codes", "Type": "Dropdown", "Order": 1, "Options": options}
            return json.dumps(tag).encode(), "application/json"
        if "/oauth/" in self.path:
            return json.dumps({"access_token": "t", "expires_in": 5400}).encode(), "application/json"
        return json.dumps({"id": 2, "grand_total": "1.00", "line_items": []}).encode(), "application/json"

    do_GET = do_PUT = do_POST = do_PATCH = _answer

    def log_message(self, *_: Any) -> None:
        pass


def peak_mb() -> float:
    """Of this process alone."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    if len(sys.argv) > 1:
        CASES[sys.argv[1]](sys.argv[2])
        print(peak_mb())
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for case in CASES:
        command = [sys.executable, "-m", "benchmarks.memory", case, f"http://127.0.0.1:{server.server_port}"]
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"{case}: {float(done.stdout):,.0f} MB" if not done.returncode else f"{case}: {done.stderr[-600:]}")
    server.shutdown()


if __name__ == "__main__":
    main()
