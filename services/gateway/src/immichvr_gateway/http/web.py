"""Serving the viewer: compressed where a compressed sibling exists, cached for ever where the name holds a hash."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from immichvr_gateway.auth.visitors import LINK_OF_PATH
from immichvr_gateway.http.headers import VIEWER
from immichvr_gateway.http.problems import Problem, not_found

_CHECKOUT = Path(__file__).parents[3] / "web" / "dist"
_SHOWN = 100
_HASHED = "assets-static/"
_UNBUILT = """<!doctype html><meta charset="utf-8"><title>ImmichVR</title>
<p>The gateway runs, but its viewer has not been built: run <code>make web</code>, then reload.
The API is described at <a href="api/openapi.json">api/openapi.json</a>."""

_NOWHERE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{title} · ImmichVR</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark light">
<h1>{heading}</h1><p>{advice} <a href="{root}">{way_out}</a></p>"""
_NOWHERE_IN = {
    "en": {
        "title": "Not here", "heading": "There is nothing here", "advice": "The address may be mistyped.",
        "way_out": "Go to the photos",
    },
    "de": {
        "title": "Nicht hier", "heading": "Hier ist nichts", "advice": "Vielleicht ist die Adresse vertippt.",
        "way_out": "Zu den Fotos",
    },
}  # fmt: skip
_LANGUAGE = re.compile(r"\s*([a-z]{2})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?)\s*)?", re.IGNORECASE)


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
            return _nowhere(path, request.headers.get("accept-language", ""))


def _nowhere(path: str, accept_language: str) -> HTMLResponse:
    lang = spoken(accept_language, list(_NOWHERE_IN))
    page = _NOWHERE.format(root="../" * path.count("/") or "./", lang=lang, **_NOWHERE_IN[lang])
    return HTMLResponse(page, 404, {"Vary": "Accept, Accept-Language"})


def spoken(accept_language: str, known: list[str]) -> str:
    """Of the languages that are known the one that a browser would rather have (RFC 9110 §12.5.4), else the first."""
    found = [_LANGUAGE.fullmatch(one) for one in accept_language[:_SHOWN].split(",")]
    wishes = [(float(one[2] or 1), one[1].lower()) for one in found if one]
    likes = [(weight, name) for weight, name in wishes if name in known and weight > 0]
    return max(likes, key=lambda one: one[0], default=(0, known[0]))[1]


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
