"""What proxies say of a request's client, believed where the proxy is one of ours."""

from __future__ import annotations

from immichvr_common.logs import get_log
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = get_log(__name__)


class BehindProxies:
    """Takes address and scheme of a request from `X-Forwarded-For` and `-Proto` where a named proxy sends them.

    From anybody else they are what the client made up, and change nothing.
    """

    def __init__(self, inner: ASGIApp, proxies: list[str]) -> None:
        self._inner = inner
        self._believing = ProxyHeadersMiddleware(inner, proxies)  # type: ignore[arg-type]  # its own types of ASGI
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._told and scope["type"] != "lifespan" and not self._is_named(scope):
            self._warn(scope)
        await self._believing(scope, receive, send)  # type: ignore[arg-type]

    def _is_named(self, scope: Scope) -> bool:
        client = scope.get("client")
        return client is not None and client[0] in self._believing.trusted_hosts

    def _warn(self, scope: Scope) -> None:
        if any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            self._told = True
            log.warning(
                "X-Forwarded-For comes from an address that is not named in IMMICHVR_GATEWAY_TRUSTED_PROXIES; "
                "it is not believed, and everybody behind that address counts as one when they sign in",
                address=(scope.get("client") or ("",))[0],
            )
