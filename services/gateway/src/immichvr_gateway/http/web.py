"""Serving the viewer: compressed where a compressed sibling exists, cached for ever where the name holds a hash."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from immichvr_gateway.auth.visitors import LINK_OF_PATH
from immichvr_gateway.http.headers import VIEWER
from immichvr_gateway.http.nowhere import nowhere
from immichvr_gateway.http.problems import Problem, not_found

_CHECKOUT = Path(__file__).parents[3] / "web" / "dist"
_SHOWN = 100
_HASHED = "assets-static/"
_UNBUILT = """<!doctype html><meta charset="utf-8"><title>ImmichVR</title>
<p>The gateway runs, but its viewer has not been built: run <code>make web</code>, then reload.
The API is described at <a href="api/openapi.json">api/openapi.json</a>."""


PageOfLink = Callable[[Request, str], Awaitable[Response]]


def install(app: FastAPI, configured: Path | None, page_of_link: PageOfLink) -> None:
    """Serves the viewer on every path that is not the API's. page_of_link: makes that of a share link of its page."""
    root = (configured or _CHECKOUT).resolve()
    mimetypes.add_type("application/wasm", ".wasm")
    mimetypes.add_type("application/manifest+json", ".webmanifest")

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def viewer(path: str, request: Request) -> Response:
        if path.startswith("api/"):
            raise not_found(f"there is no /{path}")
        if not (root / "index.html").is_file():
            return HTMLResponse(_UNBUILT, 503)
        if not path and LINK_OF_PATH in request.scope:
            return await page_of_link(request, await asyncio.to_thread((root / "index.html").read_text))
        accepted = request.headers.get("accept", "")
        try:
            return _file(root, path or "index.html", "gzip" in request.headers.get("accept-encoding", ""))
        except Problem:
            if "text/html" not in accepted:
                raise
            return nowhere(path, request.headers.get("accept-language", ""))


def _file(root: Path, path: str, gzip: bool) -> Response:
    try:
        found = (root / path).resolve()
        is_there = found.is_relative_to(root) and found.is_file()
    except (OSError, ValueError):  # too long for this system, a NUL, half a surrogate pair
        is_there = False
    if not is_there:
        raise not_found(f"there is no /{path[:_SHOWN]}")
    headers = {
        "Content-Security-Policy": VIEWER,
        "Vary": "Accept-Encoding",
        "Cache-Control": "public, max-age=31536000, immutable" if path.startswith(_HASHED) else "no-cache",
    }
    media_type = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    compressed = found.with_name(found.name + ".gz")
    if gzip and compressed.is_file():
        return _Whole(compressed, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
    return _Whole(found, headers=headers, media_type=media_type)


class _Whole(FileResponse):
    """A file and never a part of it, which is always a right answer: nobody needs parts of these."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        await super().__call__({**scope, "headers": headers}, receive, send)
