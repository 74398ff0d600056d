from __future__ import annotations

import pytest

from pex_procore.net.redaction import MESSAGE_LIMIT, redact, shorten

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {JWT}", JWT),
        (f"the token {JWT} has expired", JWT),
        ("Authorization: token d5fd44a84358", "d5fd44a84358"),
        ("Basic QTM1Q0JENkE=", "QTM1Q0JENkE="),
        (f"key {HEX} is unknown", HEX),
        ('{"client_secret":"hunter-two","grant_type":"client_credentials"}', "hunter-two"),
        (r"{\"client_secret\": \"hunter-two\"}", "hunter-two"),
        ("client_id=abc&client_secret=hunter-two&x=1", "hunter-two"),
        ("GET /file?X-Amz-Signature=abcdef&Expires=3", "abcdef"),
        ('{"access_token": "short"}', "short"),
        ("password: hunter2", "hunter2"),
        ("card 4111 1111 1111 1111 declined", "1111 1111"),
        ('{"Pan":5500005555555559}', "5500005555555559"),
        ("Amex 378282246310005", "378282246310005"),
    ],
)
def test_secrets_and_card_numbers_do_not_leave(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Token expired or does not exist",
        "Invalid Token",
        "The access token is invalid",
        "pex:98703:419086499:562949953508586 has already been taken",
        "project 562949953508586, tag 5de64845aa53810dc4b3541b, expense 71600001",
        "request 01JC0Z7N8Q4X5R6T7V8W9Y0Z1A took 1234 ms",
        "Basic information is missing",
        "order 4111 1111 1111 1112 is no card number",
    ],
)
def test_sentences_ids_and_references_stay_readable(text: str) -> None:
    assert redact(text) == text


def test_a_secret_that_looks_like_none_is_hidden_when_it_is_named() -> None:
    assert redact("you sent correct-horse", ["correct-horse", ""]) == "you sent [hidden]"


def test_a_message_is_one_short_line_without_half_a_secret() -> None:
    text = shorten("<html>\n<body>\x00 " + "long " * 50 + f" {JWT}" + " more" * 1000)
    assert len(text) <= MESSAGE_LIMIT
    assert "\n" not in text
    assert "eyJ" not in text


def test_a_secret_that_is_named_is_hidden_in_base64_too() -> None:
    assert redact("Basic c3dvcmRmaXNo was sent for swordfish", ["swordfish"]) == "Basic [hidden] was sent for [hidden]"
