"""Access: who may see the page and work its buttons. Pure.

Without a token only this machine is served, and a request must name it by a name of its own: any
page of the web may have its own name point here (DNS rebinding), and its browser would then let it
read what it gets. With a token neither matters, since such a page knows neither token nor cookie.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from streamer.errors import SinkError

_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Access:
    """The rules by which requests are let in.

    Attributes:
        token: what viewers must know; None where whoever is on this machine may see the page.
    """

    token: str | None = field(repr=False)

    @classmethod
    def of(cls, host: str, token: str | None) -> Access:
        """The rules for a page on the address ``host``; a token is made up where one is needed.

        Raises:
            SinkError: the token is empty.
        """
        if token == "":
            raise SinkError("the token of the web page is empty; leave it out to have one made up")
        if token is None and not is_loopback(host):
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        return cls(token)

    def admits_host(self, host: str) -> bool:
        """Whether a request may come that has this ``Host`` header."""
        return self.token is not None or is_loopback(_name_of(host))

    def admits_origin(self, origin: str | None, host: str) -> bool:
        """Whether a page of this origin may open a connection; only browsers send one.

        A page of another origin would send the viewer's cookie along, or need none.
        """
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()

    def knows(self, token: str) -> bool:
        """Whether a request that shows this token may pass; takes the same time for any guess."""
        if self.token is None:
            return True
        # What a header held beyond ASCII may not be encodable.
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    @property
    def quoted(self) -> str | None:
        """The token as it stands in addresses and cookies."""
        return None if self.token is None else quote(self.token, safe="")


def is_loopback(host: str) -> bool:
    """Whether an address or name can only mean this machine."""
    name = host.lower().strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _name_of(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty where it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
