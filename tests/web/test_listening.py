from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from streamer.errors import SinkError
from streamer.web import listening
from streamer.web.listening import address_of, listen, parse_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_specs() -> None:
    assert parse_port("web") is None
    assert parse_port("web:0") == 0
    assert parse_port("web:65535") == 65535


@pytest.mark.parametrize("spec", ["web:", "web:65536", "web:-1", "web:http", "web:8 0", "web:٣"])
def test_what_is_no_port_is_named(spec: str) -> None:
    with pytest.raises(SinkError, match=r"is no port.*web:8080"):
        parse_port(spec)


def test_a_port_that_was_named_and_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(SinkError, match=f"web:{taken}: the port is taken"):
        listen("127.0.0.1", taken)


def test_the_next_free_port_is_taken_where_none_was_named(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "DEFAULT_PORT", taken)
    with listen("127.0.0.1", None) as found:
        assert taken < found.getsockname()[1] < taken + 20


def test_all_ports_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "DEFAULT_PORT", taken)
    monkeypatch.setattr(listening, "_TRIED", 1)
    with pytest.raises(SinkError, match=f"ports {taken} to {taken} .* are taken"):
        listen("127.0.0.1", None)


@pytest.mark.parametrize("host", ["203.0.113.7", "not a host"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(SinkError, match=f"{host} is no address of this machine"):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_the_address_leads_to_the_socket(host: str) -> None:
    with listen(host, 0) as server:
        address = address_of(server)
        assert "0.0.0.0" not in address
        name, port = address.removeprefix("http://").rstrip("/").rsplit(":", 1)
        with socket.create_connection((name, int(port)), timeout=5):
            accepted, _ = server.accept()
            accepted.close()


def test_ipv6_stands_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    try:
        server = listen("::1", 0)
    except SinkError:
        pytest.skip("needs a loopback interface with IPv6")
    with server:
        assert address_of(server).startswith("http://[::1]:")
