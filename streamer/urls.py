"""URLs as users may see them: without passwords."""

from __future__ import annotations

import re

HIDDEN = "***"

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRET = re.compile(
    r"([?&;](?:[^=&;#]*(?:pass|pwd|token|key|secret|auth|sig|credential)[^=&;#]*)=)[^&;#]*",
    re.IGNORECASE,
)
# In a line of text a URL ends at white space. As a path it lost a slash, and FFmpeg's graphs escape
# its colon.
_URL_IN_TEXT = re.compile(r"([a-z][a-z0-9+.-]*\\*:[\\/]*/)(\S+)", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    r"([?&;](?:[^\s=&;#]*(?:pass|pwd|token|key|secret|auth|sig|credential)[^\s=&;#]*)=)"
    r"[^\s&;#]*?(?=:?(?:[\s&;#]|$))",
    re.IGNORECASE,
)


def is_url(text: str) -> bool:
    """Whether ``text`` begins like ``scheme://``."""
    return _SCHEME.match(text) is not None


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
    return scheme + _SECRET.sub(rf"\g<1>{HIDDEN}", _without_password(rest))


def redact_text(text: str) -> str:
    r"""``text`` with what `redact` hides hidden in every URL within, as far as white space.

    What follows ``scheme:/`` or ``scheme\://`` is taken for a URL too.
    """
    text = _URL_IN_TEXT.sub(lambda url: url[1] + _without_password(url[2]), text)
    return _SECRET_IN_TEXT.sub(rf"\g<1>{HIDDEN}", text)


def _without_password(rest: str) -> str:
    """What follows the scheme of a URL, without the password."""
    user, host = _split_login(rest)
    if user is None:
        return rest
    name, colon, _ = user.partition(":")
    return f"{name}{colon}{HIDDEN if colon else ''}@{host}"


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
