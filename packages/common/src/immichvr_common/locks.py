"""A lock per name, there as long as somebody holds it or waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class _Shared:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class KeyedLocks:
    """Lets one at a time do something about one name."""

    def __init__(self) -> None:
        self._shared: dict[str, _Shared] = {}

    def __len__(self) -> int:
        return len(self._shared)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Waits until nobody else holds the name, then holds it."""
        shared = self._shared.setdefault(name, _Shared())
        shared.users += 1
        try:
            async with shared.lock:
                yield
        finally:
            shared.users -= 1
            if not shared.users:
                del self._shared[name]
