"""Questions about receipts on an expense."""

from __future__ import annotations

from pex_procore.domain.files import FileKind, sniff
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.procore_bench import ProcoreBench
from tools.verify_sandbox.procore_costs import PDF, attach
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

MEGABYTE = 1024 * 1024
SIZES_MB = (40, 20, 10, 5)
STARTS = (
    b"%PDF-1.4\n", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0",
    b"\0\0\0\x18ftypheic",
)  # fmt: skip


def append_or_replace(bench: ProcoreBench) -> Found:
    record = bench.made()
    for filename in ("first.pdf", "second.pdf", "second.pdf"):
        answer = attach(bench, record["id"], filename, PDF + filename.encode())
        if not ok(answer):
            raise CannotAsk(f"a receipt was not taken: {bench.said(answer)}")
    names = [str(one.get("filename")) for one in bench.shown(record["id"]).get("attachments") or ()]
    appends = "first.pdf" in names
    seen = f"first, second and second again, one by one, became {', '.join(names)}"
    then = NOTHING if appends else "all receipts of an expense in every upload: `services/attach_receipts.py`"
    return Found("appends" if appends else "replaces", seen, {"attachments_replace": not appends}, then)


def largest(bench: ProcoreBench) -> Found:
    record = bench.made()
    refusal = "never refused"
    for megabytes in SIZES_MB:
        answer = attach(bench, record["id"], f"{megabytes}.pdf", PDF.ljust(megabytes * MEGABYTE, b" "))
        if ok(answer):
            then = NOTHING if megabytes >= 20 else f"setting `receipt_limit_mb` = {megabytes}"
            return Found(f"{megabytes} MB at least", refusal, {"attachment_max_bytes": megabytes * MEGABYTE}, then)
        refusal = bench.said(answer)
    raise CannotAsk(f"not even {SIZES_MB[-1]} MB are taken: {refusal}")


def kinds(bench: ProcoreBench) -> Found:
    record = bench.made()
    taken: list[FileKind] = []
    refused: dict[str, str] = {}
    for start in STARTS:
        kind = sniff(start)
        if kind is None:
            raise CannotAsk("the connector does not know a kind of its own")
        answer = attach(bench, record["id"], f"one.{kind.extension}", start + bytes(64), kind=kind.content_type)
        if ok(answer):
            taken.append(kind)
        else:
            refused[kind.extension] = bench.said(answer)
    answer_text = "all that the connector sends" if not refused else f"all but {', '.join(refused)}"
    allowed = ",".join(kind.content_type for kind in taken) if refused else ""
    then = f"{NOTHING}: each is reported by itself; or out of `_MAGIC` in `domain/files.py`" if refused else NOTHING
    return Found(answer_text, "; ".join(refused.values()), {"attachment_types": allowed}, then)


QUESTIONS = [
    Question("append_or_replace", "Does a later upload of receipts append or replace, and one file twice?",
             append_or_replace, "one draft expense of $1.23 with three small PDFs", ("attachments_replace",)),
    Question("largest_receipt", "How large may a receipt be?",
             largest, "one draft expense of $1.23 with a PDF of up to 40 MB", ("attachment_max_bytes",)),
    Question("receipt_kinds", "Which kinds of files may receipts be?",
             kinds, "one draft expense of $1.23 with seven tiny files", ("attachment_types",)),
]  # fmt: skip
