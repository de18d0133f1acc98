"""One gateway at a time: a turn that is taken in KV, and taken over from one that has stopped renewing it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict

_ASKED_EVERY_S = 1.0


SUFFIX = ".turn"
"""Of the keys under which turns lie; they mean nothing to a system that did not run while they were written."""


class Turn:
    """The right to do something that one gateway does at a time. What others wrote is judged by how long it did not
    change, never by anybody's clock.

    name: of what is done; the turn lies under `{name}{SUFFIX}`. patience_s: a holder that has not renewed for so long
    has lost it.
    """

    def __init__(self, bus: Bus, name: str, patience_s: float = 120) -> None:
        self._kv, self._key, self._patience_s = bus.kv(KV_STATE), f"{name}{SUFFIX}", patience_s
        self._name = secrets.token_hex(8).encode()
        self._mine: int | None = None
        self._seen, self._renewed_at = (0, 0.0), 0.0

    @property
    def is_mine(self) -> bool:
        """Whether this gateway took it, and has not learned since that another did."""
        return self._mine is not None

    async def take(self) -> bool:
        """Takes or renews the turn; False where another gateway has it. Raises Unavailable."""
        last = self._mine if self._mine is not None else await self._free()
        if last is None:
            return False
        try:
            self._mine = await self._kv.update(self._key, self._name, last=last)
        except Conflict:
            self._mine = None
            return False
        return True

    async def wait(self) -> bool:
        """Takes the turn, for as long as one needs to tell a holder that is gone from one that renews it.

        False where another gateway has it and goes on. Raises Unavailable.
        """
        every_s = min(_ASKED_EVERY_S, self._patience_s / 4)
        ends = time.monotonic() + self._patience_s + 2 * every_s
        while not await self.take():
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(every_s)
        return True

    async def hold(self, renew_s: float, on_taken: Callable[[], Awaitable[None]]) -> bool:
        """Whether it is this gateway's turn, which is renewed when it is so old; `on_taken` comes before a new one.

        Raises Unavailable.
        """
        was_mine = self.is_mine
        if was_mine and time.monotonic() - self._renewed_at < renew_s:
            return True
        if not await self.take():
            return False
        self._renewed_at = time.monotonic()
        if not was_mine:
            await on_taken()
        return True

    async def _free(self) -> int | None:
        """The revision over which the turn may be taken; None while somebody has it."""
        kept, now = await self._kv.get(self._key), time.monotonic()
        if kept.value is None:
            return kept.revision
        if self._seen[0] != kept.revision:
            self._seen = (kept.revision, now)
        return kept.revision if now - self._seen[1] > self._patience_s else None

    async def give_up(self) -> None:
        """Lets another gateway have the next turn at once."""
        if self._mine is not None:
            self._mine = None
            await self._kv.delete(self._key)
