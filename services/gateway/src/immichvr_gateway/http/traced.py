"""A span around each request of the API, within whatever its caller names; what is asked for in it is within that."""

from __future__ import annotations

from immichvr_common.tracing import is_tracing, span
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER = "traceparent"
_UNSEEN = ("/api/started", "/api/ready", "/api/health")
"""What probes ask, every few seconds."""


class Traced:
    """Records requests. Goes right around the application, which tells in the scope which route it took."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not is_tracing() or not path.startswith("/api/") or path in _UNSEEN:
            await self._inner(scope, receive, send)
            return
        method, status = scope["method"], 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with span(method, Headers(scope=scope).get(_HEADER, ""), "server", **{"http.request.method": method}) as one:
            others = [(name, value) for name, value in scope["headers"] if name != _HEADER.encode()]
            scope["headers"] = [*others, (_HEADER.encode(), one.traceparent.encode())]
            try:
                await self._inner(scope, receive, noting)
            finally:
                # The route, not the path: that holds what somebody looks at.
                route = getattr(scope.get("route"), "path", "")
                one.name = f"{method} {route}".rstrip()
                one.attributes |= {"http.route": route, "http.response.status_code": status}
                one.error = str(status) if status >= 500 else ""
