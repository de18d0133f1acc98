"""How much a gRPC server takes on: calls at once, and bytes of requests in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from immichvr_common.callers import Refused


class Room:
    """calls: at the same time; memory: bytes of all their requests; wait_s: how long a request waits for memory."""

    def __init__(self, calls: int, memory: int, wait_s: float) -> None:
        self._calls, self._free, self._wait_s = calls, memory, wait_s
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def place(self, largest: int) -> AsyncIterator[Place]:
        """A place for one call, with memory for a request of `largest` bytes, before any of it is read.

        Raises Refused (RESOURCE_EXHAUSTED): at once where there are too many calls, after `wait_s` where there is no
        memory.
        """
        if not self._calls:
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy: too many calls at once; try again later")
        self._calls -= 1
        try:
            await self._take(largest)
            place = Place(self, largest)
            try:
                yield place
            finally:
                place.keep(0)
        finally:
            self._calls += 1

    def give(self, size: int) -> None:
        """Gives memory back, to those who wait first."""
        self._free += size
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, granted = self._waiting.popleft()
            if not granted.done():
                self._free -= wanted
                granted.set_result(None)

    async def _take(self, size: int) -> None:
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, granted))
        try:
            async with asyncio.timeout(self._wait_s):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self.give(size)
            if isinstance(error, TimeoutError):
                words = "busy: too many requests are in memory; try again later"
                raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, words) from error
            raise


class Place:
    """One call's place. held: bytes that are reserved for its request."""

    def __init__(self, room: Room, held: int) -> None:
        self._room, self.held = room, held

    def keep(self, size: int) -> None:
        """Keeps no more than `size` of the bytes that are reserved."""
        freed, self.held = self.held - size, size
        self._room.give(freed)
