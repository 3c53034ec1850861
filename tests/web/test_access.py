from __future__ import annotations

import pytest

from streamer.errors import SinkError
from streamer.web.access import Access, is_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost", "a.localhost"]
)
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert Access.of(host, None).token is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.20", "camera.lan", "localhost.evil.org"]
)
def test_any_other_address_has_a_token_made_up(host: str) -> None:
    tokens = {Access.of(host, None).token for _ in range(3)}
    assert len(tokens) == 3
    assert all(token and len(token) >= 20 for token in tokens)


def test_a_token_that_is_given_counts_everywhere() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        assert Access.of(host, "sesame").token == "sesame"
    with pytest.raises(SinkError, match="empty"):
        Access.of("127.0.0.1", "")


def test_only_the_very_token_is_known() -> None:
    access = Access("sésame 1")
    assert access.knows("sésame 1")
    for wrong in ("", "sésame", "sésame 11", "SÉSAME 1", "\udce9"):
        assert not access.knows(wrong)
    assert Access(None).knows("")


def test_the_token_is_quoted_in_addresses_and_hidden_elsewhere() -> None:
    access = Access("a&b c;d")
    assert access.quoted == "a%26b%20c%3Bd"
    assert "a&b" not in repr(access)


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:9", True),
        ("[::1]:8080", True),
        ("LOCALHOST", True),
        ("evil.org:8080", False),
        ("127.0.0.1.evil.org", False),
        ("192.168.1.20:8080", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_without_a_token_this_machine_must_be_named(host: str, admitted: bool) -> None:
    assert Access(None).admits_host(host) is admitted
    assert Access("sesame").admits_host(host)


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (None, True),
        ("http://127.0.0.1:8080", True),
        ("http://127.0.0.1:8081", False),
        ("http://evil.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_its_own_page_may_connect(origin: str | None, admitted: bool) -> None:
    assert Access("sesame").admits_origin(origin, "127.0.0.1:8080") is admitted
