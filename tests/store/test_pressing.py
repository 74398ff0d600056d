from __future__ import annotations

import hashlib
import zlib

import pytest

from pex_procore.store.pressing import WORDS, press, unpress

SHA256 = "9b50533ed43f063f363c6e7a46274abff6e6afa8795799ee71ab3624bb2d0ca4"
STORED = "78f961bacf9fc3ac2acc09d63cb500fe6112d5"


def test_what_was_pressed_comes_back() -> None:
    for text in ("", "{}", '{"transaction_id":7,"merchant":"Café"}', "x" * 100_000):
        assert unpress(press(text)).decode() == text


def test_the_words_never_change_for_stored_rows_open_with_nothing_else() -> None:
    stored = bytes.fromhex(STORED)
    assert hashlib.sha256(WORDS).hexdigest() == SHA256
    assert unpress(stored) == b'{"transaction_id":7,"state":"complete","reason":null}'


def test_with_other_words_a_row_does_not_open() -> None:
    with pytest.raises(zlib.error):
        zlib.decompressobj(zdict=WORDS[1:]).decompress(press('{"transaction_id":7,"account_id":66}'))
