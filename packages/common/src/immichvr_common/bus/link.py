"""What is known of the way to the server, as the client itself tells it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from immichvr_common.logs import get_log

log = get_log(__name__)


class Link:
    """Whether there is a connection. losses: how often it was lost; a server asked before knows of no request."""

    def __init__(self) -> None:
        self.client: Any = None
        self.losses = 0
        self._listeners: list[Callable[[], None]] = []
        self._back = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether the server can be reached right now, as far as the client knows."""
        return self.client is not None and bool(self.client.is_connected)

    def on_back(self, listener: Callable[[], None]) -> None:
        """Tells somebody of every new connection, until `forget`."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Tells them no more."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    async def until_back(self, within_s: float) -> None:
        """Returns when there is a new connection, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._back.wait()

    async def lost(self) -> None:
        """For the client: there is no connection any more."""
        self.losses += 1
        if not self.client.is_closed:
            log.warning("NATS is gone, reconnecting")

    async def back(self) -> None:
        """For the client: there is a new connection."""
        log.info("NATS is back")
        before, self._back = self._back, asyncio.Event()
        before.set()
        for listener in list(self._listeners):
            listener()
