"""Bytes over HTTP: one range, ETag, names for saving."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from immichvr_gateway.http.headers import FILE
from immichvr_gateway.library import NoSuchRange, Span

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)

Reader = Callable[[int, int], AsyncIterator[bytes]]


@dataclass(frozen=True)
class Served:
    """A file to be served. read: its bytes from an offset, so many of them (0: all)."""

    size: int
    media_type: str
    etag: str
    name: str
    read: Reader


async def serve(request: Request, file: Served, download: bool) -> Response:
    """Answers a GET or HEAD: whole, a range, or not modified.

    Raises NoSuchRange for a range beyond the end, and what reading the first bytes raises.
    """
    kind = "attachment" if download else "inline"
    headers = {
        "ETag": file.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name)}",
        "Content-Security-Policy": FILE,
    }
    if is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    start, length, status = 0, file.size, 200
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    if wanted and request.headers.get("if-range", file.etag) == file.etag:
        found = parse_range(wanted, file.size)
        if found is not None:
            start, length, status = found.start, found.length or 0, 206
            headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{file.size}"
    headers["Content-Length"] = str(length)
    if request.method == "HEAD" or length == 0:
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    chunks = file.read(start, length)
    # What cannot be read shows here, while the answer can still say so.
    first = await anext(chunks, b"")
    return StreamingResponse(_after(first, chunks), status, headers, file.media_type)


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the asking side has this version already (RFC 9110, 13.1.2: weak comparison)."""
    tags = [one.strip() for one in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in [one.removeprefix("W/") for one in tags]


def asked_span(header: str) -> Span | None:
    """The bytes of a single range, of a file however long; None where the header asks for something else."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        return Span(-int(last)) if int(last) else Span(0, 0)
    if last and int(last) < int(first):
        return None
    return Span(int(first), int(last) - int(first) + 1 if last else None)


def parse_range(header: str, size: int) -> Span | None:
    """The bytes of a single range; None where the header asks for something else and is to be ignored.

    Raises NoSuchRange for a range outside the file.
    """
    span = asked_span(header)
    if span is None:
        return None
    found = span.within(size)
    if found is None:
        raise NoSuchRange(size)
    return found


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
