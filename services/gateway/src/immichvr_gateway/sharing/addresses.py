"""The addresses below a share link: the same viewer and the same API, asked by the link's visitor and nobody else."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from immichvr_gateway.auth.visitors import LINK_OF_PATH
from immichvr_gateway.http.problems import answer, not_found

_BELOW = re.compile(r"/(?:share|s)/([^/]{1,255})(/.*)?", re.DOTALL)
_OFFERED = ("/api/", "/assets-static/")
_PAGES = ("/", "/favicon.svg")


def below_links(inner: ASGIApp) -> ASGIApp:
    """An application that answers below `/share/{link}/` too, as to that link's visitor.

    Whatever cookie or key comes along counts for nothing there: what a link shows, it shows to everybody alike.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await inner(scope, receive, send)
            return
        below = _BELOW.fullmatch(scope["path"])
        if below is None:
            await inner(scope, receive, send)
            return
        link, rest = below[1], below[2]
        if rest is None and scope["type"] == "http":
            await RedirectResponse(address_of(link), 308)(scope, receive, send)
        elif rest is not None and (rest in _PAGES or rest.startswith(_OFFERED)):
            inside = {**scope, LINK_OF_PATH: link, "path": rest, "raw_path": quote(rest).encode()}
            await inner(inside, receive, send)
        elif scope["type"] == "http":
            await answer(not_found("there is no such page below a share link"))(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    return app


def address_of(link: str) -> str:
    """The path below which a link's visitor is at home."""
    return f"/share/{quote(link, safe='')}/"
