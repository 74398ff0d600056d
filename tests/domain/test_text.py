from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from pex_procore.domain.text import clean, cut

CLUSTERS = [
    "a",
    "é",
    "e\u0301",  # e with a combining accent
    "👍🏽",  # with a skin tone
    "👨‍👩‍👧‍👦",  # four people joined into one picture
    "❤️",
    "1️⃣",  # a digit in a keycap
    "🇺🇸",  # two letters that make a flag
    "कि",  # a consonant with its vowel sign
    "ที่",
    "Z̤͔ͧ̑̓",
    "שׁ",
]


@given(st.lists(st.sampled_from(CLUSTERS), max_size=30), st.integers(min_value=0, max_value=60))
@example(["1️⃣"], 2)
@example(["a", "🇺🇸"], 2)
@example(["कि"], 1)
def test_a_cut_never_splits_what_a_reader_sees_as_one_character(clusters: list[str], limit: int) -> None:
    short = cut("".join(clusters), limit)
    assert len(short) <= limit
    whole = ["".join(clusters[:number]) for number in range(len(clusters) + 1)]
    assert short in whole


@given(st.text(max_size=50), st.integers(min_value=0, max_value=60))
def test_a_cut_is_a_beginning_and_no_longer_than_the_limit(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    assert text.startswith(short)
    if len(text) <= limit:
        assert short == text


@given(st.text(max_size=200))
def test_cleaned_text_is_one_line_without_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert all(unicodedata.category(char) not in ("Cc", "Zl", "Zp") for char in cleaned)
    assert cleaned == cleaned.strip()
    assert clean(cleaned) == cleaned
