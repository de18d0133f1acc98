"""Lets many through together, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """A lock that is shared by default; whoever asks to be alone waits for the others and keeps new ones out."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._alone = False

    @property
    def is_open(self) -> bool:
        """Whether nobody is alone, or waits to be."""
        return not self._alone

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Goes through together with others."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Goes through when nobody else is inside, and lets nobody in until it has left."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone)
            self._alone = True
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._inside == 0)
            yield
        finally:
            async with self._changed:
                self._alone = False
                self._changed.notify_all()
