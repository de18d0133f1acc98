"""A place for one thing, in which a newer one takes the place of an older."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestValue(Generic[T]):
    """Holds the newest item until somebody takes it; for use within one event loop."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._filled = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether something waits in it."""
        return self._item is not None

    def put(self, item: T) -> T | None:
        """Puts an item in; the one that had to go for it."""
        before, self._item = self._item, item
        self._filled.set()
        return before

    async def take(self) -> T:
        """Takes the item out, as soon as there is one."""
        while self._item is None:
            self._filled.clear()
            await self._filled.wait()
        item, self._item = self._item, None
        return item
