"""Refusing what web pages elsewhere ask for in somebody's name."""

from __future__ import annotations

from urllib.parse import urlsplit

from immichvr_gateway.settings import LOOPBACK, GatewaySettings


class OriginGuard:
    """Refuses requests that a web page elsewhere made in somebody's name.

    On an open gateway `Host` must be this machine (else a name that somebody points at 127.0.0.1 would do), and
    a request that changes something, or opens a socket, must come from a page of this gateway.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._open = settings.is_open
        self._public = _place(settings.public_url)

    def refusal(self, method: str, host: str, origin: str, is_socket: bool) -> str:
        """Why a request is refused; empty if it is not."""
        host = host.lower()
        if self._open and not self._is_here(host):
            return f"this gateway answers on this machine only, not as {host!r}; set IMMICHVR_GATEWAY_PUBLIC_URL"
        if (is_socket or method not in ("GET", "HEAD", "OPTIONS")) and origin:
            theirs = _place(origin)
            # A page without a place of its own says "null": it is nobody's.
            if not theirs or theirs not in (host, self._public):
                known_as = " and ".join(repr(name) for name in (host, self._public) if name) or "no name"
                return (
                    f"a page at {origin} may not do this: this gateway is asked for as {known_as}. If that page is "
                    "the gateway's own, the proxy in front of it drops the header Host: have it passed on, or set "
                    "IMMICHVR_GATEWAY_PUBLIC_URL to the address that people use"
                )
        return ""

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
