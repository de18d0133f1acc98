"""What waits for somebody for a few minutes: it lies sealed in the bucket `state`, so that any gateway may be asked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from immichvr_common.bus import Bus, Stored
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, NotFound, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.library import LibraryUnavailable
from immichvr_gateway.library.errors import LibraryError

log = get_log(__name__)

WAITS_S = 300
"""So long a slip is good."""
_TIDY_S = 600.0
_STREAM = f"KV_{KV_STATE}"

Undo = Callable[[dict[str, Any]], Awaitable[None]]


class Slips:
    """Slips of one kind, by name, of which `facts["at"]` says when they were written. clock: of the day.

    on_expired: undoes what was done for a slip that nobody came for, before it goes; doing it twice changes nothing.
    """

    def __init__(self, kind: str, seal: Seal, clock: Callable[[], float] = time.time) -> None:
        self.kind, self._seal, self._clock = kind, seal, clock
        self._bus: Bus | None = None
        self.on_expired: Undo | None = None

    def use(self, bus: Bus) -> None:
        """From now on there may be some."""
        self._bus = bus

    async def read(self, name: str) -> tuple[dict[str, Any] | None, int]:
        """What a slip says, None where none is good, and the revision to change it at. Raises Unavailable."""
        kept = await self._connected().kv(KV_STATE).get(self._key(name))
        facts = self._seal.open(kept.value or b"")
        if facts is None or facts["at"] + WAITS_S < self._clock():
            return None, kept.revision
        return facts, kept.revision

    async def write(self, name: str, facts: dict[str, Any], revision: int) -> int:
        """Writes a slip over what was read; its revision. Raises Conflict, Unavailable."""
        return await self._connected().kv(KV_STATE).update(self._key(name), self._seal.close(facts), last=revision)

    async def take(self, name: str, revision: int) -> bool:
        """Takes a slip away that was read: of several who do at once, one. Raises Unavailable."""
        bus = self._connected()
        try:
            taken = await bus.kv(KV_STATE).update(self._key(name), b"", last=revision)
        except Conflict:
            return False
        with suppress(Unavailable):  # it is taken all the same, and what is empty is tidied away later
            await bus.purge(_STREAM, self._subject(name), through=taken)
        return True

    async def keep_tidy(self) -> None:
        """Removes what nobody came for, now and then, until cancelled."""
        await forever(self.remove_expired, "codes and invitations that nobody used stay for now", _TIDY_S)

    async def remove_expired(self) -> None:
        """Removes what is good no more. Raises Unavailable."""
        bus = self._connected()
        for subject in await bus.subjects(_STREAM, self._subject(">")):
            try:
                last = await bus.last(_STREAM, subject)
            except NotFound:
                continue
            if last.at is None or self._clock() - last.at.timestamp() <= 2 * WAITS_S:
                continue
            try:
                through = await self._undone(subject, last)
            except Conflict:  # it was taken meanwhile, or the name is that of another slip
                continue
            except LibraryError as error:
                log.warning("what nobody came for stays for now", kind=self.kind, error=error.message)
                if isinstance(error, LibraryUnavailable):  # it would answer for no other either
                    return
                continue
            await bus.purge(_STREAM, subject, through=through)

    async def _undone(self, subject: str, last: Stored) -> int:
        """Undoes what was done for a slip; up to which revision it may go. Raises Conflict, LibraryError, Unavailable.

        Before that it is made one that nobody can take, and which still says what is to be undone where that fails.
        """
        facts = self._seal.open(last.data)
        if facts is None or self.on_expired is None:
            return last.seq
        revision = await self.write(subject.removeprefix(self._subject("")), {**facts, "at": 0.0}, last.seq)
        await self.on_expired(facts)
        return revision

    def _key(self, name: str) -> str:
        return f"{self.kind}.{name}"

    def _subject(self, name: str) -> str:
        return f"$KV.{KV_STATE}.{self._key(name)}"

    def _connected(self) -> Bus:
        if self._bus is None or not self._bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        return self._bus


def hashed(secret: str) -> str:
    """What a slip keeps of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()
