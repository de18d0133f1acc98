"""A library's pictures on their way out: not again what is known, in parts, under their names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from immichvr_gateway.http.headers import FILE
from immichvr_gateway.http.ranges import asked_span, is_known
from immichvr_gateway.library import Content, Span


async def open_part(request: Request, opened: Callable[[Span | None], Awaitable[Content]]) -> Content:
    """A file, or the part of it that was asked for. Raises what opening it does; NoSuchRange beyond its end."""
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    content = await opened(asked_span(wanted))
    condition = request.headers.get("if-range")
    # A weak tag promises no equal bytes (RFC 9110, 13.1.5).
    if content.part is None or condition is None or (condition == content.etag and not condition.startswith("W/")):
        return content
    await content.close()
    return await opened(None)


async def pass_part(
    request: Request, opened: Callable[[Span | None], Awaitable[Content]], download: bool = False
) -> Response:
    """The answer to a GET or HEAD of a file that is given in parts, too. Raises as `open_part` does."""
    answer = await pass_on(request, await open_part(request, opened), download)
    answer.headers["Accept-Ranges"] = "bytes"
    return answer


async def pass_on(request: Request, content: Content, download: bool = False) -> Response:
    """The answer to a GET or HEAD of a picture."""
    kind = "attachment" if download else "inline"
    headers = {
        # Asked for anew each time: who sits at this browser next may not see it.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": FILE,
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
