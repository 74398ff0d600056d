"""Questions about PEX's tags, rows, receipts and notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.notes import NOTE_LIMIT
from pex_procore.net.messages import MEGABYTE
from pex_procore.pex import links, wire
from tools.verify_sandbox.line import ok
from tools.verify_sandbox.pex_bench import PexBench
from tools.verify_sandbox.questions import NOTHING, CannotAsk, Found, Question

OPTION_COUNTS = (20_000, 5000, 1000, 200)
NAME_LENGTHS = (1000, 255, 100, 50)
NOTE_LENGTHS = (4000, 1000, 500, NOTE_LIMIT, 100)
TAG = "a dropdown tag of our own, deleted again"


def omitted_options(bench: PexBench) -> Found:
    tag = bench.tag("One", "Two", "Three")
    answer = bench.put(str(tag["Id"]), bench.tag_body("One", "Two"))
    if not ok(answer):
        return Found("refused", bench.said(answer), {}, f"{NOTHING}: no option is ever left out")
    names = [one["Name"] for one in bench.shown(str(tag["Id"])).get("Options") or ()]
    kept = "Three" in names
    return Found(
        "kept" if kept else "removed", f"left: {', '.join(names)}",
        {"put_omitted_options": "kept" if kept else "removed"}, f"{NOTHING}: no option is ever left out",
    )  # fmt: skip


def stale_key(bench: PexBench) -> Found:
    tag = bench.tag("One")
    key = tag.get("ConcurrencyKey")
    if not key:
        raise CannotAsk("a tag has no ConcurrencyKey")
    if not ok(first := bench.put(str(tag["Id"]), bench.tag_body("One", "Two", ConcurrencyKey=key))):
        raise CannotAsk(f"a tag could not be changed: {bench.said(first)}")
    second = bench.put(str(tag["Id"]), bench.tag_body("One", "Three", ConcurrencyKey=key))
    then = f"{NOTHING}: the tag is then read afresh" if second.status == 409 else NOTHING
    if not ok(second) and second.status != 409:
        then = "`WRITES` in `net/verdicts.py`: a stale key is refused in another way than 409"
    return Found(
        "not noticed" if ok(second) else f"refused with {second.status}", bench.said(second) if not ok(second) else "",
        {"check_concurrency_key": not ok(second)}, then,
    )  # fmt: skip


def deleted_tags(bench: PexBench) -> Found:
    tag_id = str(bench.tag("One")["Id"])
    if not ok(gone := bench.delete_tag(tag_id)):
        raise CannotAsk(f"a tag could not be deleted: {bench.said(gone)}")
    listed = bench.line.send(wire.tags())
    if not ok(listed):
        raise CannotAsk(bench.said(listed))
    still = any(str(tag["Id"]) == tag_id for tag in listed.json())
    return Found("stay in the list" if still else "are not listed", "", {"list_deleted_tags": still})


def most_options(bench: PexBench) -> Found:
    tag_id = str(bench.tag("One")["Id"])
    refusal = ""
    for count in OPTION_COUNTS:
        answer = bench.put(tag_id, bench.tag_body(*(f"Option {number}" for number in range(count))))
        if ok(answer):
            then = NOTHING if not refusal else f"tags of over {count} options are refused: tell the administrators"
            return Found(f"{count} at least", refusal, {"max_options": count if refusal else 0}, then)
        refusal = bench.said(answer)
    raise CannotAsk(f"not even {OPTION_COUNTS[-1]} options are taken: {refusal}")


def longest_option(bench: PexBench) -> Found:
    tag_id = str(bench.tag("One")["Id"])
    refusal = ""
    for length in NAME_LENGTHS:
        answer = bench.put(tag_id, bench.tag_body("One", "x" * length))
        if ok(answer):
            kept = max(len(one["Name"]) for one in bench.shown(tag_id)["Options"])
            seen = refusal or ("" if kept == length else f"cut at {kept}")
            then = NOTHING if not seen else f"names of options are cut at {kept}: `domain/tag_source.py`"
            return Found(f"{kept} characters at least", seen, {"max_option_length": kept if seen else 0}, then)
        refusal = bench.said(answer)
    raise CannotAsk(f"not even {NAME_LENGTHS[-1]} characters are taken: {refusal}")


def unknown_fields(bench: PexBench) -> Found:
    answer = bench.create_tag(bench.tag_body("One", PexVerify="1"))
    seen = bench.said(answer) if not ok(answer) else ""
    return Found("ignored" if ok(answer) else "refused", seen, {"strict_bodies": not ok(answer)})


def split_values(bench: PexBench) -> Found:
    for value in _values(bench):
        part = _part(value)
        if part is not None:
            kind = "json_string" if isinstance(value, str) else "object"
            amounts = "string" if isinstance(part["Amount"], str) else "number"
            switches = {"split_values": kind, "split_amounts": amounts}
            return Found(f"{kind.replace('_', ' ')}, amounts as {amounts}", "", switches, f"{NOTHING}: either is read")
    raise CannotAsk("no purchase of the last 60 days is split: split one")


def _values(bench: PexBench) -> Iterator[Any]:
    for row in bench.rows():
        for one in (row.get("TransactionTags") or {}).get("Tags") or ():
            yield one.get("Value")


def _part(value: Any) -> dict[str, Any] | None:
    """A share of a split, None for the value of any other tag."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) and "Allocation" in value and "Amount" in value else None


def untagged(bench: PexBench) -> Found:
    for row in bench.rows():
        tags = row.get("TransactionTags")
        if not (tags or {}).get("Tags"):
            kind = "null" if tags is None else "initial"
            return Found(kind, json.dumps(tags), {"untagged": kind}, f"{NOTHING}: either is read")
    raise CannotAsk("every purchase of the last 60 days is tagged")


def no_notes(bench: PexBench) -> Found:
    for row in bench.rows():
        if not row.get("TransactionNotes"):
            kind = "null" if row.get("TransactionNotes") is None else "empty"
            return Found(kind, "", {"no_notes": kind}, f"{NOTHING}: either is read")
    raise CannotAsk("every purchase of the last 60 days has notes")


def categories(bench: PexBench) -> Found:
    seen = sorted({str(row.get("TransactionTypeCategory")) for row in bench.rows()})
    types = sorted({str(row.get("TransactionType")) for row in bench.rows()})
    return Found(", ".join(seen), f"types {', '.join(types)}", {}, "compare with `domain/eligibility.py`")


def time_filter(bench: PexBench) -> Found:
    for row in bench.rows():
        bought, settled = (_eastern(row.get(name)) for name in ("TransactionTime", "SettlementTime"))
        if bought is not None and settled is not None and settled - bought > timedelta(minutes=10):
            answer = bench.line.send(wire.transactions(bought - timedelta(minutes=1), bought + timedelta(minutes=1)))
            if not ok(answer):
                raise CannotAsk(bench.said(answer))
            hit = any(one["TransactionId"] == row["TransactionId"] for one in answer.json()["TransactionList"])
            kind = "transaction" if hit else "settlement"
            return Found(f"the {kind}", "", {"time_filter": kind}, f"{NOTHING}: windows begin ten days early")
    raise CannotAsk("no purchase of the last 60 days was settled later than it was made")


def _eastern(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=EASTERN)
    except ValueError:
        return None


def pin_settles(bench: PexBench) -> Found:
    start, end = wire.local_window(bench.clock() - timedelta(days=60), bench.clock())
    answer = bench.line.get("/v4/Details/NetworkTransactions", StartDate=start, EndDate=end)
    if not ok(answer):
        raise CannotAsk(bench.said(answer))
    kinds: dict[Any, set[str]] = {}
    for event in answer.json().get("TransactionList") or ():
        kinds.setdefault(event.get("NetworkTransactionId"), set()).add(str(event.get("NetworkType")))
    chains = [found for found in kinds.values() if "Pin" in found]
    if not chains:
        raise CannotAsk("nothing was bought by PIN in the last 60 days")
    settles = any("Settlement" in found for found in chains)
    then = f"{NOTHING}: both events are subscribed, and either is only a hint"
    return Found(
        "they do" if settles else "they do not", f"{len(chains)} purchases by PIN", {"pin_settles": settles}, then
    )


def old_range(bench: PexBench) -> Found:
    start = bench.clock() - timedelta(days=400)
    answer = bench.line.send(wire.transactions(start, start + timedelta(days=1)))
    if ok(answer):
        rows = len(answer.json()["TransactionList"])
        kind = "empty" if not rows else f"{rows} rows"
        then = NOTHING if not rows else "`REACH` in `domain/eligibility.py` may grow"
        return Found(kind, "", {"old_range": "empty"} if not rows else {}, then)
    return Found(
        f"refused with {answer.status}", bench.said(answer), {"old_range": "error"}, f"{NOTHING}: never asked for"
    )


def page_size(bench: PexBench) -> Found:
    answer = bench.line.send(wire.transactions(bench.clock() - timedelta(days=1), bench.clock()))
    if not ok(answer) or not isinstance(answer.json().get("Pages"), dict):
        raise CannotAsk("the list does not tell its pages")
    size = int(answer.json()["Pages"].get("PageSize") or 0)
    return Found(f"{size} rows", "", {"page_size": size}, f"{NOTHING}: any number is taken")


def receipt_content(bench: PexBench) -> Found:
    for row in reversed(bench.rows()[-50:]):
        listed = bench.line.send(wire.attachments(int(row["TransactionId"])))
        loaded = [one for one in wire.read_receipts(listed) if one.ready and not one.broken] if ok(listed) else []
        for receipt in loaded:
            answer = bench.line.send(wire.attachment(int(row["TransactionId"]), receipt.receipt_id, 20 * MEGABYTE))
            if ok(answer):
                return _content(bench, wire.read_content(answer))
    raise CannotAsk("none of the last 50 purchases has a receipt: upload one")


def _content(bench: PexBench, content: str) -> Found:
    if content.startswith("data:"):
        return Found("a data URI", "", {"attachment_content": "data_uri"}, f"{NOTHING}: it is read")
    if not links.is_link(content):
        return Found("base64", "", {"attachment_content": "base64"}, f"{NOTHING}: it is read")
    host = urlsplit(content).hostname or ""
    then = f"{NOTHING}: its host is allowed"
    try:
        links.check_link(content, urlsplit(bench.place.url).hostname or "")
    except ValueError as error:
        then = f"`receipt_hosts` of `PexClient`, in `runtime/wiring.py`: {error}"
    return Found("a link", f"to {host}", {"attachment_content": "link"}, then)


def longest_note(bench: PexBench) -> Found:
    refusal = ""
    for length in NOTE_LENGTHS:
        answer = bench.note(f"{bench.mark} ".ljust(length, "x"))
        if ok(answer):
            then = (
                NOTHING if length >= NOTE_LIMIT else f"`NOTE_LIMIT` = {length} in `domain/notes.py` and `pex/wire.py`"
            )
            return Found(f"{length} characters at least", refusal or "never refused", {"note_limit": length}, then)
        refusal = bench.said(answer)
    raise CannotAsk(f"no note is taken: {refusal}")


def note_right(bench: PexBench) -> Found:
    profile = bench.line.send(wire.my_profile())
    if not ok(profile):
        raise CannotAsk(bench.said(profile))
    if wire.read_profile(profile).permissions.get("ModifyTransactionNotes"):
        raise CannotAsk("this administrator has ModifyTransactionNotes: take it away, or use another's token")
    answer = bench.note(f"{bench.mark} made to ask a question")
    then = NOTHING if ok(answer) else "tell administrators to give it, or setting `write_notes` off"
    return Found(
        "not needed" if ok(answer) else "needed", bench.said(answer) if not ok(answer) else "",
        {"note_needs_permission": not ok(answer)}, then,
    )  # fmt: skip


QUESTIONS = [
    Question("omitted_options", "Is an option that a PUT leaves out removed or kept?", omitted_options, TAG,
             ("put_omitted_options",)),
    Question("stale_key", "Is a PUT with an outdated ConcurrencyKey noticed?", stale_key, TAG,
             ("check_concurrency_key",)),
    Question("deleted_tags", "Do deleted tags stay in the list?", deleted_tags, TAG, ("list_deleted_tags",)),
    Question("most_options", "How many options may a dropdown have?", most_options, f"{TAG}, with up to 20,000 options",
             ("max_options",)),
    Question("longest_option", "How long may an option's name be?", longest_option, TAG, ("max_option_length",)),
    Question("unknown_fields", "What becomes of fields that nobody documents?", unknown_fields, TAG,
             ("strict_bodies",)),
    Question("split_values", "Are the values of a split texts or objects, and their amounts?", split_values,
             switches=("split_values", "split_amounts")),
    Question("untagged", "What does a row without tags carry?", untagged, switches=("untagged",)),
    Question("no_notes", "What does a row without notes carry?", no_notes, switches=("no_notes",)),
    Question("categories", "Which categories of rows are there?", categories),
    Question("time_filter", "Which time do PEX's windows filter on?", time_filter, switches=("time_filter",)),
    Question("pin_settles", "Do PIN purchases settle with an event of their own?", pin_settles,
             switches=("pin_settles",)),
    Question("old_range", "What becomes of a range more than 12 months back?", old_range, switches=("old_range",)),
    Question("page_size", "How many rows has a page of transactions?", page_size, switches=("page_size",)),
    Question("receipt_content", "Is the content of a receipt a file or a link, and to which host?", receipt_content,
             switches=("attachment_content",)),
    Question("longest_note", "How long may a note be?", longest_note,
             "up to five notes at the newest purchase, not shown to cardholders, deleted again", ("note_limit",)),
    Question("note_right", "Does a note need ModifyTransactionNotes?", note_right,
             "a note at the newest purchase, not shown to cardholders, deleted again", ("note_needs_permission",)),
]  # fmt: skip
