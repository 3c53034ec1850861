"""Why a network stream cannot be had, in words that name the way out."""

from __future__ import annotations

import errno
import socket
from urllib.parse import SplitResult, urlsplit

import av
from av.error import (
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPOtherClientError,
    HTTPServerError,
    HTTPUnauthorizedError,
)

from streamer.sources.container import reason
from streamer.urls import redact

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
_ESCAPES = "in it, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
_CUT = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


def why(url: str, error: BaseException, *, transport: str, seconds: float) -> str:
    """One clause on why FFmpeg gave up a URL; names its host, never its password.

    Args:
        url: what was opened.
        error: what PyAV raised.
        transport: of RTSP, ``"tcp"`` or ``"udp"``.
        seconds: how long was waited.
    """
    parts = _split(redact(url))
    if _split(url).hostname != parts.hostname:
        return f"its password cuts the URL short; {_ESCAPES}"
    place = _place(parts)
    match error:
        case HTTPUnauthorizedError():
            return _unauthorized(parts, place)
        case HTTPForbiddenError():
            return f"{place} forbids it; check the user's rights there"
        case HTTPNotFoundError():
            return f"{place} has no such stream; check the path behind the host"
        case HTTPOtherClientError() if parts.scheme.startswith("rtsp"):
            other = "tcp" if transport == "udp" else "udp"
            return f"{place} refuses; try --rtsp-transport {other}, or fewer viewers at a time"
        case HTTPServerError():
            return f"{place} answers with an error of its own; try again, or restart it"
        case av.error.ProtocolNotFoundError():
            return f"this build of FFmpeg cannot read {parts.scheme}; use rtsp, rtmp, http or udp"
        case av.error.InvalidDataError():
            return f"{place} sends no video that can be read; check scheme, port and path"
        case av.error.ExitError() | TimeoutError():
            return f"nothing came from {place} for {seconds:g} s" + _hint(parts, transport)
        case ConnectionRefusedError():
            return f"nothing listens at {place}; check the port, and whether it is switched on"
    return _system(error, parts, place)


def _unauthorized(parts: SplitResult, place: str) -> str:
    if "@" not in parts.netloc:
        return f"{place} asks for a password; give {parts.scheme}://USER:PASSWORD@{place}/..."
    return f"{place} refuses this user or password; {_ESCAPES}"


def _hint(parts: SplitResult, transport: str) -> str:
    if parts.scheme == "rtsp" and transport == "udp":
        return "; where a firewall keeps UDP out, --rtsp-transport tcp gets through"
    return "; check the address, and that nothing on the way blocks it"


def _system(error: BaseException, parts: SplitResult, place: str) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EIO and not _is_known(parts.hostname):
        return f"no host is called {parts.hostname}; check its name"
    if code in _UNREACHABLE:
        return f"no way to {place}; check the network"
    if code in _CUT:
        return f"{place} has cut the connection"
    return f"cannot be read: {reason(error)}"


def _is_known(host: str | None) -> bool:
    """Whether a name has an address: FFmpeg calls it an input/output error if it has none."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


def _place(parts: SplitResult) -> str:
    """Host and port as the URL gives them."""
    return parts.netloc.rpartition("@")[2] or "it"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # such as half an IPv6 address
        return SplitResult(url.partition(":")[0], "", "", "", "")
