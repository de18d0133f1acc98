"""Refusing what web pages elsewhere ask for in somebody's name."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from immichvr_gateway.http.problems import Problem, answer
from immichvr_gateway.settings import LOOPBACK, GatewaySettings


class OriginGuard:
    """Refuses requests that a web page elsewhere made in somebody's name.

    On an open gateway `Host` must be this machine (else a name that somebody points at 127.0.0.1 would do), and
    a request that changes something, or opens a socket, must come from a page of this gateway.
    """

    def __init__(self, inner: ASGIApp, settings: GatewaySettings) -> None:
        self._inner, self._open = inner, settings.is_open
        self._public = _place(settings.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", "").lower(), headers.get("origin", "")
        if self._open and not self._is_here(host):
            why = f"this gateway answers on this machine only, not as {host!r}; set IMMICHVR_GATEWAY_PUBLIC_URL"
        # A socket is opened by no method.
        elif origin and scope.get("method") not in ("GET", "HEAD", "OPTIONS") and not self._is_own(origin, host):
            known_as = " and ".join(repr(name) for name in (host, self._public) if name) or "no name"
            why = (
                f"a page at {origin} may not do this: this gateway is asked for as {known_as}. If that page is "
                "the gateway's own, the proxy in front of it drops the header Host: have it passed on, or set "
                "IMMICHVR_GATEWAY_PUBLIC_URL to the address that people use"
            )
        else:
            await self._inner(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(Problem(403, "refused", why))(scope, receive, send)

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page is this gateway's. One without a place of its own says "null": it is nobody's."""
        theirs = _place(origin)
        return bool(theirs) and theirs in (host, self._public)

    def _is_here(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in LOOPBACK or (bool(self._public) and host == self._public)


def _place(address: str) -> str:
    """Host and port of an address; nothing where it is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
