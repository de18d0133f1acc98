"""WebSocket connections that can be ended from this side, whether or not the other side reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINE = "immichvr.line"
"""Where it lies in a connection's ASGI scope."""
_PATIENCE_S = 20.0
_TRY_AGAIN_LATER = 1013
T = TypeVar("T")


class Dropped(OSError):
    """The connection was ended by us."""


class DroppableConnection:
    """One connection. A client that takes nothing for 20 s is dropped."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._dropped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sending: set[asyncio.Timeout] = set()

    def drop(self) -> None:
        """Ends the connection: what is being sent is given up, and the application is told of a disconnect."""
        if not self._dropped.done():
            self._dropped.set_result(None)
            for patience in self._sending:
                if not patience.expired():
                    patience.reschedule(0)

    async def receive(self) -> Message:
        """The next message; a disconnect once the connection is dropped."""
        try:
            return await self._unless_dropped(self._receive())
        except Dropped:
            return {"type": "websocket.disconnect", "code": _TRY_AGAIN_LATER}

    async def send(self, message: Message) -> None:
        """Sends a message. Raises Dropped."""
        if self._dropped.done():
            raise Dropped
        # Most are taken at once: a task for each of them would be a third of what it costs to tell 500 people.
        patience = asyncio.timeout(_PATIENCE_S)
        try:
            async with patience:
                self._sending.add(patience)
                await self._send(message)
        except TimeoutError as error:
            self.drop()
            raise Dropped from error
        finally:
            self._sending.discard(patience)
        if self._dropped.done():
            raise Dropped

    async def _unless_dropped(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._dropped), return_when=asyncio.FIRST_COMPLETED)
            if self._dropped.done():
                raise Dropped
            return task.result()
        finally:
            task.cancel()


async def on_a_line(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves a WebSocket connection by an application, as a DroppableConnection."""
    line = DroppableConnection(receive, send)
    await inner({**scope, LINE: line}, line.receive, line.send)
