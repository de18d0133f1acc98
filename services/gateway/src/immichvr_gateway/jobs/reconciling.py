"""Mending what a crash or an outage left between the queue, the events and the records, one job at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from immichvr_common.bus import Bus
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log

from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.looking import queued_subjects
from immichvr_gateway.jobs.records import JobRecord, is_followed

log = get_log(__name__)


class Reading(Protocol):
    """How far events have been read."""

    position: int

    async def is_caught_up(self) -> bool:
        """Whether everything that lies in the stream at this moment has been applied."""

    async def take(self, subject: str, data: bytes, seq: int) -> None:
        """Applies one event as if it were read just now."""


class Mender(Protocol):
    """What can be done about one job; each does nothing where nothing is to be done any more."""

    async def write_down(self, job_id: str) -> None: ...

    async def pay_debts(self, job_id: str) -> None: ...

    async def adopt(self, subject: str) -> None: ...

    async def declare_lost(self, job_id: str, run: int) -> None: ...


class Reconciler:
    """Compares what is known of jobs with what the streams say."""

    def __init__(self, bus: Bus, index: JobIndex, mender: Mender, reading: Reading | None) -> None:
        self._bus, self._index, self._mender, self._reading = bus, index, mender, reading
        self._missing: dict[str, int] = {}

    async def reconcile(self, unwritten: Iterable[str]) -> None:
        """Mends everything once. What goes wrong with one job keeps no other from being mended."""
        await self._each(self._mender.write_down, unwritten)
        await self._each(self._mender.pay_debts, [record.id for record in self._index if record.owed])
        subjects = await queued_subjects(self._bus)
        await self._each(self._mender.adopt, [subjects[one] for one in subjects if self._may_be_news(one)])
        await self._look_for_lost(set(subjects))

    def _may_be_news(self, job_id: str) -> bool:
        """Whether a message in the queue tells more than is known: no record, or one of a run that has ended."""
        known = self._index.get(job_id)
        return known is None or known.state.terminal

    async def _look_for_lost(self, queued: set[str]) -> None:
        """A job that is seen in no queue twice, and has no end among the events, is lost.

        Its end may have been told between, so that no conclusion is drawn while events wait to be read.
        """
        missing = {record.id: record.run for record in self._index if _should_be_queued(record, queued)}
        twice = [job_id for job_id, run in missing.items() if self._missing.get(job_id) == run]
        if twice and self._reading is not None and not await self._reading.is_caught_up():
            return
        self._missing = missing

        async def declare_lost(job_id: str) -> None:
            await self._mender.declare_lost(job_id, missing[job_id])

        await self._each(declare_lost, twice)

    async def _each(self, mend: Callable[[str], Awaitable[None]], names: Iterable[str]) -> None:
        for name in list(names):
            try:
                await mend(name)
            except Unavailable:
                raise
            except Exception as error:  # one bad record must not keep the others from being mended
                log.error("a job cannot be mended", step=mend.__name__, job=name, exc_info=error)


def _should_be_queued(record: JobRecord, queued: set[str]) -> bool:
    return not (record.state.terminal or is_followed(record) or record.owed or record.id in queued)
