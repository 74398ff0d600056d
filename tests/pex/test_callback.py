from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pex_procore
from pex_procore.pex.callback import Hint, parse_callback, secret_from

SAMPLE = (Path(__file__).parent / "samples" / "settlement_callback.json").read_bytes()


def body(**data: object) -> bytes:
    return json.dumps({"Data": data}).encode()


def test_a_settlement_names_its_transaction_and_account() -> None:
    assert parse_callback(SAMPLE) == Hint(500100, 7001, "Settlement", "2026-06-04T02:10:00")
    assert parse_callback(b"\xef\xbb\xbf" + SAMPLE).transaction_id == 500100


def test_an_authorization_has_no_transaction_id_yet() -> None:
    hint = parse_callback(
        body(TransactionId=None, AcctId="7001", NetworkType="Auth", TransactionTime="2026-06-03T11:11")
    )
    assert hint == Hint(None, 7001, "Auth", "2026-06-03T11:11")


@pytest.mark.parametrize("odd", [True, -1, 0, "x", "1e9", [1], {"a": 1}, 1.5, "9" * 5000])
def test_an_odd_id_is_no_id(odd: object) -> None:
    assert parse_callback(body(TransactionId=odd, AcctId=odd)) == Hint(None, None, "", None)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "not JSON"),
        (b"<xml/>", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"Data"', "not a JSON object"),
        (b"{}", "no Data"),
        (b'{"Data": []}', "no Data"),
    ],
)
def test_what_is_no_callback_is_refused_in_a_sentence(sent: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_callback(sent)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_secret_stands_bare_in_the_basic_header(scheme: str) -> None:
    assert secret_from(f"{scheme} {base64.b64encode(b'A35C-BD6A').decode()}") == "A35C-BD6A"


@pytest.mark.parametrize(
    "header", [None, "", "Basic", "Basic ", "Basic !!!", "Basic /w==", "Bearer QUJD", "QUJD", "Basic QUJD QUJD"]
)
def test_a_header_without_a_secret_gives_none(header: str | None) -> None:
    assert secret_from(header) is None


def test_reading_callbacks_imports_nothing_heavy() -> None:
    code = (
        "import sys; import pex_procore.pex.callback; "
        "print([name for name in ('pydantic', 'requests', 'urllib3', 'zoneinfo') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(Path(pex_procore.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
