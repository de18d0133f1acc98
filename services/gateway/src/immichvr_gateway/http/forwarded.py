"""What proxies say of a request: who sent it, and below which path they serve us; believed of proxies that are ours."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from immichvr_common.logs import get_log
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = get_log(__name__)

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]{1,64}){1,8}")
_COOKIE_PATH = re.compile(r"(;\s*path=)/(?=;|$)", re.IGNORECASE)


class BehindProxies:
    """Takes address, scheme and path of a request from `X-Forwarded-For`, `-Proto` and `-Prefix` of a named proxy.

    From anybody else they are what the client made up, and change nothing. The application sees paths as if it were
    served at the root; its answers' cookies and `Location` are for the path below which the proxy serves it.
    public_url: its path counts where a proxy sends no prefix, and where the path of a request begins with it.
    """

    def __init__(self, inner: ASGIApp, proxies: list[str], public_url: str) -> None:
        self._inner, self._prefix = inner, prefix_in(urlsplit(public_url).path)
        self._believing = ProxyHeadersMiddleware(inner, proxies)  # type: ignore[arg-type]  # its own types of ASGI
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        is_named = self._is_named(scope)
        if not self._told and not is_named:
            self._warn(scope)
        if prefix := self._prefix_of(scope, is_named):
            if scope["type"] == "http" and scope["path"] == prefix:
                # Without the slash at its end, what a page loads would be looked for beside it.
                await RedirectResponse(f"{prefix}/", 308)(scope, receive, send)
                return
            scope, send = below(scope, prefix), _said_below(prefix, send)
        await self._believing(scope, receive, send)  # type: ignore[arg-type]

    def _prefix_of(self, scope: Scope, is_named: bool) -> str:
        if is_named:
            told = Headers(scope=scope).get("x-forwarded-prefix", "").partition(",")[0]
            return prefix_in(told) or self._prefix
        return self._prefix if f"{scope['path']}/".startswith(f"{self._prefix}/") else ""

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


def prefix_in(path: str) -> str:
    """A path that a proxy may serve us below, without a slash at its end; empty where it is none."""
    path = path.strip().rstrip("/")
    return path if _PREFIX.fullmatch(path) and ".." not in path.split("/") else ""


def below(scope: Scope, prefix: str) -> Scope:
    """A request as if we were served at the root, whether or not the proxy has taken the prefix off."""
    path, raw = scope["path"], scope.get("raw_path")
    if path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
        raw = raw.removeprefix(prefix.encode()) if raw is not None else None
    return {**scope, "path": path, "raw_path": raw, "root_path": prefix}


def _said_below(prefix: str, send: Send) -> Send:
    async def say(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            location = headers.get("location", "")
            if location.startswith("/") and not location.startswith("//"):
                headers["location"] = prefix + location
            message["headers"] = [
                (name, _COOKIE_PATH.sub(rf"\g<1>{prefix}/", value.decode("latin-1")).encode("latin-1"))
                if name == b"set-cookie"
                else (name, value)
                for name, value in message["headers"]
            ]
        await send(message)

    return say
