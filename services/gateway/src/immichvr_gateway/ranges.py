"""Bytes over HTTP: one range, ETag, names for saving."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from immichvr_gateway.library import Span
from immichvr_gateway.problems import Problem

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

    Raises Problem for a range beyond the end, and what reading the first bytes raises.
    """
    kind = "attachment" if download else "inline"
    headers = {
        "ETag": file.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    start, length, status = 0, file.size, 200
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    if wanted and request.headers.get("if-range", file.etag) == file.etag:
        found = parse_range(wanted, file.size)
        if found is not None:
            start, length, status = found.start, found.length, 206
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


def parse_range(header: str, size: int) -> Span | None:
    """The bytes of a single range; None where the header asks for something else and is to be ignored.

    Raises Problem (416) for a range outside the file.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or (not first and int(last) == 0):
        raise Problem(
            416, "range_not_satisfiable", f"the file has {size} bytes; {header} is outside of it",
            {"Content-Range": f"bytes */{size}"},
        )  # fmt: skip
    return Span(start, end - start + 1)


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
