"""When storage fails with one request: is it away, is it full, or is it this object?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from immichvr_common.errors import CorruptObject, StorageFull
from immichvr_common.logs import get_log
from immichvr_common.storage_answers import Trouble

log = get_log(__name__)
T = TypeVar("T")

_WRITE_AGAIN_S = (0.5, 1.5, 3.0, 4.0)
"""Between tries of a write that storage fails with: servers that start take none for a few seconds."""
_READ_AGAIN_S = 0.2
_TRIED_ITSELF_S = 5.0
"""Storage that took so long to say no has tried again itself (SeaweedFS does for 13 s): so would another read."""
_UNSURE_S = 10.0
"""For so long a read is tried again where no other object could be read to compare."""
_REMEMBERED_S = 60.0
_MOST_REMEMBERED = 4096


class Run(Protocol):
    """Has a thread do what asks storage for an object."""

    def __call__(self, work: Callable[[], T], key: str) -> Awaitable[T]: ...


class Verdicts:
    """Runs what asks storage for one object, and looks into a failure with it by asking for another.

    probe: reads an object that is known to be there; True where that worked, False where nothing could be read to
    compare though storage answers; raises Unavailable where it does not.
    """

    def __init__(self, run: Run, probe: Callable[[], Awaitable[bool]]) -> None:
        self._run, self._probe = run, probe
        self._damaged: dict[str, float] = {}
        self.full: StorageFull | None = None
        """Why nothing can be written, for as long as no write has succeeded since."""

    @property
    def damaged(self) -> int:
        """How many objects are known to be damaged, of those asked for lately."""
        return len(self._damaged)

    def suspect(self) -> None:
        """Has the next write that storage fails with be taken for the last sign that it is full."""
        self.full = self.full or StorageFull("s3", "the object storage has taken nothing lately")

    async def reading(self, work: Callable[[], T], key: str) -> T:
        """A read of one object. Raises CorruptObject where only it fails, Unavailable where storage does."""
        if time.monotonic() - self._damaged.get(key, -_REMEMBERED_S) < _REMEMBERED_S:
            raise _damaged(key)
        started = time.monotonic()
        while True:
            asked = time.monotonic()
            try:
                found = await self._run(work, key)
            except Trouble as first:
                took_s = time.monotonic() - asked
                is_sure = await self._probe()
                if is_sure and first.was_answered and took_s > _TRIED_ITSELF_S:
                    self._note(key)
                    raise _damaged(key) from first
                try:
                    found = await self._run(work, key)
                except Trouble:
                    if not is_sure and time.monotonic() - started < _UNSURE_S:
                        await asyncio.sleep(_READ_AGAIN_S)
                        continue
                    self._note(key)
                    raise _damaged(key) from first
            self._damaged.pop(key, None)
            return found

    async def writing(self, work: Callable[[], T], key: str) -> T:
        """A write of one object. Raises StorageFull where storage answers and takes nothing for seconds."""
        for delay in (*(() if self.full else _WRITE_AGAIN_S), None):
            try:
                done = await self._run(work, key)
            except StorageFull as error:
                self.full = error
                raise
            except Trouble as error:
                await self._probe()
                if delay is None:
                    words = f"storage answers, but takes nothing ({error.told}): it has most likely no room left"
                    self.full = StorageFull("s3", words)
                    raise self.full from error
                await asyncio.sleep(delay)
                continue
            self.full = None
            self._damaged.pop(key, None)
            return done
        raise AssertionError("the last try returns or raises")

    def _note(self, key: str) -> None:
        log.error("an object is damaged in storage", key=key)
        self._damaged[key] = time.monotonic()
        if len(self._damaged) > _MOST_REMEMBERED:
            del self._damaged[next(iter(self._damaged))]


def _damaged(key: str) -> CorruptObject:
    return CorruptObject(f"{key} is damaged in storage, which is well otherwise: make it anew", key)
