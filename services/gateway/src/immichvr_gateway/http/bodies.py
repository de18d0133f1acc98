"""Requests with their bodies, which are small and come within a time; WebSockets that can be ended from this side."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immichvr_gateway.http.headers import unkept
from immichvr_gateway.http.lines import on_a_line
from immichvr_gateway.http.problems import Problem, answer

_BODY_S = 20.0
_LARGER_BODIES = {"/api/reconstruct": 1024 * 1024}
"""Bytes of a request that may bring more than wishes: the cameras of a thousand photos."""


class Bounded:
    """Passes on a request once its body is here, and a WebSocket as a connection that can be ended.

    max_body: bytes; what has more, or takes its time, is refused before anything else looks at it.
    """

    def __init__(self, inner: ASGIApp, max_body: int) -> None:
        self._inner, self._max_body = inner, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await on_a_line(self._inner, scope, receive, send)
            return
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        most = max(self._max_body, _LARGER_BODIES.get(scope["path"], 0))
        try:
            if announced.isdecimal() and int(announced) > most:
                raise _BodyTooLarge
            async with asyncio.timeout(_BODY_S):
                body = await _whole(receive, most)
        except _Left:
            return
        except _BodyTooLarge:
            problem = Problem(413, "body_too_large", f"a request's body may have {most} bytes")
            await answer(problem)(scope, receive, send)
            return
        except TimeoutError:
            problem = Problem(408, "too_slow", f"the request's body did not come within {_BODY_S:.0f} s")
            await answer(problem)(scope, receive, send)
            return
        messages: deque[Message] = deque([{"type": "http.request", "body": body, "more_body": False}])

        async def replayed() -> Message:
            return messages.popleft() if messages else await receive()

        await self._inner(scope, replayed, unkept(send) if scope["path"].startswith("/api/") else send)


async def _whole(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        body += message.get("body", b"")
        if len(body) > most:
            raise _BodyTooLarge
        if not message.get("more_body", False):
            return bytes(body)


class _BodyTooLarge(Exception):
    """A body above the limit."""


class _Left(Exception):
    """Whoever asked has left before the request was whole."""
