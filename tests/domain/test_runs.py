from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pex_procore.domain.eastern import EASTERN
from pex_procore.domain.files import sniff
from pex_procore.domain.ledger import Posting
from pex_procore.domain.notes import NOTE_LIMIT, is_our_note, note_text
from pex_procore.domain.runs import RunItem, Tally, new_run_id, reach_verdict, tally_items
from tests.domain.build import NOW


@pytest.mark.parametrize(
    ("counts", "stopped_by", "verdict"),
    [
        ({}, None, "success"),
        ({"posted": 100}, None, "success"),
        ({"posted": 97, "failed": 3}, None, "partial"),
        ({"posted": 5, "waiting": 3, "refused": 2}, None, "success"),
        ({"waiting": 3}, None, "success"),
        ({"posted": 2}, "busy", "partial"),
        ({"receipts_attached": 1}, "paused", "partial"),
        ({}, "vendor_missing", "failed"),
        ({"waiting": 3}, "procore_secret_rejected", "failed"),
        ({"posted": 1, "receipts_failed": 1}, None, "partial"),
    ],
)
def test_the_verdict_follows_from_what_the_run_did(
    counts: dict[str, int], stopped_by: str | None, verdict: str
) -> None:
    assert reach_verdict(Tally(counts=counts), stopped_by) == verdict


ITEMS = st.lists(
    st.builds(
        RunItem,
        transaction_id=st.integers(1, 50),
        outcome=st.sampled_from(("posted", "waiting", "refused", "failed")),
        reason=st.none() | st.sampled_from(("missing_project", "too_old")),
        receipts=st.integers(0, 3),
    ),
    max_size=20,
)


@given(ITEMS, ITEMS)
def test_tallies_add_up_in_any_order(some: list[RunItem], others: list[RunItem]) -> None:
    together = tally_items([*some, *others])
    one, other = tally_items(some), tally_items(others)
    assert one.merge(other) == other.merge(one) == together
    assert sum(together.counts.get(outcome, 0) for outcome in ("posted", "waiting", "refused", "failed")) == len(
        some
    ) + len(others)


def test_a_run_id_is_derived_and_sorts_by_time() -> None:
    assert new_run_id(NOW, "a") == new_run_id(NOW.astimezone(EASTERN), "a")
    assert new_run_id(NOW, "a") != new_run_id(NOW, "b")
    moments = [NOW + timedelta(microseconds=offset) for offset in (0, 1, 10**6, 10**10, 10**13)]
    assert [new_run_id(moment, "z") for moment in moments] == sorted(new_run_id(moment, "z") for moment in moments)


@given(st.datetimes(min_value=datetime(2020, 1, 1)), st.text(max_size=20))
def test_a_run_id_names_an_execution(now: datetime, seed: str) -> None:
    run_id = new_run_id(now.replace(tzinfo=EASTERN), seed)
    assert len(run_id) <= 80
    assert run_id.replace("-", "").isalnum()


def posting(project_id: int) -> Posting:
    fields: dict[str, Any] = {"scheme": "origin_id", "reference": "r", "body_hash": "h", "amount": 1, "attempt": 1}
    return Posting(project_id=project_id, direct_cost_id=70_000 + project_id, sent_at=NOW, state="posted", **fields)


def test_without_an_address_the_note_has_no_link() -> None:
    assert "http" not in note_text([posting(1)], NOW, None)


@pytest.mark.parametrize("parts", [1, 2, 40])
def test_the_note_names_the_expenses_within_pexs_limit_and_is_known_again(parts: int) -> None:
    text = note_text([posting(number) for number in range(1, parts + 1)], NOW, "https://us02.procore.com")
    assert "70001 (project 1)" in text
    links = [word for word in text.split() if word.startswith("https:")]
    told = [f"https://us02.procore.com/{number}/project/direct_costs/{70_000 + number}" for number in (1, 2)]
    assert links == ([] if parts == 40 else told[:parts]), "whole links, or none"
    assert len(text) <= NOTE_LIMIT
    assert is_our_note(text)


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (b"\xff\xd8\xff\xe0rest", "jpg"),
        (b"\x89PNG\r\n\x1a\nrest", "png"),
        (b"%PDF-1.7", "pdf"),
        (b"GIF89a", "gif"),
        (b"", None),
        (b"<html>", None),
        (b"\x00\x00\x00\x18ftypheic", "heic"),
        (b"\x00\x00\x00\x18ftypmif1", "heic"),
        (b"\x00\x00\x00\x18ftypmp42", None),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"II*\x00\x08", "tif"),
        (b"MM\x00*\x00", "tif"),
        (b"MZ\x90", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content: bytes, extension: str | None) -> None:
    kind = sniff(content)
    assert (kind and kind.extension) == extension
