from __future__ import annotations

import pytest

from pex_procore.domain.errors import NeedsAttention, TryLater
from pex_procore.pex.links import check_link, download, is_link
from tests.net.scripted import answer, hang_up, ok, scripted

PEX = "coreapi.pexcard.com"


@pytest.mark.parametrize(
    "url", ["https://files.pexcard.com/a?sig=1", "https://PEXCARD.com/a", "https://x.blobs.example/a"]
)
def test_links_to_pex_and_to_allowed_hosts_are_followed(url: str) -> None:
    check_link(url, PEX, ["blobs.example"])


@pytest.mark.parametrize(
    "url",
    [
        "http://files.pexcard.com/a",
        "https://evilpexcard.com/a",
        "https://pexcard.com.evil.example/a",
        "https://user:pw@files.pexcard.com/a",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/a",
        "https://localhost/a",
        "https:///a",
        "file:///etc/passwd",
    ],
)
def test_links_elsewhere_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"[Rr]eceipt"):
        check_link(url, PEX)


def test_a_loopback_pex_links_to_loopback_only() -> None:
    check_link("http://127.0.0.1:9999/a", "127.0.0.1")
    with pytest.raises(ValueError, match="may not be fetched"):
        check_link("https://files.pexcard.com/a", "127.0.0.1")


def test_an_allowed_name_that_leads_to_a_private_address_is_refused() -> None:
    with pytest.raises(NeedsAttention) as caught:
        download("https://localhost/a", PEX, ["localhost"], 100)
    assert caught.value.reason == "receipt_unreadable"
    assert "private address" in caught.value.message


def test_a_link_is_fetched_without_our_token() -> None:
    with scripted(ok(b"%PDF")) as server:
        assert download(f"{server.url}/f?sig=a%2Fb+c", "127.0.0.1", (), 100) == b"%PDF"
        assert "authorization" not in server.requests[0].headers
        assert server.requests[0].target == "/f?sig=a%2Fb+c", "a signed query is sent as it stands"


def test_a_link_that_redirects_is_not_followed() -> None:
    with scripted(ok(b"secret")) as inside, scripted(answer(302, Location=inside.url)) as server:
        with pytest.raises(NeedsAttention) as caught:
            download(f"{server.url}/f", "127.0.0.1", (), 100)
        assert inside.requests == []
    assert caught.value.reason == "receipt_unreadable"


def test_a_link_to_too_much_is_cut_off() -> None:
    with scripted(ok(b"x" * 1000)) as server, pytest.raises(NeedsAttention) as caught:
        download(f"{server.url}/f", "127.0.0.1", (), 100)
    assert caught.value.reason == "receipt_too_large"


@pytest.mark.parametrize("act", [hang_up, answer(503), answer(429)])
def test_a_link_that_fails_is_for_later(act: object) -> None:
    with scripted(act) as server, pytest.raises(TryLater):  # type: ignore[arg-type]
        download(f"{server.url}/f", "127.0.0.1", (), 100)


def test_links_are_told_from_base64() -> None:
    assert is_link("HTTPS://x")
    assert not is_link("aHR0cHM6Ly94")
