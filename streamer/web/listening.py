"""Where the page is: a port to listen on, and the address that a browser reaches it by."""

from __future__ import annotations

import contextlib
import errno
import socket

from streamer.errors import SinkError

DEFAULT_PORT = 8080

_TRIED = 20
"""How many ports from the default one on are tried."""

_EVERYWHERE = ("0.0.0.0", "::")
_OUTSIDE = {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}
"""Addresses for documentation: the system knows the way there, and nothing is sent."""


def parse_port(spec: str) -> int | None:
    """The port in ``web`` (None) or ``web:PORT``; 0 is any that is free.

    Raises:
        SinkError: it is no port.
    """
    _, colon, port = spec.partition(":")
    if not colon:
        return None
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise SinkError(f"{spec}: {port!r} is no port; give a number up to 65535, as in web:8080")
    return int(port)


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens; without a port on the default one, or on the next that is free.

    Raises:
        SinkError: the port is taken, or the host is not an address of this machine.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED) if port is None else (port,)
    for number in ports:
        try:
            return _bind(host, number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SinkError(f"web:{number}: {_why(error, host)}") from error
    if port is None:
        raise SinkError(
            f"web: ports {ports[0]} to {ports[-1]} of {host} are taken; name another, as in "
            "web:9000"
        )
    raise SinkError(
        f"web:{port}: the port is taken; name another, or give web alone for one that is free"
    )


def address_of(listening: socket.socket) -> str:
    """``http://HOST:PORT/`` of a socket, by a host that browsers elsewhere reach it by."""
    host, port = listening.getsockname()[:2]
    if host in _EVERYWHERE:
        host = _outward(listening.family, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _bind(host: str, port: int) -> socket.socket:
    # By number, as a browser tries both kinds of address but this is only one.
    host = "127.0.0.1" if host == "localhost" else host
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, dualstack_ipv6=both)


def _why(error: OSError, host: str) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; 0.0.0.0 stands for all of them"
    if isinstance(error, PermissionError):
        return "the system keeps this port for itself; name one from 1024 on, as in web:8080"
    return f"cannot listen on {host}: {(error.strerror or str(error)).lower()}"


def _outward(family: int, host: str) -> str:
    """This machine's address on the way to others; ``host`` where there is none."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_OUTSIDE[host], 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()
