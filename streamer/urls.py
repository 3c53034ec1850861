"""URLs as users may see them: without passwords."""

from __future__ import annotations

import re

HIDDEN = "***"

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRET = re.compile(
    r"([?&;](?:[^=&;#]*(?:pass|pwd|token|key|secret|auth|sig|credential)[^=&;#]*)=)[^&;#]*",
    re.IGNORECASE,
)


def is_url(text: str) -> bool:
    """Whether ``text`` begins like ``scheme://``."""
    return _SCHEME.match(text) is not None


def scheme_of(url: str) -> str:
    """The scheme in lower case, ``""`` where there is none."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


def redact(url: str) -> str:
    """``url`` with its password and the values of secret-looking query fields hidden.

    The user's name stays, so that one can tell which account was meant. A password may hold
    unescaped ``@``, ``:``, ``/``, ``?`` and ``#``: in doubt too much is hidden rather than too
    little.
    """
    match = _SCHEME.match(url)
    if match is None:
        return url
    scheme, rest = url[: match.end()], url[match.end() :]
    user, host = _split_login(rest)
    if user is not None:
        name, colon, _ = user.partition(":")
        rest = f"{name}{colon}{HIDDEN if colon else ''}@{host}"
    return scheme + _SECRET.sub(rf"\g<1>{HIDDEN}", rest)


def _split_login(rest: str) -> tuple[str | None, str]:
    """What precedes the ``@`` of the authority, and what follows it."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        cut = authority.rindex("@")
        return rest[:cut], rest[cut + 1 :]
    # "user:p/w@host": a password may hold what would end an authority. A number after the colon
    # is a port, and the @ a part of the path.
    _, colon, after = authority.partition(":")
    if colon and "@" in rest and not after.isdigit():
        cut = rest.rindex("@")
        return rest[:cut], rest[cut + 1 :]
    return None, rest
