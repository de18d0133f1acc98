"""Serving the viewer: compressed where a compressed sibling exists, cached for ever where the name holds a hash."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from immichvr_gateway.problems import not_found

_CHECKOUT = Path(__file__).parents[2] / "web" / "dist"
_SHOWN = 100
_HASHED = "assets-static/"
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "connect-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    ]
)
_UNBUILT = """<!doctype html><meta charset="utf-8"><title>ImmichVR</title>
<p>The gateway runs, but its viewer has not been built: run <code>make web</code>, then reload.
The API is described at <a href="api/openapi.json">api/openapi.json</a>."""


def install(app: FastAPI, configured: Path | None) -> None:
    """Serves the viewer on every path that is not the API's."""
    root = (configured or _CHECKOUT).resolve()
    mimetypes.add_type("application/wasm", ".wasm")

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def viewer(path: str, request: Request) -> Response:
        if path.startswith("api/"):
            raise not_found(f"there is no /{path}")
        if not (root / "index.html").is_file():
            return HTMLResponse(_UNBUILT, 503)
        return _file(root, path or "index.html", "gzip" in request.headers.get("accept-encoding", ""))


def _file(root: Path, path: str, gzip: bool) -> Response:
    try:
        found = (root / path).resolve()
        is_there = found.is_relative_to(root) and found.is_file()
    except (OSError, ValueError):  # too long for this system, a NUL, half a surrogate pair
        is_there = False
    if not is_there:
        raise not_found(f"there is no /{path[:_SHOWN]}")
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
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
