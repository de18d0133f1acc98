"""A library's pictures on their way out: not again what is known, in parts, under their names."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from immichvr_gateway.library import Content, Identity, Library
from immichvr_gateway.ranges import is_known, parse_range


async def open_original(request: Request, library: Library, who: Identity, photo_id: str) -> Content:
    """The file, or the part of it that was asked for. Raises what the library does; Problem (416) beyond its end."""
    photo = await library.photo(who, photo_id)
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    span = parse_range(wanted, photo.size) if wanted and photo.size else None
    content = await library.original(who, photo_id, span)
    condition = request.headers.get("if-range")
    # A weak tag promises no equal bytes (RFC 9110, 13.1.5).
    if content.part is None or condition is None or (condition == content.etag and not condition.startswith("W/")):
        return content
    await content.close()
    return await library.original(who, photo_id)


async def pass_on(request: Request, content: Content, download: bool = False) -> Response:
    """The answer to a GET or HEAD of a picture."""
    kind = "attachment" if download else "inline"
    headers = {
        # Asked for anew each time: who sits at this browser next may not see it.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(content.name)}",
    }
    if content.etag:
        headers["ETag"] = content.etag
        if is_known(request.headers.get("if-none-match", ""), content.etag):
            await content.close()
            return Response(status_code=304, headers=headers)
    if content.size is not None:
        headers["Content-Length"] = str(content.size)
    status = 200
    if content.part is not None and content.size is not None:
        start, whole = content.part
        status, headers["Content-Range"] = 206, f"bytes {start}-{start + content.size - 1}/{whole}"
    if request.method == "HEAD":
        await content.close()
        return Response(status_code=status, headers=headers, media_type=content.media_type)
    return _Passing(content, status, headers)


class _Passing(StreamingResponse):
    """Closes the content even when the client has left before its first byte."""

    def __init__(self, content: Content, status: int, headers: dict[str, str]) -> None:
        super().__init__(content.chunks, status, headers, content.media_type)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._content:
            await super().__call__(scope, receive, send)
