"""Asks a source on the network for a file, or for the end of one."""

from __future__ import annotations

import base64
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from streamer import __version__
from streamer.errors import one_line
from streamer.urls import redact


class SourceError(Exception):
    """A source cannot be used, whether asked again or not; the message says why."""


class BrokenError(Exception):
    """A source broke off, and may be asked again; the message says why."""


@contextmanager
def asking(source: str, at: int, silence_s: float) -> Iterator[http.client.HTTPResponse]:
    """An answer to the request for what follows byte ``at``, to be read meanwhile.

    Whether it is that, or the file from its beginning, is to be seen from its status and headers.

    Args:
        source: an http or https URL; a login in it goes to that host alone.
        at: how many bytes are there already.
        silence_s: how long it may take to connect, or between two pieces.

    Raises:
        SourceError: the source refuses.
        BrokenError: the connection cannot be made, or breaks.
    """
    try:
        with _opener().open(_request(source, at), timeout=silence_s) as response:
            yield response
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError(_http_reason(error)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BrokenError(_reason(error, silence_s)) from error


def place(url: str) -> str:
    """Host and port of a URL, for messages."""
    rest = redact(url).partition("://")[2]
    return re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]


def status_line(status: int) -> str:
    """A status in the standard's words: a server's own might hold anything."""
    return f"{status} {http.client.responses.get(status, '')}".rstrip()


def _request(source: str, at: int) -> urllib.request.Request:
    parts = urlsplit(source)
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers = {"User-Agent": f"streamer/{__version__}", "Accept-Encoding": "identity"}
    if at:
        headers["Range"] = f"bytes={at}-"
    request = urllib.request.Request(url, headers=headers)
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = base64.b64encode(login.encode()).decode()
        # Redirects lead to other hosts, which the login is not for.
        request.add_unredirected_header("Authorization", f"Basic {encoded}")
    return request


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5
    max_repeats = 1

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("https", old):
            fp.close()
            raise SourceError(f"it redirects from {old} to {new}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """What knows HTTP and nothing else, so that no redirect leads to a file of this machine."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _http_reason(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        return "its redirects lead nowhere"
    return status_line(error.code)


def _reason(error: BaseException, silence_s: float) -> str:
    if isinstance(error, urllib.error.URLError):
        inner = error.reason
        return _reason(inner, silence_s) if isinstance(inner, BaseException) else str(inner)
    if isinstance(error, TimeoutError):
        return f"no answer within {silence_s:g} s"
    if isinstance(error, OSError):
        return error.strerror or one_line(error)
    # What those say may quote the URL, password and all, or whatever a server has sent.
    if isinstance(error, http.client.InvalidURL | ValueError):
        return "this is no valid URL"
    return f"its answer is no valid HTTP ({type(error).__name__})"
