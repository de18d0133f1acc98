"""By which address people reach the gateway."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request


def public_address(request: Request, public_url: str) -> str:
    """The gateway's address for the browser that asks, without a slash at its end. public_url: the setting."""
    if public_url:
        return public_url.rstrip("/")
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def is_secure(request: Request, public_url: str) -> bool:
    """Whether people reach the gateway over TLS."""
    return "https" in (request.url.scheme, urlsplit(public_url).scheme)
