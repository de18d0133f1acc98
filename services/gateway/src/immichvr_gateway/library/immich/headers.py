"""What the answer to a request for a file says about it, before its body is read."""

from __future__ import annotations

import re

import httpx

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"')
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")


def is_original(response: httpx.Response) -> bool:
    """Whether the file itself was given: for formats that browsers show, Immich redirects there for full size."""
    return response.url.path.endswith("/original")


def rendition_in(response: httpx.Response) -> str:
    """Which rendition was given in the end: without a full-size picture, Immich redirects to the preview."""
    return "Immich's preview" if response.url.params.get("size") == "preview" else "Immich's full-size picture"


def declared_size(response: httpx.Response) -> int | None:
    """Bytes of the body, where it is said."""
    size = response.headers.get("content-length", "")
    return int(size) if size.isdecimal() else None


def part(response: httpx.Response) -> tuple[int, int] | None:
    """First byte and size of the whole, where the answer is a part."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != httpx.codes.PARTIAL_CONTENT or match is None:
        return None
    return int(match[1]), int(match[2])


def etag(response: httpx.Response, otherwise: str) -> str:
    """The answer's ETag, or one made of `otherwise`."""
    etag = response.headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else f'"{otherwise}"'
