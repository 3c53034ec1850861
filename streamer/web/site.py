"""The site: its files, and who gets them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from streamer.web.access import Access

_PAGE = Path(__file__).resolve().parent / "page"
_FILES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def application(access: Access, cookie: str, live: Handler) -> web.Application:
    """The site.

    Args:
        access: who may see it.
        cookie: name of the cookie that keeps the token.
        live: opens the WebSocket at ``/live``.
    """
    site = web.Application(middlewares=[_guard(access, cookie)])
    for path, (name, kind) in _FILES.items():
        site.router.add_get(path, _file((_PAGE / name).read_bytes(), kind))
    site.router.add_get("/live", live)
    site.on_response_prepare.append(_add_headers)
    return site


def _guard(access: Access, cookie: str) -> Middleware:
    """Lets in who may come."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not access.admits_host(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="This page is known by the names of this machine only.\n")
        if not access.admits_origin(request.headers.get("Origin"), request.host):
            raise web.HTTPForbidden(text="This page takes nothing from pages of others.\n")
        shown = request.query.get("token")
        if not access.knows(shown or unquote(request.cookies.get(cookie, ""))):
            raise web.HTTPForbidden(
                text="Open the whole address that streamer has printed, with its token.\n"
            )
        if shown and access.quoted and request.path == "/":
            return _remember(cookie, access.quoted)
        return await handler(request)

    return guard


def _remember(cookie: str, token: str) -> web.Response:
    """Keep the token in a cookie, and out of the address bar, the history and screenshots."""
    response = web.Response(status=303, headers={"Location": "/"})
    # Lax, as a link in a mail or a chat must open the page.
    response.set_cookie(cookie, token, httponly=True, samesite="Lax", path="/")
    return response


def _file(content: bytes, kind: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:  # noqa: ARG001
        return web.Response(body=content, content_type=kind, charset="utf-8")

    return handler


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    response.headers.update(_HEADERS)
