"""How much there is to do for the workers of each service and pool, kept up to date by what becomes of jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable

from immichvr_gateway.jobs.line import Lane
from immichvr_gateway.jobs.machine import Phase
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.routing import AWAITED

Workers = tuple[str, str]
"""A service and a pool."""
_OF_AWAITED, _OF_BATCH = 2, 1


def weight(record: JobRecord) -> int:
    """How much a job counts: nothing once its own work is done, twice as much where somebody waits for it.

    A live session is a job for which somebody waits, for as long as it lasts.
    """
    lane = Lane.of(record)
    if lane is None or record.phase not in (Phase.QUEUED, Phase.RUNNING):
        return 0
    return _OF_AWAITED if lane.job_class == AWAITED else _OF_BATCH


class Demand:
    """The weights of all jobs that are queued, wait in line or run, by who does them.

    Nothing is known before `begin`. It comes of the records: each gateway that has heard the same says the same.
    """

    def __init__(self) -> None:
        self.is_known = False
        self._counted: dict[str, tuple[Workers, int]] = {}
        self._sums = Counter[Workers]()
        self._watchers: set[asyncio.Event] = set()
        self._is_over = False

    def begin(self, records: Iterable[JobRecord]) -> None:
        """Counts what there is."""
        self._counted.clear()
        self._sums.clear()
        for record in records:
            self._count(record)
        self.is_known = True
        self._wake()

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs."""
        if self._count(record):
            self._wake()

    def of(self, workers: Workers) -> int:
        """The weights of the jobs of these workers."""
        return self._sums[workers]

    async def activity(self, workers: Workers) -> AsyncGenerator[bool]:
        """Whether there is anything to do: once it is known, and whenever it changes, until `close`."""
        woken, said = asyncio.Event(), None
        self._watchers.add(woken)
        try:
            while not self._is_over:
                woken.clear()
                now = self.of(workers) > 0
                if self.is_known and now is not said:
                    said = now
                    yield now
                else:
                    await woken.wait()
        finally:
            self._watchers.discard(woken)

    def close(self) -> None:
        """Ends what watches."""
        self._is_over = True
        self._wake()

    def _count(self, record: JobRecord) -> bool:
        """Takes in what a job is now; whether the sums changed."""
        lane, counts = Lane.of(record), weight(record)
        now = (lane.workers, counts) if lane is not None and counts else None
        before = self._counted.get(record.id)
        if now == before:
            return False
        if before is not None:
            self._sums[before[0]] -= before[1]
        if now is None:
            del self._counted[record.id]
        else:
            self._counted[record.id] = now
            self._sums[now[0]] += now[1]
        return True

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()
