"""One gateway at a time: a turn that is taken in KV, and taken over from one that has stopped renewing it."""

from __future__ import annotations

import secrets
import time

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

_KEY = "retention.turn"


class Turn:
    """The right to tidy up. What others wrote is judged by how long it did not change, never by anybody's clock.

    patience_s: a holder that has not renewed for so long has lost it.
    """

    def __init__(self, bus: Bus, patience_s: float = 120) -> None:
        self._bus, self._patience_s = bus, patience_s
        self._name = secrets.token_hex(8).encode()
        self._kv: KeyValue | None = None
        self._mine: int | None = None
        self._seen = (0, 0.0)

    async def take(self) -> bool:
        """Takes or renews the turn; False where another gateway has it. Raises what the NATS client raises."""
        if self._kv is None:
            self._kv = await self._bus.js.key_value(KV_STATE)
        last = self._mine if self._mine is not None else await self._free(self._kv)
        if last is None:
            return False
        try:
            self._mine = await self._kv.update(_KEY, self._name, last=last)
        except KeyWrongLastSequenceError:
            self._mine = None
            return False
        return True

    async def _free(self, kv: KeyValue) -> int | None:
        """The revision over which the turn may be taken; None while somebody has it."""
        try:
            revision = (await kv.get(_KEY)).revision or 0
        except KeyNotFoundError as error:
            return (error.entry.revision if error.entry is not None else None) or 0
        now = time.monotonic()
        if self._seen[0] != revision:
            self._seen = (revision, now)
        return revision if now - self._seen[1] > self._patience_s else None

    async def give_up(self) -> None:
        """Lets another gateway have the next turn at once."""
        if self._kv is not None and self._mine is not None:
            self._mine = None
            await self._kv.delete(_KEY)
