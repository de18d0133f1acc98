"""What a worker does about storage that is away or full: it waits without holding a place, and takes no more jobs."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from immichvr_common.disk import free_bytes
from immichvr_common.errors import ClockSkew, DeadlineExceeded, StorageRefused, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.reporting import Active
from immichvr_common.retrying import until_up
from immichvr_common.storage import ObjectStore

log = get_log(__name__)
T = TypeVar("T")

_ASKED_EVERY_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 60.0


class WorkingTime:
    """What is left of the time a job may take; an outage does not count."""

    def __init__(self, seconds: float) -> None:
        self._whole = self.left_s = seconds

    async def spent_on(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does something in it. Raises DeadlineExceeded."""
        self.check()
        before, started = self.left_s, time.monotonic()
        try:
            async with asyncio.timeout(self.left_s):
                return await work()
        except TimeoutError as error:
            raise self._exceeded() from error
        except Unavailable:
            started = time.monotonic()
            raise
        finally:
            self.left_s = max(0.0, before - (time.monotonic() - started))

    def spend(self, seconds: float) -> None:
        """Counts what was spent elsewhere."""
        self.left_s = max(0.0, self.left_s - seconds)

    def check(self) -> None:
        """Raises DeadlineExceeded where nothing is left."""
        if not self.left_s:
            raise self._exceeded()

    def _exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"fetching, working and storing took longer than {self._whole:.0f} s")


class Outages:
    """Knows whether storage is away or full, as far as jobs have seen.

    places: what a job holds one of while it is worked on; given back while it waits. keep_free: bytes that must be
    free where temporary files lie, for another job to be taken.
    """

    def __init__(self, store: ObjectStore, places: asyncio.Semaphore, keep_free: int = 0) -> None:
        self._store, self._places, self._keep_free = store, places, keep_free
        self._is_away = False
        self._pause_s, self._paused_until = _FIRST_PAUSE_S, 0.0

    async def patiently(self, active: Active, left: WorkingTime, work: Callable[[], Awaitable[T]]) -> T:
        """Does something with storage for a job, waiting for storage to come back as long as it takes.

        Raises DeadlineExceeded, and what `work` raises but for Unavailable.
        """
        result = await until_up(
            partial(left.spent_on, work), "a job waits for storage",
            pause=partial(self._wait, active), seen=self._has_begun, job_id=active.job.id,
        )  # fmt: skip
        self._is_away = False
        return result

    def _has_begun(self, outage: Exception) -> None:
        self._is_away = True

    async def _wait(self, active: Active, seconds: float) -> None:
        if not active.holds_place:
            await asyncio.sleep(seconds)
            return
        active.holds_place = False
        self._places.release()
        await asyncio.sleep(seconds)
        await self._places.acquire()
        active.holds_place = True

    @property
    def last(self) -> bool:
        """Whether one is known of that may not be over, or the disk has too little room for another job."""
        return self._is_away or time.monotonic() < self._paused_until or self._is_disk_full()

    def is_full(self) -> None:
        """Something had no room: another job would have none either. Each time it is said the pause is longer."""
        self._paused_until = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def has_room(self) -> None:
        """Something was stored."""
        self._pause_s, self._paused_until = _FIRST_PAUSE_S, 0.0

    def _is_disk_full(self) -> bool:
        return self._keep_free > 0 and free_bytes(Path(tempfile.gettempdir())) < self._keep_free

    async def until_over(self, stopping: asyncio.Event) -> None:
        """Lets no job be fetched that could not get its files, or not leave what it made."""
        if self._is_disk_full():
            log.warning("no jobs are taken: the disk has too little room", keep_free=self._keep_free)
        while self.last and not stopping.is_set():
            await asyncio.sleep(_ASKED_EVERY_S)
            if self._is_away:
                try:
                    with contextlib.suppress(StorageRefused, ClockSkew):
                        await self._store.ping()
                except Unavailable:
                    continue
                self._is_away = False
